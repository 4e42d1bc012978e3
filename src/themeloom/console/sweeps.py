"""A sweep in the terminal."""

from math import isnan
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from themeloom.sweeps.sweeping import Sweep

SHOWN = {
    "criterion": "criterion",
    "topics": "topics",
    "kappa": "kappa, topics",
    "macro_f1": "macro-F1, topics",
    "message_kappa": "kappa, messages",
    "message_macro_f1": "macro-F1, messages",
    "coverage": "coverage",
    "stability": "stability",
}
"""Columns of the table → how people read them."""
ON_REQUEST = {"macro_f1", "message_macro_f1"}
"""Columns that are shown only where the criterion has them: a terminal is narrow."""


def show_sweep(console: Console, found: "Sweep") -> None:
    """Print each configuration, the best first, and what the choice is worth."""
    from themeloom.sweeps.sweeping import failures, summed, worth

    hidden = ON_REQUEST - set(found.criterion)
    columns = [name for name in SHOWN if name in found.table.columns and name not in hidden]
    swept = [name for name in found.table.columns if "." in name]
    table = Table(title=f"{len(found.table)} configurations", title_justify="left")
    for name in ("", *columns):
        table.add_column(SHOWN.get(name, name), justify="right", overflow="fold")
    key = Table.grid(padding=(0, 1))  # beside the figures, a narrow terminal would have no room for it
    key.add_column(justify="right")
    key.add_column(overflow="fold")
    for number, row in enumerate(found.table.iter_rows(named=True), 1):
        table.add_row(str(number), *(_number(name, row[name]) for name in columns))
        key.add_row(f"{number}:", escape(", ".join(f"{name} = {row[name]}" for name in swept)))
    console.print(table, key)
    console.print(
        f"The criterion is {summed(found.criterion)}, as the training folds foresaw it.", markup=False
    )
    for level, figures in worth(found).items():
        console.print(
            f"Choosing this way is worth, at the {level}, {figures}: judged on folds that took no part in "
            "the choice.",
            markup=False,
        )
    for sentence in failures(found):
        console.print(sentence, style="yellow", markup=False)
    if found.left_out:
        console.print(
            f"Time was up before {found.left_out} configurations; run it again to go on.", markup=False
        )
    console.print(
        f"The best is {found.run}, in models/; the sweep is MLflow run {found.tracked}.", markup=False
    )
    if found.waiting:
        console.print(
            f"MLflow did not take all of it ({found.waiting}) Once its store is back, give the same command "
            "again: what is missing there is logged, and nothing is computed twice.",
            markup=False,
        )


def _number(name: str, value: float) -> str:
    if isnan(value):
        return "-"
    return f"{value:.0f}" if name == "topics" and value == int(value) else f"{value:.2f}"
