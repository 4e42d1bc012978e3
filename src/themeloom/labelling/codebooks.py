"""Versions of the codebook: codes remember under which one they were made."""

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from themeloom.errors import LabelError
from themeloom.labelling.store import Store, insert, now
from themeloom.records import Codebook

_CODEBOOK = TypeAdapter(Codebook)


def newest(store: Store) -> tuple[int, Codebook]:
    """Give the newest version, and its number.

    Raises
    ------
    LabelError
        If there is none.
    """
    rows = store.read("SELECT version, body FROM codebooks ORDER BY version DESC LIMIT 1")
    if not rows:
        raise LabelError(f"{store.path}: holds no codebook; start the page by `themeloom label` first.")
    return int(rows[0]["version"]), _read(store, rows[0]["body"])


def keys_of_versions(store: Store) -> dict[int, tuple[str, ...]]:
    """Give the codes that each version has."""
    rows = store.read("SELECT version, body FROM codebooks")
    return {int(row["version"]): _read(store, row["body"]).keys for row in rows}


def take_in(store: Store, codebook: Codebook, who: str, why: str) -> int | None:
    """Make the codebook the newest version, if it differs from what is; give its number, or None.

    Raises
    ------
    LabelError
        If a code that somebody gave is in it no more.
    """
    body = json.dumps(asdict(codebook), ensure_ascii=False)
    with store.writing() as connection:
        last = connection.execute(
            "SELECT version, body FROM codebooks ORDER BY version DESC LIMIT 1"
        ).fetchone()
        if last and last["body"] == body:
            return None
        used = connection.execute(
            "SELECT code FROM current_codes UNION SELECT second FROM current_codes "
            "UNION SELECT code FROM current_decisions"
        )
        gone = sorted({row[0] for row in used if row[0]} - set(codebook.keys))
        if gone:
            raise LabelError(
                f"the codebook: lacks '{gone[0]}', a code that messages were given; keep the entry, and say "
                "in its definition that it is used no more."
            )
        version = (last["version"] if last else 0) + 1
        connection.execute("INSERT INTO codebooks VALUES (?, ?, ?, ?, ?)", (version, now(), who, why, body))
        insert(connection, "codebook", who, codebook=version, note=why)
    return version


def versions(store: Store) -> list[dict[str, Any]]:
    """List all versions, newest first, each with what it changed."""
    rows = store.read("SELECT * FROM codebooks ORDER BY version")
    books = [_read(store, row["body"]) for row in rows]
    befores = [None, *books[:-1]]
    found = [
        {"version": row["version"], "at": row["at"], "who": row["who"], "why": row["why"]}
        | {"changes": [f"{len(after.themes)} codes"] if before is None else changes(before, after)}
        for row, before, after in zip(rows, befores, books, strict=True)
    ]
    return found[::-1]


def changes(before: Codebook, after: Codebook) -> list[str]:
    """List what a version changed, theme by theme; empty where it is the same."""
    if before == after:
        return []
    old = {theme.key: theme for theme in before.themes}
    new = {theme.key: theme for theme in after.themes}
    found = [f"{key}: new" for key in new if key not in old]
    found += [f"{key}: removed" for key in old if key not in new]
    for key in [key for key in new if key in old and new[key] != old[key]]:
        fields = [name for name, value in asdict(new[key]).items() if value != asdict(old[key])[name]]
        found.append(f"{key}: {', '.join(fields).replace('_', ' ')} changed")
    return found or ["the order of the codes"]


def _read(store: Store, body: object) -> Codebook:
    try:
        return _parsed(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise LabelError(
            f"{store.path}: holds a codebook that is none ({fault}); put the file back from a backup."
        ) from None


@lru_cache(maxsize=64)
def _parsed(body: object) -> Codebook:
    return _CODEBOOK.validate_json(body if isinstance(body, str | bytes) else "")
