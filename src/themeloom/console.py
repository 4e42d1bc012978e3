"""What people see in the terminal: progress bars and tables."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isnan
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from themeloom.reporting.sentences import comparisons, origin, validation

if TYPE_CHECKING:
    from themeloom.records import Flow, Score
    from themeloom.result import RunResult
    from themeloom.themes.agreement import Agreement
    from themeloom.themes.plan import Needed, Plan, Planned, PlannedTheme

STAGES = {
    "ingest": "Reading the sources",
    "repeats": "Finding repeats",
    "anonymise": "Masking names, places, links",
    "embed": "Embedding",
    "adapt": "Adapting the encoder to the labels",
    "reduce": "Laying out (UMAP)",
    "cluster": "Finding topics (HDBSCAN)",
    "repeat": "Finding topics again",
    "describe": "Describing topics (BERTopic)",
    "map": "Mapping topics to themes",
    "validate": "Validating on held-out labels",
    "references": "Asking reference lines",
    "score": "Scoring, with intervals",
    "prevalence": "Estimating prevalence",
    "keep": "Keeping the model",
    "report": "Writing the report",
    "track": "Tracking in MLflow",
    "assign": "Assigning topics",
    "agree": "Resampling the messages",
    "plan": "Simulating more labels",
}

FIGURES = {
    "observed": "percent agreement",
    "kappa": "Cohen's kappa",
    "alpha": "Krippendorff's alpha",
    "ac1": "Gwet's AC1",
}
CONFUSIONS = 15  # shown at most
WIDE = 120  # characters in which a row of scores fits with its intervals
QUALITY = {"npmi": "NPMI", "c_v": "C_v", "diversity": "diversity", "dbcv": "DBCV"}


class Bars:
    """A progress bar for each stage."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
        )

    @contextmanager
    def watching(self) -> Iterator["Bars"]:
        """Show the bars while the block lasts."""
        with self._progress:
            yield self

    @contextmanager
    def stage(self, name: str) -> Iterator["_Bar"]:
        """Show one stage's bar; it is full when the block ends well."""
        task = self._progress.add_task(STAGES.get(name, name), total=None, unit="")
        yield _Bar(self._progress, task)
        done = self._progress.tasks[self._progress.task_ids.index(task)]
        total = done.total or done.completed or 1
        self._progress.update(task, total=total, completed=total)


class _Bar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def begin(self, total: int | None, unit: str) -> None:
        self._progress.update(self._task, total=total, completed=0, unit=unit)

    def advance(self, steps: int = 1) -> None:
        self._progress.advance(self._task, steps)


def show_flow(console: Console, flow: "Flow") -> None:
    """Print the flow from rows to unique communications."""
    table = _table("From rows to unique communications", "step", "messages")
    steps = {
        "rows identified": flow.identified,
        "could not be read": -flow.unreadable,
        "same message in two searches": -flow.same_id,
        "distinct messages": flow.ids,
        "retweets": -flow.retweets,
        "copies": -flow.copies,
        "near-duplicates": -flow.near_duplicates,
        "unique communications": flow.unique,
    }
    for step, count in steps.items():
        table.add_row(step, f"{count:,}")
    console.print(table)


def show_result(console: Console, result: "RunResult") -> None:
    """Print a run's flow, topics, themes and scores, and where everything is."""
    record = result.model.record
    show_flow(console, record.flow)
    _show_topics(console, result)
    _show_themes(console, result)
    _show_scores(console, result)
    if record.discovery.clusters.note:
        console.print(f"[yellow]Note:[/] {escape(record.discovery.clusters.note)}")
    if record.note:
        console.print(f"[yellow]Note:[/] {escape(record.note)}")
    for name, place in {
        "model": result.folder,
        "report": result.report,
        "MLflow": result.place_in_mlflow,
    }.items():
        console.print(f"{name:>8}  {escape(str(place))}", soft_wrap=True)


def _show_topics(console: Console, result: "RunResult") -> None:
    summary = result.summary
    title = "Topics, informed by labels" if summary.informed else "Topics"
    table = _table(title, "topic", "messages", "outliers", "theme", "words")
    for row in result.topics.iter_rows(named=True):
        words = "unstable: " * row.get("unstable", False) + ", ".join(row["words"][:6])
        theme = f"{row['theme']} ({row['probability']:.2f})" if row["theme"] else "mixed"
        table.add_row(str(row["topic"]), str(row["size"]), str(row["outliers"]), escape(theme), escape(words))
    console.print(table)
    console.print(
        f"{summary.outliers.share:.0%} of the messages are strict outliers (HDBSCAN noise); "
        f"{summary.without_topic.share:.0%} are left without any topic."
    )
    measured = {name: summary.quality[key] for key, name in QUALITY.items() if key in summary.quality}
    console.print("Topic quality: " + ", ".join(f"{name} {value:.2f}" for name, value in measured.items()))
    if summary.candidates:
        named = [
            f"{at} ({', '.join(w.word for w in summary.topics[at].words[:3])})" for at in summary.candidates
        ]
        console.print(escape(f"Explained by no theme, perhaps a new one: {'; '.join(named)}."))
    console.print(f"{origin(summary)}\n")


def _show_themes(console: Console, result: "RunResult") -> None:
    shares = result.model.record.scores.prevalence.get("communications/prediction-powered", {})
    table = _table("Themes", "theme", "messages", "share", "estimated (95%)", "topics")
    for row in result.themes.iter_rows(named=True):
        topics = ", ".join(str(topic) for topic in row["topics"])
        table.add_row(
            escape(row["theme"] or "(none, or mixed)"),
            str(row["communications"]),
            f"{row['share']:.0%}",
            _percent(shares.get(row["theme"])),
            topics,
        )
    console.print(table)


def _show_scores(console: Console, result: "RunResult") -> None:
    scores = result.summary.scores
    title = f"Scores on {validation(scores)}; 95% intervals"
    table = _table(title, "", "kappa", "macro-F1", "accuracy", "coverage")
    for name, line in {"topic level": scores.overall, **scores.lines}.items():
        told = (_score(line.get(figure)) for figure in ("kappa", "macro_f1", "accuracy", "coverage"))
        table.add_row(escape(name), *(told if console.width >= WIDE else map(_stacked, told)))
    console.print(table)
    for level in ("topic level", "message level"):
        if said := comparisons(scores.differences, level):
            console.print(escape(said))
    if error := scores.lines.get("message level", {}).get("ece"):
        console.print(f"Calibration error of the message level: {_score(error)}.")
    alone, undecided = scores.conformal.alone, scores.conformal.undecided
    console.print(
        f"{alone.share:.0%} of the messages have one theme at 90% confidence; {undecided.count:,} without a "
        "label are undecided ('themeloom undecided' lists them).\n"
    )


def show_agreement(console: Console, found: "Agreement") -> None:
    """Print how far coders agree: overall, on each theme, each pair, and on what they do not."""
    mean = ", mean over pairs" if len(found.coders) > 2 else ""
    table = _table(f"Agreement of {len(found.coders)} coders (95% intervals)", "", "value")
    for name, label in FIGURES.items():
        table.add_row(label + (mean if name == "kappa" else ""), _score(found.scores[name]))
    console.print(table)
    console.print(
        f"{found.messages:,} messages were coded by two or more coders, {found.coded_once:,} by one alone.\n"
    )
    _show_agreement_on_themes(console, found)
    if len(found.pairs) > 1:
        table = _table("Agreement of each pair", "coder", "and", "messages", "agreement", "kappa")
        for pair in found.pairs:
            scores = (_score(pair.scores[name]) for name in ("observed", "kappa"))
            table.add_row(escape(pair.first), escape(pair.second), f"{pair.messages:,}", *scores)
        console.print(table)
    _show_confusions(console, found)


def _show_agreement_on_themes(console: Console, found: "Agreement") -> None:
    table = _table("Most disputed themes", "theme", "given", "disputed", "share", "most often with")
    for theme in found.themes:
        counts = f"{theme.messages:,}", f"{theme.disputed:,}", _score(theme.disputed_share)
        table.add_row(escape(theme.theme), *counts, escape(theme.rival or ""))
    console.print(table)
    table = _table("Each theme against all others", "theme", "agreement", "kappa", "alpha", "AC1")
    for theme in found.themes:
        table.add_row(escape(theme.theme), *(_score(theme.scores[name]) for name in FIGURES))
    console.print(table)
    if found.unused:
        console.print(f"Given by nobody: {escape(', '.join(found.unused))}.\n")


def _show_confusions(console: Console, found: "Agreement") -> None:
    if not found.confusions:
        console.print("No two coders disagree on any message.")
        return
    table = _table("Who disagrees with whom, on what", "coder", "says", "and", "says", "messages")
    for one in found.confusions[:CONFUSIONS]:
        names = (one.first, one.first_theme, one.second, one.second_theme)
        table.add_row(*map(escape, names), f"{one.messages:,}")
    console.print(table)
    if (more := len(found.confusions) - CONFUSIONS) > 0:
        console.print(f"{more} rarer ones are not shown; --json writes all.")


def show_plan(console: Console, found: "Plan") -> None:
    """Print what more labels are expected to narrow, and how many reach what was asked for."""
    console.print(
        f"{found.labels:,} of {found.communications:,} messages have a label, {found.left:,} are left to "
        "draw from.\nWhat is to be expected of more labels, drawn at random, for the mapping as it is:\n"
    )
    levels = tuple(found.steps[0].kappa)
    table = _table("Kappa (95% interval)", "more", "labels", *levels)
    for step in found.steps:
        table.add_row(_more(step), f"{step.labels:,}", *(_score(step.kappa[name]) for name in levels))
    console.print(table)
    _show_planned(console, found, "Share of each theme: ± points by labels alone/prediction-powered", _shares)
    _show_planned(console, found, f"Labels of each theme, and ± of its F1 ({levels[0]})", _labels)
    if found.needed is not None:
        _show_needed(console, found.needed, found.left)


def _show_planned(console: Console, found: "Plan", title: str, cell: Callable[["PlannedTheme"], str]) -> None:
    table = _table(title, "theme", "share", *map(_more, found.steps))
    for rows in zip(*(step.themes for step in found.steps), strict=True):
        table.add_row(escape(rows[0].theme), f"{rows[0].share:.0%}", *map(cell, rows))
    console.print(table)


def _more(step: "Planned") -> str:
    return f"+{step.more:,}" if step.more else "now"


def _shares(theme: "PlannedTheme") -> str:
    if isnan(theme.by_labels):
        return "unknown"
    return f"{100 * theme.by_labels:.1f}/{100 * theme.powered:.1f}"


def _labels(theme: "PlannedTheme") -> str:
    return f"{theme.labels:.0f} ±{theme.f1:.2f}"


def _show_needed(console: Console, needed: "Needed", left: int) -> None:
    title = f"More labels for ± {100 * needed.half_width:g} points"
    table = _table(title, "theme", "labels alone", "prediction-powered")
    none = f"not with all {left:,}"
    rows = {key: (number, needed.powered[key]) for key, number in needed.by_labels.items()}
    rows["every theme"] = (needed.labels_for_all, needed.powered_for_all)
    for theme, numbers in rows.items():
        table.add_row(escape(theme), *(none if number is None else f"{number:,}" for number in numbers))
    console.print(table)


def _percent(score: "Score | None") -> str:
    return "" if score is None else f"{score.value:.0%} ({100 * score.low:.0f} to {100 * score.high:.0f})"


def _score(score: "Score | None") -> str:
    if score is None:
        return ""
    if isnan(score.low):
        return "undefined" if isnan(score.value) else f"{score.value:.2f} (no interval)"
    return str(score)


def _stacked(score: str) -> str:
    return score.replace(" (", "\n").rstrip(")")


RIGHT = {"topic", "messages", "outliers", "share", "given", "disputed", "more", "labels"}
RIGHT |= {"labels alone", "prediction-powered"}


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in RIGHT else "left")
    return table
