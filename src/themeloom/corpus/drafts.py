"""What the readers of all formats give: drafts of messages, and rows that cannot be read."""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from themeloom.columns import MADE_ID
from themeloom.corpus.repair import without_junk

_EXACT = 2**53  # above this a float no longer tells neighbouring integers apart
_DIGITS_OF_A_FLOAT = 15
_ROUNDED = re.compile(r"\d+(?:[.,]\d+)?e\+\d+|\d[.,]\d+e\d+", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"(\d+)\.0+", re.ASCII)
_WRAPPED = re.compile(r'="([^"]*)"|\'(.*)')  # how spreadsheets are told that digits are text


class RowError(Exception):
    """A row that is set aside; says why, and never quotes the row."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as its format gives it: right fields, unchecked values of any type."""

    id: object = None
    text: object = None
    created_at: object = None
    author: object = None
    author_id: object = None
    lang: object = None
    group: object = None
    repeat_of: object = None


Found = Iterator[tuple[int, Draft | RowError]]
"""Line by line, what a reader found."""


def composed(name: str) -> str:
    """Return a name as all that is compared with it: in NFC, without junk and blanks around it."""
    return unicodedata.normalize("NFC", without_junk(name)).strip()


def by_name(row: dict[str, object]) -> dict[str, object]:
    """Return a row by the names of its columns as `composed` gives them."""
    if "".join(row).isascii():
        return row
    return {composed(column): cell for column, cell in row.items()}


def word(value: object) -> str | None:
    """Return a short field as text; None where there is nothing in it."""
    if isinstance(value, str):
        return composed(value) or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return identifier(value)
    return None


def identifier(value: object) -> str | None:
    """Return an id as text; None where there is none.

    Raises
    ------
    RowError
        If a spreadsheet has rounded it.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return _from_float(value)
    if isinstance(value, int):
        return str(value)
    return _from_text(composed(value)) if isinstance(value, str) else None


def _from_float(value: float) -> str | None:
    if not math.isfinite(value):
        return None
    if abs(value) >= _EXACT:
        raise _rounded()
    return str(int(value)) if value.is_integer() else str(value)


def _from_text(value: str) -> str | None:
    if wrapped := _WRAPPED.fullmatch(value):
        value = (wrapped[1] or wrapped[2] or "").strip()
    if _ROUNDED.fullmatch(value):
        raise _rounded()
    if whole := _WHOLE.fullmatch(value):
        if len(whole[1]) > _DIGITS_OF_A_FLOAT:
            raise _rounded()
        return whole[1]
    return value or None


def _rounded() -> RowError:
    return RowError("the id was rounded by a spreadsheet, its last digits are lost; export ids as text")


def content_id(text: str, author: str | None, created_at: str) -> str:
    """Return an id made from what the message is, for those that have none of their own."""
    content = "\x1f".join((text, author or "", created_at))
    return f"{MADE_ID}{blake2b(content.encode(), digest_size=12).hexdigest()}"
