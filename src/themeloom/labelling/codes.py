"""What coders say of messages: kept as events, of which the last one of each coder counts."""

import hashlib
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from themeloom.errors import LabelError
from themeloom.labelling.store import Store, insert
from themeloom.records import Codebook

LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Coding:
    """What a coder says of one message: a code, a second one beside it if need be, or that it is unclear."""

    doc_id: str
    code: str | None
    second: str | None = None
    unclear: bool = False
    note: str = ""
    codebook: int | None = None
    seconds: float | None = None
    client: str | None = None


def order_of(store: Store, coder: str, seed: int) -> list[str]:
    """Give the sample in the coder's own order: batch by batch, each shuffled by the study's seed."""

    def lot(doc_id: str) -> bytes:
        return hashlib.sha256(f"{seed}\0{coder.casefold()}\0{doc_id}".encode()).digest()

    rows = store.read("SELECT doc_id, batch FROM messages")
    return [row["doc_id"] for row in sorted(rows, key=lambda row: (row["batch"], lot(row["doc_id"])))]


def save(store: Store, coder: str, said: Coding, codebook: Codebook) -> int:
    """Keep what a coder says; on disk when this returns. Give the event's number.

    A code counts as assisted if the coder saw the model's guess for this message before.

    Raises
    ------
    LabelError
        If the message is not in the sample, or what is said is no code.
    """
    fault = fault_of(said, codebook)
    if fault:
        raise LabelError(fault)
    with store.writing() as connection:
        check_message(connection, said.doc_id)
        return insert(
            connection,
            "code",
            coder,
            doc_id=said.doc_id,
            code=said.code,
            second=said.second,
            unclear=int(said.unclear),
            note=said.note or None,
            assisted=has_seen_guess(connection, coder, said.doc_id),
            codebook=said.codebook,
            seconds=said.seconds,
            client=said.client,
        )


def has_seen_guess(connection: sqlite3.Connection, coder: str, doc_id: str) -> int:
    """Tell (1 or 0) whether a coder saw the model's guess for a message, here or where a code came from."""
    return int(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM events WHERE (kind = 'guess' OR (kind = 'code' AND assisted)) "
            "AND doc_id = ? AND coder = ?)",
            (doc_id, coder),
        ).fetchone()[0]
    )


def fault_of(said: Coding, codebook: Codebook) -> str | None:
    """Tell in a sentence what is wrong with a coding, if anything is."""
    given = [one for one in (said.code, said.second) if one is not None]
    strange = [one for one in given if one not in codebook.keys]
    if strange:
        return f"'{strange[0][:40]}' is no code of the codebook; use one of: {', '.join(codebook.keys)}."
    if (said.code is None) != said.unclear or (said.second is not None and said.code is None):
        return "a message has one code, and perhaps a second one, or it is unclear; give one of these."
    if said.code is not None and said.code == said.second:
        return f"the second code is '{said.code}' too; give another one, or none."
    if len(said.note) > LONGEST_NOTE:
        return f"the note has {len(said.note):,} characters; shorten it to {LONGEST_NOTE:,}."
    return None


def check_message(connection: sqlite3.Connection, doc_id: str) -> None:
    """Raise if a message is not in the sample."""
    if not connection.execute("SELECT 1 FROM messages WHERE doc_id = ?", (doc_id,)).fetchone():
        raise LabelError("this message is not in the sample; load the page again.")


def withdraw(store: Store, coder: str, client: str) -> str | None:
    """Take back the coder's last code; what was said before counts again. Give its message.

    What is asked twice with one `client` is done once.
    """
    with store.writing() as connection:
        last = connection.execute(
            "SELECT events.id, events.doc_id FROM events JOIN events AS taken ON taken.about = events.id "
            "WHERE taken.client = ?",
            (client,),
        ).fetchone()
        if last is None:
            last = connection.execute(
                "SELECT id, doc_id FROM events WHERE kind = 'code' AND coder = ? AND detail IS NULL "
                "AND id NOT IN (SELECT about FROM events WHERE about IS NOT NULL) ORDER BY id DESC LIMIT 1",
                (coder,),
            ).fetchone()
        if last is None:
            return None
        insert(connection, "withdraw", coder, doc_id=last["doc_id"], about=last["id"], client=client)
        return str(last["doc_id"])


def skip(store: Store, coder: str, doc_id: str, client: str) -> None:
    """Note that the coder leaves a message for later.

    Raises
    ------
    LabelError
        If the message is not in the sample.
    """
    with store.writing() as connection:
        check_message(connection, doc_id)
        insert(connection, "skip", coder, doc_id=doc_id, client=client)


def codes_of(store: Store, coder: str) -> dict[str, dict[str, Any]]:
    """Give what a coder says now, by message."""
    rows = store.read("SELECT * FROM current_codes WHERE coder = ?", coder)
    names = ("code", "second", "note", "assisted", "codebook", "seconds")
    return {
        row["doc_id"]: {name: row[name] for name in names} | {"unclear": bool(row["unclear"])} for row in rows
    }


def skipped_by(store: Store, coder: str) -> list[str]:
    """Name the messages that a coder left for later, in that order."""
    rows = store.read(
        "SELECT doc_id FROM events WHERE kind = 'skip' AND coder = ? GROUP BY doc_id ORDER BY MAX(id)", coder
    )
    return [row["doc_id"] for row in rows]


def finished(store: Store) -> dict[int, set[str]]:
    """Tell who has coded every message of which batch."""
    sizes = {row[0]: row[1] for row in store.read("SELECT batch, COUNT(*) FROM messages GROUP BY batch")}
    done = store.read(
        "SELECT batch, coder, COUNT(*) AS done FROM current_codes JOIN messages USING (doc_id) "
        "GROUP BY batch, coder"
    )
    found: defaultdict[int, set[str]] = defaultdict(set)
    for row in done:
        if row["done"] == sizes[row["batch"]]:
            found[row["batch"]].add(row["coder"])
    return dict(found)


def progress(store: Store) -> list[dict[str, Any]]:
    """Tell how far each coder is, and how fast."""
    total = int(store.read("SELECT COUNT(*) AS n FROM messages")[0]["n"])
    rows = store.read(
        "SELECT coders.name, coders.secret IS NOT NULL AS linked, COUNT(said.id) AS coded, "
        "SUM(said.assisted) AS assisted, MAX(said.at) AS last, AVG(MIN(said.seconds, 120)) AS pace "
        "FROM coders LEFT JOIN current_codes AS said ON said.coder = coders.name "
        "GROUP BY coders.name ORDER BY coders.joined_at"
    )
    return [dict(row) | {"assisted": row["assisted"] or 0, "total": total} for row in rows]


def coded_times(store: Store) -> dict[int, int]:
    """Count the messages by how many coders coded them (0, 1, 2, …)."""
    rows = store.read(
        "SELECT coders, COUNT(*) AS messages FROM (SELECT COUNT(said.id) AS coders FROM messages "
        "LEFT JOIN current_codes AS said USING (doc_id) GROUP BY messages.doc_id) GROUP BY coders"
    )
    return {row["coders"]: row["messages"] for row in rows}
