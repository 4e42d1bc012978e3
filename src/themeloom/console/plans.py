"""A plan of further labels in the terminal."""

from collections.abc import Callable
from math import isnan
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from themeloom.console.tables import new_table, score_cell

if TYPE_CHECKING:
    from themeloom.themes.plan import Needed, Plan, Planned, PlannedTheme


def show_plan(console: Console, found: "Plan") -> None:
    """Print what more labels are expected to narrow, and how many reach what was asked for."""
    undecided = f"{found.tied:,} tied or unclear, " if found.tied else ""
    waiting = found.communications - found.labels - found.tied - found.left
    uncoded = f"{waiting:,} drawn and without a code, " if waiting else ""
    console.print(
        f"{found.labels:,} of {found.communications:,} messages have a label, {undecided}{uncoded}"
        f"{found.left:,} are left to draw from.\n"
        "What is to be expected of more labels, drawn at random, for the mapping as it is:\n"
    )
    levels = tuple(found.steps[0].kappa)
    table = new_table("Kappa (95% interval)", "more", "labels", *levels)
    for step in found.steps:
        table.add_row(_more(step), f"{step.labels:,}", *(score_cell(step.kappa[name]) for name in levels))
    console.print(table)
    _show_planned(console, found, "Share of each theme: ± points by labels alone/prediction-powered", _shares)
    _show_planned(console, found, f"Labels of each theme, and ± of its F1 ({levels[0]})", _labels)
    if found.needed is not None:
        _show_needed(console, found.needed, found.left)


def _show_planned(console: Console, found: "Plan", title: str, cell: Callable[["PlannedTheme"], str]) -> None:
    table = new_table(title, "theme", "share", *map(_more, found.steps))
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
    return f"{theme.labels:.0f} –" if isnan(theme.f1) else f"{theme.labels:.0f} ±{theme.f1:.2f}"  # noqa: RUF001


def _show_needed(console: Console, needed: "Needed", left: int) -> None:
    title = f"More labels for ± {100 * needed.half_width:g} points"
    table = new_table(title, "theme", "labels alone", "prediction-powered")
    none = f"not with all {left:,}"
    rows = {key: (number, needed.powered[key]) for key, number in needed.by_labels.items()}
    rows["every theme"] = (needed.labels_for_all, needed.powered_for_all)
    for theme, numbers in rows.items():
        table.add_row(escape(theme), *(none if number is None else f"{number:,}" for number in numbers))
    console.print(table)
