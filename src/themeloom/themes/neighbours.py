"""The nearest messages of each, by cosine similarity."""

import numpy as np

from themeloom.nearest import nearest_of_all
from themeloom.records import Floats, Ints

NEIGHBOURS = 12
_CHUNK = 2048


def nearest_others(vectors: Floats, count: int = NEIGHBOURS) -> Ints:
    """Return each unit vector's nearest others, int64 (messages, neighbours)."""
    return nearest_of_all(vectors, min(count, len(vectors) - 1) + 1)[0][:, 1:]


def nearest_among(vectors: Floats, members: Floats, count: int = NEIGHBOURS) -> Ints:
    """Return each unit vector's nearest members, int64 (messages, neighbours)."""
    count = min(count, len(members))
    starts = range(0, len(vectors), _CHUNK)
    return np.concatenate([_nearest(vectors[start : start + _CHUNK] @ members.T, count) for start in starts])


def _nearest(near: Floats, count: int) -> Ints:
    return np.argpartition(-near, max(count - 1, 0), axis=1)[:, :count].astype(np.int64)
