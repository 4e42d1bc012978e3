"""Tables as CSV that spreadsheets take for text alone."""

import csv
import io
import re

import polars as pl

NO_TEXT = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]|\d+(e\d+)?$")
"""What spreadsheets would run (full-width signs too), or take for a number."""


def inert(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would run, or round as a number."""
    return f"'{cell}" if isinstance(cell, str) and NO_TEXT.match(cell) else cell


def alive(cell: str) -> str:
    """Take the apostrophe away again."""
    return cell[1:] if cell.startswith("'") and NO_TEXT.match(cell[1:]) else cell


def as_csv(table: pl.DataFrame, *, header: bool = True) -> bytes:
    """Write a table as CSV in UTF-8."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    if header:
        writer.writerow(inert(column) for column in table.columns)
    writer.writerows([inert(cell) for cell in row] for row in table.iter_rows())
    return buffer.getvalue().encode("utf-8")
