"""What tables in the terminal share."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from themeloom.scored import Score

RIGHT = {"topic", "messages", "outliers", "share", "given", "disputed", "more", "labels"}
RIGHT |= {"labels alone", "prediction-powered", "shared", "AMI", "NMI", "words (RBO)"}


def new_table(title: str, *columns: str, right: Collection[str] = RIGHT) -> Table:
    """Make a table; columns of numbers are set to the right, and long words go on in the next line."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def score_cell(score: "Score | None") -> str:
    """Write a score and its interval."""
    return "" if score is None else str(score)


def stacked(score: str) -> str:
    """Put the interval under the score."""
    return score.replace(" (", "\n").rstrip(")")


def percent(score: "Score | None") -> str:
    """Write a share and its interval as percentages."""
    return "" if score is None else f"{score.value:z.0%} ({100 * score.low:z.0f} to {100 * score.high:z.0f})"
