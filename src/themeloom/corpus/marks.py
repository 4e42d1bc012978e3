"""The marks by which people say that a message repeats somebody else's: RT, MT, quotation, via."""

# ruff: noqa: RUF001 - typographic and full-width characters are what is looked for

import re
from dataclasses import dataclass

COMMENT_WORDS = 5
"""A repeat with at most so many words of one's own, and twice as many quoted ones, is still a repeat."""

_HANDLE = r"(?:[@＠]|\b/?u/)(?P<name>\w+(?:[.-]\w+)*(?:@[\w-]+(?:\.[\w-]+)+)?)"
_MAY_NAME = re.compile("[@＠/]")  # without these there is no handle, and every mark has one
_QUOTE_OPEN = "\"“”„«'‘"
_QUOTE_SHUT = "\"”“»'’"
_REPEAT = rf"(?:\b(?:RT|MT|PRT|RP)\b|♻️?|🔁|♺)\s*[:：]?\s*(?:by\s+|from\s+)?{_HANDLE}\s*[:：]?\s*"
_AT_START = re.compile(rf"^[\s>|.:\-–—{_QUOTE_OPEN}]*{_REPEAT}", re.IGNORECASE)
_INSIDE = re.compile(_REPEAT, re.IGNORECASE)
_QUOTED = re.compile(rf"^\s*[{_QUOTE_OPEN}]\s*{_HANDLE}\s*[:：]\s*")
_QUOTED_WHOLE = re.compile(rf"^\s*[{_QUOTE_OPEN}]\s*{_HANDLE}\s+(?P<body>.+)[{_QUOTE_SHUT}]\s*$", re.DOTALL)
_SIGNED = re.compile(
    rf"^\s*[{_QUOTE_OPEN}](?P<body>.+)[{_QUOTE_SHUT}]\s*(?:[-–—~(]\s*|(?:via|by|from)\s+)+{_HANDLE}\W*$",
    re.IGNORECASE | re.DOTALL,
)
_VIA = re.compile(
    r"\s[(\[]?(?:via|h/t)\s*[:：]?\s*(?:[@＠]|/?u/)(?P<name>[\w.-]*\w)?(?P<cut>\s*(?:…|\.{3,}))?[\s)\].!]*$",
    re.IGNORECASE,
)
_VIA_FIRST = re.compile(rf"^\s*(?:via|h/t)\s*[:：]?\s*{_HANDLE}\s*[:：]\s*", re.IGNORECASE)
_PLAIN_NAME = re.compile(rf"^\s*\.?{_HANDLE}\s*[:：]\s+")
_MOST_MARKS = 20  # one in the other: nobody repeats a repeat so often, and each costs a pass over the text
_LAST_QUOTE = re.compile(r"[\"”»](?P<comment>[^\"”»]+)$")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand a message."""

    body: str  # the words that may be somebody else's
    named: str | None = None  # whose words the mark says they are: handle, lower case
    marked: bool = False  # whether there is a mark at all
    stand_in: str | None = None  # the text when it stands in for a missing original; None: as it is
    other: str | None = None  # a second, weaker way to read the body


def read(text: str) -> Reading:
    """Find the marks of repetition in a message.

    Understood are ``RT @name: …``, also nested, ``MT``, ``♻`` and the like; ``"@name: …"`` in straight
    or curly quotation marks; ``"…" - @name``; ``… via @name``; and a short comment before a mark or
    after a quotation. A longer comment makes the message its author's own, and the mark is left in.

    Returns
    -------
    Reading
        `stand_in` is given only where the mark is sure and nothing of the sender's own would be lost.
    """
    if not _MAY_NAME.search(text) and text == text.strip():
        return Reading(text)
    body, named = _peel(text)
    stand_in = body if named else None
    body, named = _after_comment(body) or (body, named)
    body, named, marked = _sign_off(body, named)
    return Reading(body, named, marked, stand_in, _second(text, body))


def _peel(text: str) -> tuple[str, str | None]:
    body, named = text.strip(), None
    for _ in range(_MOST_MARKS):
        match = _AT_START.match(body) or _QUOTED.match(body) or _VIA_FIRST.match(body)
        rest = _unquote(body[match.end() :], match.group()).strip() if match else ""
        if not match or not rest:
            break
        body, named = rest, match["name"].lower()
    return body, named


def _unquote(body: str, mark: str) -> str:
    """Take away the closing quotation mark that belongs to an opening one in the mark."""
    opened = any(quote in mark for quote in _QUOTE_OPEN)
    return re.sub(rf"[{_QUOTE_SHUT}]\s*$", "", body, count=1) if opened else body


def _after_comment(text: str) -> tuple[str, str | None] | None:
    match = _INSIDE.search(text)
    if match is None:
        return None
    body, named = _peel(text[match.start() :])
    return (body, named) if _is_short(text[: match.start()], body) else None


def _is_short(comment: str, body: str) -> bool:
    own = len(re.findall(r"(?<![@#\w/])\w+", comment))
    return own <= COMMENT_WORDS and 2 * own <= len(body.split())


def _sign_off(body: str, named: str | None) -> tuple[str, str | None, bool]:
    """Take away who is credited at the end; tell whether there is any mark."""
    if match := _SIGNED.match(body):
        return match["body"], named or match["name"].lower(), True
    match = _VIA.search(body)
    if match is None or not body[: match.start()].strip():
        return body, named, named is not None
    credited = None if match["cut"] or not match["name"] else match["name"].lower()
    return body[: match.start()], named or credited, True


def _second(text: str, body: str) -> str | None:
    """Read also as repeats: ``@name: …`` without quotation marks, ``"@name …"``, a quotation commented on."""
    if match := _PLAIN_NAME.match(text):
        return text[match.end() :]
    if match := _QUOTED_WHOLE.match(text):
        return match["body"]
    match = _LAST_QUOTE.search(body)
    if body != text and match and _is_short(match["comment"], body[: match.start()]):
        return body[: match.start()]
    return None
