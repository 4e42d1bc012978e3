"""MinHash signatures, and the search among the messages that share a bucket; compiled, by numba.

Positions are int32, and of a bucket the first few messages alone are held, so that memory grows by some 400
bytes a message. All is whole numbers: the same everywhere.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from themeloom.system.compiled import compiled

SHINGLE = 5
"""Characters a shingle."""

_ONE, _RIGHT, _HALF = np.uint64(1), np.uint64(31), np.uint64(32)
_BASE, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


class Buckets(NamedTuple):
    """Which messages may be alike: those that share a bucket of locality-sensitive hashing."""

    of: NDArray[np.int32]  # (messages, bands): the number of the bucket, or -1 where nobody shares it
    starts: NDArray[np.int64]  # (buckets + 1,): where each one's room begins among the members
    filled: NDArray[np.int32]  # (buckets,): how many it holds
    members: NDArray[np.int32]  # messages: of each bucket the first ones met


def codes_of(texts: Iterable[str]) -> NDArray[np.uint32]:
    """Return the characters of texts, one after the other; short ones are filled up to one shingle."""
    filled = "".join(text.ljust(SHINGLE, "\0") for text in texts)
    return np.frombuffer(filled.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def shingles(text: str) -> NDArray[np.uint64]:
    """Hash every run of five characters.

    Returns
    -------
    numpy.ndarray
        Distinct hashes, sorted, uint64.
    """
    hashes = _hashed(codes_of([text]))
    hashes.sort()
    return _distinct(hashes)


@compiled
def _hashed(codes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Hash every run of five characters: polynomial hash, then a 64-bit mix."""
    hashes = np.empty(max(len(codes) - SHINGLE + 1, 0), np.uint64)
    for start in range(len(hashes)):
        value = np.uint64(0)
        for place in range(start, start + SHINGLE):
            value = value * _BASE + np.uint64(codes[place]) + _ONE
        value ^= value >> _RIGHT
        value *= _MIX
        hashes[start] = value ^ (value >> _HALF)
    return hashes


@compiled
def _distinct(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    kept = 0
    for place in range(len(hashes)):
        if place == 0 or hashes[place] != hashes[kept - 1]:
            hashes[kept] = hashes[place]
            kept += 1
    return hashes[:kept].copy()


@compiled
def shared_hashes(one: NDArray[np.uint64], two: NDArray[np.uint64]) -> int:
    """Count the hashes that two sorted rows of different ones share."""
    left = right = shared = 0
    while left < len(one) and right < len(two):
        shared += one[left] == two[right]
        ahead = one[left] <= two[right]
        right += one[left] >= two[right]
        left += ahead
    return shared


@compiled
def sign(
    codes: NDArray[np.uint32],
    ends: NDArray[np.int64],
    factors: NDArray[np.uint64],
    terms: NDArray[np.uint64],
    signatures: NDArray[np.uint32],
) -> None:
    """Write the MinHash (Broder 1997) of every text.

    Parameters
    ----------
    codes
        The characters of all texts, one after the other; each has five at least.
    ends
        Where each text ends.
    factors, terms
        Of each permutation: a multiply-shift hash (Dietzfelbinger et al. 1997).
    signatures
        (texts, permutations): written to.
    """
    begin = 0
    for text in range(len(ends)):
        hashes = _hashed(codes[begin : ends[text]])
        begin = ends[text]
        for at in range(len(factors)):
            least = np.uint64(0xFFFFFFFF)
            for value in hashes:
                least = min(least, (value * factors[at] + terms[at]) >> _HALF)
            signatures[text, at] = least


@compiled
def admit(index: int, buckets: Buckets) -> None:
    """Put a message into its buckets, where there is room."""
    for bucket in buckets.of[index]:
        if bucket < 0:
            continue
        place = buckets.starts[bucket] + buckets.filled[bucket]
        if place < buckets.starts[bucket + 1]:
            buckets.members[place] = index
            buckets.filled[bucket] += 1


@compiled
def _fill(more: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """Copy one by one: a slice that is written to takes numba seconds to compile."""
    for at in range(len(found)):
        more[at] = found[at]


@compiled
def likely(
    index: int,
    ask: int,
    least: int,
    buckets: Buckets,
    signatures: NDArray[np.uint32],
    seen: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Find the messages in the same buckets with signatures that agree in so many places at least.

    Parameters
    ----------
    index
        The message.
    ask
        Number of this question, from 1.
    least
        Permutations of which both must have the same value.
    buckets
        Who was met so far.
    signatures
        (messages, permutations).
    seen
        (messages,), 0 at first: at which question each was looked at last; written to.

    Returns
    -------
    numpy.ndarray
        int64: permutations that differ, times 2^32, plus the message. So sorted, the most alike and then the
        earliest come first.
    """
    found = np.empty(0, np.int64)
    count = 0
    own = signatures[index]
    for bucket in buckets.of[index]:
        if bucket < 0:
            continue
        start = buckets.starts[bucket]
        for other in buckets.members[start : start + buckets.filled[bucket]]:
            if seen[other] == ask:
                continue
            seen[other] = ask
            theirs = signatures[other]
            differing = 0
            for at in range(len(own)):
                differing += theirs[at] != own[at]
            if len(own) - differing < least:
                continue
            if count == len(found):
                more = np.empty(2 * count + 16, np.int64)
                _fill(more, found)
                found = more
            found[count] = (differing << 32) | other
            count += 1
    return found[:count]
