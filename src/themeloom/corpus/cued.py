"""Names that what stands around them gives away: Dr K, J. K. Smith, my name is Will, #AnnSmith."""

import re
from collections.abc import Iterator, Sequence, Set

from themeloom.corpus import lexicon
from themeloom.corpus.acting import acts
from themeloom.corpus.lexicon import section
from themeloom.corpus.patterns import Span
from themeloom.corpus.tokens import Message, Token
from themeloom.corpus.word import Word, word_of

_FROM_WHERE = re.compile(r" from (?:the|our|my|reception|nights|days|upstairs|next door)\b")
_DOES = re.compile(r" (?:was|is|has|had|said|says|told|asked|rang|sat|came|left|gave|got|never|always)\b")
_ENDS = re.compile(r"\.?(?=[\s,;!?)\"']|$)")
_NAME_IS = re.compile(r"\bname(?:'s|\u2019s| is| was)$", re.IGNORECASE)
_TITLE_AFTER = re.compile(r" \((?:Mrs?|Ms|Mx|Miss|Dr|Prof)\.?\)")
_TAG = re.compile(r"#[A-Z][a-z]{1,30}(?:[_'\u2019]?[A-Z][a-z]{1,30}){1,2}(?!\w)")
TAG_PART = re.compile("[A-Z][a-z]+")
_NOT_INITIALS = frozenset("IA")


def may_be_cued(word: Word) -> bool:
    """Whether `find_cued` may find anything at a word."""
    city = word.lower in section("cities") or word.lower in section("cities-that-are-words")
    named = word.unknown or word.is_first_name or word.is_likely_name or word.lower in section("cued-names")
    return city or word.initial or (word.titled and named)


def find_cued(message: Message, places: Sequence[int]) -> Iterator[Span]:
    """Find names by the words around them, at those places; spans may overlap and are in order."""
    for position in places:
        token = message.tokens[position]
        if message.kept(token):
            continue
        if _is_city(message, position):
            yield _royal(message, position) or Span(token.start, token.end, "place")
        elif initials := _titled_initial(message, position):
            yield initials
        elif token.titled and _is_cued(message, position):
            yield Span(token.start, _end(message, position), "person")


def _is_city(message: Message, position: int) -> bool:
    token = message.tokens[position]
    if token.lower in section("cities"):
        return token.unknown
    named = token.titled and token.lower in section("cities-that-are-words") and not token.opens
    return (
        named and message.before(position) not in section("determiners") and not _headline(message, position)
    )


def _headline(message: Message, position: int) -> bool:
    around = [at for at in (position - 1, position + 1) if message.follows(max(at, position)) and at >= 0]
    return any(message.tokens[at].titled and message.tokens[at].is_word for at in around)


def _royal(message: Message, position: int) -> Span | None:
    """Tell of the Royal Edinburgh."""
    if message.before(position) != "royal" or not message.tokens[position - 1].titled:
        return None
    return Span(message.tokens[position - 1].start, message.tokens[position].end, "organisation")


def _titled_initial(message: Message, position: int) -> Span | None:
    """Find Dr K and nurse J, but not 'dr I saw'."""
    token = message.tokens[position]
    single = token.initial and token.text not in _NOT_INITIALS
    if not single or not message.follows(position) or message.before(position) not in section("titles"):
        return None
    end = _ENDS.match(message.text, token.end)
    return Span(message.tokens[position - 1].start, token.end, "person") if end else None


def _is_cued(message: Message, position: int) -> bool:
    token = message.tokens[position]
    if position and message.tokens[position - 1].lower in section("titles") | section("area-prefixes"):
        return False  # Dr. Hope, St. Grace: of another rule
    before, after = (
        message.text[max(0, token.start - 12) : token.start],
        message.text[token.end : token.end + 24],
    )
    if _NAME_IS.search(before.rstrip()) and message.follows(position):
        return token.is_first_name
    if token.unknown and message.before(position) in {"thanks", "thank", "you", "cheers"}:
        return len(token.text) == 2 and message.follows(position + 1) and message.tokens[position + 1].unknown
    if not token.opens or not (token.is_likely_name or token.lower in section("cued-names")):
        return False
    if _FROM_WHERE.match(after):
        return token.lower not in section("calendar") and acts(message, position) is not False
    common = token.is_function_word and token.lower not in section("also-names")
    plain = token.harmless or common or token.lower in section("abstract-names")
    return not plain and bool(_DOES.match(after) or _surname_follows(message, position))


def _surname_follows(message: Message, position: int) -> bool:
    return message.follows(position + 1) and _is_surname(message.tokens[position + 1])


def _is_surname(token: Token) -> bool:
    return token.titled and token.unknown


def _end(message: Message, position: int) -> int:
    following = _surname_follows(message, position)
    return message.tokens[position + following].end


def find_initialled(message: Message, places: Sequence[int]) -> Iterator[Span]:
    """J.K. Smith; E. Smith-Jones (Mrs)."""
    for position in places:
        first, token = position, message.tokens[position]
        while _is_dotted(message, first):
            first -= 1
        if first < position and not message.kept(token):
            tail = _TITLE_AFTER.match(message.text, token.end)
            yield Span(message.tokens[first].start, tail.end() if tail else token.end, "person")


def _is_dotted(message: Message, position: int) -> bool:
    """Whether an initial and a full stop stand right before a token."""
    return position > 0 and message.gap(position) in {". ", "."} and message.tokens[position - 1].initial


def may_follow_initials(word: Word) -> bool:
    """Whether `find_initialled` may find anything at a word."""
    return word.titled and (word.unknown or (word.is_last_name and not word.is_function_word))


def may_be_shouted(word: Word) -> bool:
    """Whether `find_shouted` may find anything at a word."""
    return word.shouted and _can_be_surname(word)


def find_shouted(message: Message, places: Sequence[int]) -> Iterator[Span]:
    """Find a first name and a surname in capitals: ANNA TREMLOW, Anna TREMLOW."""
    mixed = any(token.lowered for token in message.tokens)
    for position in places:
        if not message.follows(position) or message.kept(message.tokens[position]):
            continue
        first = message.tokens[position - 1]
        known = first.is_likely_name and not first.is_word and (first.titled or first.shouted)
        # Where all is in capitals, two words that no list has may be misspelt.
        strange = first.shouted and _is_strange(first.word) and _is_strange(message.tokens[position].word)
        if known or (strange and mixed):
            yield Span(first.start, message.tokens[position].end, "person")


def find_tags(text: str, keep: frozenset[str], named: Set[str]) -> Iterator[Span]:
    """Find hashtags that are a first name and a surname, or made of names of the message: #AnnaTremlow."""
    for match in _TAG.finditer(text):
        first, *others = (word_of(part) for part in TAG_PART.findall(match.group()))
        lower = {word.lower for word in (first, *others)}
        known = first.is_first_name and not first.is_word and not first.harmless
        meant = lower <= named or (known and _can_be_surname(others[-1]))
        if meant and not keep & {match.group()[1:].lower(), *lower}:
            yield Span(match.start(), match.end(), "person")


def _can_be_surname(word: Word) -> bool:
    return (
        word.unknown and (len(word.text) > 4 or word.is_last_name) and not lexicon.looks_derived(word.lower)
    )


def _is_strange(word: Word) -> bool:
    return word.unknown and len(word.text) > 4 and not lexicon.looks_derived(word.lower)
