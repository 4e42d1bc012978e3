"""Names of places and organisations that say what they name: Ashgrove ward, 27 harcourt road."""

import re
from collections.abc import Iterator, Sequence

from themeloom.corpus import lexicon
from themeloom.corpus.lexicon import section
from themeloom.corpus.patterns import Span
from themeloom.corpus.tokens import Message, Token
from themeloom.corpus.word import Word

LONGEST_NAME = 6
"""Words."""
_LONGEST_STREET = 3

_HOUSE_NUMBER = re.compile(r"(?<![\w.,])\d{1,4}[A-Za-z]?,? $")
_AT_HOME = re.compile(
    r"\b(?:at|lives? on|lived on|number|no\.?|address(?: is|:)?|flat \w{1,4},?) $", re.IGNORECASE
)
_WITHIN_A_NAME = frozenset((" ", "\u00a0", "  ", "'s ", "\u2019s ", "s' "))


def may_be_facility(word: Word) -> bool:
    """Whether `find_facilities` may find anything at a word."""
    named = word.titled or word.text in section("lower-case-facilities")
    return named and word.lower in lexicon.facilities()


def find_facilities(message: Message, places: Sequence[int]) -> Iterator[Span]:
    """Ashgrove ward, Mill Road surgery, Beech House."""
    kinds = lexicon.facilities()
    for position in places:
        first, token = position, message.tokens[position]
        while (
            first > 0
            and position - first < LONGEST_NAME
            and message.gap(first) in _WITHIN_A_NAME
            and _can_name_a_facility(message, first - 1, token)
        ):
            first -= 1
        if any(_names_a_facility(message, at, token) for at in range(first, position)):
            while not _names_a_facility(message, first, token):
                first += 1
            if message.before(first) in {"st", "saint"} and message.tokens[first - 1].titled:
                first -= 1
            start = message.tokens[first].start
            number = _HOUSE_NUMBER.search(message.text[max(0, start - 8) : start])
            house = kinds[token.lower] == "place" and token.lower != "ward" and number
            yield Span(start - len(house.group()) if house else start, token.end, kinds[token.lower])


def _can_name_a_facility(message: Message, position: int, head: Token) -> bool:
    token = message.tokens[position]
    if token.shouted and token.lower in section("generic"):
        return head.titled  # Larchbeck NHS Trust
    return token.titled and not token.is_function_word and (head.titled or not token.harmless)


def _names_a_facility(message: Message, position: int, head: Token) -> bool:
    token = message.tokens[position]
    if token.lower in section("generic") or token.lower in lexicon.facilities() or message.kept(token):
        return False
    if token.harmless and token.lower in section("medicine") | section("slang") | section("calendar"):
        return False
    follower = message.tokens[position + 1]
    capital = head.titled or (follower.titled and follower.lower in lexicon.facilities())
    return token.unknown or (not token.opens and (token.is_first_name or capital))


def may_be_address(word: Word) -> bool:
    """Whether `find_addresses` may find anything at a word."""
    return not word.titled and word.lower in section("streets") | section("streets-that-are-words")


def find_addresses(message: Message, places: Sequence[int]) -> Iterator[Span]:
    """Find streets with a house number in capitals or small letters: 27 harcourt road."""
    for position in places:
        for first in range(position - 1, max(position - 1 - _LONGEST_STREET, -1), -1):
            token = message.tokens[first]
            if not message.follows(first + 1) or token.is_function_word or token.lower in section("measures"):
                break
            if number := _HOUSE_NUMBER.search(message.text[max(0, token.start - 8) : token.start]):
                start = token.start - len(number.group())
                if _is_address(message, first, position, start):
                    yield Span(start, message.tokens[position].end, "place")
                break


def _is_address(message: Message, first: int, position: int, start: int) -> bool:
    """Tell 27 harcourt road from 2 busy roads: by a name that is no word, or by what stands before."""
    names = message.tokens[first:position]
    if any(message.kept(token) for token in names):
        return False
    if _AT_HOME.search(message.text[max(0, start - 20) : start]):
        return True
    named = any(token.unknown and len(token.text) > 3 for token in names)
    return named and message.tokens[position].lower in section("streets")


def may_be_area(word: Word) -> bool:
    """Whether `find_areas` may find anything at a word."""
    return word.titled and word.lower in section("area-prefixes")


def find_areas(message: Message, places: Sequence[int]) -> Iterator[Span]:
    """St Mary's, Little Snoring."""
    for position in places:
        if position + 1 == len(message.tokens):
            continue
        token, follower = message.tokens[position], message.tokens[position + 1]
        if not follower.titled or message.gap(position + 1) not in {" ", ". "} or message.kept(follower):
            continue
        if follower.unknown or (token.lower in {"st", "saint"} and follower.is_first_name):
            end = follower.end
            if token.lower in {"st", "saint"} and message.text[end : end + 2].lower() in {"'s", "\u2019s"}:
                end += 2
            yield Span(token.start, end, "place")
