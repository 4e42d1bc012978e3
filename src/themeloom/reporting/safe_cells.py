"""Cells that a spreadsheet shows and does not compute."""

import polars as pl

from themeloom.reporting.readable import readable

_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width ones count too


def plain_cells(table: pl.DataFrame) -> pl.DataFrame:
    """Keep every text of a table from being taken for a formula."""
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    return table.with_columns(pl.col(name).map_elements(plain_cell, return_dtype=pl.String) for name in texts)


def plain_cell(text: str) -> str:
    """Keep a text from being taken for a formula (CSV injection), by an apostrophe before it.

    Spreadsheets take a cell that begins with =, +, -, @, a tab or a carriage return for a formula, which
    could fetch or send something. Control characters and direction overrides are made readable.
    """
    shown = readable(text)
    return f"'{shown}" if shown.lstrip(" \n").startswith(_STARTS) else shown
