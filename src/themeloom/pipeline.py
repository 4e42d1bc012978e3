"""The stages in order: from an experiment file to a kept, tracked and reported run."""

import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from themeloom.assigning.ray_engine import Ray
from themeloom.columns import AUDITED
from themeloom.config import Experiment
from themeloom.corpus.anonymise import anonymise
from themeloom.corpus.sufficiency import check_groups, check_sufficient
from themeloom.discovery.embed import Encoder
from themeloom.discovery.weights import check_folder
from themeloom.errors import OutputError
from themeloom.experiment import files_of, read_experiment
from themeloom.faults import Faults
from themeloom.history import store
from themeloom.history.backend import backend_of
from themeloom.history.machine import machine_watched
from themeloom.history.outbox import track_or_keep
from themeloom.history.parts import REPORT
from themeloom.model import Model
from themeloom.progress import NOBODY, Stages, Watcher
from themeloom.records import (
    Codebook,
    Corpus,
    LabelledSample,
    RawCorpus,
    RunRecord,
    UniqueCorpus,
)
from themeloom.reporting.html import write_report
from themeloom.reporting.summary import summarise
from themeloom.results.reports import paths_of, shared_report
from themeloom.running.authors import authors_of, counted
from themeloom.running.discover import embed_ahead
from themeloom.running.learning import Study, learn_study
from themeloom.running.result import RunResult, assigned
from themeloom.studies.label_store import begun, checked_labels
from themeloom.studies.study import corpus_notes, read_messages, vault_for_audit, vault_of
from themeloom.system import provenance
from themeloom.system.atomic import remove
from themeloom.system.cache import digest
from themeloom.system.folders import Folders
from themeloom.themes.candidates import find_candidates
from themeloom.themes.codebook import read_codebook


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run reads, checked: everything up to, not including, the encoder."""

    raw: RawCorpus
    unique: UniqueCorpus
    corpus: Corpus
    codebook: Codebook
    sample: LabelledSample
    coded: dict[str, int]  # how labels came about
    files: dict[str, str]  # name of each file that was read → its SHA-256
    config: Experiment  # with what the labels say of how they were drawn
    note: str = ""  # what a reader has to know of the labels


def run(
    experiment: str | Path, root: str | Path = ".", watcher: Watcher = NOBODY, cluster: Ray | None = None
) -> RunResult:
    """Run an experiment from raw exports to validated themes.

    Parameters
    ----------
    experiment
        The experiment file (TOML).
    root
        The folder under which models/, mlruns/ and .themeloom/ lie.
    watcher
        Who watches.
    cluster
        Where messages are embedded; by default in this process.

    Returns
    -------
    RunResult
        Topics, themes, scores and communications as tables; where model, report and MLflow run are.

    Raises
    ------
    ThemeloomError
        If anything that the user gave has a fault; all faults found are told at once.
    """
    started = datetime.now(UTC)
    folders, stages = Folders(Path(root)), Stages(watcher)
    asked = read_experiment(experiment)
    if cluster is not None:
        cluster.reach()  # and not when all has been read
    with machine_watched(asked.tracking.system_metrics) as samples:
        prepared = prepare(asked, folders, stages)
        config = prepared.config
        if cluster is not None:
            with stages("distribute") as progress:
                embed_ahead(prepared.corpus.texts, config, folders.cache, cluster, progress)
        study = learn_study(
            config, prepared.corpus, prepared.codebook, prepared.sample, folders.cache, stages
        )
        record = to_record(config, prepared, study, stages, started)
    # written first: if there is no room for what MLflow gets, no model is kept that it would not have
    with shared_report(record, folders.models / record.run) as shared:
        folder, report = keep(record, folders, stages)
        with stages("track") as progress:
            tracked = track_or_keep(
                record, folder, shared, config.tracking, folders.root, samples=samples, progress=progress
            )
    summary = summarise(record, paths=paths_of(folder), tracked=asdict(tracked))
    return RunResult(Model(record), summary, folder, report, tracked)


def check(experiment: str | Path, root: str | Path = ".", watcher: Watcher = NOBODY) -> Prepared:
    """Do everything of a run up to, not including, the encoder.

    Parameters
    ----------
    experiment
        The experiment file (TOML).
    root
        The folder under which .themeloom/ lies.
    watcher
        Who watches.

    Raises
    ------
    ThemeloomError
        If anything has a fault; all faults found are told at once.
    """
    folders = Folders(Path(root))
    return prepare(read_experiment(experiment), folders, Stages(watcher))


def audit(experiment: str | Path, root: str | Path = ".", watcher: Watcher = NOBODY) -> pl.DataFrame:
    """Tell what became of every raw row, for whoever holds the study's key.

    Parameters
    ----------
    experiment
        The experiment file (TOML).
    root
        The folder under which .themeloom/ lies.
    watcher
        Who watches.

    Returns
    -------
    polars.DataFrame
        One row a raw row: source_id, file, line, outcome, doc_id, reason.

    Raises
    ------
    ThemeloomError
        If the experiment file, a source or the study's key has a fault.
    """
    config, stages = read_experiment(experiment), Stages(watcher)
    vault = vault_for_audit(config, Folders(Path(root)), stages)
    _, unique = read_messages(config, stages)
    doc_id = pl.col("kept_id").map_elements(vault.doc_id, return_dtype=pl.String).alias("doc_id")
    return unique.outcomes.with_columns(doc_id).select(AUDITED)


def prepare(config: Experiment, folders: Folders, stages: Stages) -> Prepared:
    """Read and check everything that people gave; a fault does not keep the others from being told.

    Parameters
    ----------
    config
        The experiment.
    folders
        Where the study's key and its label file are.
    stages
        Opens and times each stage.

    Raises
    ------
    ThemeloomError
        If anything has a fault.
    """
    faults = Faults()
    there = faults.attempt(lambda: begun(config, folders))
    given = provenance.GivenFiles(files_of(config))
    codebook = faults.attempt(lambda: read_codebook(config.themes.codebook))
    faults.attempt(lambda: check_folder(config.encoder))
    faults.attempt(lambda: backend_of(config.tracking.uri, folders.root))
    vault = vault_of(config, folders, stages)
    read = faults.attempt(lambda: read_messages(config, stages))
    if read is None:
        raise faults.error()
    raw, unique = read
    faults.attempt(lambda: check_sufficient(unique, config.cluster.min_cluster_size))
    faults.attempt(lambda: check_groups(unique))
    with stages("anonymise") as progress:
        corpus = anonymise(unique, config.anonymise, vault, progress)
    labels = there and codebook and faults.attempt(lambda: checked_labels(config, folders, codebook, corpus))
    if not codebook or not labels or faults.found:
        raise faults.error()
    coded = labels.left_out | _coded(labels.sample)
    files = given.digests() | labels.digest
    return Prepared(raw, unique, corpus, codebook, labels.sample, coded, files, labels.config, labels.note)


def _coded(sample: LabelledSample) -> dict[str, int]:
    given = sample.codes >= 0
    several = int((given.sum(axis=1) > 1).sum())
    return {"coders": int(given.any(axis=0).sum()), "several": several, "adjudicated": sample.adjudicated}


def to_record(
    config: Experiment, prepared: Prepared, study: Study, stages: Stages, started: datetime
) -> RunRecord:
    """Put together all that is kept of a run, under a name of its own.

    Parameters
    ----------
    config
        The experiment.
    prepared
        What it read.
    study
        What it found.
    stages
        The times of its stages.
    started
        When it began, UTC.
    """
    codebook = prepared.codebook
    notes = (
        config.study.note,
        *corpus_notes(config, prepared.unique, prepared.corpus),
        prepared.note,
        study.note,
    )
    record = RunRecord(
        run=f"{config.study.name}-{started:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        study=config.study.name,
        title=config.study.title,
        note=" ".join(filter(None, notes)),
        config=config.model_dump(mode="json", by_alias=True),
        versions=provenance.versions(),
        digests=_digests(config, prepared),
        git=provenance.git_state(Path.cwd()),
        started_at=started.isoformat(timespec="seconds"),
        flow=prepared.unique.flow,
        unreadable=prepared.raw.unreadable.select("file", "line", "reason"),
        masked=prepared.corpus.masked,
        communications=assigned(prepared.corpus, study.discovery, study.mapping, codebook),
        discovery=study.discovery,
        quality=study.quality,
        codebook=codebook,
        mapping=study.mapping,
        adapted=study.adapted,
        scores=study.scores,
        evaluation=study.evaluation,
        times=tuple(stages.times),
        candidates=find_candidates(study.mapping, study.discovery.clusters.topic),
        labelled=tuple(prepared.sample.position[prepared.sample.decided].tolist()),
        authorless=prepared.corpus.communications["author"].null_count(),
        tied=int((~prepared.sample.decided).sum()),
        coded=prepared.coded,
        word_vectors=Encoder(config.encoder).word_vectors,
    )
    return replace(record, **counted(record, authors_of(prepared.corpus)))


def _digests(config: Experiment, prepared: Prepared) -> dict[str, str]:
    """Return digests of the files as given, the encoder, the masked corpus and the labelled sample."""
    encoder = Encoder(config.encoder)
    return {
        **prepared.files,
        **({provenance.WEIGHTS: encoder.weights} if encoder.weights else {}),
        **({provenance.FILES: encoder.files} if encoder.files != encoder.weights else {}),
        "corpus": provenance.corpus_digest(prepared.corpus.texts),
        "labelled sample": _labels_digest(prepared),
    }


def _labels_digest(prepared: Prepared) -> str:
    """Return a digest of what was said of which text: wherever it stands in the corpus."""
    sample, names = prepared.sample, [*prepared.codebook.keys, ""]  # -1, no code, is the last one
    texts = [prepared.corpus.texts[at] for at in sample.position.tolist()]
    codes = [[names[code] for code in row] for row in sample.codes.tolist()]
    return digest(sorted(zip(texts, [names[theme] for theme in sample.theme.tolist()], codes, strict=True)))


def keep(record: RunRecord, folders: Folders, stages: Stages) -> tuple[Path, Path]:
    """Keep a run's model folder and write its report there; return both paths.

    Raises
    ------
    OutputError
        If they cannot be written; then neither is kept, as each further try would take more of the disk.
    """
    with stages("keep"):
        folder = store.save(record, folders.models)
    with stages("report"):
        try:
            write_report(summarise(record, paths=paths_of(folder), tracked={}), record, folder / REPORT)
        except OutputError:
            remove(folder)
            raise
    return folder, folder / REPORT
