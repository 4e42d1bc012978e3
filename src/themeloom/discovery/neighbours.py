"""A topic by one's neighbours: for outliers, and for messages that were not there when topics were found."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from themeloom.discovery.cells import Nearest
from themeloom.nearest import nearest_of_all
from themeloom.records import Doubles, Floats, Ints

NEIGHBOURS = 10
FLOOR = 0.2
"""Cosine similarity below which the nearest neighbour says nothing of a message."""
KNOWN = 40
"""So many neighbours of each message are known where topics are sought among the same messages many times."""
_CHUNK = 16_384


@dataclass(frozen=True)
class Neighbourhood:
    """The nearest neighbours of each message, sought once for topics that are found many times.

    Parameters
    ----------
    vectors
        float32, (communications, dimensions), unit length.
    """

    vectors: Floats

    def among(self, chosen: Ints) -> tuple[Ints, Doubles]:
        """Return the neighbours of some messages among them.

        Parameters
        ----------
        chosen
            int64, (chosen,): positions of the messages.

        Returns
        -------
        neighbours
            int64, (chosen, KNOWN): their places among the chosen.
        weight
            float64, (chosen, KNOWN): squared cosine similarity; 0 for a neighbour that is not among them.
        """
        nearest, similarity = self._known
        place = np.full(len(self.vectors), -1)
        place[chosen] = np.arange(len(chosen))
        neighbours = place[nearest[chosen]]
        return neighbours, np.where(neighbours < 0, 0.0, np.clip(similarity[chosen], 0, None) ** 2)

    def second_best(self, topic: Ints) -> Ints:
        """Give messages without a topic that of their nearest neighbours with one, as `nearest_topic` does.

        Parameters
        ----------
        topic
            int64, (communications,): -1 for none.

        Returns
        -------
        Ints
            int64, (communications,): -1 where even the nearest is less similar than `FLOOR`.
        """
        lacking, clustered = np.flatnonzero(topic < 0), np.flatnonzero(topic >= 0)
        nearest, similarity = self._known[0][lacking], self._known[1][lacking]
        has = topic[nearest] >= 0
        voting = has & (has.cumsum(axis=1) <= NEIGHBOURS)
        found = _winner(_shares(nearest, np.where(voting, similarity, np.float32(-1)), np.maximum(topic, 0)))
        unknown = voting.sum(axis=1) < min(NEIGHBOURS, len(clustered))
        found[unknown] = nearest_topic(
            self.vectors[lacking[unknown]], self.vectors[clustered], topic[clustered]
        )[0]
        second = topic.copy()
        second[lacking] = found
        return second

    @cached_property
    def _known(self) -> tuple[Ints, Floats]:
        nearest, similarity = nearest_of_all(self.vectors, KNOWN + 1)
        return nearest[:, 1:], similarity[:, 1:]  # the first is the message itself


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
        share[part], found[part] = shares.max(axis=1), _winner(shares)
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


def _winner(shares: Doubles) -> Ints:
    return np.where(shares.max(axis=1, initial=0) > 0, shares.argmax(axis=1), -1)
