"""A batch of new messages added to a model without refitting it, and whether they still fit."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from themeloom.assigning.assignment import TOLD
from themeloom.assigning.fitting import TopicShare, drift_of, seen, topic_shares, verdict
from themeloom.assigning.updated import Batch, with_batch, with_words
from themeloom.config import AnonymiseConfig, ColumnsConfig, IngestConfig, RepeatsConfig, SourceConfig
from themeloom.corpus.anonymise import mask_texts, strip_numbers
from themeloom.corpus.ingest import read_sources
from themeloom.corpus.repeats import find_repeats
from themeloom.corpus.vault import Vault
from themeloom.discovery.describe import describe
from themeloom.discovery.drift import MISFIT, new_groups
from themeloom.discovery.neighbours import nearest_topic
from themeloom.discovery.words import word_splitter
from themeloom.errors import ConfigError, CorpusError
from themeloom.experiment import read_experiment
from themeloom.history.parts import MANIFEST
from themeloom.history.quiet import unlogged
from themeloom.history.registry import model_folder
from themeloom.model import Model, load
from themeloom.pipeline import keep
from themeloom.progress import NOBODY, Stages, Watcher
from themeloom.records import Flow, RawCorpus, RunRecord, UniqueCorpus
from themeloom.running.authors import numbered, with_more
from themeloom.scored import Score
from themeloom.system import provenance
from themeloom.system.folders import Folders


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic among messages that fit nowhere."""

    topic: int
    words: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Update:
    """What became of a batch, and whether it fits."""

    run: str
    parent: str
    folder: str
    flow: Flow  # of the batch; same_id and copies count what the model has already
    set_aside: tuple[dict[str, Any], ...]  # file, line and reason of the first thousand unreadable rows
    messages: int  # that were added
    verdict: str  # a key of `fitting.VERDICTS`
    discrepancy: float  # squared maximum mean discrepancy
    p_discrepancy: float
    misfits: Score  # share of the new messages that fit nowhere
    expected: float  # share of misfits without drift
    p_misfits: float
    shares: tuple[TopicShare, ...]  # none of fewer messages than `fitting.FEWEST`
    new_topics: tuple[NewTopic, ...]
    vault: bool  # whether the study's key was there, so that messages are known by their ids


@unlogged()
def update(  # noqa: PLR0913 (what, whence, how)
    model: str | Path,
    file: Path,
    columns: ColumnsConfig | None = None,
    *,
    root: str | Path = ".",
    experiment: Path | None = None,
    encoder: str | None = None,
    watcher: Watcher = NOBODY,
) -> Update:
    """Add a batch of messages to a model, as a new model; the old one stays as it is.

    Parameters
    ----------
    model
        The model: a folder, or what else `themeloom.load` takes.
    file
        Messages, in any format that a source can have.
    columns
        For tables: which column holds what.
    root
        The folder under which models/ and .themeloom/ lie.
    experiment
        The study's file: needed where words are always masked, as models do not keep these.
    encoder
        Where the encoder is, if the run used one from a folder of its own.
    watcher
        Who watches.

    Returns
    -------
    Update
        Where the new model is, and whether the messages fit.

    Raises
    ------
    ThemeloomError
        If the model or the file cannot be read, no message is new, or the model cannot be written.
    """
    folders, stages, started = Folders(Path(root)), Stages(watcher), datetime.now(UTC)
    parent = model_folder(str(model), folders.root)
    loaded = load(parent, encoder, root)
    record = loaded.record
    masking = _masking(record, experiment)
    vault = Vault.open(folders.private, record.study)
    found = _read(record, vault, file, columns, stages)
    with stages("anonymise") as progress:
        texts = mask_texts(found.unique.messages["text"].to_list(), masking, progress=progress)
    batch = _batch(loaded, found.unique.messages, texts, vault, stages)
    with stages("drift") as progress:
        progress.begin(None, "tests")
        drift = drift_of(loaded, batch.placed)
    batch, fit = _grouped(loaded, replace(batch, misfits=drift.fit.misfits)), drift.fit
    made = _named(_counted(record, batch), parent, file, batch, found, started)
    made = _described(loaded, made, file, folders, stages)
    vault.add_ids(_crosswalk(vault, found.unique, texts, record))  # first: no model is kept without its ids
    folder, _ = keep(made, folders, stages)
    before = len(record.discovery.topics)
    return Update(
        run=made.run,
        parent=record.run,
        folder=str(folder),
        flow=_flow(found, batch),
        set_aside=tuple(found.raw.unreadable.select("file", "line", "reason").head(TOLD).to_dicts()),
        messages=len(batch.read),
        verdict=verdict(drift),
        discrepancy=drift.discrepancy,
        p_discrepancy=drift.p,
        misfits=fit.share,
        expected=MISFIT,
        p_misfits=fit.p_misfits,
        shares=topic_shares(loaded, np.where(batch.placed.topic < before, drift.topic, -1)),
        new_topics=tuple(NewTopic(one.topic, one.words, one.size) for one in made.discovery.topics[before:]),
        vault=not vault.new,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    raw: RawCorpus
    unique: UniqueCorpus
    known: int  # rows whose ids the model's messages have


def _masking(record: RunRecord, experiment: Path | None) -> AnonymiseConfig:
    masking = AnonymiseConfig.model_validate(record.config["anonymise"])
    if experiment is not None:  # whose words count; what the model's messages were searched for does, too
        return read_experiment(experiment).anonymise.model_copy(update={"names": masking.names})
    if masking.mask:
        raise ConfigError(
            f"{record.run}: the study masks {len(masking.mask)} words always, which no model keeps; name the "
            "study's file, so that they are masked in the new messages too: --experiment EXPERIMENT."
        )
    return masking


def _read(
    record: RunRecord, vault: Vault, file: Path, columns: ColumnsConfig | None, stages: Stages
) -> _Found:
    source = SourceConfig(path=str(file), columns=columns or ColumnsConfig())
    with stages("ingest") as progress:
        raw = read_sources([source], IngestConfig(), progress)
    has = set(record.communications["doc_id"])
    known = {source_id for source_id, doc_id in vault.read_crosswalk().iter_rows() if doc_id in has}
    known |= {one for one in raw.rows["source_id"].unique() if vault.doc_id(one) in has}
    rows = raw.rows.filter([one not in known for one in raw.rows["source_id"]])
    if not len(rows):
        raise CorpusError(f"{file}: the model has all of its messages already; give a file with new ones.")
    with stages("repeats") as progress:
        repeats = RepeatsConfig.model_validate(record.config["repeats"])
        unique = find_repeats(RawCorpus(rows, raw.unreadable), repeats, progress)
    return _Found(raw, unique, len(raw.rows) - len(rows))


def _batch(model: Model, messages: pl.DataFrame, texts: list[str], vault: Vault, stages: Stages) -> Batch:
    """Place the messages that the model has not, and count those that it has."""
    known = _known(model.record)
    at = np.array([known.get(strip_numbers(text), -1) for text in texts], dtype=np.int64)
    again = np.zeros(len(model.record.communications), dtype=np.int64)
    np.add.at(again, at[at >= 0], messages["times_seen"].to_numpy()[at >= 0])
    new = np.flatnonzero(at < 0)
    if not len(new):
        raise CorpusError("All messages repeat what the model has already; give a file with new ones.")
    said = [texts[i] for i in new.tolist()]
    with stages("assign") as progress:
        placed = model.placing.place(said, progress)
    table = messages[new].with_columns(
        pl.Series("text", said), doc_id=pl.Series([vault.doc_id(one) for one in messages["source_id"][new]])
    )
    read = tuple(model.placing.read(text) for text in said)
    return Batch(table, read, placed, np.zeros(len(new), np.bool_), again)


def _known(record: RunRecord) -> dict[str, int]:
    return {strip_numbers(text): i for i, text in enumerate(record.communications["text"].to_list())}


def _counted(record: RunRecord, batch: Batch) -> RunRecord:
    grown, names = with_batch(record, batch), batch.messages.select(pl.coalesce("author", "author_id"))
    author = names.to_series()
    more = with_more(record, grown, numbered(author.to_list()))
    return replace(grown, **more, authorless=record.authorless + author.null_count())


def _grouped(model: Model, batch: Batch) -> Batch:
    """Give groups of messages that fit nowhere topics of their own, and what lies nearest to them too."""
    clusters, placed = model.record.discovery.clusters, batch.placed
    vectors, misfit = model.placing.seen(placed.raw, placed.adapted), np.flatnonzero(batch.misfits)
    group = new_groups(vectors[misfit], seen(model), clusters.topic, clusters.min_cluster_size)
    grouped = misfit[group >= 0]
    if not len(grouped):
        return batch
    inside, of_inside = model.placing.clustered
    members = np.concatenate([inside, vectors[grouped]])
    numbers = np.concatenate([of_inside, clusters.count + group[group >= 0]])
    topic, membership = nearest_topic(vectors, members, numbers)
    topic[grouped] = clusters.count + group[group >= 0]
    new = np.flatnonzero(topic >= clusters.count)
    posterior, said = placed.posterior.copy(), [batch.messages["text"][i] for i in new.tolist()]
    nowhere = np.full(len(new), -1)
    posterior[new] = model.placing.posterior(said, nowhere, placed.raw[new], placed.adapted[new])
    misfits = batch.misfits & (topic < clusters.count)
    placed = replace(placed, topic=topic, membership=membership, posterior=posterior)
    return replace(batch, placed=placed, misfits=misfits)


def _described(model: Model, made: RunRecord, file: Path, folders: Folders, stages: Stages) -> RunRecord:
    """Give new topics their words."""
    before, discovery = len(model.record.discovery.topics), made.discovery
    if discovery.clusters.count == before:
        return made
    vectors = model.encoder_used.cache(folders.cache)
    with stages("describe") as progress:
        topics = describe(
            discovery.embeddings,
            discovery.clusters,
            model.encoder_used,
            model.describing,
            vectors,
            progress,
        )
    reason = f"new in {file.name}: its messages fit no topic of {model.record.run}"
    split = word_splitter(discovery.embeddings.frequent_terms)
    return with_words(made, topics[before:], reason, split)


def _named(
    record: RunRecord, parent: Path, file: Path, batch: Batch, found: _Found, started: datetime
) -> RunRecord:
    said = (
        f"Updated with {len(batch.read):,} messages of {file.name}, without refitting: topics, mapping and "
        f"scores are those of {record.run}, and so are the estimates of prevalence."
    )
    unreadable = found.raw.unreadable.select("file", "line", "reason")
    return replace(
        record,
        run=f"{record.study}-{started:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        note=f"{record.note} {said}".strip(),
        versions=provenance.versions(),
        git=provenance.git_state(Path.cwd()),
        started_at=started.isoformat(timespec="seconds"),
        digests={
            **record.digests,
            "corpus": provenance.corpus_digest(record.communications["text"].to_list()),
            f"batch {file.name} on {record.run}": provenance.file_digest(file),
            f"{provenance.PARENT}{record.run}": provenance.file_digest(parent / MANIFEST),
        },
        flow=_sum(record.flow, _flow(found, batch)),
        unreadable=pl.concat([record.unreadable, unreadable]),
        times=(),
    )


def _flow(found: _Found, batch: Batch) -> Flow:
    """Return the flow of the batch: what the model has already is the same id, or a copy."""
    flow, known = found.unique.flow, found.known
    return replace(
        flow,
        identified=flow.identified + known,
        same_id=flow.same_id + known,
        copies=flow.copies + flow.unique - len(batch.read),
        unique=len(batch.read),
    )


def _sum(first: Flow, second: Flow) -> Flow:
    names = Flow.__dataclass_fields__
    return Flow(**{name: getattr(first, name) + getattr(second, name) for name in names})


def _crosswalk(vault: Vault, unique: UniqueCorpus, texts: list[str], record: RunRecord) -> pl.DataFrame:
    """Give the ids of the batch; a copy has the pseudonym of what it repeats."""
    known, doc_ids = _known(record), record.communications["doc_id"].to_list()
    ids = dict(zip(unique.messages["source_id"].to_list(), texts, strict=True))
    kept = {
        one: doc_ids[known[strip_numbers(text)]] if strip_numbers(text) in known else vault.doc_id(one)
        for one, text in ids.items()
    }
    rows = unique.outcomes.drop_nulls(["source_id", "kept_id"]).unique("source_id", maintain_order=True)
    return rows.select("source_id", doc_id=pl.col("kept_id").replace_strict(kept, return_dtype=pl.String))
