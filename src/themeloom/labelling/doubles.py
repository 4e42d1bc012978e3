"""What two or more coders said of the same messages: side by side, counted, and decided."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from themeloom.errors import LabelError
from themeloom.labelling import codes
from themeloom.labelling.store import Store, insert
from themeloom.records import Codebook, LabelledSample
from themeloom.system.sheets import UNCLEAR


@dataclass(frozen=True, slots=True)
class Double:
    """A message, what each coder said of it, and what was decided."""

    doc_id: str
    text: str
    said: tuple[dict[str, Any], ...]  # coder, code ('unclear' too), second, note, assisted, codebook
    decision: dict[str, Any] | None  # code, note, coder, at

    @property
    def disputed(self) -> bool:
        """Whether not all said the same, 'unclear' included: there is something to decide."""
        return len({one["code"] for one in self.said}) > 1

    @property
    def codes_differ(self) -> bool:
        """Whether two gave different codes; 'unclear' is none."""
        return len({one["code"] for one in self.said} - {UNCLEAR}) > 1

    @property
    def split(self) -> int:
        """How many pairs of coders disagree."""
        return sum(one["code"] != other["code"] for one, other in combinations(self.said, 2))


@dataclass(frozen=True, slots=True)
class PairTable:
    """What one coder said against what another said."""

    first: str
    second: str
    names: tuple[str, ...]  # codes that either used, in the codebook's order; 'unclear' last
    counts: tuple[tuple[int, ...], ...]

    @property
    def most(self) -> int:
        """The largest count."""
        return max((max(row) for row in self.counts), default=0)


def doubles(store: Store, batches: Sequence[int]) -> list[Double]:
    """Give the messages of these batches that two or more coded, most disputed first.

    Only coders count who have finished the batch: others shall not be spoken of before.
    """
    finished = codes.finished(store)
    rows = [row for row in store.messages() if row["batch"] in batches]
    texts = {row["doc_id"]: row["text"] for row in rows}
    ready = {row["doc_id"]: finished.get(row["batch"], set()) for row in rows}
    said: dict[str, list[dict[str, Any]]] = {doc_id: [] for doc_id in texts}
    names = ("coder", "second", "note", "assisted", "codebook")
    for row in store.read("SELECT * FROM current_codes ORDER BY coder"):
        if row["coder"] in ready.get(row["doc_id"], ()):
            one = {name: row[name] for name in names} | {"code": UNCLEAR if row["unclear"] else row["code"]}
            said[row["doc_id"]].append(one)
    decided = {row["doc_id"]: _decision(row) for row in store.read("SELECT * FROM current_decisions")}
    found = [
        Double(doc_id, texts[doc_id], tuple(by), decided.get(doc_id))
        for doc_id, by in said.items()
        if len(by) >= 2
    ]
    return sorted(found, key=lambda one: (-one.split, one.doc_id))


def _decision(row: sqlite3.Row) -> dict[str, Any]:
    code = UNCLEAR if row["unclear"] else row["code"]
    return {"code": code, "note": row["note"], "coder": row["coder"], "at": row["at"]}


def as_sample(found: Sequence[Double], codebook: Codebook, *, assisted: bool = True) -> LabelledSample:
    """Make what coders said a sample, for coefficients of agreement; 'unclear' is a missing code."""
    coders = tuple(sorted({one["coder"] for double in found for one in double.said}))
    index = {key: place for place, key in enumerate(codebook.keys)}
    table = np.full((len(found), len(coders)), -1, np.int64)
    for row, double in enumerate(found):
        for one in double.said:
            if assisted or not one["assisted"]:
                table[row, coders.index(one["coder"])] = index.get(one["code"], -1)
    nothing = np.full(len(found), -1, np.int64)
    return LabelledSample(np.arange(len(found)), nothing, coders, table)


def pair_tables(found: Sequence[Double], codebook: Codebook) -> list[PairTable]:
    """Count, for each pair of coders, who said what."""
    coders = sorted({one["coder"] for double in found for one in double.said})
    tables = []
    for first, second in combinations(coders, 2):
        counts: Counter[tuple[str, str]] = Counter()
        for double in found:
            by = {one["coder"]: one["code"] for one in double.said}
            if first in by and second in by:
                counts[by[first], by[second]] += 1
        used = {code for pair in counts for code in pair}
        names = tuple(name for name in (*codebook.keys, UNCLEAR) if name in used)
        rows = tuple(tuple(counts[one, other] for other in names) for one in names)
        tables.append(PairTable(first, second, names, rows))
    return tables


def decide(store: Store, who: str, doc_id: str, code: str, why: str, codebook: tuple[int, Codebook]) -> int:
    """Keep the adjudicated code of a message: who decided, what, and why.

    Raises
    ------
    LabelError
        If the message is not in the sample, what is decided is no code, or there is no reason.
    """
    version, book = codebook
    if code != UNCLEAR and code not in book.keys:
        raise LabelError(f"'{code[:40]}' is no code of the codebook; use one of: {', '.join(book.keys)}.")
    if not why.strip() or len(why) > codes.LONGEST_NOTE:
        raise LabelError(f"say why, in 1 to {codes.LONGEST_NOTE:,} characters.")
    with store.writing() as connection:
        codes.check_message(connection, doc_id)
        return insert(
            connection,
            "decide",
            who,
            doc_id=doc_id,
            code=None if code == UNCLEAR else code,
            unclear=int(code == UNCLEAR),
            note=" ".join(why.split()),
            codebook=version,
        )
