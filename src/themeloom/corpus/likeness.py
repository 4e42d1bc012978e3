"""Near-duplicates: MinHash finds candidates, exact Jaccard and a look at the difference decide."""

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from themeloom.corpus import minhash
from themeloom.corpus.meaning import NUMBER, differs_in_meaning, numbers_differ_mostly

SHORT = 60
"""Up to so many words (a post of 280 characters) a changed number, name or negation makes another message."""

_PERMUTATIONS = 64
_BUCKET = 64  # messages of a bucket that are compared, the first ones: templates by the thousand stay linear
_COMPARED = 32  # of all candidates, the most similar so many are verified
_REMEMBERED = 100_000  # messages whose shingles are at hand: one or two kilobytes each
_AT_ONCE = 4_096  # messages that are hashed before progress is told
_SLACK = 0.15  # what the estimate from 64 permutations may be off before a candidate is dropped unverified


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
        self._seen = np.zeros(len(cores), dtype=np.int32)
        self._asked = 0
        self._known: dict[int, NDArray[np.uint64]] = {}

    def add(self, index: int) -> None:
        """Let later messages be compared with this one."""
        minhash.admit(index, self._buckets)

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
        self._asked += 1
        least_shared = ceil(_PERMUTATIONS * (loosest - _SLACK))
        found = minhash.likely(index, self._asked, least_shared, self._buckets, self._signatures, self._seen)
        if not len(found):
            return None
        found.sort()
        own = self._shingles(index)
        for code in found[:_COMPARED].tolist():
            differing, other = int(code >> 32), int(code & 0xFFFFFFFF)
            least = threshold(other)
            if 1 - differing / _PERMUTATIONS < least - _SLACK:
                continue
            if _jaccard(own, self._shingles(other)) >= least and not self._tells_apart(index, other):
                return other
        return None

    def _shingles(self, index: int) -> NDArray[np.uint64]:
        known = self._known.get(index)
        if known is None:
            if len(self._known) == _REMEMBERED:
                self._known.clear()
            known = self._known[index] = minhash.shingles(self._cores[index])
        return known

    def _tells_apart(self, one: int, two: int) -> bool:
        if min(self._sizes[one], self._sizes[two]) > SHORT:
            return numbers_differ_mostly(self._cores[one], self._cores[two])
        return differs_in_meaning(self._cores[one], self._cores[two], self._texts[one], self._texts[two])


def _jaccard(one: NDArray[np.uint64], two: NDArray[np.uint64]) -> float:
    shared = minhash.shared_hashes(one, two)
    return shared / (one.size + two.size - shared)


def _signatures(cores: Sequence[str], advance: Callable[[int], None]) -> NDArray[np.uint32]:
    """MinHash of every message: (messages, permutations)."""
    random = np.random.default_rng(1)
    factors, terms = random.integers(2**63, size=(2, _PERMUTATIONS), dtype=np.uint64)
    signatures = np.empty((len(cores), _PERMUTATIONS), dtype=np.uint32)
    for start in range(0, len(cores), _AT_ONCE):
        part = cores[start : start + _AT_ONCE]
        ends = np.cumsum([max(len(core), minhash.SHINGLE) for core in part])
        into = signatures[start : start + len(part)]
        minhash.sign(minhash.codes_of(part), ends, factors | np.uint64(1), terms, into)
        advance(len(part))
    return signatures


def _telling_numbers(cores: Sequence[str], sizes: Sequence[int]) -> NDArray[np.uint32]:
    """Give each set of numbers that short messages hold a number; long messages all have the same."""
    known: dict[tuple[str, ...], int] = {}
    found = (
        tuple(sorted(NUMBER.findall(core))) if size <= SHORT else ()
        for core, size in zip(cores, sizes, strict=True)
    )
    return np.fromiter((known.setdefault(numbers, len(known)) for numbers in found), np.uint32, len(cores))


def _buckets(
    signatures: NDArray[np.uint32], numbers: NDArray[np.uint32], threshold: float
) -> minhash.Buckets:
    """Sort messages into buckets, which are empty yet.

    Short messages with other numbers in them never share one: they would be told apart anyway.
    Sorted here instead of in MinHashLSH's dictionaries, which take some gigabytes for a million messages.
    """
    from datasketch import MinHashLSH

    lsh = MinHashLSH(threshold=min(max(threshold, 0.05), 0.95), num_perm=_PERMUTATIONS, weights=(0.1, 0.9))
    of = np.full((len(signatures), lsh.b), -1, dtype=np.int32)
    rooms = [np.zeros(1, dtype=np.int64)]
    start = 0
    for band in range(lsh.b):
        keys = numbers.astype(np.uint64)
        for column in signatures[:, band * lsh.r : (band + 1) * lsh.r].T:  # one to one but for 64 bits
            keys ^= column
            keys *= np.uint64(0x9E3779B97F4A7C15)
            keys ^= keys >> np.uint64(29)
        _, bucket, sizes = np.unique(keys, return_inverse=True, return_counts=True)
        is_shared = sizes > 1
        of[:, band] = np.where(is_shared, start - 1 + np.cumsum(is_shared), -1)[bucket]
        rooms.append(np.minimum(sizes[is_shared], _BUCKET))
        start += len(rooms[-1])
    starts = np.cumsum(np.concatenate(rooms))
    members = np.empty(int(starts[-1]), dtype=np.int32)
    return minhash.Buckets(of, starts, np.zeros(start, dtype=np.int32), members)
