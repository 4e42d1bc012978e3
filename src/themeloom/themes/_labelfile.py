"""The label file as a table of text (CSV or Parquet), each row with its line; and where its ids lead."""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from themeloom.errors import LabelError
from themeloom.system.sheets import alive, parquet_texts, separator_of

DELIMITERS = ",;\t|"
PARQUET_MAGIC = b"PAR1"
ROUNDED_ID = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+|\d+\.0|\d{15}0{2,}")


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A label file, read but not yet understood."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]  # line (or record) in the file, cells by column
    faults: tuple[str, ...]  # rows that do not fit the header


def read_table(path: Path) -> LabelTable:
    """Read a label file; all cells are text, so that long ids keep every digit.

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
    table = _parquet(path, content) if is_parquet else _csv(path, content)
    if not table.rows and not table.faults:
        raise LabelError(f"{path}: has a header but no rows; give a row for each labelled message.")
    return table


def positions_of(ids: list[str], crosswalk: pl.DataFrame, doc_ids: Sequence[str]) -> list[int]:
    """Where each id's communication is; -1 for unknown ids. An apostrophe before it only says 'text'."""
    ids = [one.removeprefix("'") for one in ids]
    wanted = set(ids)
    labelled = pl.DataFrame({"source_id": sorted(wanted)}, schema={"source_id": pl.String})
    known = crosswalk.select("source_id", "doc_id").join(labelled, on="source_id", how="semi")
    doc_of = dict(known.iter_rows())
    wanted |= set(doc_of.values())
    place = {doc_id: position for position, doc_id in enumerate(doc_ids) if doc_id in wanted}
    return [place.get(one, place.get(doc_of.get(one, ""), -1)) for one in ids]


def check_index(table: LabelTable, key: str | None, crosswalk: pl.DataFrame, doc_ids: Sequence[str]) -> None:
    """Refuse a first column without name, as of an index that was written along, if another holds the ids."""
    if key is not None or table.columns[0]:
        return
    for column in table.columns[1:]:
        if min(positions_of([row[column] for _, row in table.rows], crosswalk, doc_ids), default=-1) >= 0:
            raise LabelError(
                f"{table.path}:1: the first column has no name, as an index that was written along; "
                f"'{column}' holds ids of this study: set themes.key = \"{column}\"."
            )


def zeros_lost(
    path: Path, key: str, unknown: Sequence[tuple[int, dict[str, str]]], known: pl.Series
) -> str | None:
    """Tell of unknown ids most of which would be known with zeros in front."""
    if not unknown:
        return None
    shortened = set(known.filter(known.str.contains(r"^0\d+$")).str.strip_chars_start("0"))
    lines = [line for line, row in unknown if row[key].removeprefix("'") in shortened]
    if 2 * len(lines) <= len(unknown):
        return None
    return (
        f"{path}:{lines[0]}: {len(lines)} of the {len(unknown)} ids in column '{key}' that belong to no "
        "message would belong to one with zeros in front, which a spreadsheet takes off; put them back, and "
        "keep ids as text."
    )


def rounded(given: str) -> str:
    """Say what may have become of an id; empty where nothing can be seen."""
    if not given:
        return " (it is blank)"
    return (
        " (a spreadsheet seems to have rounded it: keep ids as text)" if ROUNDED_ID.fullmatch(given) else ""
    )


def _parquet(path: Path, content: bytes) -> LabelTable:
    try:
        texts = parquet_texts(content).with_columns(pl.all().str.strip_chars().fill_null(""))
    except ValueError as error:
        raise LabelError(
            f"{path}: is no Parquet file of plain columns ({error}); write it again, or give a CSV file."
        ) from None
    return LabelTable(path, tuple(texts.columns), tuple(enumerate(texts.iter_rows(named=True), start=1)), ())


def _csv(path: Path, content: bytes) -> LabelTable:
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
    columns = tuple(records[0][1])
    _check_header(path, columns)
    faults = tuple(
        f"{path}:{line}: has {len(cells)} cells, but the header has {len(columns)}; "
        "quote cells that hold the delimiter."
        for line, cells in records
        if len(cells) != len(columns)
    )
    rows = tuple(
        (line, dict(zip(columns, cells, strict=True)))
        for line, cells in records[1:]
        if len(cells) == len(columns)
    )
    return LabelTable(path, columns, rows, faults)


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
            stripped = [alive(cell.strip()) for cell in cells]
            if any(stripped) and not (told and not records and separator_of(delimiter.join(cells))):
                records.append((start, _fitted(stripped, records)))
            start = reader.line_num + 1
    except csv.Error as error:
        raise LabelError(f"{path}:{start}: is not CSV ({error}); mend that line.") from None
    return records


def _fitted(cells: list[str], records: list[tuple[int, list[str]]]) -> list[str]:
    """Drop the empty cells that spreadsheets add on the right: all of the header's, others' beyond it."""
    width = len(records[0][1]) if records else 0
    while len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    return cells


def _check_header(path: Path, columns: tuple[str, ...]) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        names = ", ".join(f"'{column}'" for column in twice)
        raise LabelError(f"{path}:1: names the column {names} twice; give each column its own name.")
