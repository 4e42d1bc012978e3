"""Cells of a table that people read: no control characters, no direction overrides."""

import polars as pl

from themeloom.reporting.readable import readable


def readable_cells(table: pl.DataFrame) -> pl.DataFrame:
    """Make every text of a table readable; `sheets.as_csv` then keeps it from being a formula."""
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    return table.with_columns(pl.col(name).map_elements(readable, return_dtype=pl.String) for name in texts)
