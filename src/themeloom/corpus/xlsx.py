"""Messages in sheets of XLSX workbooks."""

import io
import warnings
import zipfile
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from themeloom.config import SourceConfig
from themeloom.corpus.drafts import Found, composed
from themeloom.corpus.tables import check_columns, draft_of
from themeloom.errors import InputError
from themeloom.system.archives import DAMAGED, unpacking_fault

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_SheetRow = tuple[int, tuple[object, ...]]
_SERIALS = range(20_000, 100_000)  # spreadsheet day numbers of 1954 to 2173
_ROWS = 64  # of a sheet that are read at a time
_MOST_ROWS = 2**20
"""Of a sheet: what spreadsheet programs write and read (ECMA-376 sets no end, they all do)."""


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
    names: list[str] = []
    try:
        with zipfile.ZipFile(stream) as archive:
            fault = unpacking_fault(archive, stream.seek(0, io.SEEK_END))
            names = archive.namelist()
    except (*DAMAGED, ValueError) as error:
        fault = f"is not a sound XLSX workbook ({type(error).__name__})"
    if fault:
        raise InputError(f"{source.path}: {fault}; save it anew, or export CSV.")
    if not any(fnmatchcase(name.lower(), "*workbook*.xml") for name in names):
        raise InputError(
            f"{source.path}: is a ZIP, but no XLSX workbook; unpack it and name a file in it (of an X "
            "archive: data/tweets.js), or export XLSX or CSV."
        )
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
