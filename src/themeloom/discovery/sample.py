"""Which communications of a large corpus topics are found in."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from themeloom.discovery.cells import cells_of, centres_of
from themeloom.records import Doubles, Floats, Ints

_PILOT = 10_000
_CELLS = 128
_KEY = b"sample"


def choose_sample(texts: Sequence[str], vectors: Floats, size: int, always: Ints) -> Ints:
    """Choose communications in which topics are found for all.

    Each is drawn with a weight: the inverse square root of how many lie in its part of the embedding (a cell
    of k-means), so that what few people say is not lost among what many say (density-biased sampling).

    Parameters
    ----------
    texts
        What was embedded.
    vectors
        float32, (communications, dimensions), unit length.
    size
        How many different texts.
    always
        Positions of communications that are chosen in any case.

    Returns
    -------
    Ints
        int64, ascending positions. The draw hangs on the texts alone: it is the same in any order and with
        any seed, as in another sample other topics would be found. All communications with the same text are
        chosen together, those with the text of `always` too; all, where there are no more different texts
        than `size`.

    Notes
    -----
    C. Palmer & C. Faloutsos (2000), Density biased sampling, SIGMOD; P. Efraimidis & P. Spirakis (2006),
    Weighted random sampling with a reservoir, Information Processing Letters 97.
    """
    draw = _draws(texts, _KEY)
    _, first = np.unique(draw, return_index=True)
    if len(first) <= size:
        return np.arange(len(texts))
    pilot = vectors[first[:_PILOT]]
    cell = cells_of(vectors, centres_of(pilot, _CELLS, 0, apart=True))
    weight = 1 / np.sqrt(np.bincount(cell[first], minlength=_CELLS))[cell]
    rank = -np.log(draw) / weight
    bound = np.partition(rank[first], size - 1)[size - 1]
    return np.flatnonzero((rank <= bound) | np.isin(draw, draw[always]))


def spread_evenly(texts: Sequence[str], share: float, seed: int) -> Ints:
    """Choose a share of texts evenly, by what they say: ascending positions, int64."""
    return np.flatnonzero(_draws(texts, seed.to_bytes(8, "little")) < share)


def _draws(texts: Sequence[str], key: bytes) -> Doubles:
    """Return a number of each text's own, between 0 and 1."""
    digests = b"".join(blake2b(text.encode(), digest_size=8, key=key).digest() for text in texts)
    return (np.frombuffer(digests, dtype="<u8").astype(np.float64) + 0.5) / 2.0**64
