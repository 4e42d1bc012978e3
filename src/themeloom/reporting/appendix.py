"""What a paper's appendix takes from a run: the methods text, and the table of themes with quotations."""

from collections.abc import Iterator
from math import isnan, nan

import polars as pl

from themeloom.reporting.contents import Methods, Summary, ThemeSummary
from themeloom.reporting.texts import say
from themeloom.scored import Score


def methods_text(methods: Methods) -> str:
    """Write the methods text and its references as Markdown."""
    listed = "\n".join(f"- {one.text}" for one in methods.references)
    head = f"# {say('method.title')}"
    return "\n\n".join([head, *methods.paragraphs, f"## {say('method.references')}", listed]) + "\n"


def theme_table(summary: Summary) -> pl.DataFrame:
    """Make the table of themes with quotations.

    Parameters
    ----------
    summary
        The run; its `quotes` say how messages are shown.

    Returns
    -------
    polars.DataFrame
        One row a quotation, in the order of the codebook: first the most typical messages of a theme, then
        the most borderline; a theme without any has one row, whose quotation is null. Columns as `COLUMNS`.
    """
    rows = [row for theme in summary.themes for row in _rows(summary, theme)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


COLUMNS = {
    "theme": pl.String,
    "name": pl.String,
    "definition": pl.String,
    "messages": pl.Int64,  # that were given it
    "share": pl.Float64,  # of the unique communications
    "prevalence": pl.Float64,  # estimated; null where that is not possible
    "prevalence_low": pl.Float64,  # of the 95% interval
    "prevalence_high": pl.Float64,
    "topics": pl.String,
    "kind": pl.String,  # typical or borderline
    "quotation": pl.String,
    "probability": pl.Float64,  # of the theme, for that message
    "times_seen": pl.Int64,
    "of_few": pl.Boolean,  # its topic or theme has fewer authors than `report.min_authors`: do not quote it
}
"""Columns of the table of themes."""

_Row = tuple[str | int | float | None, ...]


def _rows(summary: Summary, theme: ThemeSummary) -> Iterator[_Row]:
    found = theme.prevalence
    numbers = [None if found is None or isnan(x) else x for x in _bounds(found)]
    topics = "; ".join(f"{topic} {summary.topics[topic].label}" for topic in theme.topics)
    size = theme.size
    about: _Row = (theme.key, theme.name, theme.definition, size.count, size.share, *numbers, topics)
    kinds = {"typical": theme.typical, "borderline": theme.borderline} if summary.quotes != "none" else {}
    quoted = [
        (*about, kind, example.text, example.probability, example.times_seen, example.of_few)
        for kind, examples in kinds.items()
        for example in examples
    ]
    yield from quoted or [(*about, None, None, None, None, None)]


def _bounds(score: Score | None) -> tuple[float, float, float]:
    return (score.value, score.low, score.high) if score else (nan, nan, nan)
