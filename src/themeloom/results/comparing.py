"""References to runs become a comparison: folders, names of runs, MLflow ids and URIs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from themeloom.columns import EVALUATION
from themeloom.compared import ComparedRun, ComparisonRecord, PairedScores
from themeloom.errors import ModelError
from themeloom.history import store
from themeloom.history.comparable import comparable
from themeloom.history.compare import compare_runs, with_ids_of
from themeloom.history.parts import MANIFEST
from themeloom.history.plain_runs import plain_topics, read_plain, tracked_plain
from themeloom.history.registry import run_folder
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL, HeldOut
from themeloom.progress import NOBODY, Stages, Watcher
from themeloom.records import Ints
from themeloom.reporting.comparison import comparison_fragment, write_comparison
from themeloom.studies.targets import PAGE, check_target
from themeloom.system.folders import Folders
from themeloom.themes.scores import difference

LEVELS = {TOPIC_LEVEL: "topic_level", MESSAGE_LEVEL: "message_level"}
DRAWS = 2000
FEWEST = 10
"""Labelled messages of both runs, for a paired bootstrap to be of use."""

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_INTERVALS = "so only intervals can be compared"
_SHOWN = 200  # characters of a reference to show
_NAMED = 10  # runs to name in a message


@dataclass(frozen=True)
class Comparison:
    """Runs beside each other, for people to explore; the first one is the reference.

    Parameters
    ----------
    record
        All that was found, as plain values.
    """

    record: ComparisonRecord

    @property
    def runs(self) -> pl.DataFrame:
        """One row a run: when it was made, by which encoder, its messages, topics and labels."""
        rows = [
            {
                "run": run.name,
                "started_at": run.started_at,
                "encoder": run.encoder,
                "messages": run.messages,
                "topics": len(run.topics),
                "without_topic": run.without_topic,
                "labels": run.labels,
            }
            for run in self.record.runs
        ]
        return pl.DataFrame(rows, schema_overrides={"messages": pl.Int64, "without_topic": pl.Float64})

    @cached_property
    def topics(self) -> pl.DataFrame:
        """One row a topic of the reference and other run: its partner, how alike, and what became of it.

        Topics of other runs that appeared, or hold only messages that the reference has not, have no `topic`.
        """
        labels = [{topic.topic: topic.label for topic in run.topics} for run in self.record.runs]
        rows = [
            {
                "topic": found.topic,
                "words": labels[0][found.topic],
                "run": self.record.runs[pairing.run].name,
                "state": found.state,
                "partner": found.partner,
                "partner_words": labels[pairing.run].get(-1 if found.partner is None else found.partner),
                "likeness": found.likeness,
                "jaccard": found.jaccard.value if found.jaccard else None,
                "rbo": found.words,
                "cosine": found.vectors,
            }
            for pairing in self.record.pairings
            for found in pairing.topics
        ]
        for pairing in self.record.pairings:
            new = dict.fromkeys(pairing.numbers("appeared"), "appeared")
            new |= dict.fromkeys(pairing.unseen, "unknown")
            run, there = self.record.runs[pairing.run].name, labels[pairing.run]
            rows += [{"run": run, "state": new[t], "partner": t, "partner_words": there[t]} for t in new]
        return pl.DataFrame(rows, schema=_TOPICS)

    @cached_property
    def agreement(self) -> pl.DataFrame:
        """One row two runs: ARI with interval, AMI, NMI and mean overlap of words (RBO)."""
        names = [run.name for run in self.record.runs]
        rows = [
            {
                "first": names[found.first],
                "second": names[found.second],
                "shared": found.shared,
                "ari": found.ari.value if found.ari else None,
                "low": found.ari.low if found.ari else None,
                "high": found.ari.high if found.ari else None,
                "ami": found.ami,
                "nmi": found.nmi,
                "rbo": found.words,
            }
            for found in self.record.agreements
        ]
        return pl.DataFrame(rows, schema_overrides=dict.fromkeys(_AGREEMENT, pl.Float64))

    @cached_property
    def moves(self) -> pl.DataFrame:
        """One row a message whose theme is another one than in the reference, at either level."""
        rows = [
            (self.record.runs[pairing.run].name, found.level, move.doc_id, move.before, move.after)
            for pairing in self.record.pairings
            for found in pairing.themes
            for move in found.moves
        ]
        return pl.DataFrame(
            rows, schema=dict.fromkeys(("run", "level", "doc_id", "from", "to"), pl.String), orient="row"
        )

    @property
    def settings(self) -> pl.DataFrame:
        """One row a key of the configuration that differs, one column a run."""
        names = [run.name for run in self.record.runs]
        rows = [(setting.key, *setting.values) for setting in self.record.settings]
        return pl.DataFrame(rows, schema=dict.fromkeys(("key", *names), pl.String), orient="row")

    def write_html(self, path: str | Path) -> None:
        """Write the comparison as one page that needs no network.

        Raises
        ------
        OutputError
            If the file cannot be written, or holds something else than a page.
        """
        check_target(Path(path), PAGE)
        write_comparison(self.record, Path(path))

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(run.name for run in self.record.runs)}>"

    def _repr_html_(self) -> str:
        """Show the tables in a notebook."""
        return comparison_fragment(self.record)


_AGREEMENT = ("ari", "low", "high", "ami", "nmi")
_TOPICS = {
    "topic": pl.Int64,
    "words": pl.String,
    "run": pl.String,
    "state": pl.String,
    "partner": pl.Int64,
    "partner_words": pl.String,
    "likeness": pl.Float64,
    "jaccard": pl.Float64,
    "rbo": pl.Float64,
    "cosine": pl.Float64,
}


def compare(
    references: Iterable[str | Path], root: str | Path = ".", watcher: Watcher = NOBODY
) -> Comparison:
    """Compare runs: topics, themes, scores and configuration; the first run is the reference.

    Parameters
    ----------
    references
        Two runs or more. Each is a model folder, the name of a run under ``ROOT/models``, an MLflow run
        (its id, or ``runs:/ID``), a registered model (``models:/NAME@ALIAS``), or a folder with the topics
        of a plain BERTopic run.
    root
        The folder under which models/ and mlruns/ lie.
    watcher
        Who watches.

    Returns
    -------
    Comparison
        With tables, a page, and all as plain values in `record`.

    Raises
    ------
    ThemeloomError
        If there are fewer than two references, or one leads to no run that can be read.
    """
    given = [] if isinstance(references, str) or not hasattr(references, "__iter__") else list(references)
    if len(given) < 2:
        raise ModelError("compare: two runs or more are needed; name them one after the other.")
    stages = Stages(watcher)
    with stages("read") as progress:
        progress.begin(len(given), "runs")
        runs = []
        for reference in given:
            runs.append(_read(str(reference), Path(root)))
            progress.advance()
    runs = _named_apart(runs)
    with stages("compare") as progress:
        paired = [_paired(runs[0], other, place) for place, other in enumerate(runs[1:], 1)]
        return Comparison(compare_runs(runs, paired, progress))


def _read(reference: str, root: Path) -> ComparedRun:
    folder = _folder(reference, root)
    if folder is None:
        return _tracked(reference, root)
    if (folder / MANIFEST).is_file() or (folder / "run.json").is_file():
        return comparable(store.load(folder))
    if (topics := plain_topics(folder)) is not None:
        return read_plain(topics, folder.resolve().name)
    raise ModelError(
        f"{reference}: is neither a model folder ({MANIFEST} is missing) nor the topics of a BERTopic run "
        "(topics.json is missing); name another folder."
    )


def _folder(reference: str, root: Path) -> Path | None:
    """Find the folder that a reference leads to; None if it leads to MLflow."""
    if reference.startswith(("runs:/", "models:/")):
        return None
    models = Folders(root).models
    plain = reference not in ("", ".", "..") and not re.search(r"[/\\]", reference)
    for folder in (Path(reference), *([models / reference] if plain else [])):
        if reference and _is_folder(folder):
            return folder
    if _RUN_ID.fullmatch(reference):
        return None
    names = [path.name for path in store.models(models)][-_NAMED:]
    there = f"there are {', '.join(names)}" if names else "there is none"
    shown = repr(reference if len(reference) <= _SHOWN else reference[:_SHOWN] + "…")
    raise ModelError(
        f"{shown}: is no model folder, no run under {models} ({there}), and no MLflow run id or URI; "
        "check the name."
    )


def _tracked(reference: str, root: Path) -> ComparedRun:
    """Fetch a run from MLflow: the topics of a plain BERTopic run, or a whole model."""
    run = reference.removeprefix("runs:/").partition("/")[0]
    plain = tracked_plain(run, root) if _RUN_ID.fullmatch(run) else None
    return comparable(store.load(run_folder(reference, root))) if plain is None else plain


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _named_apart(runs: list[ComparedRun]) -> list[ComparedRun]:
    """Give runs of the same name numbers."""
    taken: set[str] = set()
    found = []
    for run in runs:
        number, name = 1, run.name
        while name in taken:
            number += 1
            name = f"{run.name} ({number})"
        taken.add(name)
        found.append(replace(run, name=name))
    return found


def _paired(first: ComparedRun, other: ComparedRun, place: int) -> PairedScores:
    """Tell by how much the other run is better, by a paired bootstrap over authors."""
    if first.evaluation is None or other.evaluation is None:  # a plain BERTopic run
        return PairedScores(place, 0, {}, f"not both keep their held-out predictions, {_INTERVALS}")
    runs = first, with_ids_of(first, other)
    mine, theirs = (run.evaluation.select(list(EVALUATION)) for run in runs if run.evaluation is not None)
    both = mine.join(theirs, on=["doc_id", "coded"], how="inner").sort("doc_id")
    if len(both) < FEWEST:
        few = f"only {len(both)} labelled messages are in both runs with the same label"
        return PairedScores(place, len(both), {}, f"{few}, {_INTERVALS}")
    keys = sorted({key for name in _LABELS for key in both[name].drop_nulls()})
    folds = [run.folds for run in (first, other) if run.folds]
    levels = {
        level: difference(
            _held_out(both, f"{column}_right", keys),
            _held_out(both, column, keys),
            len(keys),
            DRAWS,
            0,
            folds=min(folds) if folds else None,
        )
        for level, column in LEVELS.items()
    }
    return PairedScores(place, len(both), levels, "", len(mine) + len(theirs) - 2 * len(both))


_LABELS = ("coded", *(f"{column}{side}" for column in LEVELS.values() for side in ("", "_right")))


def _held_out(both: pl.DataFrame, column: str, keys: list[str]) -> HeldOut:
    return HeldOut(
        coded=_indices(both["coded"], keys),
        predicted=_indices(both[column], keys)[None],
        posterior=np.zeros((0, 0, 0)),
        group=both["author"].to_numpy().astype(np.int64),
    )


def _indices(values: pl.Series, keys: list[str]) -> Ints:
    """Which key each value is; -1 for none."""
    index = {key: at for at, key in enumerate(keys)}
    return np.array([-1 if value is None else index[value] for value in values.to_list()], dtype=np.int64)
