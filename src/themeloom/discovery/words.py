"""The words of a text: what topics are described with, and judged by.

They are counted in masked texts: what stands in a placeholder, as [phone 2], is no word of whoever wrote.
"""

import re
from collections.abc import Callable, Collection
from functools import partial
from itertools import pairwise

from themeloom.letters import LETTER, LETTERS, in_pairs, lowered
from themeloom.placeholders import PLACEHOLDER

Split = Callable[[str], list[str]]
"""What splits a text into terms, in lower case."""
# In Catalan a point stands in words, and in Hebrew a straight quotation mark.
_WITHIN = r"(?:(?<=l)\u00b7(?=l)|(?<=[\u05d0-\u05ea])\"(?=[\u05d0-\u05ea]))"
_WORD = re.compile(rf"(?<!{LETTER})[^\W\d_][{LETTERS}']*(?:{_WITHIN}[{LETTERS}']*)*{LETTER}")
_SHORTENED = re.compile(r"\w+(?:n't|'(?:d|ll|m|re|ve))")
"""A verb that says little, joined to another word: "didn't", "I'd", "you're"."""
_SIDE_BY_SIDE = re.compile(r"[\s-]*")


def word_splitter(frequent_terms: Collection[str] = ()) -> Split:
    """Return what splits a masked text into the single words that topics are described with.

    Parameters
    ----------
    frequent_terms
        Terms left out beside the function words.
    """
    left_out = _left_out(frequent_terms)
    return lambda text: [word[0] for word in _words(_plain(text), left_out)]


def term_splitter(frequent_terms: Collection[str] = ()) -> Split:
    """Return what splits a text into such words, and pairs of them that stand side by side in it.

    Two words between which another one was left out are no pair: nobody who says "thank you, thank you"
    says "thank thank".

    Parameters
    ----------
    frequent_terms
        As for `word_splitter`.
    """
    return partial(_terms, _left_out(frequent_terms))  # unlike a function in here, it can be pickled


def _terms(left_out: frozenset[str], text: str) -> list[str]:
    plain = _plain(text)
    words = _words(plain, left_out)
    pairs = [
        f"{one[0]} {other[0]}"
        for one, other in pairwise(words)
        if _SIDE_BY_SIDE.fullmatch(plain, one.end(), other.start())
    ]
    return [word[0] for word in words] + pairs


def _left_out(frequent_terms: Collection[str]) -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(
        (*ENGLISH_STOP_WORDS, *(word for term in frequent_terms for word in _WORD.findall(_plain(term))))
    )


def _plain(text: str) -> str:
    # A mark in its place, so that the words around it are no pair.
    return in_pairs(lowered(PLACEHOLDER.sub(".", text))).replace("\u2019", "'")


def _words(plain: str, left_out: frozenset[str]) -> list[re.Match[str]]:
    return [
        word
        for word in _WORD.finditer(plain)
        if left_out.isdisjoint((word[0], word[0].removesuffix("'s"))) and not _SHORTENED.fullmatch(word[0])
    ]
