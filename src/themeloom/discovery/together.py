"""How far messages belong together: how often clusterings put them together, and how seldom chance would."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from themeloom.records import Doubles, Ints

SELDOM = 4
"""Two messages in one cluster count by the chance that so many others, drawn at random, all lie elsewhere.

Now and then HDBSCAN takes half of the messages for one cluster: that says little of any two of them. Found on
samples of 515 to 4,151 messages of the corpora of ``benchmarks/stability.py``.
"""
_LEAST = 1e-6


@dataclass(frozen=True)
class Together:
    """Clusterings of the same messages as evidence of which of them belong together.

    Parameters
    ----------
    rows
        int64, (messages, clusterings): the cluster of each message in each clustering, 0 and up; -1 for none.
    seldom
        How far clusters that hold much of all messages count for less; 0: not at all.

    Notes
    -----
    Each message is a vector with one number for each cluster of each clustering, 0 for those in which it does
    not lie, else the square root of the cluster's weight: (1 - its share of the messages) to the power of
    `seldom`. Two messages are alike by the cosine of their vectors: 1 where they always lie together. Without
    weights that is the share of clusterings in which they do (evidence accumulation, Fred & Jain 2005); that
    clusters count by their size follows Wang, Yang & Zhou (2009), Clustering aggregation by probability
    accumulation, Pattern Recognition 42, with another weight.
    """

    rows: Ints
    seldom: int = SELDOM

    def of_pairs(self, chosen: Ints) -> Doubles:
        """Return how far some messages are alike, each with each: float64, (chosen, chosen).

        Parameters
        ----------
        chosen
            int64, (chosen,): positions of the messages.
        """
        among = self._within[chosen]
        alike = among.multiply(self._weight).tocsr() @ among.T
        length = self._length[chosen]
        found: Doubles = alike.toarray()
        found /= length * self.rows.shape[1]
        found /= length[:, None]  # in place: the table is large
        return found

    def with_topics(self, topic: Ints) -> Doubles:
        """Return how far each message is alike to the members of each topic, on average.

        Parameters
        ----------
        topic
            int64, (messages,): 0 and up; -1 for none.

        Returns
        -------
        Doubles
            float64, (messages, topics).
        """
        known, sizes = np.flatnonzero(topic >= 0), np.bincount(topic[topic >= 0])
        at = known, topic[known]
        members = csr_matrix((1 / self._length[known], at), shape=(len(topic), len(sizes)))
        found = self._within @ (self._within.T @ members).multiply(self._weight[:, None]).tocsr()
        return np.asarray(found.toarray() / self._length[:, None] / sizes / self.rows.shape[1])

    def with_others(self, topic: Ints) -> tuple[Doubles, Doubles]:
        """Return how far each message is alike to the other members of each topic, and how many these are.

        Parameters
        ----------
        topic
            int64, (messages,): 0 and up; -1 for none.

        Returns
        -------
        alike, others
            float64, (messages, topics).
        """
        home, sizes = np.flatnonzero(topic >= 0), np.bincount(topic[topic >= 0]).astype(np.float64)
        others = np.tile(sizes, (len(topic), 1))
        alike = self.with_topics(topic) * sizes
        others[home, topic[home]] -= 1
        alike[home, topic[home]] -= 1  # a message is always together with itself
        return alike / np.maximum(others, 1), others

    @cached_property
    def _within(self) -> csr_matrix:
        """(messages, clusters of all clusterings): 1 where a message lies; none is a cluster, too."""
        messages, clusterings = self.rows.shape
        counts = self.rows.max(axis=0, initial=-1) + 2
        first = np.cumsum(counts) - counts
        column = first + np.where(self.rows < 0, counts - 1, self.rows)
        starts = np.arange(messages + 1) * clusterings
        shape = messages, int(counts.sum())
        return csr_matrix((np.ones(column.size), column.ravel(), starts), shape=shape)

    @cached_property
    def _weight(self) -> Doubles:
        """The weight of each of these clusters."""
        shares = np.asarray(self._within.sum(axis=0)).ravel() / len(self.rows)
        return np.maximum((1 - shares) ** self.seldom, _LEAST)

    @cached_property
    def _length(self) -> Doubles:
        """The length of each message's vector, divided by the root of the number of clusterings."""
        return np.asarray(np.sqrt(self._within @ self._weight / self.rows.shape[1]))
