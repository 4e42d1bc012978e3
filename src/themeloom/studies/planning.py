"""An experiment and its newest run become a plan: what more labels are worth."""

from pathlib import Path

import numpy as np

from themeloom.errors import LabelError, ModelError
from themeloom.experiment import read_experiment
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL
from themeloom.progress import NOBODY, Stages, Watcher
from themeloom.records import Codebook, RunRecord
from themeloom.studies.label_store import begun, drawn_already, labels_of, uses_store
from themeloom.studies.study import message_posterior, newest_run, read_corpus
from themeloom.system.folders import Folders
from themeloom.themes.codebook import read_codebook
from themeloom.themes.outlook import Outlook
from themeloom.themes.plan import Level, Plan, plan

MORE = (50, 100, 200, 400)
NEEDED = "a plan starts from what a run found"


def plan_labels(
    experiment: str | Path,
    more: tuple[int, ...] | None = None,
    half_width: float | None = None,
    *,
    root: str | Path = ".",
    model: str | Path | None = None,
    watcher: Watcher = NOBODY,
) -> Plan:
    """Tell what further labels, drawn at random, are expected to narrow.

    Parameters
    ----------
    experiment
        The experiment file (TOML).
    more
        Numbers of further labels; by default 50, 100, 200 and 400, as far as messages are left.
    half_width
        Also find how many labels bring the share of every theme to this half-width of its 95% interval.
    root
        The folder under which models/ and .themeloom/ lie.
    model
        The model: a folder, or a name as `load` takes it; by default the newest of the study.
    watcher
        Who watches.

    Returns
    -------
    Plan
        A step for each number of labels, the first without any more.

    Raises
    ------
    ThemeloomError
        If anything that the user gave has a fault, there is no run, or too few messages are left.
    """
    _check(more, half_width)
    folders, stages = Folders(Path(root)), Stages(watcher)
    config = begun(read_experiment(experiment), folders)
    cure = f"run `themeloom run {experiment}` first, or name a model by --model"
    record = newest_run(config.study.name, folders, model, needed=NEEDED, cure=cure)
    codebook = _codebook(read_codebook(config.themes.codebook), record)
    corpus = read_corpus(config, folders, stages)
    doc_ids = corpus.communications["doc_id"].to_list()
    labels = labels_of(config, folders, codebook, corpus)
    listed = None
    if uses_store(config):
        listed = np.flatnonzero(np.isin(doc_ids, drawn_already(config, folders, corpus)))
    predicted = message_posterior(record, doc_ids)
    with stages("plan"):
        outlook = Outlook(
            predicted,
            labels.sample,
            random=labels.config.themes.sample == "random",
            accuracy=record.scores.lines[MESSAGE_LEVEL]["accuracy"].value,
            seed=config.study.seed,
            listed=listed,
        )
        if more is None:
            more = tuple(number for number in MORE if number <= outlook.left) or (outlook.left,)
        return plan(outlook, _levels(record), codebook, more, half_width)


def read_numbers(text: str) -> tuple[int, ...]:
    """Read numbers of labels with commas between them.

    Raises
    ------
    LabelError
        If one is no whole number above 0.
    """
    words = [word.strip() for word in text.split(",")]
    wrong = [word for word in words if not (word.isascii() and word.isdigit() and int(word) > 0)]
    if wrong:
        raise LabelError(
            f"--labels: '{wrong[0]}' is no number of labels; give whole numbers above 0, as in 50,100,200."
        )
    return tuple(sorted({int(word) for word in words}))


def _check(more: tuple[int, ...] | None, half_width: float | None) -> None:
    if more is not None and (not more or min(more) < 1):
        raise LabelError("--labels: numbers of further labels must be above 0; give some, as in 50,100,200.")
    if half_width is not None and not 0 < half_width < 0.5:
        raise LabelError(
            f"--half-width: {half_width:g} is no half-width of a share's interval; give a number above 0 and "
            "below 0.5, as 0.05 for plus or minus 5 points."
        )


def _codebook(codebook: Codebook, record: RunRecord) -> Codebook:
    if codebook.keys != record.codebook.keys:
        raise ModelError(
            f"{record.run}: was made with other themes than the codebook has now; run the experiment again "
            "first, or name a run with these themes by --model."
        )
    return codebook


def _levels(record: RunRecord) -> dict[str, Level]:
    """Tell how well themes are found, by topic and by message."""
    scores = record.scores
    levels = {TOPIC_LEVEL: Level(scores.confusion, scores.labels, scores.overall["kappa"], scores.per_theme)}
    kappa = scores.lines[MESSAGE_LEVEL]["kappa"]
    levels[MESSAGE_LEVEL] = Level(scores.message_confusion, scores.labels, kappa, scores.message_per_theme)
    return levels
