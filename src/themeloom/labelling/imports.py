"""What people coded elsewhere, taken in: label files, long tables, Label Studio, REFI-QDA."""

import hashlib
import math
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from themeloom.errors import LabelError, first_of
from themeloom.labelling import codebooks, labelstudio, people, refi
from themeloom.labelling.codes import Coding, fault_of, has_seen_guess
from themeloom.labelling.collected import ADJUDICATED, Said, duration, moment
from themeloom.labelling.exports import everything
from themeloom.labelling.store import Store, insert, now
from themeloom.records import Codebook
from themeloom.system.labelfile import LabelTable, read_table
from themeloom.system.sheets import NO_CODES

LARGEST = 256 * 1024 * 1024
SHOWN = 20
LONG = {"doc_id", "coder", "code"}
BESIDE = frozenset({"second", "note"})
FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0, "": 0}
MEANT = dict.fromkeys(("unclear", "adjudicated", "assisted"), "true or false") | {
    "codebook_version": "a whole number, or nothing",
    "seconds": "a number, or nothing",
    "at": "a time such as 2026-01-31T12:00:00+00:00, or nothing",
}

T = TypeVar("T")


def read(path: Path) -> list[Said]:
    """Read what a file says; by its ending it is CSV, Parquet, Label Studio's JSON, or a REFI-QDA project.

    Raises
    ------
    LabelError
        If it cannot be read as that.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise LabelError(f"{path}: is larger than {LARGEST // 2**20} MiB; split it.")
        content = path.read_bytes()
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); check the path.") from None
    match path.suffix.lower():
        case ".qdpx":
            return refi.read(content, str(path))
        case ".json":
            return labelstudio.read(content, str(path))
        case ".csv" | ".parquet":
            table = _whole(path)
            return list(_long(table) if LONG.issubset(table.columns) else _wide(table))
    raise LabelError(f"{path}: name a file that ends in .csv, .parquet, .json (Label Studio) or .qdpx.")


@dataclass(frozen=True, slots=True)
class Drawn:
    """How the messages of a sheet were drawn, row by row; empty where it does not say."""

    design: list[str]
    inclusion: list[float | None]


def designs(sheet: Path) -> Drawn:
    """Read how the messages of a sheet were drawn: its columns ``design`` and ``inclusion_probability``.

    Raises
    ------
    LabelError
        If the sheet cannot be read, or a probability is none.
    """
    table = _whole(sheet)
    if not {"design", "inclusion_probability"}.issubset(table.columns):
        return Drawn([], [])
    rows = [row for _, row in table.rows]
    given = [row["inclusion_probability"] for row in rows]
    try:
        inclusion = [float(cell) if cell else None for cell in given]
    except ValueError:
        inclusion = [math.nan]
    if any(one is not None and not 0 < one <= 1 for one in inclusion):
        raise LabelError(
            f"{sheet}: its inclusion_probability holds what is no probability; draw the sheet anew."
        )
    return Drawn([row["design"] or "listed" for row in rows], inclusion)


def _whole(path: Path) -> LabelTable:
    """Read a table all of whose rows fit its header."""
    table = read_table(path, whole={"note"})
    if table.faults:
        raise LabelError(*first_of(list(table.faults)))
    return table


def _wide(table: LabelTable) -> Iterable[Said]:
    """Read a row a message, a column a coder; blank cells say nothing."""
    key, *columns = table.columns
    for line, row in table.rows:
        for column in [column for column in columns if column not in NO_CODES]:
            coder = ADJUDICATED if column.casefold() == ADJUDICATED else column
            if row[column]:
                yield Said(coder, row[key], row[column], place=f":{line}", silent=BESIDE)


def _long(table: LabelTable) -> Iterable[Said]:
    """Read a row a code."""
    path = table.path
    for line, row in table.rows:
        place = f":{line}"
        unclear = _cell(path, place, row, "unclear", _flag)
        if not unclear and not row["code"]:
            raise LabelError(f"{path}{place}: has neither a code nor 'unclear'; give one of them.")
        yield Said(
            ADJUDICATED if _cell(path, place, row, "adjudicated", _flag) else row["coder"],
            row["doc_id"],
            row["code"] or None,
            row.get("second") or None,
            unclear,
            row.get("note") or None,
            _cell(path, place, row, "assisted", _flag),
            _cell(path, place, row, "codebook_version", _version),
            _cell(path, place, row, "seconds", duration),
            _cell(path, place, row, "at", moment),
            place,
            BESIDE - row.keys(),
        )


def _cell(path: Path, place: str, row: dict[str, str], column: str, read: Callable[[str], T]) -> T:
    """Read a cell that holds more than a text; one that is not there is an empty one."""
    cell = row.get(column, "")
    try:
        return read(cell)
    except (ValueError, KeyError):
        raise LabelError(f"{path}{place}: {column} is '{cell[:40]}'; give {MEANT[column]}.") from None


def _flag(cell: str) -> int:
    return FLAGS[cell.lower()]


def _version(cell: str) -> int | None:
    """Read a whole number; programs that know no gaps among those write 1.0."""
    return int(cell.removesuffix(".0")) if cell else None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a file's codes and decisions; those that were there already are not counted."""

    new: int
    changed: int  # instead of what the same coder had said
    kept: int  # what is there stays, as it was said after what the file says, or the file is known
    coders: tuple[str, ...]  # whose the file has


def take_in(store: Store, said: list[Said], path: Path, doc_id_of: Callable[[str], str | None]) -> Taken:
    """Add codes to the label file: all of them or, where any has a fault, none.

    What the label file has already is not added again, nor does a file bring back what its coder has changed
    since: where it tells times, what was said last counts; where it does not, it is taken in once. A second
    code and a note stay where the file has no room for them. A code is assisted, for good, if the file says
    so, or the coder saw the guess for that message before.

    Parameters
    ----------
    store
        The label file.
    said
        What `read` gave.
    path
        The file that it came from.
    doc_id_of
        Gives the message that an id belongs to, if it is one of the study's.

    Returns
    -------
    Taken
        How many codes and decisions were new, or changed, or kept from change, and whose they are.

    Raises
    ------
    LabelError
        If a message is not in the sample, a code not in the codebook, or there is nothing to take in.
    """
    version, codebook = codebooks.newest(store)
    told = (one.composed.told_by(codebook) for one in said)
    found = [replace(one, doc_id=doc_id_of(one.doc_id) or "") for one in told]
    _check(store, found, path, codebook)
    names = {one.coder: _joined(store, one.coder) for one in found}
    client = str(uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(path.read_bytes()).hexdigest()))
    came: Counter[str] = Counter()
    with store.writing() as connection:
        known = connection.execute("SELECT 1 FROM events WHERE client = ?", (client,)).fetchone() is not None
        insert(connection, "imported", "themeloom import-labels", detail=path.name, client=client)
        present = _present(store)
        asked: dict[tuple[str, str], Said] = {}
        for one in found:  # of a message that is there twice, the first counts
            asked.setdefault((names[one.coder], one.doc_id), one)
        for key, one in asked.items():
            what, added = _outcome(one, present.get(key), known=known)
            came[what] += 1
            if added is not None:
                values = _values(added, version)
                values["assisted"] = int(added.assisted or has_seen_guess(connection, *key))
                kind = "decide" if one.coder == ADJUDICATED else "code"
                insert(connection, kind, key[0], detail=f"imported from {path.name}", **values)
    return Taken(came["new"], came["changed"], came["kept"], tuple(sorted(set(names.values()))))


def _check(store: Store, found: list[Said], path: Path, codebook: Codebook) -> None:
    """Raise if anything of a file cannot be taken in."""
    sample = {row["doc_id"] for row in store.messages()}
    faults = [] if found else [f"{path}: holds no codes."]
    for one in found:
        fault = _name_fault(one.coder) or fault_of(
            Coding(one.doc_id, one.code, one.second, bool(one.unclear), one.note or ""), codebook
        )
        if fault and one.doc_id in sample:
            faults.append(f"{path}{one.place} (by {one.coder[:40]}): {fault}")
    if absent := [one for one in found if one.doc_id not in sample]:  # often the whole file: told once
        others = f", nor are those of {len(absent) - 1:,} more codes" if len(absent) > 1 else ""
        faults.append(
            f"{path}{absent[0].place}: the message is not in the sample{others}; leave such codes out, or "
            "take the messages in first by `themeloom label EXPERIMENT --sheet SHEET` (a label file is one)."
        )
    if faults:
        more = len(faults) - SHOWN
        raise LabelError(*faults[:SHOWN], *([f"{path}: {more} more faults like these."] if more > 0 else []))


def _name_fault(coder: str) -> str | None:
    try:
        if coder != ADJUDICATED:
            people.plain(coder)
    except LabelError as error:
        return str(error)
    return None


def _joined(store: Store, coder: str) -> str:
    return ADJUDICATED if coder == ADJUDICATED else people.join(store, coder)


def _present(store: Store) -> dict[tuple[str, str], Said]:
    """Give what counts now, by coder and message; decisions as those of 'adjudicated'."""
    there = everything(store)
    return {(one.coder, one.doc_id): one for one in there.codes} | {
        (ADJUDICATED, one.doc_id): one for one in there.decisions
    }


def _outcome(one: Said, present: Said | None, *, known: bool) -> tuple[str, Said | None]:
    """Tell what comes of what a file says, and what is to be added, if anything is."""
    if present is None:
        return "new", one
    wanted = _filled(one, present)
    differs = wanted.content != present.content
    if differs and not known and not one.was_before(present):
        return "changed", wanted
    if one.assisted > present.assisted:  # the mark is for good, and comes alone
        return "changed", replace(present, assisted=1)
    return "kept" if differs else "same", None


def _filled(one: Said, present: Said) -> Said:
    """Add what the file has no room for; of decisions, the reason for another one is none for this."""
    if one.coder == ADJUDICATED and one.code != present.code:
        return one
    keeps_second = "second" in one.silent and one.code not in {None, present.second}
    return replace(
        one,
        second=present.second if keeps_second else one.second,
        note=present.note if "note" in one.silent else one.note,
    )


def _values(one: Said, newest: int) -> dict[str, object]:
    """Give the columns of an event; what the file does not tell, or cannot know, is that of today."""
    known = one.codebook is not None and 0 < one.codebook <= newest
    return {
        "at": min(one.at or now(), now()),  # a clock may have been fast
        "doc_id": one.doc_id,
        "code": one.code,
        "second": one.second,
        "unclear": one.unclear,
        "note": one.note,
        "codebook": one.codebook if known else newest,
        "seconds": one.seconds,
    }
