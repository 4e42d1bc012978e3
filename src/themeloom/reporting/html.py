"""A summary and its figures become one HTML file that needs nothing else: no network, no other file."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from themeloom.records import RunRecord
from themeloom.reporting import leads, plots, score_plots, topic_plots
from themeloom.reporting.appendix import methods_text
from themeloom.reporting.checklist import checklist_csv
from themeloom.reporting.contents import Methods, Summary
from themeloom.reporting.formats import FORMATS
from themeloom.reporting.marks import theme_marks
from themeloom.reporting.page import Blocks, render_page
from themeloom.reporting.page_data import page_data
from themeloom.reporting.references import bibliography
from themeloom.reporting.sentences import (
    authorless_told,
    comparisons,
    few_told,
    origin,
    sparse_told,
    validation,
)
from themeloom.reporting.topic_plots import LINES
from themeloom.system.atomic import whole_file

if TYPE_CHECKING:
    import plotly.graph_objects as go

SCRIPTS = ("figures.js", "table.js", "hierarchy.js", "map.js")
FILTERS = (*FORMATS, comparisons, validation, few_told, authorless_told, sparse_told)


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
    page = render(summary, figures_of(record), page_data(summary, record))
    with whole_file(Path(path)) as draft:
        draft.write_text(page, encoding="utf-8", newline="\n")


def figures_of(record: RunRecord) -> "dict[str, go.Figure]":
    """Draw what the report shows beside the map, by name."""
    figures = {
        "flow": plots.flow(record),
        "prevalence": score_plots.prevalence(record),
        "by_group": score_plots.by_group(record),
        "lines": score_plots.lines(record.scores),
        "confusion": score_plots.confusion(record.scores, record.codebook),
        "confusion_messages": score_plots.confusion(record.scores, record.codebook, messages=True),
        "reliability": score_plots.reliability(record.scores),
        "coverage": score_plots.coverage(record.scores),
        "hierarchy": topic_plots.hierarchy(record),
        "over_time": topic_plots.over_time(record),
    }
    return {name: figure for name, figure in figures.items() if figure.data or figure.layout.shapes}


def render(summary: Summary, figures: "Mapping[str, go.Figure]", blocks: Blocks) -> str:
    """Render a summary, its figures and the data of its map as one page.

    Every text is escaped, and a content security policy lets the page run its own scripts only and
    fetch nothing.

    Parameters
    ----------
    summary
        The run.
    figures
        By name, as `figures_of` gives them; one that is missing is left out.
    blocks
        What the scripts read, as `page_data` gives it; without it there is no map.
    """
    return render_page(
        "report.html",
        ["report.css"],
        figures,
        FILTERS,
        scripts=SCRIPTS,
        blocks=blocks,
        s=summary,
        leads=leads,
        origin=origin(summary),
        marks=theme_marks({theme.key: theme.residual for theme in summary.themes}),
        anchors={theme.key: f"theme-{index}" for index, theme in enumerate(summary.themes)},
        files=_files(summary.methods, summary.run) if summary.methods else {},
        most_lines=LINES,
    )


def _files(methods: Methods, run: str) -> dict[str, tuple[str, str]]:
    """Give what can be saved from the page: key of the text → file name and address."""
    found = {
        "save_text": (f"{run}-methods.md", "text/markdown", methods_text(methods)),
        "save_bib": (f"{run}.bib", "application/x-bibtex", bibliography(methods.references)),
        "save_checklist": (f"{run}-srqr.csv", "text/csv", checklist_csv(methods.checklist)),
    }
    return {
        key: (name, f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}")
        for key, (name, kind, text) in found.items()
    }
