"""The nearest of many, by cosine similarity: each vector is compared with all."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from themeloom.cores import cores
from themeloom.records import Floats, Ints

_ROWS = 256  # compared at once by one thread
_BLOCK = 64


def nearest_of_all(vectors: Floats, count: int) -> tuple[Ints, Floats]:
    """Return each vector's nearest ones, itself first.

    Parameters
    ----------
    vectors
        float32, (vectors, dimensions), unit length.
    count
        How many; all where they are fewer.

    Returns
    -------
    nearest
        int64, (vectors, count): by similarity, highest first.
    similarity
        float32, (vectors, count): their cosine similarities; of a vector with itself exactly 1. The same bits
        on any number of cores.
    """
    nearest, similarity = _compared(vectors, vectors, count, themselves=True)
    similarity[:, 0] = 1
    return nearest, similarity


def nearest_among(vectors: Floats, members: Floats, count: int) -> tuple[Ints, Floats]:
    """Return the nearest members of each vector.

    Parameters
    ----------
    vectors
        float32, (vectors, dimensions), unit length.
    members
        float32, (members, dimensions), unit length.
    count
        How many; all where they are fewer.

    Returns
    -------
    nearest
        int64, (vectors, count): by similarity, highest first.
    similarity
        float32, (vectors, count): their cosine similarities. The same bits on any number of cores.
    """
    return _compared(vectors, members, count, themselves=False)


def _compared(vectors: Floats, members: Floats, count: int, *, themselves: bool) -> tuple[Ints, Floats]:
    count, spare = min(count, len(members)), -len(members) % _BLOCK
    columns = np.concatenate([members, np.zeros((spare, members.shape[1]), members.dtype)]).T

    def of_part(start: int) -> tuple[Ints, Floats]:
        similarity = vectors[start : start + _ROWS] @ columns
        similarity[:, len(members) :] = -np.inf
        if themselves:
            own = np.arange(len(similarity))
            similarity[own, start + own] = np.inf
        return _highest(similarity, count)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores()) as pool:
        parts = list(pool.map(of_part, range(0, len(vectors), _ROWS)))
    nothing = np.zeros((0, count), np.int64), np.zeros((0, count), np.float32)
    nearest, similarity = (np.concatenate(found) for found in zip(nothing, *parts, strict=True))
    return nearest, similarity


def _highest(similarity: Floats, count: int) -> tuple[Ints, Floats]:
    """Return the places and values of the highest in each row, highest first."""
    # The highest are in the blocks whose peaks are highest; these are much fewer to be partitioned.
    peaks = similarity.reshape(len(similarity), -1, _BLOCK).max(axis=2)
    blocks = _partitioned(peaks, count)
    places = (blocks[:, :, None] * _BLOCK + np.arange(_BLOCK)).reshape(len(similarity), -1)
    values = np.take_along_axis(similarity, places, axis=1)
    best = _partitioned(values, count)
    places, values = np.take_along_axis(places, best, axis=1), np.take_along_axis(values, best, axis=1)
    order = np.lexsort((places, -values))
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(values, order, axis=1)


def _partitioned(values: Floats, count: int) -> Ints:
    count = min(count, values.shape[1])
    return np.argpartition(-values, count - 1, axis=1)[:, :count]
