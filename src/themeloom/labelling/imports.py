"""What people coded elsewhere, taken in: label files, long tables, Label Studio, REFI-QDA."""

import csv
import hashlib
import io
import math
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from themeloom.errors import LabelError
from themeloom.labelling import codebooks, labelstudio, people, refi
from themeloom.labelling.codes import Coding, fault_of
from themeloom.labelling.collected import ADJUDICATED, Said
from themeloom.labelling.store import Store, insert
from themeloom.sheets import NO_CODES, alive, parquet_texts

LARGEST = 256 * 1024 * 1024
SHOWN = 20
LONG = {"doc_id", "coder", "code"}


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
            rows = _parquet(path, content) if path.suffix.lower() == ".parquet" else _csv(path, content)
            return list(_long(path, rows) if rows and rows[0].keys() >= LONG else _wide(rows))
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
    content = sheet.read_bytes()
    rows = _parquet(sheet, content) if sheet.suffix.lower() == ".parquet" else _csv(sheet, content)
    if not rows or not rows[0].keys() >= {"design", "inclusion_probability"}:
        return Drawn([], [])
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


def _csv(path: Path, content: bytes) -> list[dict[str, str]]:
    try:
        text = content.decode("utf-8-sig")
        header = text.partition("\n")[0]
        delimiter = max(",;\t", key=header.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path}: is no CSV in UTF-8 ({error}); save it as that.") from None
    uneven = [line for line, row in enumerate(rows, start=1) if row and len(row) != len(rows[0])]
    if uneven:
        raise LabelError(f"{path}:{uneven[0]}: has not as many cells as the header; mend that row.")
    return [dict(zip(rows[0], map(alive, row), strict=True)) for row in rows[1:] if any(row)]


def _parquet(path: Path, content: bytes) -> list[dict[str, str]]:
    try:
        return parquet_texts(content).fill_null("").to_dicts()
    except ValueError as error:
        raise LabelError(f"{path}: is no Parquet file of plain columns ({error}); write it again.") from None


def _wide(rows: list[dict[str, str]]) -> Iterable[Said]:
    """Read a row a message, a column a coder; blank cells say nothing."""
    for row in rows:
        key = next(iter(row))
        for column in [column for column in row if column != key and column not in NO_CODES]:
            coder = ADJUDICATED if column.strip().casefold() == ADJUDICATED else column
            if row[column].strip():
                yield Said(coder, row[key].strip(), row[column].strip())


def _long(path: Path, rows: list[dict[str, str]]) -> Iterable[Said]:
    """Read a row a code."""
    for line, row in enumerate(rows, start=2):
        unclear = row.get("unclear", "").lower() in {"true", "1"}
        if not unclear and not row["code"]:
            raise LabelError(f"{path}:{line}: has neither a code nor 'unclear'; give one of them.")
        coder = ADJUDICATED if row.get("adjudicated", "").lower() == "true" else row["coder"]
        second, note = row.get("second") or None, row.get("note") or None
        yield Said(coder, row["doc_id"], row["code"] or None, second, int(unclear), note)


def take_in(
    store: Store, said: list[Said], path: Path, doc_id_of: Callable[[str], str | None]
) -> tuple[int, tuple[str, ...]]:
    """Add codes to the label file: all of them or, where any has a fault, none.

    The same file twice is taken in once.

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
    int
        How many codes and decisions were new.
    tuple of str
        Whose they are.

    Raises
    ------
    LabelError
        If a message is not in the sample, a code not in the codebook, or there is nothing to take in.
    """
    version, codebook = codebooks.newest(store)
    sample = {row["doc_id"] for row in store.messages()}
    found = [replace(one, doc_id=doc_id_of(one.doc_id) or "") for one in said]
    faults = [] if found else [f"{path}: holds no codes."]
    for place, one in enumerate(found, start=1):
        fault = fault_of(
            Coding(one.doc_id, one.code, one.second, bool(one.unclear), one.note or ""), codebook
        )
        if one.doc_id not in sample:
            faults.append(f"{path}: code {place} (by {one.coder}) is of a message that is not in the sample.")
        elif fault:
            faults.append(f"{path}: code {place} (by {one.coder}): {fault}")
    if faults:
        more = len(faults) - SHOWN
        raise LabelError(*faults[:SHOWN], *([f"{path}: {more} more faults like these."] if more > 0 else []))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    names = {one.coder: _joined(store, one.coder) for one in found}
    with store.writing() as connection:
        before = connection.execute("SELECT COUNT(*) FROM events").fetchone()[0]
        for one in found:
            insert(
                connection,
                "decide" if one.coder == ADJUDICATED else "code",
                names[one.coder],
                doc_id=one.doc_id,
                code=one.code,
                second=one.second,
                unclear=one.unclear,
                note=one.note,
                codebook=version,
                detail=f"imported from {path.name}",
                client=_client(digest, one),
            )
        new = connection.execute("SELECT COUNT(*) FROM events").fetchone()[0] - before
    return int(new), tuple(sorted(set(names.values())))


def _joined(store: Store, coder: str) -> str:
    return ADJUDICATED if coder == ADJUDICATED else people.join(store, coder)


def _client(digest: str, one: Said) -> str:
    """Name a code by the file and what it says: the same again is the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{digest}/{one.coder}/{one.doc_id}"))
