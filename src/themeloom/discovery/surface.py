"""What can be seen of a message without reading it: links, marks, length."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from themeloom.records import Floats

_SEEN = (
    r"\[link(?: \d{1,9})?\]|https?://",
    r"\[handle(?: \d{1,9})?\]|(?:^|[^\w@])@\w",
    r"#\w",
    r"\?",
    r"!",
    r"\d",
    r"[\"\u201c\u201d]",
    r"\.\.\.|\u2026",
    r"\b[A-Z]{2,}\b",
    r"\b(?:I|me|my|mine|we|us|our)\b",
    r"\b(?:you|your|yours)\b",
    r"[\U0001F300-\U0001FAFF\u2600-\u27BF]",
)
"""Links, handles, hashtags, questions, exclamations, digits, quotes, ellipses, capitals, I, you, emoji."""
_MANY = 3.0  # more of a mark than this says no more
_LONG = 60.0  # words


def surface(texts: Sequence[str]) -> Floats:
    """Return features of texts, masked or not, float32 (texts, features), each between 0 and 1.

    How often marks occur (counts up to three, as a share of three), whether they do, and the length.
    """
    said = pl.Series(texts, dtype=pl.String)
    found = np.empty((len(texts), 2 * len(_SEEN) + 1), dtype=np.float32)
    for at, pattern in enumerate(_SEEN):
        counts = np.minimum(said.str.count_matches(pattern).to_numpy(), _MANY)
        found[:, at], found[:, len(_SEEN) + at] = counts / _MANY, counts > 0
    words = said.str.count_matches(r"\S+").to_numpy()
    found[:, -1] = np.minimum(words / _LONG, 1.0)
    return found
