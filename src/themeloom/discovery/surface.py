"""What can be seen of a message without reading it: links, marks, length."""

import re
from collections.abc import Sequence

import numpy as np

from themeloom.records import Floats

_SEEN = tuple(
    re.compile(pattern)
    for pattern in (
        r"\[link(?: \d{1,9})?\]|https?://",
        r"\[handle(?: \d{1,9})?\]|(?<![\w@])@\w",
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
)
"""Links, handles, hashtags, questions, exclamations, digits, quotes, ellipses, capitals, I, you, emoji."""
_MANY = 3.0  # more of a mark than this says no more
_LONG = 60.0  # words


def surface(texts: Sequence[str]) -> Floats:
    """Return features of texts, masked or not, float32 (texts, features), each between 0 and 1.

    How often marks occur (counts up to three, as a share of three), whether they do, and the length.
    """
    rows = []
    for text in texts:
        counts = [min(len(pattern.findall(text)), _MANY) for pattern in _SEEN]
        length = min(len(text.split()) / _LONG, 1.0)
        rows.append([*(count / _MANY for count in counts), *(float(count > 0) for count in counts), length])
    return np.array(rows, dtype=np.float32).reshape(len(rows), 2 * len(_SEEN) + 1)
