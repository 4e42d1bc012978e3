"""Names of persons, places and organisations: a language model, a lexicon and cues of English joined."""

import re
from collections.abc import Iterator, Sequence

from themeloom.corpus import lexicon
from themeloom.corpus.cued import find_cued
from themeloom.corpus.lexicon import section
from themeloom.corpus.patterns import PLACEHOLDER, Span, free_of, joined
from themeloom.corpus.reading import Entity, Message, Token, read_message

_SHIFTS = re.compile(
    r"\s{1,3}(?:on|from) (?:the )?(?:nights?|days|lates|earl(?:y|ies)|reception|desk|ward|phone)\b"
)
_HOUSE_NUMBER = re.compile(r"(?<![\w.,])\d{1,4}[A-Za-z]?,? $")
_OBJECT = re.compile(
    r"\s{1,3}(?:me|us|him|her|it|them|you|your|my|our|his|their|its|the|a|an|this|that|of)\b", re.IGNORECASE
)
_TITLE_AFTER = re.compile(r" \((?:Mrs?|Ms|Mx|Miss|Dr|Prof)\.?\)")
_PLACE_LABELS = frozenset(("GPE", "LOC", "FAC"))
_WITHIN_A_NAME = frozenset((" ", "\u00a0", "  ", "'s ", "\u2019s ", "s' "))
_LONGEST_NAME = 6  # words
_WHO_MISS = frozenset({"i", "we", "you", "they", "to", "really", "still", "and"})
_KIN = frozenset({"sister", "brother", "father", "mother"})
_WHOSE = frozenset({"my", "our", "his", "her", "their", "your"})


def find_names(
    text: str, entities: Sequence[Entity], keep: frozenset[str], mask: frozenset[str]
) -> list[Span]:
    """Find names in a text; spans do not overlap and are in order.

    Parameters
    ----------
    text
        A text in which patterns are masked already; placeholders are left alone.
    entities
        What the language model named.
    keep, mask
        Lower-case words that are never, and always, a name.
    """
    message = read_message(text, entities, keep)
    taken = [Span(m.start(), m.end(), "placeholder") for m in PLACEHOLDER.finditer(text)]
    for rule in (_titled, _initialled, _in_facilities, find_cued, _in_areas, _single, _lower_case):
        taken += free_of(taken, joined(text, rule(message)))
    taken += free_of(taken, _again(message, [span for span in taken if span.kind == "person"]))
    taken += free_of(taken, _always(text, mask))
    return sorted(span for span in taken if span.kind != "placeholder")


def _titled(message: Message) -> Iterator[Span]:
    """Dr Smith, Nurse Ahmed, mr okafor."""
    for position, token in enumerate(message.tokens[:-1]):
        if token.lower not in section("titles"):
            continue
        follower = message.tokens[position + 1]
        if message.gap(position + 1) not in {" ", ". ", ".", "  "} or message.kept(follower):
            continue
        if _can_be_titled(message, position, follower):
            last = _last_of_name(message, position + 1)
            first = follower if _is_no_title(message, position) else token
            yield Span(first.start, message.tokens[last].end, "person")


def _is_no_title(message: Message, position: int) -> bool:
    """Tell "I miss Anna" and "my sister Anna" from Miss Smith and Sister Smith: there the name alone goes."""
    title, before = message.tokens[position], message.before(position)
    if not title.text.islower():
        return False
    return before in _WHO_MISS if title.lower == "miss" else title.lower in _KIN and before in _WHOSE


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
    if title.lower not in section("lower-titles") or not follower.text.islower() or len(follower.text) < 3:
        return False
    if title.lower == "dr" and message.before(position) in section("determiners"):
        return False
    return follower.unknown or (
        title.lower != "dr" and lexicon.is_last_name(follower.lower) and not follower.is_function_word
    )


def _last_of_name(message: Message, position: int) -> int:
    """Go on from a name's first token to its last one."""
    last = position
    while (
        last - position < _LONGEST_NAME and message.follows(last + 1) and _continues_name(message, last + 1)
    ):
        last += 1
    return last


def _continues_name(message: Message, position: int) -> bool:
    token = message.tokens[position]
    if _initial(token):
        return position + 1 < len(message.tokens) and message.tokens[position + 1].titled
    if not token.titled or token.harmless or message.kept(token) or token.is_function_word:
        return False
    known = lexicon.is_last_name(token.lower) or lexicon.is_likely_name(token.lower)
    return token.unknown or known or message.label(token) == "PERSON"


def _initial(token: Token) -> bool:
    return len(token.text) == 1 and token.text.isupper()


def _initialled(message: Message) -> Iterator[Span]:
    """J.K. Smith; E. Smith-Jones (Mrs)."""
    first = 0
    for position, token in enumerate(message.tokens):
        dotted = (
            bool(position) and message.gap(position) in {". ", "."} and _initial(message.tokens[position - 1])
        )
        if not dotted:
            first = position
        elif token.titled and not message.kept(token) and _can_follow_initials(token):
            tail = _TITLE_AFTER.match(message.text, token.end)
            yield Span(message.tokens[first].start, tail.end() if tail else token.end, "person")


def _can_follow_initials(token: Token) -> bool:
    return token.unknown or (lexicon.is_last_name(token.lower) and not token.is_function_word)


def _in_facilities(message: Message) -> Iterator[Span]:
    """Ashgrove ward, Mill Road surgery, Beech House."""
    kinds = lexicon.facilities()
    for position, token in enumerate(message.tokens):
        if token.lower not in kinds or not (token.titled or token.text in section("lower-case-facilities")):
            continue
        first = position
        while (
            position - first < _LONGEST_NAME
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


def _in_areas(message: Message) -> Iterator[Span]:
    """St Mary's, Little Snoring."""
    for position, token in enumerate(message.tokens[:-1]):
        follower = message.tokens[position + 1]
        if token.lower not in section("area-prefixes") or not token.titled or not follower.titled:
            continue
        if message.gap(position + 1) not in {" ", ". "} or message.kept(follower):
            continue
        if follower.unknown or (token.lower in {"st", "saint"} and follower.is_first_name):
            end = follower.end
            if token.lower in {"st", "saint"} and message.text[end : end + 2].lower() in {"'s", "\u2019s"}:
                end += 2
            yield Span(token.start, end, "place")


def _single(message: Message) -> Iterator[Span]:
    """Names that no title and no facility announces."""
    for position, token in enumerate(message.tokens):
        if message.kept(token) or (token.harmless and not _greeted(message, position)):
            continue
        if token.titled:
            named = _opening_name(message, position) if token.opens else _inner_name(message, position)
        else:
            named = token.shouted and _shouted_name(message, position)
        if named:
            last = position if not token.is_first_name else _last_of_name(message, position)
            yield Span(token.start, message.tokens[last].end, _kind(message, position))


def _greeted(message: Message, position: int) -> bool:
    """Thanks June."""
    token = message.tokens[position]
    return (
        token.lower in section("calendar")
        and token.is_first_name
        and message.before(position) in section("greetings")
    )


def _inner_name(message: Message, position: int) -> bool:
    token = message.tokens[position]
    if token.is_function_word:
        return message.label(token) == "PERSON" and token.lower in section("nicknames")
    if token.unknown:
        return len(token.text) > 2 or token.is_first_name
    if message.label(token) in _PLACE_LABELS and message.before(position) in section("place-cues"):
        return token.lower not in section("generic")
    if token.harmless:
        return _greeted(message, position)
    return lexicon.is_likely_name(token.lower) and not _in_title_case(message, position)


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
    if token.is_function_word:
        return False
    after = message.text[token.end : token.end + 40]
    if token.unknown:
        if token.is_first_name or lexicon.sounds_like_a_place(token.lower):
            return True
        if message.label(token) in _PLACE_LABELS | {"PERSON"} and len(token.text) > 3:
            return not lexicon.looks_derived(token.lower)
        return len(token.text) > 4 and not lexicon.looks_derived(token.lower) and "-" not in token.text
    if not lexicon.is_likely_name(token.lower):
        return False
    imperative = _OBJECT.match(after)
    return bool(_SHIFTS.match(after)) or (
        message.label(token) == "PERSON" and len(token.text) > 3 and not imperative
    )


def _shouted_name(message: Message, position: int) -> bool:
    token = message.tokens[position]
    if len(token.text) < 4 or not token.unknown:
        return False
    if lexicon.is_likely_name(token.lower):
        return True
    return message.shouting and message.before(position) in section("vocative-cues")


def _kind(message: Message, position: int) -> str:
    token = message.tokens[position]
    label = message.label(token)
    if token.is_first_name and not (
        label in _PLACE_LABELS and message.before(position) in section("place-cues")
    ):
        return "person"
    if message.before(position) in section("place-cues") or label in _PLACE_LABELS:
        return "place"
    if message.before(position) == "to" and label != "PERSON":
        return "place"
    return "place" if lexicon.sounds_like_a_place(token.lower) else "person"


def _lower_case(message: Message) -> Iterator[Span]:
    """Cheers jo; my brother callum."""
    for position, token in enumerate(message.tokens):
        if not token.text.islower() or not token.unknown or message.kept(token):
            continue
        cued = message.before(position) in section("vocative-cues")
        if lexicon.is_likely_name(token.lower) and (cued or len(token.text) > 3):
            yield Span(token.start, token.end, "person")


def _again(message: Message, persons: Sequence[Span]) -> Iterator[Span]:
    """Grace came. Grace left: who is named once in a message is meant wherever the name stands in it."""
    names = {
        word for span in persons for word in message.text[span.start : span.end].split() if len(word) > 2
    }
    for token in message.tokens:
        plain = token.harmless or token.is_function_word or token.lower in section("titles")
        if token.text in names and token.text[0].isupper() and not plain:
            yield Span(token.start, token.end, "person")


def _always(text: str, mask: frozenset[str]) -> Iterator[Span]:
    if mask:
        words = "|".join(re.escape(word) for word in sorted(mask, key=len, reverse=True))
        for match in re.finditer(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE):
            yield Span(match.start(), match.end(), "person")
