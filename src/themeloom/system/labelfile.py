"""The label file as a table of text (CSV or Parquet), each row with its line."""

import csv
import io
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from themeloom.errors import LabelError
from themeloom.system.sheets import alive, parquet_texts, separator_of

DELIMITERS = ",;\t|"
PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A label file, read but not yet understood."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]  # line (or record) in the file, cells by column
    faults: tuple[str, ...]  # rows that do not fit the header


def read_table(path: Path, whole: Collection[str] = ()) -> LabelTable:
    """Read a label file; all cells are text, so that long ids keep every digit.

    Parameters
    ----------
    path
        The file.
    whole
        Columns whose cells keep the blanks around them.

    Raises
    ------
    LabelError
        If the file is missing, empty, or neither CSV nor Parquet.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise LabelError(f"{path}: there is no such label file; check the path.") from None
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); give a CSV or Parquet file.") from None
    if not content.strip():
        raise LabelError(f"{path}: is empty; give a header and a row for each labelled message.")
    is_parquet = path.suffix.lower() == ".parquet" or content.startswith(PARQUET_MAGIC)
    table = _parquet(path, content, whole) if is_parquet else _csv(path, content, whole)
    if not table.rows and not table.faults:
        raise LabelError(f"{path}: has a header but no rows; give a row for each labelled message.")
    return table


def _parquet(path: Path, content: bytes, whole: Collection[str]) -> LabelTable:
    try:
        texts = parquet_texts(content).fill_null("").with_columns(pl.exclude(whole).str.strip_chars())
    except ValueError as error:
        raise LabelError(
            f"{path}: is no Parquet file of plain columns ({error}); write it again, or give a CSV file."
        ) from None
    return LabelTable(path, tuple(texts.columns), tuple(enumerate(texts.iter_rows(named=True), start=1)), ())


def _csv(path: Path, content: bytes, whole: Collection[str]) -> LabelTable:
    try:
        text = unicodedata.normalize("NFC", content.decode("utf-8-sig"))  # a Mac may part letters and marks
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LabelError(f"{path}:{line}: is not UTF-8 text; save the file as CSV in UTF-8.") from None
    if text.lstrip()[:1] in ("{", "["):
        raise LabelError(f"{path}: looks like JSON; give the labels as CSV or Parquet.")
    records = _records(path, text)
    if not records:
        raise LabelError(f"{path}: is empty; give a header and a row for each labelled message.")
    header, names = records[0]
    columns = tuple(alive(name.strip()) for name in names)
    _check_header(path, header, columns)
    faults = tuple(
        f"{path}:{line}: has {len(cells)} cells, but the header has {len(columns)}; "
        "quote cells that hold the delimiter."
        for line, cells in records
        if len(cells) != len(columns)
    )
    rows = tuple(
        (line, _row(columns, cells, whole)) for line, cells in records[1:] if len(cells) == len(columns)
    )
    return LabelTable(path, columns, rows, faults)


def _row(columns: tuple[str, ...], cells: list[str], whole: Collection[str]) -> dict[str, str]:
    return {
        name: alive(cell if name in whole else cell.strip())
        for name, cell in zip(columns, cells, strict=True)
    }


def _records(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Give the records that hold anything, each with the line on which it starts."""
    first = text.lstrip().partition("\n")[0]
    told = separator_of(first)
    delimiter = told or max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            blank = not any(map(str.strip, cells))
            if not blank and not (told and not records and separator_of(delimiter.join(cells))):
                records.append((start, _fitted(cells, records)))
            start = reader.line_num + 1
    except csv.Error as error:
        raise LabelError(f"{path}:{start}: is not CSV ({error}); mend that line.") from None
    return records


def _fitted(cells: list[str], records: list[tuple[int, list[str]]]) -> list[str]:
    """Drop the empty cells that spreadsheets add on the right: all of the header's, others' beyond it."""
    width = len(records[0][1]) if records else 0
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _check_header(path: Path, line: int, columns: tuple[str, ...]) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        names = ", ".join(f"'{column}'" for column in twice)
        raise LabelError(f"{path}:{line}: names the column {names} twice; give each column its own name.")
