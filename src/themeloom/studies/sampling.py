"""An experiment and a design become a sheet of messages to label next."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from themeloom.config import Experiment
from themeloom.errors import LabelError
from themeloom.experiment import read_experiment
from themeloom.progress import NOBODY, Stages, Watcher
from themeloom.records import Corpus, Ints
from themeloom.studies.label_store import drawn_already, uses_store
from themeloom.studies.study import message_posterior, message_topics, newest_run, read_corpus
from themeloom.studies.targets import SHEET, check_target
from themeloom.system.atomic import whole_file
from themeloom.system.folders import Folders
from themeloom.system.sheets import as_sheet
from themeloom.themes.design import DESIGNS, Design, draw_sample
from themeloom.themes.sample import read_listed

CODERS = ("coder_1", "coder_2")
NEEDED = "this design needs topics"
CURE = "run the experiment first, name a model by --model, or draw a random sample"


def draw_sheet(
    experiment: str | Path,
    number: int,
    design: str = "random",
    *,
    root: str | Path = ".",
    model: str | Path | None = None,
    watcher: Watcher = NOBODY,
) -> pl.DataFrame:
    """Draw messages that the label file does not list.

    Parameters
    ----------
    experiment
        The experiment file (TOML); its label file need not be there yet.
    number
        How many to draw.
    design
        ``random``, ``stratified`` (by topic), ``grouped`` (evenly by group) or ``uncertain`` (of theme);
        ``stratified`` and ``uncertain`` ask a model.
    root
        The folder under which models/ and .themeloom/ lie.
    model
        The model: a folder, or a name as `load` takes it; by default the newest of the study.
    watcher
        Who watches.

    Returns
    -------
    polars.DataFrame
        Columns ``doc_id``, ``text`` (masked), ``inclusion_probability``, ``design``, and one a coder.

    Raises
    ------
    ThemeloomError
        If anything that the user gave has a fault, there is no model, or too few messages are left.
    """
    _check(design)
    config, folders = read_experiment(experiment), Folders(Path(root))
    corpus = read_corpus(config, folders, Stages(watcher))
    doc_ids = corpus.communications["doc_id"].to_list()
    if uses_store(config):
        taken = drawn_already(config, folders, corpus)
    else:
        taken = read_listed(config.themes, corpus.crosswalk, doc_ids, corpus.aside)
    drawn = draw(config, folders, corpus, taken, number, design, model)
    return drawn.with_columns(
        pl.lit(None, pl.String).alias(coder) for coder in config.themes.coders or CODERS
    )


def draw(  # noqa: PLR0913, PLR0917 (what to draw from, and what to draw)
    config: Experiment,
    folders: Folders,
    corpus: Corpus,
    taken: Sequence[str],
    number: int,
    design: str,
    model: str | Path | None = None,
) -> pl.DataFrame:
    """Draw messages that are not taken already.

    Parameters
    ----------
    config
        The experiment.
    folders
        Where models are.
    corpus
        Its messages.
    taken
        Which are drawn or labelled already.
    number, design, model
        As for `draw_sheet`.

    Returns
    -------
    polars.DataFrame
        Columns ``doc_id``, ``text`` (masked), ``inclusion_probability``, ``design``.

    Raises
    ------
    ThemeloomError
        If there is no such design, no model, or too few messages are left.
    """
    chosen = _check(design)
    doc_ids = corpus.communications["doc_id"].to_list()
    topic = group = posterior = None
    if chosen == "grouped":
        group = _groups(corpus)
    elif chosen != "random":
        record = newest_run(config.study.name, folders, model, needed=NEEDED, cure=CURE)
        topic = message_topics(record, doc_ids)
        posterior = message_posterior(record, doc_ids)
    drawn = draw_sample(
        doc_ids, taken, number, chosen, config.study.seed, topic=topic, group=group, posterior=posterior
    )
    texts = corpus.communications.select("doc_id", "text")
    return drawn.join(texts, on="doc_id", how="left", maintain_order="left").select(
        "doc_id", "text", "inclusion_probability", "design"
    )


def write_sheet(sheet: pl.DataFrame, out: Path) -> None:
    """Write a sheet as CSV that spreadsheets take for text alone.

    Raises
    ------
    OutputError
        If it is no CSV file, exists already (it may hold codes by now), or cannot be written.
    """
    check_target(out, SHEET)
    with whole_file(out) as draft:
        draft.write_bytes(as_sheet(sheet))


def _groups(corpus: Corpus) -> Ints:
    """Give each message the number of its group; -1 where it is unknown."""
    given = corpus.communications["group"]
    if given.null_count() == len(given):
        raise LabelError(
            "--design: 'grouped' needs groups, and no message has one; name their column by columns.group of "
            "a source, or use another design."
        )
    return given.rank("dense").cast(pl.Int64).fill_null(-1).to_numpy()


def _check(name: str) -> Design:
    for design in DESIGNS:
        if design == name:
            return design
    raise LabelError(f"--design: '{name}' is no design; use one of: {', '.join(DESIGNS)}.")
