"""Cells that a spreadsheet shows and does not compute."""

import polars as pl

from themeloom.reporting.readable import readable
from themeloom.sheets import inert


def plain_cells(table: pl.DataFrame) -> pl.DataFrame:
    """Keep every text of a table from being taken for a formula."""
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    return table.with_columns(pl.col(name).map_elements(plain_cell, return_dtype=pl.String) for name in texts)


def plain_cell(text: str) -> str:
    """Keep a text from being taken for a formula or a number, by an apostrophe before it.

    Control characters and direction overrides are made readable.
    """
    return str(inert(readable(text)))
