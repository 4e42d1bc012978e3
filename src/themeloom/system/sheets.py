"""Tables: as CSV that spreadsheets take for text alone, and Parquet of others as text."""

import codecs
import csv
import io
import re
import unicodedata

import polars as pl

NO_TEXT = re.compile(r"'*(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]|\d+(?:e\d+)?$)")
"""What spreadsheets would run (full-width signs too), or take for a number, and that after an apostrophe."""


def inert(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would run, or round as a number."""
    return f"'{cell}" if isinstance(cell, str) and NO_TEXT.match(cell) else cell


def alive(cell: str) -> str:
    """Take the apostrophe away again."""
    return cell[1:] if cell.startswith("'") and NO_TEXT.match(cell[1:]) else cell


_SEPARATOR = re.compile(r"""(["']?)sep=([^\w"' \r\n])\1\2*[ \r\n]*""", re.IGNORECASE)


def separator_of(line: str) -> str | None:
    """Return the separator that a CSV file's first line names, as Excel writes it (``sep=;``), if it does."""
    found = _SEPARATOR.fullmatch(line)
    return found[2] if found else None


NO_CODES = {"text", "inclusion_probability", "design", "batch"}
"""Columns beside the coders' in the sheets and tables that are written for coders."""

UNCLEAR = "unclear"
"""What coders, or who decides, say of a message to which no code can be given."""

MOST_ROWS = 2_000_000
"""Rows of a table of labels or codes; a few bytes of Parquet can claim thousands of millions."""


def parquet_texts(content: bytes) -> pl.DataFrame:
    """Read a Parquet file of plain columns as text, in NFC: null where there is nothing.

    Raises
    ------
    ValueError
        If it is no such file, or has more rows than any table of labels.
    """
    try:
        rows = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
        if rows > MOST_ROWS:
            raise ValueError(f"{rows:,} rows, but a table of labels has at most {MOST_ROWS:,}")
        table = pl.read_parquet(io.BytesIO(content))
        composed = table.rename(lambda column: unicodedata.normalize("NFC", column))
        return composed.with_columns(pl.all().cast(pl.String).str.normalize("NFC"))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, OverflowError) as error:
        raise ValueError(str(error).partition("\n")[0][:120]) from None


def as_csv(table: pl.DataFrame, *, header: bool = True) -> bytes:
    """Write a table as CSV in UTF-8, for programs; or what follows a header."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    if header:
        writer.writerow(inert(column) for column in table.columns)
    writer.writerows([inert(cell) for cell in row] for row in table.iter_rows())
    return buffer.getvalue().encode()


def as_sheet(table: pl.DataFrame) -> bytes:
    """Write a table as CSV for people, who open it in a spreadsheet.

    Where it has letters beyond ASCII it begins with the byte order mark, without which Excel takes them for
    others. Programs that do not pass over the mark read English tables all the same.
    """
    content = as_csv(table)
    foreign = any(sign.isalpha() for sign in content.decode() if not sign.isascii())
    return codecs.BOM_UTF8 + content if foreign else content
