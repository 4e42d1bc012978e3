"""What speaks for a message's theme, each part behind one Protocol; a strategy is a choice of them."""

from typing import Protocol

import numpy as np

from themeloom.members import NEIGHBOURS, Labels, Members, Messages, parts_of
from themeloom.nearest import nearest_among
from themeloom.records import Doubles, Floats, Ints
from themeloom.themes._classifier import fit_classifier, posterior_of
from themeloom.themes._graph import spread_labels
from themeloom.themes._hierarchy import hierarchical_posterior

PRIOR = 1.0
"""Weight of the Dirichlet prior of a topic, in labels."""
SHARPNESS = 20.0
"""Cosine similarities to the codebook count so many times as log-odds."""
LEAST = 1e-4
"""No part ever rules a theme out."""


class Part(Protocol):
    """Learns from labels what speaks for each theme, and says so of messages."""

    of_topics: bool  # whether what it learns has a row a topic, and a last one for messages without

    def learn(self, members: Members, labels: Labels) -> Doubles:
        """Learn from the labels and from what is known of all members."""

    def say(self, learned: Doubles, messages: Messages, members: Floats) -> Doubles:
        """Give messages their posterior, (messages, themes).

        `members` are the members' vectors, raw and adapted side by side.
        """


class Majority:
    """The themes of a topic's labelled members, with a Dirichlet prior of the themes' shares."""

    of_topics = True

    def learn(self, members: Members, labels: Labels) -> Doubles:
        """Return (topics + 1, themes): the last row is for messages without a topic."""
        topic = members.messages.topic[places(members, labels)]
        counts = np.zeros((_topics(members) + 1, labels.themes))
        np.add.at(counts, (topic, labels.theme), 1)  # topic -1 is the last row
        shares = label_shares(labels)
        posterior = np.asarray((counts + PRIOR * shares) / (counts.sum(axis=1, keepdims=True) + PRIOR))
        posterior[-1] = shares
        return posterior

    def say(self, learned: Doubles, messages: Messages, members: Floats) -> Doubles:  # noqa: ARG002
        """Give each message the posterior of its topic."""
        return np.asarray(learned[messages.topic])


class Hierarchy(Majority):
    """Hierarchical Bayes: a topic borrows from its neighbours in the tree of topics and from the codebook."""

    def learn(self, members: Members, labels: Labels) -> Doubles:
        """Return (topics + 1, themes): the last row is for messages without a topic."""
        topics = _topics(members)
        topic = members.messages.topic[places(members, labels)]
        similarity = _similarity(members, topics)
        posterior = hierarchical_posterior(topic, labels.theme, members.parents, similarity, topics)
        return np.vstack([posterior, label_shares(labels)])


class Raw:
    """A classifier of single messages on vectors that no label has touched."""

    of_topics = False

    def learn(self, members: Members, labels: Labels) -> Doubles:
        """Return (dimensions + 1, themes): coefficients, then intercepts."""
        return fit_classifier(self.features(members.messages)[places(members, labels)], labels)

    def say(self, learned: Doubles, messages: Messages, members: Floats) -> Doubles:  # noqa: ARG002
        """Give the classifier's posterior."""
        return posterior_of(self.features(messages), learned)

    def features(self, messages: Messages) -> Floats:
        """Return what the classifier reads, (messages, features)."""
        return messages.vectors


class Adapted(Raw):
    """A classifier on raw and adapted vectors side by side."""

    def features(self, messages: Messages) -> Floats:
        """Return both vectors side by side, of unit length together."""
        return messages.both


class Surface(Raw):
    """A classifier on what can be seen without reading: a link, a question mark, the length."""

    def features(self, messages: Messages) -> Floats:
        """Return the features of the surface."""
        return messages.surface


class Graph:
    """Labels that spread over the graph of nearest neighbours (Zhou et al. 2004).

    Neighbours are sought in raw and adapted vectors side by side: a graph that knows of the themes carries
    labels further than one of raw vectors alone.
    """

    of_topics = False

    def learn(self, members: Members, labels: Labels) -> Doubles:
        """Return (members, themes)."""
        return spread_labels(members.neighbours, places(members, labels), labels)

    def say(self, learned: Doubles, messages: Messages, members: Floats) -> Doubles:
        """Give members their own posterior, others the mean of their nearest members'."""
        posterior = learned[messages.member]
        new = messages.member < 0
        if new.any():
            seen = messages.rows(np.flatnonzero(new)).both
            posterior[new] = learned[nearest_among(seen, members, NEIGHBOURS)[0]].mean(axis=1)
        return posterior


class Codebook:
    """The codebook's texts alone: no labels at all."""

    of_topics = False

    def learn(self, members: Members, labels: Labels) -> Doubles:  # noqa: ARG002
        """Return the texts' vectors, (themes, dimensions)."""
        return members.codebook.astype(np.float64)

    def say(self, learned: Doubles, messages: Messages, members: Floats) -> Doubles:  # noqa: ARG002
        """Give a posterior by cosine similarity."""
        return _softmax(SHARPNESS * (messages.vectors @ learned.T))


CODEBOOK = Codebook()

PARTS: dict[str, Part] = {
    "majority": Majority(),
    "hierarchy": Hierarchy(),
    "raw": Raw(),
    "adapted": Adapted(),
    "surface": Surface(),
    "graph": Graph(),
    "codebook": CODEBOOK,
}
"""All parts, by name, in the order in which their weights are kept."""


def wanted(strategy: str, members: Members) -> tuple[str, ...]:
    """Return a strategy's parts; without adapted vectors those on raw ones do their work."""
    return parts_of(strategy, adapted=bool(members.messages.adapted.shape[1]))


def places(members: Members, labels: Labels) -> Ints:
    """Return where among the members the labelled messages are."""
    return np.searchsorted(members.position, labels.position)


def label_shares(labels: Labels) -> Doubles:
    """Return the share of each theme among the labels, smoothed by one label spread evenly."""
    counts = np.bincount(labels.theme, minlength=labels.themes)
    return np.asarray((counts + 1 / labels.themes) / (counts.sum() + 1))


def _topics(members: Members) -> int:
    return int(members.messages.topic.max(initial=-1)) + 1


def _similarity(members: Members, topics: int) -> Doubles:
    """Return the log of each topic's mean zero-shot posterior, by its members."""
    topic = members.messages.topic
    said = CODEBOOK.say(members.codebook.astype(np.float64), members.messages, members.messages.vectors)
    sums = np.zeros((topics, len(members.codebook)))
    np.add.at(sums, topic[topic >= 0], said[topic >= 0])
    sizes = np.bincount(topic[topic >= 0], minlength=topics)[:, None]
    return np.log(np.maximum(sums / np.maximum(sizes, 1), LEAST))


def _softmax(odds: Doubles) -> Doubles:
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
