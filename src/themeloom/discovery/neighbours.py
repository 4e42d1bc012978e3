"""A topic by one's neighbours: for outliers, and for messages that were not there when topics were found."""

import numpy as np

from themeloom.discovery.cells import Nearest
from themeloom.records import Doubles, Floats, Ints

NEIGHBOURS = 10
FLOOR = 0.2
"""Cosine similarity below which the nearest neighbour says nothing of a message."""
_CHUNK = 16_384


def nearest_topic(
    vectors: Floats, members: Floats, topic: Ints, own: Ints | None = None
) -> tuple[Ints, Floats]:
    """Give each vector the topic that its nearest members vote for, weighted by squared cosine similarity.

    Parameters
    ----------
    vectors
        float32, (messages, dimensions), unit length.
    members
        float32, (members, dimensions), unit length: messages whose topic is known.
    topic
        int64, (members,): their topics, 0 and up.
    own
        int64, (messages,): which member each message is, which then has no vote on itself; by default none.

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
    among = Nearest(members)
    for start in range(0, len(vectors), _CHUNK):
        part = slice(start, start + _CHUNK)
        nearest, near = among.find(vectors[part], NEIGHBOURS + (own is not None))
        if own is not None:
            near = np.where(nearest == own[part, None], np.float32(-1), near)
        shares = _shares(nearest, near, topic)
        share[part] = shares.max(axis=1)
        found[part] = np.where(share[part] > 0, shares.argmax(axis=1), -1)
    return found, share


def topic_shares(vectors: Floats, members: Floats, topic: Ints) -> Doubles:
    """Return each topic's share of the vote that `nearest_topic` counts.

    Parameters
    ----------
    vectors, members, topic
        As for `nearest_topic`.

    Returns
    -------
    Doubles
        float64, (messages, topics): rows sum to 1; all 0 where even the nearest member is less similar than
        `FLOOR`.
    """
    among = Nearest(members)
    parts = [
        _shares(*among.find(vectors[start : start + _CHUNK], NEIGHBOURS), topic)
        for start in range(0, len(vectors), _CHUNK)
    ]
    return np.concatenate([np.zeros((0, int(topic.max(initial=-1)) + 1)), *parts])


def _shares(nearest: Ints, near: Floats, topic: Ints) -> Doubles:
    weight = np.clip(near, 0, None) ** 2
    votes = np.zeros((len(near), int(topic.max()) + 1), dtype=np.float64)
    np.add.at(votes, (np.arange(len(near))[:, None], topic[nearest]), weight)
    votes[near.max(axis=1) < FLOOR] = 0
    return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12))
