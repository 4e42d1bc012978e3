"""Ids that name different messages in different files: row numbers, most often."""

import re
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from themeloom.errors import InputError

_WORD = re.compile(r"\w+")
_SHARED = 0.5
"""Share of the shorter text's words below which two texts are different messages, even if one is cut."""
_FEWEST = 3
"""So many ids must clash, and most of those that several files share: one may be an edited post."""


def check_ids(rows: pl.DataFrame) -> None:
    """Make sure that one id means one message wherever it stands.

    Parameters
    ----------
    rows
        The rows of all sources (ROWS).

    Raises
    ------
    InputError
        If most ids that stand in more than one file name different messages there.
    """
    shared = (
        rows.select("source_id", "file", "text")
        .filter(pl.col("file").n_unique().over("source_id") > 1)
        .group_by("source_id")
        .agg("file", "text")
        .sort("source_id")
    )
    clashing = [files for _, files, texts in shared.iter_rows() if _differ(texts)]
    if len(clashing) < _FEWEST or 2 * len(clashing) <= len(shared):
        return
    names = ", ".join(sorted({Path(name).name for files in clashing for name in files}))
    raise InputError(
        f"{names}: {len(clashing):,} ids name different messages in different files, as row numbers do; "
        "give each source an id_prefix of its own, or leave out columns.id."
    )


def _differ(texts: Iterable[str]) -> bool:
    first, *others = (set(_WORD.findall(text.casefold())) for text in texts)
    return any(len(first & other) < _SHARED * min(len(first), len(other)) for other in others)
