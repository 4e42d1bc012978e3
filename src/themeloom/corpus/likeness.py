"""Near-duplicates: MinHash finds candidates, exact Jaccard and a look at the difference decide."""

# ruff: noqa: RUF001 - typographic quotation marks stand in the messages

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from themeloom.corpus.wording import all_shingles, shingles

SHORT = 60
"""Up to so many words (a post of 280 characters) a changed number, name or negation makes another message."""

_PERMUTATIONS = 64
_BUCKET = 64  # messages of a bucket that are compared, the first ones: templates by the thousand stay linear
_COMPARED = 32  # of all candidates, the most similar so many are verified
_REMEMBERED = 400_000  # messages whose shingles are at hand: about a kilobyte each
_AT_ONCE = 512  # messages hashed together: what fits the processor's cache
_SLACK = 0.15  # what the estimate from 64 permutations may be off before a candidate is dropped unverified

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_NAME = re.compile(r"(?<=[\w,;:'’&)-] )[@#]?(?!I\b)([A-ZÀ-ÖØ-Þ][\w'’-]*)")
_NUMERAL_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred "
    "thousand once twice first second third"
)
_NUMERALS = frozenset(_NUMERAL_WORDS.split())
_NEGATION_WORDS = (
    "no not never none nobody nothing nowhere neither nor without cannot cant dont wont isnt arent wasnt "
    "werent doesnt didnt havent hasnt hadnt shouldnt wouldnt couldnt aint nicht kein keine nie pas jamais "
    "non nunca nao não niet geen ikke inte nej nei ej"
)
_NEGATIONS = frozenset(_NEGATION_WORDS.split())


class Lookalikes:
    """The messages met so far, ready to be asked which of them another one nearly duplicates.

    Parameters
    ----------
    cores
        Normal forms of the messages, in the order in which they will be met.
    sizes
        Their lengths in words.
    texts
        Their texts, where capitals show what is a name.
    loosest
        The least Jaccard similarity, of five-character shingles, that will ever be asked for.
    advance
        Called with the number of messages whose MinHash is done.
    """

    def __init__(
        self,
        cores: Sequence[str],
        sizes: Sequence[int],
        texts: Sequence[str],
        loosest: float,
        advance: Callable[[int], None],
    ) -> None:
        self._cores, self._sizes, self._texts = cores, sizes, texts
        self._signatures = _signatures(cores, advance)
        self._buckets = _buckets(self._signatures, _telling_numbers(cores, sizes), loosest)
        self._members: dict[int, list[int]] = defaultdict(list)
        self._known: dict[int, NDArray[np.uint64]] = {}

    def add(self, index: int) -> None:
        """Let later messages be compared with this one."""
        for bucket in self._shared(index):
            if len(self._members[bucket]) < _BUCKET:
                self._members[bucket].append(index)

    def find(self, index: int, loosest: float, threshold: Callable[[int], float]) -> int | None:
        """Give the most similar message met so far that is the same but for small changes.

        Parameters
        ----------
        index
            The message.
        loosest
            The least Jaccard similarity to ask of any candidate.
        threshold
            Gives that to ask of a candidate.
        """
        met: set[int] = set()
        met.update(*(self._members.get(bucket, ()) for bucket in self._shared(index)))
        if not met:
            return None
        candidates = np.fromiter(met, np.int64, len(met))
        shared = np.count_nonzero(self._signatures[candidates] == self._signatures[index], axis=1)
        estimates = shared / _PERMUTATIONS
        likely = np.flatnonzero(estimates >= loosest - _SLACK)
        if not len(likely):
            return None
        order = likely[np.lexsort((candidates[likely], -estimates[likely]))][:_COMPARED]
        for other, estimate in zip(candidates[order].tolist(), estimates[order].tolist(), strict=True):
            least = threshold(other)
            if estimate < least - _SLACK:
                continue
            if self._similarity(index, other) >= least and not self._tells_apart(index, other):
                return int(other)
        return None

    def _similarity(self, index: int, other: int) -> float:
        return _jaccard(self._shingles(index), self._shingles(other))

    def _shingles(self, index: int) -> NDArray[np.uint64]:
        known = self._known.get(index)
        if known is None:
            if len(self._known) == _REMEMBERED:
                self._known.clear()
            known = self._known[index] = shingles(self._cores[index])
        return known

    def _shared(self, index: int) -> list[int]:
        return [bucket for bucket in self._buckets[index].tolist() if bucket >= 0]

    def _tells_apart(self, one: int, two: int) -> bool:
        if min(self._sizes[one], self._sizes[two]) > SHORT:
            return _numbers_differ_mostly(self._cores[one], self._cores[two])
        return differs_in_meaning(self._cores[one], self._cores[two], self._texts[one], self._texts[two])


def differs_in_meaning(core: str, other_core: str, text: str, other_text: str) -> bool:
    """Tell whether two alike messages differ in a number, a negation or a name.

    A name differs when each side has one that the other lacks; that one side says a name more is an
    addition, as other added words are. Names show by their capitals in the texts.
    """
    if Counter(_NUMBER.findall(core)) != Counter(_NUMBER.findall(other_core)):
        return True
    ours, theirs = Counter(core.split()), Counter(other_core.split())
    left, right = ours - theirs, theirs - ours
    if _NUMERALS & (left.keys() | right.keys()) or _count(left, _NEGATIONS) != _count(right, _NEGATIONS):
        return True
    if not left or not right or _only_spaced(left, right):
        return False
    names = names_in(text) | names_in(other_text)
    return bool(names & left.keys() and names & right.keys())


def _count(words: Counter[str], kind: frozenset[str]) -> int:
    return sum(words[word] for word in kind & words.keys())


def _only_spaced(left: Counter[str], right: Counter[str]) -> bool:
    """Tell whether both sides hold the same letters: one word written as two."""
    return Counter("".join(left.elements())) == Counter("".join(right.elements()))


def names_in(text: str) -> frozenset[str]:
    """Words with a capital in the middle of a sentence, in lower case; none where all is capitals."""
    found = _NAME.findall(text)
    shouted = text.isupper() or len(found) > len(text.split()) / 2
    return frozenset() if shouted else frozenset(re.sub(r"['’]", "", word).casefold() for word in found)


def _numbers_differ_mostly(one: str, two: str) -> bool:
    """Tell whether two long texts fill in one form: three or more numbers, most of them other."""
    ours, theirs = Counter(_NUMBER.findall(one)), Counter(_NUMBER.findall(two))
    differing = max((ours - theirs).total(), (theirs - ours).total())
    return differing >= 3 and 2 * differing > max(ours.total(), theirs.total())


def _jaccard(one: NDArray[np.uint64], two: NDArray[np.uint64]) -> float:
    shared = np.count_nonzero(one.take(one.searchsorted(two), mode="clip") == two)
    return float(shared / (one.size + two.size - shared))


def _signatures(cores: Sequence[str], advance: Callable[[int], None]) -> NDArray[np.uint32]:
    """MinHash (Broder 1997) of every message: (messages, permutations).

    The permutations are multiply-shift hashes (Dietzfelbinger et al. 1997), of many messages at once.
    """
    random = np.random.default_rng(1)
    factors, terms = random.integers(2**63, size=(2, _PERMUTATIONS), dtype=np.uint64)
    signatures = np.empty((len(cores), _PERMUTATIONS), dtype=np.uint32)
    for start in range(0, len(cores), _AT_ONCE):
        hashes, starts = all_shingles(cores[start : start + _AT_ONCE])
        for at, (factor, term) in enumerate(zip(factors | np.uint64(1), terms, strict=True)):
            permuted = ((hashes * factor + term) >> np.uint64(32)).astype(np.uint32)
            signatures[start : start + len(starts), at] = np.minimum.reduceat(permuted, starts)
        advance(len(starts))
    return signatures


def _telling_numbers(cores: Sequence[str], sizes: Sequence[int]) -> NDArray[np.uint32]:
    """Give each set of numbers that short messages hold a number; long messages all have the same."""
    known: dict[tuple[str, ...], int] = {}
    found = (
        tuple(sorted(_NUMBER.findall(core))) if size <= SHORT else ()
        for core, size in zip(cores, sizes, strict=True)
    )
    return np.fromiter((known.setdefault(numbers, len(known)) for numbers in found), np.uint32, len(cores))


def _buckets(
    signatures: NDArray[np.uint32], numbers: NDArray[np.uint32], threshold: float
) -> NDArray[np.int64]:
    """Locality-sensitive hashing: (messages, bands), the number of a bucket or -1 where nobody shares it.

    Short messages with other numbers in them never share one: they would be told apart anyway.
    Sorted here instead of in MinHashLSH's dictionaries, which take some gigabytes for a million messages.
    """
    from datasketch import MinHashLSH

    lsh = MinHashLSH(threshold=min(max(threshold, 0.05), 0.95), num_perm=_PERMUTATIONS, weights=(0.1, 0.9))
    buckets = np.full((len(signatures), lsh.b), -1, dtype=np.int64)
    start = 0
    for band in range(lsh.b):
        keys = numbers.astype(np.uint64)
        for column in signatures[:, band * lsh.r : (band + 1) * lsh.r].T:  # one to one but for 64 bits
            keys ^= column
            keys *= np.uint64(0x9E3779B97F4A7C15)
            keys ^= keys >> np.uint64(29)
        _, bucket, sizes = np.unique(keys, return_inverse=True, return_counts=True)
        shared = sizes[bucket] > 1
        buckets[shared, band] = bucket[shared] + start
        start += len(sizes)
    return buckets
