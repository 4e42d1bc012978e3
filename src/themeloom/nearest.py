"""The nearest of many, by cosine similarity: each vector is compared with all."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from themeloom.records import Floats, Ints
from themeloom.system.cores import cores

_ROWS = 256  # compared at once by one thread
_CACHED = 2**18  # numbers that stay near the processor


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


def highest(values: Floats, count: int) -> tuple[Ints, Floats]:
    """Return the places and values of the highest in each row, highest first; of equal ones the first.

    Parameters
    ----------
    values
        float32, (rows, columns); used up: what was found is overwritten.
    count
        How many; all where they are fewer.
    """
    count = min(count, values.shape[1])
    places = np.empty((len(values), count), dtype=np.int64)
    found = np.empty((len(values), count), dtype=values.dtype)
    step = max(1, _CACHED // max(values.shape[1], 1))
    for start in range(0, len(values), step):
        part = slice(start, start + step)
        rows, own = values[part], np.arange(len(values[part]))
        # For so few, looking for the highest again and again is many times as quick as partitioning.
        for rank in range(count):
            places[part, rank] = best = rows.argmax(axis=1)
            found[part, rank] = rows[own, best]
            rows[own, best] = -np.inf
    return places, found


def _compared(vectors: Floats, members: Floats, count: int, *, themselves: bool) -> tuple[Ints, Floats]:
    count = min(count, len(members))

    def of_part(start: int) -> tuple[Ints, Floats]:
        similarity = vectors[start : start + _ROWS] @ members.T
        if themselves:
            own = np.arange(len(similarity))
            similarity[own, start + own] = np.inf
        return highest(similarity, count)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores()) as pool:
        parts = list(pool.map(of_part, range(0, len(vectors), _ROWS)))
    nothing = np.zeros((0, count), np.int64), np.zeros((0, count), np.float32)
    nearest, similarity = (np.concatenate(found) for found in zip(nothing, *parts, strict=True))
    return nearest, similarity
