"""Addresses that can hold passwords: what of them may be shown, and what must not, wherever it turns up."""

import os
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, unquote_plus

HIDDEN = "…"
ENVIRONMENT = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME")
"""What MLflow logs in with."""

_FILES = {"file", "sqlite"}
_SCHEME = re.compile(r"[\w+.-]{1,40}")
_AFTER_PATH, _AFTER_FILE = re.compile(r"[?#;]"), re.compile(r"[?#]")
_PARTS = re.compile(r"[/?#@:;&=,]")
_ADDRESS = re.compile(r"\b[a-z][\w+.-]{0,40}://\S{1,5000}", re.IGNORECASE)
_SHORT = 3


def public_uri(uri: str) -> str:
    """Cut user, password, query and fragment (which can hold tokens) out of a URI.

    Where an ``@`` stands behind a ``?``, ``#`` or ``;``, nobody can tell whether a password or a query holds
    it: then no more than the scheme is shown.
    """
    return "".join(_apart(uri)[:2])


def secrets_of(uri: str) -> list[str]:
    """List what must never be shown of a URI, longest first: as written, decoded and encoded, and in pieces.

    Libraries that misread an address tell of pieces: a password with a ``#`` is taken for a port.
    """
    start, shown, hidden = _apart(uri)
    pieces = {piece for part in hidden for piece in (part, *_PARTS.split(part), *_PARTS.split(unquote(part)))}
    user = hidden[0].partition(":")[2] if hidden else ""
    found = {form for part in (*pieces, user) for form in _forms(part)} | ({uri} if hidden else set())
    return sorted(found - {"", shown, start + shown}, key=len, reverse=True)


def without_secrets(text: str, uri: str = "") -> str:
    """Cut the addresses in a text; hide all secrets of this one, and of MLflow's log-in with it."""
    text = _ADDRESS.sub(lambda found: public_uri(found[0]), text.replace(uri, public_uri(uri)))
    for secret in _told_of(uri) if uri else ():
        if len(secret) < _SHORT:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
        else:
            text = text.replace(secret, HIDDEN)
    return text


def _told_of(uri: str) -> list[str]:
    given = {form for name in ENVIRONMENT for form in _forms(os.environ.get(name, ""))}
    return sorted(given.union(secrets_of(uri)) - {""}, key=len, reverse=True)


def _apart(uri: str) -> tuple[str, str, list[str]]:
    """Take a URI apart: scheme, what else may be shown, and what may not."""
    scheme, separator, rest = uri.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        scheme, separator, rest = uri.partition(":")
    if not separator or not _SCHEME.fullmatch(scheme):
        scheme, separator, rest = "", "", uri
    start = scheme + separator
    if scheme.lower().partition("+")[0] in _FILES or not scheme:
        shown, *after = _AFTER_FILE.split(rest, maxsplit=1)
        return start, shown, after
    address, *after = _AFTER_PATH.split(rest, maxsplit=1)
    if any("@" in part for part in after):
        return start, HIDDEN, [rest]
    credentials, _, host = address.rpartition("@")
    return start, host, [part for part in (credentials, *after) if part]


def _forms(part: str) -> Iterator[str]:
    plain = unquote(part)
    yield from (part, plain, unquote_plus(part), quote(plain), quote(plain, safe=""))
