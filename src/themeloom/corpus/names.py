"""Names of persons, places and organisations: a language model, a lexicon and cues of English joined."""

import re
from collections.abc import Callable, Iterator, Sequence, Set
from functools import lru_cache

from themeloom.corpus import lexicon
from themeloom.corpus.acting import acts
from themeloom.corpus.cued import (
    find_cued,
    find_initialled,
    find_shouted,
    find_tags,
    may_be_cued,
    may_be_shouted,
    may_follow_initials,
)
from themeloom.corpus.facilities import (
    LONGEST_NAME,
    find_addresses,
    find_areas,
    find_facilities,
    may_be_address,
    may_be_area,
    may_be_facility,
)
from themeloom.corpus.lexicon import section
from themeloom.corpus.listed import listed_in
from themeloom.corpus.patterns import Span, free_of, joined
from themeloom.corpus.tokens import Entity, Message, Token, read_message, whole_run
from themeloom.corpus.word import Word
from themeloom.placeholders import PLACEHOLDER

_SHIFTS = re.compile(
    r"\s{1,3}(?:on|from) (?:the )?(?:nights?|days|lates|earl(?:y|ies)|reception|desk|ward|phone)\b"
)
_PLACE_LABELS = frozenset(("GPE", "LOC", "FAC"))
_KIN = frozenset({"sister", "brother", "father", "mother"})
_ARTICLES = frozenset(("the", "a", "an", "this", "that", "every", "each", "no", "any"))
_WHOSE = frozenset({"my", "our", "his", "her", "their", "your"})


def find_names(
    text: str, entities: Sequence[Entity] | None, keep: frozenset[str], mask: frozenset[str]
) -> list[Span]:
    """Find names in a text; spans do not overlap and are in order.

    Parameters
    ----------
    text
        A text in which patterns are masked already; placeholders are left alone.
    entities
        What the language model named; None where it has not read the text.
    keep, mask
        Words that are never, in lower case, and always a name.

    Raises
    ------
    UnreadError
        If it makes a difference what the language model names, and it has not read the text.
    """
    message = read_message(text, entities, keep)
    places: list[list[int]] = [[] for _ in _RULES]
    for position, token in enumerate(message.tokens):
        for number in _rules_of(token.word):
            places[number].append(position)
    if not mask and "#" not in text and not any(places):
        return []
    taken = [Span(m.start(), m.end(), "placeholder") for m in PLACEHOLDER.finditer(text)]
    for (rule, _), at in zip(_RULES, places, strict=True):
        taken += free_of(taken, joined(text, rule(message, at))) if at else []
    named = _words_of(text, [span for span in taken if span.kind in {"person", "place"}])
    taken += free_of(
        taken, _again(message, _words_of(text, [span for span in taken if span.kind == "person"]))
    )
    taken += free_of(taken, find_tags(text, keep, {name.lower() for name in named}))
    taken += free_of(taken, listed_in(text, mask))
    return sorted(whole_run(text, span) for span in taken if span.kind != "placeholder")


@lru_cache(maxsize=200_000)
def _rules_of(word: Word) -> tuple[int, ...]:
    """Which rules may find anything at a word, wherever it stands."""
    return tuple(number for number, (_, may_find) in enumerate(_RULES) if may_find(word))


def _titled(message: Message, places: Sequence[int]) -> Iterator[Span]:
    """Dr Smith, Nurse Ahmed, mr okafor."""
    for position in places:
        if position + 1 == len(message.tokens):
            continue
        token, follower = message.tokens[position], message.tokens[position + 1]
        if message.gap(position + 1) not in {" ", ". ", ".", "  "} or message.kept(follower):
            continue
        if _can_be_titled(message, position, follower):
            last = _last_of_name(message, position + 1)
            first = follower if _is_no_title(message, position) else token
            yield Span(first.start, message.tokens[last].end, "person")


def _is_no_title(message: Message, position: int) -> bool:
    """Tell "I miss Anna" and "my sister Anna" from Miss Smith and Sister Smith: there the name alone goes."""
    title = message.tokens[position]
    if not title.lowered:
        return False
    return title.lower == "miss" or (title.lower in _KIN and message.before(position) in _WHOSE)


def _can_be_titled(message: Message, position: int, follower: Token) -> bool:
    title = message.tokens[position]
    if follower.titled or (follower.shouted and title.shouted):
        if title.lower in section("strong-titles"):
            roles = section("titles") | section("roles")
            loose = message.before(position) in section("determiners") and not follower.unknown
            common = follower.is_function_word and title.lower not in section("lower-titles")
            grammar = follower.lower in lexicon.function_words() | roles
            return not (grammar or common or loose)
        return follower.unknown or (
            lexicon.is_first_name(follower.lower) and not follower.harmless and not title.opens
        )
    if title.lower not in section("lower-titles") or not follower.lowered or len(follower.text) < 3:
        return False
    if title.lower == "dr" and message.before(position) in section("determiners"):
        return False
    return follower.unknown or (
        title.lower != "dr" and follower.is_last_name and not follower.is_function_word
    )


def _last_of_name(message: Message, position: int) -> int:
    """Go on from a name's first token to its last one."""
    last = position
    while last - position < LONGEST_NAME and message.follows(last + 1) and _continues_name(message, last + 1):
        last += 1
    return last


def _continues_name(message: Message, position: int) -> bool:
    token = message.tokens[position]
    if token.initial:
        return position + 1 < len(message.tokens) and message.tokens[position + 1].titled
    if not token.titled or token.harmless or message.kept(token) or token.is_function_word:
        return False
    known = token.is_last_name or token.is_likely_name
    return token.unknown or known or message.label(token) == "PERSON"


def _can_be_single(word: Word) -> bool:
    if word.harmless and not (word.is_first_name and word.lower in section("calendar")):
        return False
    named = word.titled and (not word.is_function_word or word.lower in section("nicknames"))
    return named or (word.shouted and word.unknown)


def _single(message: Message, places: Sequence[int]) -> Iterator[Span]:
    """Names that no title and no facility announces."""
    for position in places:
        token = message.tokens[position]
        if message.kept(token) or (token.harmless and not _is_meant(message, position)):
            continue
        if token.titled:
            named = _opening_name(message, position) if token.opens else _inner_name(message, position)
        else:
            named = token.shouted and _shouted_name(message, position)
        if named:
            last = position if not token.is_first_name else _last_of_name(message, position)
            yield Span(token.start, message.tokens[last].end, _kind(message, position))


def _is_meant(message: Message, position: int) -> bool:
    """Tell of months and other words that are names too: Thanks June; my mate April; Will said."""
    token, before = message.tokens[position], message.before(position)
    if not token.is_first_name or not (token.lower in section("calendar") or token.is_likely_name):
        return False
    if token.opens:
        return acts(message, position) is True
    whose = {each.lower for each in message.tokens[max(0, position - 4) : position]} & _WHOSE
    return before in section("greetings") or bool(before in section("people-are") and whose)


def _inner_name(message: Message, position: int) -> bool:
    token = message.tokens[position]
    if token.is_function_word:
        named = message.label(token) == "PERSON" or _is_meant(message, position)
        return token.lower in section("nicknames") and named
    if token.unknown:
        return len(token.text) > 2 or token.is_first_name
    if token.harmless:
        named = _is_meant(message, position)
    else:
        word = _in_title_case(message, position) or _is_counted(message, position)
        named = token.is_likely_name and not word
    place = token.lower not in section("generic")  # what it is if it is one at all
    asks = named != place and message.before(position) in section("place-cues")
    return place if asks and message.label(token) in _PLACE_LABELS else named


def _is_counted(message: Message, position: int) -> bool:
    """Whether an article or the like makes a word of it: the Bill, a Grace; but not the Bill Hill."""
    followed = message.follows(position + 1) and message.tokens[position + 1].titled
    return message.before(position) in _ARTICLES and not followed


def _in_title_case(message: Message, position: int) -> bool:
    """Whether a word is one of several capitalised common words in a row, as in headlines."""
    around = [at for at in (position - 1, position + 1) if 0 <= at < len(message.tokens)]
    return any(
        message.follows(max(at, position))
        and message.tokens[at].titled
        and message.tokens[at].is_word
        and not (message.tokens[at].opens)
        and not message.tokens[at].is_first_name
        for at in around
    )


def _opening_name(message: Message, position: int) -> bool:
    token = message.tokens[position]
    if token.is_function_word or token.harmless:
        return _is_meant(message, position)
    if token.unknown:
        return _opens_unknown(message, token)
    if not token.is_likely_name:
        return False
    if _SHIFTS.match(message.text, token.end):
        return True
    does = acts(message, position)
    return len(token.text) > 3 and message.label(token) == "PERSON" if does is None else does


def _opens_unknown(message: Message, token: Token) -> bool:
    if token.is_first_name or lexicon.sounds_like_a_place(token.lower):
        return True
    if len(token.text) < 4 or lexicon.looks_derived(token.lower):
        return False
    long = len(token.text) > 4 and "-" not in token.text
    return long or message.label(token) in _PLACE_LABELS | {"PERSON"}


def _shouted_name(message: Message, position: int) -> bool:
    token = message.tokens[position]
    if len(token.text) < 4 or not token.unknown:
        return False
    if token.is_likely_name:
        return True
    return message.shouting and message.before(position) in section("vocative-cues")


def _kind(message: Message, position: int) -> str:
    token = message.tokens[position]
    cued = message.before(position) in section("place-cues")
    if token.is_first_name:
        return "place" if cued and message.label(token) in _PLACE_LABELS else "person"
    if cued or lexicon.sounds_like_a_place(token.lower):
        return "place"
    label = message.label(token)
    towards = message.before(position) == "to" and label != "PERSON"
    return "place" if towards or label in _PLACE_LABELS else "person"


def _is_lower_case_name(word: Word) -> bool:
    return word.lowered and word.unknown and word.is_likely_name


def _lower_case(message: Message, places: Sequence[int]) -> Iterator[Span]:
    """Cheers jo; my brother callum."""
    for position in places:
        token = message.tokens[position]
        cued = message.before(position) in section("vocative-cues")
        if not message.kept(token) and (cued or len(token.text) > 3):
            yield Span(token.start, token.end, "person")


def _words_of(text: str, spans: Sequence[Span]) -> set[str]:
    return {word for span in spans for word in text[span.start : span.end].split() if len(word) > 2}


def _again(message: Message, names: Set[str]) -> Iterator[Span]:
    """Grace came. Grace left, GRACE: who is named once in a message is meant wherever the name stands."""
    lower = {word.lower() for word in names}
    for token in message.tokens if names else ():
        plain = token.harmless or token.is_function_word or token.lower in section("titles")
        named = token.text in names or (token.shouted and token.unknown and token.lower in lower)
        if named and token.text[0].isupper() and not plain:
            yield Span(token.start, token.end, "person")


_RULES: tuple[tuple[Callable[[Message, Sequence[int]], Iterator[Span]], Callable[[Word], bool]], ...] = (
    (_titled, lambda word: word.lower in section("titles")),
    (find_initialled, may_follow_initials),
    (find_shouted, may_be_shouted),
    (find_facilities, may_be_facility),
    (find_addresses, may_be_address),
    (find_cued, may_be_cued),
    (find_areas, may_be_area),
    (_single, _can_be_single),
    (_lower_case, _is_lower_case_name),
)
"""In the order in which they are tried; beside each, at which words alone it can find anything."""
