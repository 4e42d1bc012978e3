"""Where a result may be written: over nothing that the command reads, and over nothing that people made."""

import csv
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from themeloom.errors import OutputError
from themeloom.history.parts import MANIFEST, REPORT

_LONGEST_HEAD = 2**16


@dataclass(frozen=True, slots=True)
class Kind:
    """What is written to a file that somebody names.

    An earlier result of the kind, which may be replaced, is known by its columns or by how it begins. Where
    neither is told, no file is replaced: people fill it in once it is written.
    """

    endings: tuple[str, ...]
    columns: tuple[str, ...] = ()
    start: tuple[bytes, ...] = ()  # any of these


_FIRST_KEYS = ("format", "coders", "communications", "study", "run", "encoder")
JSON = Kind((".json",), start=tuple(f'{{\n  "{key}": '.encode() for key in _FIRST_KEYS))
"""What `--json` writes: begun otherwise than messages, tasks of Label Studio or settings of an encoder."""
PAGE = Kind((".html", ".htm"), start=(b"<!doctype html>",))
SHEET = Kind((".csv",))


def check_target(out: Path, kind: Kind, inputs: Iterable[str | Path] = ()) -> None:
    """Check, before any work is done, that a result can be written where it is asked for, and harms nothing.

    Parameters
    ----------
    out
        The file to write.
    kind
        What is written.
    inputs
        Files and folders that the command reads, or its study.

    Raises
    ------
    OutputError
        If the path is no file's, or ends in another way; if it leads to an input, by whatever spelling or
        link, or into a model; or if what is there already is no earlier result of the kind.
    """
    try:
        _check_path(out, inputs)
        check_ending(out, kind.endings)
        _check_there(out, kind)
    except OSError as error:  # too long a name, a folder that may not be looked into
        raise OutputError(f"{out}: cannot be written ({error.strerror}); give another name.") from None


def check_ending(out: Path, endings: Collection[str]) -> None:
    """Check that a result's name ends as what is written.

    Raises
    ------
    OutputError
        If it does not.
    """
    if out.suffix.lower() not in endings:
        wanted = " or ".join(endings)
        raise OutputError(f"{out}: ends in '{out.suffix}', which cannot be written; use {wanted}.")


def check_folder(out: Path) -> None:
    """Check that a folder is there, or can be made.

    Raises
    ------
    OutputError
        If it is not, and cannot.
    """
    _check_above(out, (out, *out.absolute().parents))


def _check_path(out: Path, inputs: Iterable[str | Path]) -> None:
    if not out.name or out.is_dir():
        raise OutputError(f"{out}: is a folder, where a file is to be written; add the file's name.")
    _check_above(out, out.absolute().parents)
    for given in inputs:
        if _leads_to(out, Path(given)):
            raise OutputError(f"{out}: would replace {given}, which is read here; give another name.")
    if out.name != REPORT and _is_model(out.parent):
        raise OutputError(f"{out}: is inside a model, which must stay as it is; choose another folder.")


def _check_there(out: Path, kind: Kind) -> None:
    """Check what is there already. An empty file is nobody's work."""
    if not out.exists() or not out.stat().st_size:
        return
    if not (kind.columns or kind.start):
        raise OutputError(f"{out}: exists already, and may hold codes; give another name.")
    if not os.access(out, os.R_OK):
        raise OutputError(f"{out}: exists already, and you may not read it; give another name.")
    if not _is_earlier(out, kind):
        raise OutputError(
            f"{out}: exists already, and is no earlier result of this command: somebody may need it; "
            "give another name, or move that file away."
        )


def _check_above(out: Path, folders: Iterable[Path]) -> None:
    """Check the first of these folders that is there already: the others are made in it."""
    nearest = next(folder for folder in folders if os.path.lexists(folder))
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return
    why = "it may not be written to" if nearest.is_dir() else "it is no folder"
    raise OutputError(
        f"{out}: cannot be written under {nearest} ({why}); choose a folder that you may write to."
    )


def _leads_to(out: Path, given: Path) -> bool:
    """Say whether a path leads to a given file, or to one that is in a given folder."""
    try:
        within = given.is_dir() and out.exists()
        return Path(os.path.realpath(out)).is_relative_to(given.resolve()) if within else out.samefile(given)
    except OSError:  # one of them is not there
        return False


def _is_model(folder: Path) -> bool:
    manifest = folder / MANIFEST
    return manifest.is_file() and b'"themeloom"' in manifest.read_bytes()[:_LONGEST_HEAD]


def _is_earlier(out: Path, kind: Kind) -> bool:
    head = HEADS[out.suffix.lower()] if kind.columns else None
    try:
        with out.open("rb") as file:
            if head:
                return set(head(file)).issuperset(kind.columns)
            return file.read(_LONGEST_HEAD).lstrip().startswith(kind.start)
    except Exception:  # noqa: BLE001 (whatever is wrong with it: it was not written here)
        return False


def _csv_head(file: BinaryIO) -> Iterable[object]:
    return next(csv.reader([file.readline(_LONGEST_HEAD).decode("utf-8-sig")]))


def _parquet_head(file: BinaryIO) -> Iterable[object]:
    import polars as pl

    return list(pl.read_parquet_schema(file))


def _xlsx_head(file: BinaryIO) -> Iterable[object]:
    import openpyxl

    book = openpyxl.load_workbook(file, read_only=True)
    return next(book.worksheets[0].iter_rows(max_row=1, values_only=True))


def _docx_head(file: BinaryIO) -> Iterable[object]:
    import docx

    return [cell.text for cell in docx.Document(file).tables[0].rows[0].cells]


HEADS: dict[str, Callable[[BinaryIO], Iterable[object]]] = {
    ".csv": _csv_head,
    ".parquet": _parquet_head,
    ".xlsx": _xlsx_head,
    ".docx": _docx_head,
}
"""How the names of a table's columns are read: without it, no earlier result would be known again."""
