"""Words that a study lists as names: found wherever they stand, whatever the language."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from themeloom.corpus.patterns import Span, free_of
from themeloom.letters import LETTER, MARKS, SIGN
from themeloom.placeholders import PLACEHOLDER


def find_listed(text: str, mask: frozenset[str]) -> list[Span]:
    """Find the words that are always a name, and nothing else; as `find_names` otherwise."""
    taken = [Span(m.start(), m.end(), "placeholder") for m in PLACEHOLDER.finditer(text)]
    return free_of(taken, listed_in(text, mask))


def listed_in(text: str, mask: frozenset[str]) -> Iterator[Span]:
    """Give each place of a listed word, in order, in placeholders, too."""
    if mask:
        for match in _listed(mask).finditer(text):
            yield Span(match.start(), match.end(), "person")


@lru_cache(maxsize=8)
def _listed(mask: frozenset[str]) -> re.Pattern[str]:
    """Match a word that is no part of another; where a script sets no spaces, that cannot be told.

    A letter with its accent may be one character or two, in the list as in the text.
    """
    forms = {unicodedata.normalize(form, word) for word in mask for form in ("NFC", "NFD")}
    words = "|".join(re.escape(word) for word in sorted(forms, key=lambda word: (-len(word), word)))
    before, after = rf"(?:(?<!{LETTER})|(?={SIGN})|(?<={SIGN}))", rf"(?:(?!{LETTER})|(?={SIGN})|(?<={SIGN}))"
    return re.compile(rf"{before}(?:{words}){after}(?![{MARKS}])", re.IGNORECASE)
