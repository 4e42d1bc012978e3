"""An experiment becomes a page for people to code on, and its codes are carried in and out."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from themeloom.config import Experiment
from themeloom.errors import LabelError, ModelError
from themeloom.experiment import files_of, read_experiment
from themeloom.history.addition import add_to_run
from themeloom.labelling import codebooks, exports, imports, people
from themeloom.labelling.app import create_app
from themeloom.labelling.checks import Check, CheckScore, as_metrics, make_checks
from themeloom.labelling.serving import Hosting, listen, opened_soon, serve
from themeloom.labelling.store import Store
from themeloom.labelling.study import Guess, StudyPage
from themeloom.progress import NOBODY, Stages, Watcher
from themeloom.records import Bools, Corpus, Doubles, RunRecord
from themeloom.studies.label_store import drawn_already, listed_in_store, uses_store
from themeloom.studies.sampling import draw
from themeloom.studies.study import message_posterior, newest_run, read_corpus
from themeloom.studies.targets import Kind, check_target
from themeloom.system.atomic import whole_file
from themeloom.system.folders import Folders
from themeloom.themes.agreement import agreement
from themeloom.themes.codebook import read_codebook
from themeloom.themes.sample import read_listed, read_rows

FIRST = 100
"""Messages drawn into a label file that has none, if nobody says how many."""
WHO = "themeloom label"


@dataclass(frozen=True)
class Asked:
    """What somebody asks of the page."""

    draw: int | None = None
    design: str = "random"
    sheet: Path | None = None  # messages listed there are taken into the sample
    model: str | Path | None = None
    guess: bool = False
    coders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Opened:
    """A study, ready to be coded."""

    store: Store
    page: StudyPage
    new: int  # messages that were drawn into the sample just now
    links: dict[str, str]  # coder → secret of the personal link, where one was made just now


def open_study(
    experiment: str | Path, asked: Asked | None = None, *, root: str | Path = ".", watcher: Watcher = NOBODY
) -> Opened:
    """Open a study's label file, with its codebook and its sample as they are asked for.

    Parameters
    ----------
    experiment
        The experiment file (TOML).
    asked
        What to draw, and what to show. A label file without messages gets 100, drawn at random, by default.
    root
        The folder under which labels/, models/ and .themeloom/ lie.
    watcher
        Who watches.

    Raises
    ------
    ThemeloomError
        If anything that the user gave has a fault, or too few messages are left to draw from.
    """
    asked = asked or Asked()
    config, folders = read_experiment(experiment), Folders(Path(root))
    codebook = read_codebook(config.themes.codebook)
    corpus = read_corpus(config, folders, Stages(watcher))
    # All that can have a fault comes before the label file is made.
    page = _page(config, folders, corpus, _record(config, folders, asked), asked)
    names = [people.plain(name) for name in asked.coders]
    found = () if asked.sheet is None else (_listed(config, corpus, asked.sheet),)
    found = (*found, *_drawn(config, folders, corpus, asked, found))
    store = Store.open(folders.label_file(config.study.name), config.study.name)
    try:
        why = "as the file was when the page was started"
        codebooks.take_in(store, codebook, WHO, why)
        new = sum(store.add_messages(messages, WHO) for messages in found)
        names = [people.join(store, name) for name in names]
        links = {name: people.new_secret(store, name) for name in names if not people.has_link(store, name)}
    except BaseException:
        store.close()
        raise
    return Opened(store, page, new, links)


def _record(config: Experiment, folders: Folders, asked: Asked) -> RunRecord | None:
    """Load the run whose guesses are shown and whose topics are checked, if there is one."""
    needed = "showing the model's guess needs one"
    cure = "run the experiment first, or go without --guess"
    try:
        return newest_run(config.study.name, folders, asked.model, needed=needed, cure=cure)
    except ModelError:
        if asked.guess or asked.model is not None:
            raise
        return None


def _drawn(
    config: Experiment, folders: Folders, corpus: Corpus, asked: Asked, listed: Sequence[pl.DataFrame]
) -> tuple[pl.DataFrame, ...]:
    """Draw as many messages as are asked for, or the first hundred, beside those that a sheet lists."""
    number, empty = asked.draw, not any(map(len, listed)) and not listed_in_store(config, folders)
    if number is None and not empty:
        return ()
    taken = {*drawn_already(config, folders, corpus), *(one for table in listed for one in table["doc_id"])}
    if not uses_store(config):
        doc_ids = corpus.communications["doc_id"].to_list()
        taken.update(read_listed(config.themes, corpus.crosswalk, doc_ids, corpus.aside))
    left = len(set(corpus.communications["doc_id"]) - taken)
    if number is None and not left:
        raise LabelError(
            f"{config.themes.labels}: lists all messages of the corpus already, so that none can be drawn; "
            "take its messages onto the page by --sheet."
        )
    number = min(FIRST, left) if number is None else number
    return (draw(config, folders, corpus, sorted(taken), number, asked.design, asked.model),)


def _listed(config: Experiment, corpus: Corpus, sheet: Path) -> pl.DataFrame:
    """Give the messages that a sheet (or another table) lists, with what it says of how they were drawn.

    A message in several rows, as in a table with a row a code, is as the first of these says.
    """
    if not sheet.exists():
        raise LabelError(
            f"{sheet}: there is no such sheet; draw one by `themeloom sample`, or check the path."
        )
    same = sheet.resolve() == Path(config.themes.labels).resolve()
    key = config.themes.key if same else None
    themes = config.themes.model_copy(update={"labels": str(sheet), "key": key})
    doc_ids = corpus.communications["doc_id"].to_list()
    doc_ids = read_rows(themes, corpus.crosswalk, doc_ids, corpus.aside)
    drawn = imports.designs(sheet)
    random, count = config.themes.sample == "random", len(doc_ids)
    share = len(set(doc_ids)) / len(corpus.communications) if random else None
    table = pl.DataFrame(
        {
            "doc_id": doc_ids,
            "inclusion_probability": drawn.inclusion or [share] * count,
            "design": drawn.design or ["random" if random else "listed"] * count,
        },
        schema={"doc_id": pl.String, "inclusion_probability": pl.Float64, "design": pl.String},
    )
    return table.unique("doc_id", keep="first", maintain_order=True).join(
        corpus.communications.select("doc_id", "text"), on="doc_id", maintain_order="left"
    )


def _page(
    config: Experiment, folders: Folders, corpus: Corpus, record: RunRecord | None, asked: Asked
) -> StudyPage:
    return StudyPage(
        name=config.study.name,
        title=config.study.title,
        note=config.study.note,
        seed=config.study.seed,
        read_codebook=lambda: read_codebook(config.themes.codebook),
        agreement=agreement,
        guesses=_guesses(record, corpus) if record is not None and asked.guess else {},
        run=None if record is None else record.run,
        checks=() if record is None else _checks(record, config.study.seed),
        log_checks=None if record is None else lambda found: _log(record.run, found, config, folders),
    )


def _guesses(record: RunRecord, corpus: Corpus) -> dict[str, Guess]:
    doc_ids = corpus.communications["doc_id"].to_list()
    posterior = message_posterior(record, doc_ids)
    known: Bools = np.asarray(~np.isnan(posterior).any(axis=1))
    best = np.where(known[:, None], posterior, 0).argmax(axis=1)
    return {
        doc_id: Guess(record.codebook.keys[int(theme)], float(row[theme]))
        for doc_id, theme, row, is_known in zip(doc_ids, best, posterior, known, strict=True)
        if is_known
    }


def _checks(record: RunRecord, seed: int) -> tuple[Check, ...]:
    return make_checks(
        record.discovery.topics, topic_shares(record), record.communications["text"].to_list(), seed
    )


def topic_shares(record: RunRecord) -> Doubles:
    """Tell how near each message is to the mean of each topic's messages: cosine, (messages, topics)."""
    vectors, clusters = record.discovery.embeddings.vectors.astype(np.float64), record.discovery.clusters
    means = np.stack([vectors[clusters.topic == topic].mean(axis=0) for topic in range(clusters.count)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(vectors @ means.T)


def _log(run: str, found: list[CheckScore], config: Experiment, folders: Folders) -> str:
    tables = {"checks.json": [asdict(score) for score in found if score.coder == "all" or len(found) <= 3]}
    public = add_to_run(run, as_metrics(found), tables, folders.root, config.tracking.uri)
    return f"Logged to the run {run} in {public}."


def serve_study(opened: Opened, hosting: Hosting, *, browser: bool, said: Callable[[str], None]) -> None:
    """Serve a study until somebody stops it.

    Parameters
    ----------
    opened
        What `open_study` gave; it is closed at the end.
    hosting
        Where.
    browser
        Whether to open the browser.
    said
        Told of the links, a line each.

    Raises
    ------
    ThemeloomError
        If it cannot be served there, or not safely.
    """
    with opened.store, opened.store.settling():
        address = hosting.seen_as()
        listener = listen(hosting.host, hosting.port)
        people.end_leads(opened.store)
        token = secrets.token_urlsafe(32)
        app = create_app(opened.store, opened.page, address, token)
        start = f"{hosting.public}/start?token={token}"
        for name, secret in opened.links.items():
            said(f"{name}: {hosting.public}/start?token={secret}")
        said(f"{opened.page.name}: open {start}")
        with opened_soon(start, really=browser):
            serve(app, hosting, listener)


def export_labels(experiment: str | Path, out: Path, *, root: str | Path = ".") -> int:
    """Write all that was coded; what, and in which form, is told by the name.

    Names that end in ``.json`` are Label Studio's, in ``.qdpx`` REFI-QDA projects. CSV and Parquet files are
    label files, or, where the name begins with ``codes``, tables with a row a code.

    Returns
    -------
    int
        How many codes were written, decisions included.

    Raises
    ------
    ThemeloomError
        If there is no label file, the name tells no format, or the file cannot be written or is there
        already: it may hold codes.
    """
    config, folders = read_experiment(experiment), Folders(Path(root))
    kind = "codes" if out.name.startswith("codes") else "labels"
    endings = {".json": "label-studio.json", ".qdpx": "project.qdpx"}
    wanted = endings.get(out.suffix.lower(), f"{kind}{out.suffix.lower()}")
    chosen = {one.file: one for one in exports.FORMATS}.get(wanted)
    if chosen is None:
        raise LabelError(f"--out: {out}: end its name in .csv, .parquet, .json (Label Studio) or .qdpx.")
    check_target(out, Kind((out.suffix.lower(),)), [experiment, *files_of(config)])
    with Store.open(folders.label_file(config.study.name), config.study.name, make=False) as store:
        found = exports.everything(store)
        store.add("exported", "themeloom export-labels", detail=wanted)
    with whole_file(out) as draft:
        draft.write_bytes(chosen.write(found))
    return len(found.codes) + len(found.decisions)


def import_labels(
    experiment: str | Path, files: Sequence[Path], *, root: str | Path = ".", watcher: Watcher = NOBODY
) -> dict[Path, imports.Taken]:
    """Take in what was coded elsewhere; of each file how many codes were new or changed, and whose.

    Raises
    ------
    ThemeloomError
        If a file has a fault: then nothing of it is taken in.
    """
    config, folders = read_experiment(experiment), Folders(Path(root))
    said = {file: imports.read(file) for file in files}
    corpus = read_corpus(config, folders, Stages(watcher))
    crosswalk = dict(corpus.crosswalk.select("source_id", "doc_id").iter_rows())
    known = set(corpus.communications["doc_id"])
    with Store.open(folders.label_file(config.study.name), config.study.name, make=False) as store:

        def doc_id_of(given: str) -> str | None:
            return given if given in known else crosswalk.get(given)

        return {file: imports.take_in(store, found, file, doc_id_of) for file, found in said.items()}
