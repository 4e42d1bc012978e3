"""What is known of a word by its spelling alone: looked up once, however often the word is said."""

import re
from dataclasses import dataclass
from functools import lru_cache

from themeloom.corpus import lexicon

_IRISH = re.compile(r"o['\u2019]([^\W\d_]{3,})")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """A spelling, and what the lexicon has of it."""

    text: str  # without a possessive ending
    lower: str
    titled: bool  # starts with a capital and goes on in lower case
    shouted: bool  # is all capitals
    lowered: bool  # is all lower case
    initial: bool  # is a single capital
    is_word: bool  # is an English word
    harmless: bool  # has a capital but identifies nobody
    is_function_word: bool  # carries grammar only, or is slang
    unknown: bool  # no list has it: a name, most likely
    is_first_name: bool  # is, or a part of it is, a first name in some language
    is_last_name: bool  # is a last name in use where English is spoken
    is_likely_name: bool  # with a capital within a sentence, is rather a first name than a word


@lru_cache(maxsize=200_000)
def word_of(text: str) -> Word:
    """Look a word up, as it is written."""
    lower = text.lower()
    apart = _IRISH.fullmatch(lower)  # o'Leary, and o'leary, but not o'course
    irish = bool(apart and not lexicon.is_word(apart.group(1)))
    capital = text[2:3] if irish and text[0] == "o" else text[0]
    titled = capital.isupper() and any(letter.islower() for letter in text)
    is_word, harmless = lexicon.is_word(lower), lexicon.is_harmless(lower)
    return Word(
        text=text,
        lower=lower,
        titled=titled,
        shouted=len(text) > 1 and text.isupper(),
        lowered=text.islower(),
        initial=len(text) == 1 and text.isupper(),
        is_word=is_word,
        harmless=harmless,
        is_function_word=lower in lexicon.function_words() or lower in lexicon.section("slang"),
        unknown=not is_word and not harmless and not (titled and _is_joined(text)),
        is_first_name=any(lexicon.is_first_name(part) for part in lower.split("-")),
        is_last_name=lexicon.is_last_name(lower),
        is_likely_name=irish or lexicon.is_likely_name(lower),
    )


def _is_joined(text: str) -> bool:
    """Whether a word is made of words, as in SatNav."""
    parts = _PARTS.findall(text)
    return len(parts) > 1 and "-" not in text and all(lexicon.is_word(part.lower()) for part in parts)
