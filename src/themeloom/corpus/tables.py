"""Tables with a column mapping: CSV, TSV, JSON lines, Parquet, XLSX."""

import csv
import io
import warnings
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from themeloom.config import ColumnsConfig, SourceConfig
from themeloom.corpus.drafts import Draft, Found, RowError, by_name, composed
from themeloom.corpus.files import LONGEST_LINE, fault_of, lines
from themeloom.corpus.json_values import Values
from themeloom.errors import InputError
from themeloom.system.archives import DAMAGED, unpacking_fault
from themeloom.system.sheets import separator_of

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_SheetRow = tuple[int, tuple[object, ...]]
_DELIMITERS = (",", ";", "\t", "|")
_SERIALS = range(20_000, 100_000)  # spreadsheet day numbers of 1954 to 2173
_SHOWN = 30
_ROWS = 64  # of a sheet that are read at a time
_MOST_ROWS = 2**20
"""Of a sheet: what spreadsheet programs write and read (ECMA-376 sets no end, they all do)."""
_HEADER, _HEADER_CHARACTERS = 100, 2**20  # lines and characters in which a header ends
_AGAIN, _AGAIN_EACH = 2**26, 4
"""Characters that are read anew after broken quotes: at most so many, and so many times the file's own."""


def mapped(columns: ColumnsConfig) -> list[str]:
    """Return the names of the columns that are asked for."""
    return [name for name in columns.model_dump().values() if name is not None]


def draft_of(row: dict[str, object], columns: ColumnsConfig) -> Draft:
    """Read one row of a table."""

    def value(name: str | None) -> object:
        found = row.get(name) if name is not None else None
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else found

    return Draft(
        id=value(columns.id),
        text=value(columns.text),
        created_at=value(columns.created_at),
        author=value(columns.author),
        lang=value(columns.lang),
    )


def check_columns(present: Sequence[str], source: SourceConfig) -> None:
    """Check that each column that is asked for is there, once.

    Raises
    ------
    InputError
        One sentence for each column that is not; it names those that are.
    """
    shown = ", ".join(f"'{_on_one_line(name[:40])}'" for name in present[:_SHOWN]) + (
        ", …" if len(present) > _SHOWN else ""
    )
    faults = [
        f"{source.path}: has {'no' if name not in present else 'more than one'} column "
        f"'{_on_one_line(name)}' (its columns are {shown}); correct the source's columns."
        for name in dict.fromkeys(mapped(source.columns))
        if present.count(name) != 1
    ]
    if faults:
        raise InputError(*faults)


def _on_one_line(name: str) -> str:
    """Show the line ends in a name as they are written in the experiment file."""
    return name.replace("\n", "\\n")


def jsonl_drafts(values: Values, source: SourceConfig) -> Found:
    """Read JSON objects as rows.

    Raises
    ------
    InputError
        If a column that is asked for is in none of the objects.
    """
    seen: dict[str, None] = {}
    for line, value in values:
        if isinstance(value, dict):
            row = by_name(value)
            if len(seen) < 1000:
                seen.update(dict.fromkeys(row))
            yield line, draft_of(row, source.columns)
        else:
            yield line, value if isinstance(value, RowError) else RowError("not a JSON object")
    if seen:
        check_columns(list(seen), source)


class _Lines:
    """Physical lines, with a way back for those that a stray quote has swallowed."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._ahead = lines(text)
        self._back: deque[tuple[int, str]] = deque()
        self._again = _AGAIN  # characters that may still be read anew
        self._length = 0  # characters of `taken`
        self.taken: list[tuple[int, str]] = []

    def begin(self) -> None:
        """Begin a record."""
        self.taken.clear()
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._length > LONGEST_LINE:
            raise csv.Error("more than a record can hold")
        if self._back:
            line = self._back.popleft()
        else:
            line = next(self._ahead)
            self._again += _AGAIN_EACH * len(line[1])
        self.taken.append(line)
        self._length += len(line[1])
        return line[1]

    def put_back(self, keep: int = 1) -> bool:
        """Put lines back; false if too many were: quotes can be laid so that each record takes all lines."""
        again = sum(len(line) for _, line in self.taken[keep:])
        if again > self._again:
            return False
        self._again -= again
        self._back.extendleft(reversed(self.taken[keep:]))
        del self.taken[keep:]
        return True

    def look_ahead(self) -> list[str]:
        """Take as many lines more as a header may have, and give all that were taken."""
        while len(self.taken) < _HEADER and self._length < _HEADER_CHARACTERS and next(self, ""):
            pass
        return [line for _, line in self.taken]


def csv_drafts(text: io.TextIOBase, source: SourceConfig, *, tabs: bool) -> Found:
    """Read delimited text with a header; quoted fields may hold line ends, those of the header too.

    The delimiter (comma, semicolon, tab, bar) is the one that a first line ``sep=;`` names, else the one
    whose header has most of the columns that are asked for. A record with unbalanced quotes costs its first
    line only.

    Raises
    ------
    InputError
        If there is no header, or a column that is asked for is not in it.
    """
    at = _Lines(text)
    delimiter, header = _header(at, source, ("\t",) if tabs else _DELIMITERS)
    check_columns(header, source)
    reader = csv.reader(at, delimiter=delimiter, strict=True)
    while True:
        at.begin()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"broken quoting, or a cell of more than {csv.field_size_limit():,} characters ({error})"
            fields = _unquoted(at.taken[0][1], delimiter) if at.put_back() else []
        else:
            reason = f"{len(fields)} column{'s' * (len(fields) != 1)} where the header has {len(header)}"
        if not fields and not reason.startswith("broken"):
            continue
        number = at.taken[0][0]
        if len(fields) != len(header):
            costs = "" if at.put_back() else f", which costs {len(at.taken):,} lines"
            yield number, RowError(reason + costs)
        else:
            fault = next(filter(None, (fault_of(line) for _, line in at.taken)), None)
            yield number, fault or draft_of(dict(zip(header, fields, strict=True)), source.columns)


def _unquoted(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line whose quotes are only marks in the text, as in TSV without quoting."""
    return line.rstrip("\r\n").split(delimiter) if delimiter == "\t" else []


def _header(at: _Lines, source: SourceConfig, delimiters: Sequence[str]) -> tuple[str, list[str]]:
    first = _first_line(at)
    if sign := separator_of(first):
        first, delimiters = _first_line(at), (sign,)
    wanted = set(mapped(source.columns))
    found = [_names([first], sign, strict=True) for sign in delimiters]
    if not all(names for _, names, _ in found):  # a quote is left open: the header goes on, or it is broken
        lines = at.look_ahead()
        found = [_names(lines, sign, strict=True) for sign in delimiters]
        found += [_names([first], sign, strict=False) for sign in delimiters]
    delimiter, names, length = max(found, key=lambda one: (len(wanted & set(one[1])), len(one[1])))
    for number, line in at.taken[:length]:
        if fault := fault_of(line):
            raise InputError(f"{source.path}:{number}: the header is {fault}.")
    at.put_back(max(length, 1))
    return delimiter, names


def _first_line(at: _Lines) -> str:
    at.begin()
    while (line := next(at, "")) and not line.strip():
        at.begin()
    return line


def _names(lines: list[str], delimiter: str, *, strict: bool) -> tuple[str, list[str], int]:
    """Read a header as separated by a sign; give that, the names, and of how many lines they are."""
    reader = csv.reader(lines, delimiter=delimiter, strict=strict)
    try:
        names = [composed(name).replace("\r\n", "\n") for name in next(reader, [])]
    except csv.Error:
        return delimiter, [], 1
    return delimiter, names, reader.line_num


def xlsx_drafts(file: Path | io.BytesIO, source: SourceConfig) -> Found:
    """Read one sheet of a workbook; whole numbers keep all the digits that the file has.

    Raises
    ------
    InputError
        If it is no sound workbook, has no such sheet, or lacks a column that is asked for.
    """
    rows = _sheet_rows(file, source)
    number, header = next(((n, row) for n, row in rows if any(cell is not None for cell in row)), (0, ()))
    names = ["" if cell is None else composed(str(cell)) for cell in header]
    if number == 0:
        raise InputError(f"{source.path}: the sheet is empty; give one with a header and rows.")
    check_columns([name for name in names if name], source)
    dates = source.columns.created_at
    for line, cells in rows:
        if all(cell is None for cell in cells):
            continue
        row: dict[str, object] = {
            name: _moment(cell) if name == dates else cell
            for name, cell in zip(names, cells, strict=False)
            if name
        }
        yield line, draft_of(row, source.columns)


def _sheet_rows(file: Path | io.BytesIO, source: SourceConfig) -> Iterator[_SheetRow]:
    import openpyxl

    with file.open("rb") if isinstance(file, Path) else file as stream:
        _check_archive(stream, source)
        try:
            with warnings.catch_warnings(action="ignore"):  # of styles and validations it does not know
                book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
                sheet = _chosen({composed(sheet.title): sheet for sheet in book.worksheets}, source)
                sheet.reset_dimensions()  # other programs than Excel write them wrong
                rows = enumerate(sheet.iter_rows(values_only=True), start=1)
            while some := _next_quietly(rows):
                yield from some
                _check_length(some[-1][0], source)
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001  it has no error of its own: a broken file raises anything
            kind = type(error).__name__
            raise InputError(f"{source.path}: is not a sound XLSX workbook ({kind}); save it anew.") from None


def _check_archive(stream: BinaryIO, source: SourceConfig) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            fault = unpacking_fault(archive, stream.seek(0, io.SEEK_END))
    except (*DAMAGED, ValueError) as error:
        fault = f"is not a sound XLSX workbook ({type(error).__name__})"
    if fault:
        raise InputError(f"{source.path}: {fault}; save it anew, or export CSV.")
    stream.seek(0)


def _next_quietly(rows: Iterator[_SheetRow]) -> list[_SheetRow]:
    with warnings.catch_warnings(action="ignore"):  # of days beyond the calendar: their cells become text
        return list(islice(rows, _ROWS))


def _check_length(row: int, source: SourceConfig) -> None:
    """Stop where no row of a workbook can be: of one that says it is there, all before it would be read."""
    if row > _MOST_ROWS:
        raise InputError(
            f"{source.path}: has a row beyond {_MOST_ROWS:,}, where sheets end; save it anew, or export CSV."
        )


def _chosen(sheets: dict[str, "ReadOnlyWorksheet"], source: SourceConfig) -> "ReadOnlyWorksheet":
    if source.sheet is None:
        return next(iter(sheets.values()))
    if source.sheet not in sheets:
        shown = ", ".join(f"'{name}'" for name in sheets)
        raise InputError(
            f"{source.path}: has no sheet '{source.sheet}' (it has {shown}); correct the source's sheet."
        )
    return sheets[source.sheet]


def _moment(cell: object) -> object:
    """Return a day number that the sheet does not mark as a date as the date that it is."""
    from openpyxl.utils.datetime import from_excel

    if isinstance(cell, int | float) and not isinstance(cell, bool) and cell // 1 in _SERIALS:
        found = from_excel(cell)
        return found if isinstance(found, datetime) else None
    return cell
