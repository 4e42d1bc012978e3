"""The nearest neighbours, and a topic by them: for outliers, and for messages that were not there before."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from themeloom.discovery.cells import Nearest
from themeloom.nearest import nearest_of_all
from themeloom.records import Doubles, Floats, Ints
from themeloom.system.cache import Arrays, Cache, code_of, digest
from themeloom.system.provenance import versions

NEIGHBOURS = 10
FLOOR = 0.2
"""Cosine similarity below which the nearest neighbour says nothing of a message."""
KNOWN = 40
"""So many neighbours of each message are known at least."""
MANY = 20_000
"""Among more, neighbours are sought in cells, as comparing all grows with the square of their number."""
_PROBED = 24
"""Cells that are looked into then: of 50,000 vectors in 384 dimensions, 96 % of the nearest are found."""
_CHUNK = 16_384


@dataclass(frozen=True)
class Neighbourhood:
    """The nearest neighbours of each message, sought once: for layouts, for a consensus and for outliers.

    They are sought among the distinct vectors in an order of their own, so that the order of messages makes
    no difference. Of up to `MANY` vectors each is compared with all; of more they are sought in cells.

    Parameters
    ----------
    vectors
        float32, (communications, dimensions), unit length.
    cache
        Where neighbours are kept on disk; nowhere if not given.
    """

    vectors: Floats
    cache: Cache | None = None

    @cached_property
    def distinct(self) -> tuple[Floats, Ints]:
        """The distinct vectors, in an order of their own, and each message's place among them, int64."""
        distinct, place = np.unique(self.vectors, axis=0, return_inverse=True)
        return distinct, place.ravel()

    def nearest(self, count: int) -> tuple[Ints, Floats]:
        """Return the nearest of each distinct vector, itself first.

        Parameters
        ----------
        count
            How many; all where they are fewer.

        Returns
        -------
        nearest
            int32, (distinct, count): places among the distinct vectors.
        similarity
            float32, (distinct, count): their cosine similarities.
        """
        vectors, _ = self.distinct
        sought = max(count, KNOWN + 1)  # so that whoever asks for fewer shares what is kept

        def make() -> Arrays:
            nearest, similarity = _nearest(vectors, sought)
            return {"nearest": nearest.astype(np.int32), "similarity": similarity}

        if sought not in self._sought:
            key = digest(vectors, sought, code_of(Neighbourhood, nearest_of_all, Nearest), versions())
            self._sought[sought] = self.cache.remember("neighbours", key, make)[0] if self.cache else make()
        known = self._sought[sought]
        return known["nearest"][:, :count], known["similarity"][:, :count]

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
        nearest, similarity = self._of_messages
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
        nearest, similarity = self._of_messages[0][lacking], self._of_messages[1][lacking]
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
    def _of_messages(self) -> tuple[Ints, Floats]:
        """The neighbours of each message, (communications, KNOWN): of equal ones each counts."""
        place = self.distinct[1]
        nearest, similarity = self.nearest(KNOWN + 1)
        copies = np.bincount(place)
        ends = copies[nearest].cumsum(axis=1)
        wanted = np.arange(min(KNOWN + 1, len(place)))
        column = (ends[:, None, :] <= wanted[:, None]).sum(axis=2)  # whose copy the so-and-so-manieth is
        rank = wanted - np.take_along_axis(ends - copies[nearest], column, axis=1)
        first = np.cumsum(copies) - copies
        by_place = np.argsort(place, kind="stable")
        message = by_place[first[np.take_along_axis(nearest, column, axis=1)] + rank]
        alike = np.take_along_axis(similarity, column, axis=1)
        return _without(np.arange(len(place)), message[place], alike[place])

    @cached_property
    def _sought(self) -> dict[int, Arrays]:
        return {}


def _nearest(vectors: Floats, count: int) -> tuple[Ints, Floats]:
    """Return the nearest of each distinct vector, itself first."""
    if len(vectors) <= MANY:
        return nearest_of_all(vectors, count)
    own = np.arange(len(vectors))
    nearest, similarity = _without(own, *Nearest(vectors, probed=_PROBED).find(vectors, count))
    return np.column_stack([own, nearest]), np.column_stack([np.ones(len(own), np.float32), similarity])


def _without(own: Ints, nearest: Ints, similarity: Floats) -> tuple[Ints, Floats]:
    """Take from each row what the row is of; where it is not there, the last."""
    out = nearest == own[:, None]
    out[~out.any(axis=1), -1] = True
    shape = len(nearest), nearest.shape[1] - 1
    return nearest[~out].reshape(shape), similarity[~out].reshape(shape)


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
    topics = int(topic.max()) + 1
    place = np.arange(len(near))[:, None] * topics + topic[nearest]
    votes = np.bincount(place.ravel(), weight.ravel(), len(near) * topics).reshape(-1, topics)
    votes[near.max(axis=1) < FLOOR] = 0
    return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12))


def _winner(shares: Doubles) -> Ints:
    return np.where(shares.max(axis=1, initial=0) > 0, shares.argmax(axis=1), -1)
