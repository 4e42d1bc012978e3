"""Look-ups behind the matching of messages: by the same words, and by the opening of a longer message."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import combinations

from themeloom.corpus.wording import MANY_WORDS, Wording

FEW_WORDS = 5
"""Below so many words, links tell messages apart."""

OPENING = 25
"""Letters of an opening that may point at a longer message where a mark says that it is a repeat."""

LONG_OPENING = 40
"""Letters that may do so where either the mark or the ellipsis is missing."""

_EXTRA_TAGS = 2
# What an ellipsis may leave of words that are no part of the message: "via @name", a link.
_LEFTOVERS = frozenset({"v", "vi", "via", "h", "ht", "htt", "http", "https", "rt"})


class WordIndex:
    """Finds an earlier message with the same words.

    Eight words and more are enough by themselves. With fewer, two people may well hit on the same, so the
    hashtags around the sentence must be alike but for one or two extra ones, and, where it is not the same
    voice, the punctuation within it too. With fewer than five, links must be shared as well ("Great blog
    http://t.co/a" is not "Great blog http://t.co/b"), and only the same voice may add or drop one.
    """

    def __init__(self) -> None:
        self._same: dict[Hashable, int] = {}
        self._larger: dict[Hashable, int] = {}  # by the hashtags without the one or two extra ones

    def find(self, voices: Iterable[str], words: Wording) -> int | None:
        """Give the position of the earliest message with the same words, the same voice first."""
        for keys in (_own_keys(voices, words, asked=True), _shared_keys(words)):
            found = [position for key in keys for position in self._look_up(key, words)]
            if found:
                return min(found)
        return None

    def add(self, position: int, voices: Iterable[str], words: Wording) -> None:
        """Let later messages find this one."""
        for key in (*_own_keys(voices, words, asked=False), *_shared_keys(words)):
            self._same.setdefault((key, _telling_tags(words)), position)
            for fewer in _with_fewer(words):
                self._larger.setdefault((key, fewer), position)

    def _look_up(self, key: Hashable, words: Wording) -> Iterator[int]:
        tags = _telling_tags(words)
        places = [self._same.get((key, fewer)) for fewer in (tags, *_with_fewer(words))]
        yield from (place for place in (*places, self._larger.get((key, tags))) if place is not None)


def _telling_tags(words: Wording) -> frozenset[str] | None:
    return words.tags if words.size < MANY_WORDS else None


def _with_fewer(words: Wording) -> Iterator[frozenset[str]]:
    """Leave out one or two of the outer hashtags, where there are words beside them and not many."""
    if 0 < words.size < MANY_WORDS:
        for extra in range(1, min(_EXTRA_TAGS, len(words.tags)) + 1):
            yield from (words.tags.difference(dropped) for dropped in combinations(sorted(words.tags), extra))


def _shared_keys(words: Wording) -> list[Hashable]:
    if words.size >= MANY_WORDS:
        return [words.core]
    if words.size >= FEW_WORDS:
        return [words.pointed]
    if not words.core:
        return [("", words.links)]
    return [(words.pointed, link) for link in words.links] or [words.pointed]


def _own_keys(voices: Iterable[str], words: Wording, *, asked: bool) -> list[Hashable]:
    """Name a short message by its voices; where words are few, one with a link answers one without."""
    if not 0 < words.size < MANY_WORDS:
        return []
    if words.size >= FEW_WORDS:
        return [(voice, words.core) for voice in voices]
    is_linked = bool(words.links)
    answers = ([False] if is_linked else [False, True]) if asked else [is_linked]
    return [(voice, words.core, answer) for voice in voices for answer in answers]


class OpeningIndex:
    """Finds the longer message that another one begins.

    Parameters
    ----------
    entries
        Position, voices and normal form of every message that may be the longer one.
    """

    def __init__(self, entries: Iterable[tuple[int, Iterable[str], str]]) -> None:
        self._all: list[tuple[str, int]] = []
        self._by_voice: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for position, voices, core in entries:
            self._all.append((core, position))
            for voice in voices:
                self._by_voice[voice].append((core, position))
        for cores in (self._all, *self._by_voice.values()):
            cores.sort()

    def by_voice(self, opening: str, position: int, named: str, root: Callable[[int], int]) -> int | None:
        """Give the one message of the named author that begins so, be the opening ever so short."""
        return _only(self._by_voice.get(named, []), opening, position, root)

    def equal(self, opening: str, position: int) -> int | None:
        """Give the earliest message that says exactly this and no more."""
        core, other = self._all[bisect_left(self._all, (opening, -1))]
        return other if core == opening and other < position else None

    def by_anyone(self, opening: str, position: int, root: Callable[[int], int]) -> int | None:
        """Give the one message that begins so."""
        return _only(self._all, opening, position, root)


def _only(
    cores: list[tuple[str, int]], opening: str, position: int, root: Callable[[int], int]
) -> int | None:
    for attempt in _attempts(opening):
        hosts: set[int] = set()
        for place in range(bisect_left(cores, (attempt, -1)), len(cores)):
            core, other = cores[place]
            if not core.startswith(attempt) or len(hosts) > 1:
                break
            says_more = (len(core), -other) > (len(opening), -position) or core == attempt != opening
            if says_more and (host := root(other)) != position:
                hosts.add(host)
        if len(hosts) == 1:
            return hosts.pop()
    return None


def _attempts(opening: str) -> Iterator[str]:
    yield opening
    start, _, last = opening.rpartition(" ")
    if start and last in _LEFTOVERS:
        yield start
