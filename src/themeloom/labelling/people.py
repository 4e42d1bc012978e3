"""Coders, their personal links, and sessions: only digests of secrets are kept."""

import hashlib
import hmac
import re
import secrets
import time
import unicodedata
from collections import defaultdict, deque
from dataclasses import dataclass

from themeloom.errors import LabelError
from themeloom.labelling.store import Store, insert, now

LASTS = 30 * 24 * 3600
"""Seconds that a session lasts."""
TRIES, WINDOW = 10, 60.0
"""Wrong tokens from one address in so many seconds, after which none is looked at."""
MOST_ADDRESSES = 10_000
LONGEST_NAME = 40
RESERVED = {"adjudicated", "doc_id", "text", "design", "inclusion_probability", "batch", "id"}
APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'")
_BETWEEN = re.compile("[\\w .'\u2019\u00b7\u30fb\u05be\u05f3\u05f4\u200c\u200d-]")
"""What a name has beside letters and their marks: points, hyphens and signs of Hebrew, joiners of Persian."""
_ONE = str.maketrans({"\u0131": "i", "\u200c": "", "\u200d": ""})


@dataclass(frozen=True, slots=True)
class Session:
    """Who is at the other end."""

    token: str  # digest of the cookie
    coder: str | None
    lead: bool


def join(store: Store, name: str) -> str:
    """Add a coder, or find who is there already under this name; give the name as it is kept.

    Raises
    ------
    LabelError
        If this can be no coder's name.
    """
    name = plain(name)
    with store.writing() as connection:
        known = connection.execute("SELECT name FROM coders WHERE name = ?", (name,)).fetchall()
        # Only then by _folded: an older label file may tell coders apart who are the same to it.
        known += connection.execute("SELECT name FROM coders ORDER BY joined_at, name").fetchall()
        for row in known:
            if _folded(row["name"]) == _folded(name):
                return str(row["name"])
        connection.execute("INSERT INTO coders VALUES (?, NULL, ?)", (name, now()))
        insert(connection, "joined", name)
    return name


def coders(store: Store) -> list[str]:
    """Name all coders, in the order in which they joined."""
    return [row["name"] for row in store.read("SELECT name FROM coders ORDER BY joined_at, name")]


def has_link(store: Store, name: str) -> bool:
    """Tell whether a coder has a personal link."""
    return bool(store.read("SELECT 1 FROM coders WHERE name = ? AND secret IS NOT NULL", name))


def new_secret(store: Store, name: str) -> str:
    """Make the secret of a coder's personal link; an older one, and sessions by it, end."""
    secret = secrets.token_urlsafe(32)
    with store.writing() as connection:
        connection.execute("UPDATE coders SET secret = ? WHERE name = ?", (_digest(secret), name))
        connection.execute("DELETE FROM sessions WHERE coder = ? AND lead = 0", (name,))
        insert(connection, "link", name)
    return secret


def owner(store: Store, secret: str) -> str | None:
    """Tell whose personal link has this secret."""
    rows = store.read("SELECT name FROM coders WHERE secret = ?", _digest(secret))
    return str(rows[0]["name"]) if rows else None


def open_session(store: Store, coder: str | None, *, lead: bool) -> str:
    """Begin a session; give the cookie's value."""
    token = secrets.token_urlsafe(32)
    with store.writing() as connection:
        connection.execute("DELETE FROM sessions WHERE until < ?", (time.time(),))
        row = (_digest(token), coder, int(lead), time.time() + LASTS)
        connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
        insert(connection, "entered", coder or "lead")
    return token


def end_leads(store: Store) -> None:
    """Take the rights of the lead from all sessions; those that speak for a coder go on as that coder's.

    While the server was stopped, another user of the machine could take its port, and browsers give their
    cookies to whoever has that.
    """
    with store.writing() as connection:
        connection.execute("DELETE FROM sessions WHERE lead = 1 AND coder IS NULL")
        connection.execute("UPDATE sessions SET lead = 0 WHERE lead = 1")


def session_of(store: Store, cookie: str) -> Session | None:
    """Find the session that a cookie stands for."""
    digest = _digest(cookie)
    rows = store.read("SELECT * FROM sessions WHERE token = ? AND until > ?", digest, time.time())
    return Session(digest, rows[0]["coder"], bool(rows[0]["lead"])) if rows else None


def choose(store: Store, session: Session, coder: str | None) -> None:
    """Let a session speak for another coder, or for none."""
    with store.writing() as connection:
        connection.execute("UPDATE sessions SET coder = ? WHERE token = ?", (coder, session.token))
        insert(connection, "chose", session.coder or "lead", detail=coder or "nobody")


def same(one: str, other: str) -> bool:
    """Compare secrets in a time that tells nothing of them."""
    return hmac.compare_digest(one.encode(), other.encode())


def plain(name: str) -> str:
    """Give a coder's name as it is kept.

    Raises
    ------
    LabelError
        If this can be no coder's name.
    """
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not _is_name(name) or len(name) > LONGEST_NAME or _folded(name) in RESERVED:
        raise LabelError(
            f"'{name[:LONGEST_NAME]}' can be no coder's name: use 1 to {LONGEST_NAME} letters, digits, "
            "blanks, hyphens and dots, beginning with a letter, and none of the words that head a column."
        )
    return name


def _is_name(name: str) -> bool:
    """Whether it begins with a letter; many scripts write vowels as marks, which are no letters to `re`."""
    return name[:1].isalpha() and all(
        _BETWEEN.match(sign) or unicodedata.category(sign).startswith("M") for sign in name
    )


def _folded(name: str) -> str:
    """Give what is the same however a name is typed: in capitals, in wide letters, with which apostrophe.

    The two i of Turkish are one, as capitals of one become small letters of the other elsewhere.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return folded.replace("i\u0307", "i").translate(_ONE).translate(APOSTROPHES)


class WrongTokens:
    """Counts wrong tokens by address, and says when there were too many."""

    def __init__(self) -> None:
        self._times: defaultdict[str, deque[float]] = defaultdict(deque)

    def too_many(self, address: str) -> bool:
        """Whether no further token of this address is to be looked at for now."""
        times = self._times.get(address)
        while times and times[0] < time.monotonic() - WINDOW:
            times.popleft()
        return times is not None and len(times) >= TRIES

    def count(self, address: str) -> None:
        """Remember a wrong token."""
        if len(self._times) > MOST_ADDRESSES:
            self._times.clear()
        self._times[address].append(time.monotonic())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
