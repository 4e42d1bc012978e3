"""Whether a text is English: told by its commonest words.

No other language is identified. English says one of some eighty words in nearly every sentence; what is
common in another language, too (in, so, was, me, to), is none of them.
"""

import re
from collections.abc import Sequence

from themeloom.letters import MARKS, UNSPACED

LOOKED_AT = 20_000
"""Messages of a large corpus that are looked at, evenly."""
_COMMON_WORDS = (
    "the and that this these those with without you your yours it its it's not but been being they them "
    "their there what when where why who how which from my our she his if would can can't could cannot "
    "did didn't don't doesn't i'm i've you're about just out up than then because hasn't haven't were "
    "some any other into most much many should very only get got make know think people one now"
)
_COMMONEST = frozenset(_COMMON_WORDS.split())
_ENOUGH = 5  # words by which it can be told
_ONE_IN = 20  # words at least is a common one, where a message is English
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[@#]\w+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_MARK = re.compile(f"[{MARKS}]")


def is_foreign(text: str, lang: str | None = None) -> bool | None:
    """Tell whether a message seems to be in another language; None where it is too short to tell.

    Parameters
    ----------
    text
        The message.
    lang
        What a column says of its language: it counts for what is too short.
    """
    plain = _ADDRESS.sub(" ", text).lower().replace("\u2019", "'")
    if not plain.isascii():
        plain = _MARK.sub("", plain)
    words = _WORD.findall(plain)
    size = len(words) + (0 if plain.isascii() else len(UNSPACED.findall(plain)) // 2)
    common = sum(word in _COMMONEST for word in words)
    if size >= _ENOUGH:
        return common * _ONE_IN < size
    if lang is None or not size:
        return None
    return not lang.lower().startswith("en") and not common


def mostly_foreign(texts: Sequence[str]) -> bool:
    """Tell whether of the messages that are long enough to tell most seem to be in other languages."""
    told = [is_foreign(text) for text in texts[:: max(1, len(texts) // LOOKED_AT)]]
    return 2 * told.count(True) > len(told) - told.count(None)
