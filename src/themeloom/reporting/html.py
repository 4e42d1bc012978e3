"""A summary and its figures become one HTML file that needs nothing else: no network, no other file."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from themeloom.atomic import whole_file
from themeloom.records import RunRecord, Score
from themeloom.reporting import plots
from themeloom.reporting.contents import Summary
from themeloom.reporting.page import render_page
from themeloom.reporting.readable import readable
from themeloom.reporting.sentences import comparisons, origin, validation

if TYPE_CHECKING:
    import plotly.graph_objects as go

_PLACEHOLDER = re.compile(r"\[([a-z][a-z -]{0,30} \d{1,12})\]")
_NONE = "\N{EN DASH}"
_GLYPHS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲"}


def write_report(summary: Summary, record: RunRecord, path: Path) -> None:
    """Write the report of a run as one file.

    Parameters
    ----------
    summary
        What `summarise` made of the record.
    record
        The run itself, for its figures.
    path
        Where to; an older file there is replaced, once the new one is whole.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    figures = {
        "map": plots.map(record),
        "reliability": plots.reliability(record.scores),
        "coverage": plots.coverage(record.scores),
    }
    page = render(summary, figures)
    with whole_file(Path(path)) as draft:
        draft.write_text(page, encoding="utf-8", newline="\n")


def render(summary: Summary, figures: Mapping[str, "go.Figure"]) -> str:
    """Render a summary and its figures as one page.

    Every text is escaped, and a content security policy lets the page run its own scripts only and
    fetch nothing.

    Parameters
    ----------
    summary
        The run.
    figures
        By name; the template shows 'map', 'reliability' and 'coverage'.
    """
    return render_page(
        "report.html",
        ["report.css"],
        figures,
        FORMATS,
        s=summary,
        origin=origin(summary),
        marks=plots.theme_marks({theme.key: theme.residual for theme in summary.themes}),
        anchors={theme.key: f"theme-{index}" for index, theme in enumerate(summary.themes)},
    )


def number(value: float) -> str:
    """Write a count: 1,195."""
    return f"{value:,}"


def share(value: float) -> str:
    """Write a share of all: 43%, <1%."""
    if not isfinite(value):
        return _NONE
    return "<1%" if 0 < value < 0.01 else f"{value:.0%}"


def decimal(value: float) -> str:
    """Write a score: 0.47."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}") if isfinite(value) else _NONE


def interval(score: Score) -> str:
    """Write the 95% interval of a score: 0.41 to 0.52."""
    return f"{decimal(score.low)} to {decimal(score.high)}"


def percent(value: float) -> str:
    """Write a place between 0 and 1 as a CSS length; what lies outside goes to the edge."""
    return f"{100 * min(max(value, 0.0), 1.0) if isfinite(value) else 0:.1f}%"


def message(text: str) -> Markup:
    """Escape a masked text and set its placeholders as chips."""
    return Markup(_PLACEHOLDER.sub(r'<span class="chip">\1</span>', str(escape(readable(text)))))  # noqa: S704


def glyph(shape: str) -> str:
    """Name the character that looks like the map's mark."""
    return _GLYPHS.get(shape, "●")


def duration(seconds: float) -> str:
    """Write how long something took: <0.1 s, 0.4 s, 41 s, 3 min 5 s, 2 h 10 min."""
    if 0 < seconds < 0.05:
        return "<0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(text: str) -> str:
    """Write an ISO 8601 moment for people: 2 January 2026, 03:04 UTC."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def flat(values: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested parameters to dotted names, in order."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(values, (list, tuple)) and any(isinstance(value, Mapping) for value in values):
        for index, value in enumerate(values):
            yield from flat(value, f"{prefix}.{index}")
    elif isinstance(values, (list, tuple)):
        yield prefix, ", ".join(str(value) for value in values) or "none"
    else:
        yield (
            prefix,
            {"None": "by default", "True": "yes", "False": "no", "": _NONE}.get(str(values), str(values)),
        )


def short(text: str) -> str:
    """Shorten a path on the machine of the run, which is nobody else's business, to its end."""
    path = re.sub(r"^[a-z+]+:///", "", text)
    if path == text and not re.match(r"/|~|\.{1,2}/|[A-Za-z]:[\\/]", text):
        return text
    return re.split(r"[\\/]+", path.rstrip("\\/"))[-1]


def shortened(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Shorten the paths among named values."""
    return [(name, short(value)) for name, value in pairs]


def line(lines: Mapping[str, Mapping[str, Score]], word: str) -> Mapping[str, Score]:
    """Find the reference line whose name has this word; empty where there is none."""
    return next((scores for name, scores in lines.items() if word in name.lower()), {})


FORMATS = (
    number,
    share,
    decimal,
    interval,
    percent,
    message,
    glyph,
    duration,
    moment,
    flat,
    short,
    shortened,
    line,
    comparisons,
    validation,
)
"""The templates' filters."""
