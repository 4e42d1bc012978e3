"""Ids that name different messages: row numbers in several files, or people in one, most often."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import polars as pl

from themeloom.errors import InputError

_Stands = tuple[list[Any], list[str]]
"""Of one id: the files or lines that it stands on, and the text on each."""
_WORD = re.compile(r"\w+")
_SHARED = 0.5
"""Share of the shorter text's words below which two texts are different messages, even if one is cut."""
_FEWEST = 3
"""So many ids must clash, and most of those that stand on several rows: one may be an edited post."""

_TOLD = 5  # lines


def check_ids(rows: pl.DataFrame, tables: Collection[str] = ()) -> None:
    """Make sure that one id means one message wherever it stands.

    Parameters
    ----------
    rows
        The rows of all sources (ROWS).
    tables
        Files whose ids somebody said to be in a column: it may be that of another thing than the message.
        Within other files ids are the platform's own, or made from the content.

    Raises
    ------
    InputError
        If most ids that stand on several rows of a table name different messages there, or most that
        stand in more than one file.
    """
    faults = [fault for file in tables if (fault := _within(file, rows.filter(pl.col("file") == file)))]
    if faults:
        raise InputError(*faults)
    shared = _gathered(rows.filter(pl.col("file").n_unique().over("source_id") > 1), "file")
    if clashing := _clashing(shared):
        names = ", ".join(sorted({Path(name).name for files, _ in clashing for name in files}))
        raise InputError(
            f"{names}: {len(clashing):,} ids name different messages in different files, as row numbers do; "
            "give each source an id_prefix of its own, or leave out columns.id."
        )


def _within(file: str, rows: pl.DataFrame) -> str | None:
    clashing = _clashing(_gathered(rows.filter(pl.len().over("source_id") > 1), "line"))
    if not clashing:
        return None
    lines = min(sorted(lines) for lines, _ in clashing)
    return (
        f"{file}:{lines[0]}: {len(clashing):,} ids stand on several different messages, as numbers of people "
        f"do (this one on lines {', '.join(map(str, lines[:_TOLD]))}); leave out columns.id, or name a "
        "column that is different for each message."
    )


def _gathered(rows: pl.DataFrame, place: str) -> list[_Stands]:
    """Say of each id where it stands, and on which texts."""
    by_id = rows.group_by("source_id").agg(place, "text").sort("source_id")
    return list(by_id.select(place, "text").iter_rows())


def _clashing(shared: list[_Stands]) -> list[_Stands]:
    """Return the ids that name different messages; none where they are few."""
    found = [one for one in shared if _differ(one[1])]
    return [] if len(found) < _FEWEST or 2 * len(found) <= len(shared) else found


def _differ(texts: Iterable[str]) -> bool:
    first, *others = (set(_WORD.findall(text.casefold())) for text in texts)
    return any(len(first & other) < _SHARED * min(len(first), len(other)) for other in others)
