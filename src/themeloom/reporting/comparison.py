"""A comparison becomes one HTML file that needs nothing else, or a fragment for a notebook."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from themeloom.compared import ComparisonRecord
from themeloom.reporting import differences, likeness_plots
from themeloom.reporting.formats import FORMATS
from themeloom.reporting.page import make_environment, render_page
from themeloom.system.atomic import whole_file

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOVES = 500
"""Messages that moved theme to list on the page; JSON has all."""


def write_comparison(record: ComparisonRecord, path: Path) -> None:
    """Write a comparison as one page.

    Parameters
    ----------
    record
        The comparison.
    path
        Where to; an older file there is replaced, once the new one is whole.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    page = render_comparison(record, figures_of(record))
    with whole_file(path) as draft:
        draft.write_text(page, encoding="utf-8", newline="\n")


def figures_of(record: ComparisonRecord) -> "dict[str, go.Figure]":
    """Draw, for each other run, where messages go (``streams-1``) and likeness (``likeness-1``)."""
    found = {}
    for pairing in record.pairings:
        if pairing.streams:
            found[f"streams-{pairing.run}"] = likeness_plots.streams(record, pairing)
        if pairing.topics and pairing.others:
            found[f"likeness-{pairing.run}"] = likeness_plots.likeness(record, pairing)
    return found


def render_comparison(record: ComparisonRecord, figures: "Mapping[str, go.Figure]") -> str:
    """Render a comparison and its figures as one page; all is escaped, and nothing is fetched.

    Parameters
    ----------
    record
        The comparison.
    figures
        By name, as `figures_of` gives them.
    """
    return render_page(
        "comparison.html",
        ["report.css", "comparison.css"],
        figures,
        FORMATS,
        **_context(record),
    )


def comparison_fragment(record: ComparisonRecord) -> str:
    """Render the overview and the aligned topics as HTML, for a notebook: no style, script or figure."""
    environment = make_environment(FORMATS)
    return environment.get_template("compared/fragment.html").render(**_context(record))


def _context(record: ComparisonRecord) -> dict[str, Any]:
    return {
        "c": record,
        "rows": list(zip(*(pairing.topics for pairing in record.pairings), strict=True)),
        "labels": [{topic.topic: topic.label for topic in run.topics} for run in record.runs],
        "sizes": [{topic.topic: topic.size for topic in run.topics} for run in record.runs],
        "headline": [
            line
            for line in record.scores
            if (line.line, line.score) in differences.HEADLINE and not line.theme
        ],
        "by_theme": [line for line in record.scores if line.theme and line.score == "f1"],
        "d": differences,
        "most_moves": MOVES,
        "small": {of.run: len(of.streams) - len(likeness_plots.drawn_streams(of)) for of in record.pairings},
    }
