"""Figures of a run, as plotly draws them: ``themeloom.plots.map(result)``.

Each function takes a `RunResult`, a `Model` or a `RunRecord`, and gives a plotly figure.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, get_args

from themeloom.errors import ConfigError
from themeloom.model import Model
from themeloom.records import RunRecord
from themeloom.reporting import plots, score_plots, topic_plots
from themeloom.reporting.points import MOST, By
from themeloom.reporting.quotes import QUOTES, Quotes
from themeloom.reporting.texts import catalogue
from themeloom.running.result import RunResult

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = [
    "by_group",
    "confusion",
    "coverage",
    "flow",
    "hierarchy",
    "lines",
    "map",
    "over_time",
    "prevalence",
    "reliability",
    "topic_sizes",
    "words",
]


Run = RunRecord | Model | RunResult


def map(run: Run, by: By = "topic", *, most: int = MOST, quotes: Quotes | None = None) -> "go.Figure":
    """Draw every communication as a point, coloured by topic or by theme; of more than `most`, a sample."""
    _check("by", by, get_args(By))
    _check("quotes", quotes, (None, *QUOTES))
    return plots.map(_record(run), by, most=most, quotes=quotes)


def flow(run: Run) -> "go.Figure":
    """Draw the flow from identified rows to unique communications."""
    return plots.flow(_record(run))


def topic_sizes(run: Run) -> "go.Figure":
    """Draw how many communications each topic has, outliers apart."""
    return plots.topic_sizes(_record(run))


def words(run: Run, *, topics: int = 8) -> "go.Figure":
    """Draw the words of the largest topics with their c-TF-IDF weights."""
    return plots.words(_record(run), topics=topics)


def hierarchy(run: Run) -> "go.Figure":
    """Draw which topics are near each other, as a dendrogram."""
    return topic_plots.hierarchy(_record(run))


def over_time(run: Run, *, topics: int = topic_plots.LINES) -> "go.Figure":
    """Draw when the largest topics were spoken of."""
    return topic_plots.over_time(_record(run), topics=topics)


def prevalence(run: Run) -> "go.Figure":
    """Draw how common each theme is, with 95% intervals where that could be estimated."""
    return score_plots.prevalence(_record(run))


def by_group(run: Run) -> "go.Figure":
    """Draw how common each theme is in each group, with 95% intervals; empty where there are no groups."""
    return score_plots.by_group(_record(run))


def lines(run: Run, score: str = "kappa") -> "go.Figure":
    """Draw a score of both levels and of every reference line, with 95% intervals."""
    scores = _record(run).scores
    names = dict.fromkeys(name for line in (scores.overall, *scores.lines.values()) for name in line)
    _check("score", score, [name for name in names if f"metric.{name}" in catalogue()])
    return score_plots.lines(scores, score)


def confusion(run: Run, *, messages: bool = False) -> "go.Figure":
    """Draw people's codes by themes of topics, or of messages."""
    record = _record(run)
    return score_plots.confusion(record.scores, record.codebook, messages=messages)


def reliability(run: Run) -> "go.Figure":
    """Draw whether the message level is as right as it is sure."""
    return score_plots.reliability(_record(run).scores)


def coverage(run: Run) -> "go.Figure":
    """Draw how right the message level is where only the surest messages are kept."""
    return score_plots.coverage(_record(run).scores)


def _check(name: str, given: object, known: Collection[object]) -> None:
    if given not in known:
        raise ConfigError(
            f"{name}: {given!r} cannot be drawn; use one of: {', '.join(repr(one) for one in known if one)}."
        )


def _record(run: Run) -> RunRecord:
    found = run.model if isinstance(run, RunResult) else run
    found = found.record if isinstance(found, Model) else found
    if not isinstance(found, RunRecord):
        raise TypeError(f"a RunResult, a Model or a RunRecord is needed, not {type(run).__name__}")
    return found
