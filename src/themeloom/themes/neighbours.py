"""The nearest messages of each, by cosine similarity."""

import numpy as np

from themeloom.records import Floats, Ints

NEIGHBOURS = 12
_CHUNK = 2048


def nearest_others(vectors: Floats, count: int = NEIGHBOURS) -> Ints:
    """Return each unit vector's nearest others, int64 (messages, neighbours)."""
    count = min(count, len(vectors) - 1)
    found = []
    for start in range(0, len(vectors), _CHUNK):
        near = vectors[start : start + _CHUNK] @ vectors.T
        near[np.arange(len(near)), np.arange(start, start + len(near))] = -2  # oneself
        found.append(_nearest(near, count))
    return np.concatenate(found)


def nearest_among(vectors: Floats, members: Floats, count: int = NEIGHBOURS) -> Ints:
    """Return each unit vector's nearest members, int64 (messages, neighbours)."""
    count = min(count, len(members))
    starts = range(0, len(vectors), _CHUNK)
    return np.concatenate([_nearest(vectors[start : start + _CHUNK] @ members.T, count) for start in starts])


def _nearest(near: Floats, count: int) -> Ints:
    return np.argpartition(-near, max(count - 1, 0), axis=1)[:, :count].astype(np.int64)
