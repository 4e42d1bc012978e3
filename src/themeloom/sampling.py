"""An experiment and a design become a sheet of messages to label next."""

import csv
import re
from pathlib import Path

import numpy as np
import polars as pl

from themeloom.atomic import whole_file
from themeloom.config import Experiment, read_experiment
from themeloom.corpus.anonymise import anonymise
from themeloom.corpus.ingest import read_sources
from themeloom.corpus.repeats import find_repeats
from themeloom.corpus.vault import Vault
from themeloom.errors import LabelError, ModelError, OutputError
from themeloom.folders import Folders
from themeloom.history import store
from themeloom.progress import NOBODY, Stages, Watcher
from themeloom.records import Corpus, Doubles, Ints, RunRecord
from themeloom.themes.design import DESIGNS, Design, draw_sample
from themeloom.themes.sample import read_listed

CODERS = ("coder_1", "coder_2")
NO_TEXT = re.compile(r"[=+\-@\t\r]|\d+(e\d+)?$")  # what spreadsheets would run, or take for a number


def draw_sheet(
    experiment: str | Path,
    number: int,
    design: str = "random",
    *,
    root: str | Path = ".",
    model: Path | None = None,
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
        ``random``, ``stratified`` (by topic) or ``uncertain`` (of theme); the latter two ask a model.
    root
        The folder under which models/ and .themeloom/ lie.
    model
        The model folder; by default the newest of the study.
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
    chosen = _design(design)
    config, folders = read_experiment(experiment), Folders(Path(root))
    record = None if chosen == "random" else _record(config.study.name, folders.models, model)
    corpus = _corpus(config, folders, Stages(watcher))
    doc_ids = corpus.communications["doc_id"].to_list()
    listed = read_listed(config.themes, corpus.crosswalk, doc_ids)
    topic = posterior = None
    if record is not None:
        topic = _topics(record, doc_ids)
        posterior = _posterior(record, topic)
    drawn = draw_sample(doc_ids, listed, number, chosen, config.study.seed, topic=topic, posterior=posterior)
    texts = corpus.communications.select("doc_id", "text")
    return drawn.join(texts, on="doc_id", how="left", maintain_order="left").select(
        "doc_id",
        "text",
        "inclusion_probability",
        "design",
        *(pl.lit(None, pl.String).alias(coder) for coder in config.themes.coders or CODERS),
    )


def write_sheet(sheet: pl.DataFrame, out: Path) -> None:
    """Write a sheet as CSV that spreadsheets take for text alone.

    Raises
    ------
    OutputError
        If the file exists already (it may hold codes by now), or cannot be written.
    """
    if out.exists():
        raise OutputError(f"{out}: exists already, and may hold codes; give another name.")
    with whole_file(out) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(sheet.columns)
        writer.writerows([_inert(cell) for cell in row] for row in sheet.iter_rows())


def _inert(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and NO_TEXT.match(cell) else cell


def _design(name: str) -> Design:
    for design in DESIGNS:
        if design == name:
            return design
    raise LabelError(f"--design: '{name}' is no design; use one of: {', '.join(DESIGNS)}.")


def _corpus(config: Experiment, folders: Folders, stages: Stages) -> Corpus:
    vault = Vault.open(folders.private, config.study.name)
    with stages("ingest") as progress:
        raw = read_sources(config.sources, config.ingest, progress)
    with stages("repeats") as progress:
        unique = find_repeats(raw, config.repeats, progress)
    with stages("anonymise") as progress:
        return anonymise(unique, config.anonymise, vault, progress)


def _record(study: str, models: Path, model: Path | None) -> RunRecord:
    """Load the model asked for, or the newest of the study."""
    if model is not None:
        return store.load(model)
    for folder in reversed(store.models(models)):
        if folder.name.startswith(f"{study}-") and (record := store.load(folder)).study == study:
            return record
    raise ModelError(
        f"{models}: holds no run of the study '{study}', and this design needs topics; run the experiment "
        "first, name a model by --model, or draw a random sample."
    )


def _topics(record: RunRecord, doc_ids: list[str]) -> Ints:
    """Give each message the topic that the run gave it; -1 where the run did not have it."""
    topic_of = dict(record.communications.select("doc_id", "topic").iter_rows())
    if not any(one in topic_of for one in doc_ids):
        raise ModelError(
            f"{record.run}: has none of this study's messages (another study, or another key in "
            ".themeloom/private); name a run of this study by --model."
        )
    return np.array([topic_of.get(one, -1) for one in doc_ids], np.int64)


def _posterior(record: RunRecord, topic: Ints) -> Doubles:
    """Give each message the posterior of its topic; NaN where it has none."""
    posterior = record.mapping.posterior
    return np.vstack([posterior, np.full((1, posterior.shape[1]), np.nan)])[topic]
