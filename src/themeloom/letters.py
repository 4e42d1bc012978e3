r"""Letters of all scripts, as far as `\w` does not know them: for whoever looks for words in messages."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import chain, groupby, pairwise

# Of the upper planes those of living scripts alone (Chakma, Adlam): there each range costs time.
_PLACES = chain(range(0x300, 0xAC00), range(0x11100, 0x11135), range(0x1E944, 0x1E94B))


def _ranges(codes: Iterable[int]) -> str:
    places = groupby(enumerate(codes), lambda one: one[1] - one[0])
    parts = ([code for _, code in part] for _, part in places)
    return "".join(f"{chr(part[0])}-{chr(part[-1])}" for part in parts)


MARKS = _ranges([code for code in _PLACES if unicodedata.category(chr(code))[0] == "M"])
"""Vowel signs and accents of their own, for a class: they belong to words."""
LETTERS = rf"\w{MARKS}\u200c\u200d\u05f3\u05f4"
"""What words are made of, for a class: with what joins letters within a word, geresh and gershayim."""
LETTER = f"[{LETTERS}]"

SIGN = (
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f"
    r"\U00020000-\U0003ffff]"
)
UNSPACED = re.compile(SIGN)
"""A character of scripts that set no spaces between words."""

# Scripts in which words, particles or prefixes are written against what is in Latin letters or digits.
_JOINING = rf"(?!\d){SIGN[:-1]}\u0590-\u05ff\u0600-\u06ff\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]"
_IS_JOINING = re.compile(_JOINING)
_AGAINST = re.compile(
    rf"(?P<handle>[@\uff20](?={_JOINING}){LETTER}{{1,64}})"
    rf"|{_JOINING}(?=[A-Za-z\d+(]|[@\uff20](?!{LETTER}{{1,63}}\.\w))|(?<=[A-Za-z\d_)]){_JOINING}"
)
_RUN = re.compile(rf"(?:(?!\d){SIGN}\u200d?)+")
_CLUSTER = re.compile(rf"[^{MARKS}][{MARKS}]*|[{MARKS}]+")


def lowered(text: str) -> str:
    """Return the text in lower case; that of the Turkish \u0130 is one letter, as that of I is."""
    return text.lower().replace("i\u0307", "i")


def parted(text: str) -> str:
    """Put a blank for each letter that is written against a Latin one, a digit or an @, position by position.

    That is so in scripts that set no blank there, so that a number, link or handle shows its bounds in them.
    A text in others, as English is, stays what it is.
    """
    if text.isascii() or not _IS_JOINING.search(text):
        return text
    return _AGAINST.sub(lambda found: found["handle"] or "\u3000", text)


def in_pairs(text: str) -> str:
    """Put the pairs of signs that stand side by side, parted by strokes, for each run without blanks.

    Where a script sets no blanks, a run is a clause, and its pairs come nearest to words.
    """
    if text.isascii() or not UNSPACED.search(text):
        return text
    return _RUN.sub(lambda run: f"/{'/'.join(_pairs(run[0]))}/", text)


def is_clause(word: str) -> bool:
    """Whether more signs stand side by side, in a script that sets no blanks, than a pair."""
    return any(len(_CLUSTER.findall(run)) > 2 for run in _RUN.findall(word))


def _pairs(run: str) -> list[str]:
    signs = _CLUSTER.findall(run)
    return [one + other for one, other in pairwise(signs)] or [run]
