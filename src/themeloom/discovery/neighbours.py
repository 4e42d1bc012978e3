"""A topic by one's neighbours: for outliers, and for messages that were not there when topics were found."""

import numpy as np

from themeloom.records import Floats, Ints

NEIGHBOURS = 10
FLOOR = 0.2
"""Cosine similarity below which the nearest neighbour says nothing of a message."""
_CHUNK = 2048


def nearest_topic(vectors: Floats, members: Floats, topic: Ints) -> tuple[Ints, Floats]:
    """Give each vector the topic that its nearest members vote for, weighted by squared cosine similarity.

    Parameters
    ----------
    vectors
        float32, (messages, dimensions), unit length.
    members
        float32, (members, dimensions), unit length: messages whose topic is known.
    topic
        int64, (members,): their topics, 0 and up.

    Returns
    -------
    topic
        int64, (messages,): -1 where even the nearest member is less similar than `FLOOR`.
    share
        float32, (messages,): the winning topic's share of the vote; 0 where none.
    """
    found = np.full(len(vectors), -1, dtype=np.int64)
    share = np.zeros(len(vectors), dtype=np.float32)
    if not len(members):
        return found, share
    for start in range(0, len(vectors), _CHUNK):
        part = slice(start, start + _CHUNK)
        found[part], share[part] = _vote(vectors[part] @ members.T, topic)
    return found, share


def side_by_side(raw: Floats, adapted: Floats) -> Floats:
    """Return raw and adapted unit vectors side by side, of unit length together."""
    return np.hstack([raw, adapted]) / np.float32(np.sqrt(2))


def _vote(similarity: Floats, topic: Ints) -> tuple[Ints, Floats]:
    k = min(NEIGHBOURS, similarity.shape[1])
    nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    near = np.take_along_axis(similarity, nearest, axis=1)
    weight = np.clip(near, 0, None) ** 2
    votes = np.zeros((len(similarity), int(topic.max()) + 1), dtype=np.float64)
    np.add.at(votes, (np.arange(len(similarity))[:, None], topic[nearest]), weight)
    best = votes.argmax(axis=1)
    known = near.max(axis=1) >= FLOOR
    total = np.where(known, votes.sum(axis=1), 1.0)
    share = np.where(known, votes.max(axis=1) / total, 0.0)
    return np.where(known, best, -1).astype(np.int64), share.astype(np.float32)
