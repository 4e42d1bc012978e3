"""A made-up world of messages with planted themes, as mappings see it; it remembers what it was asked."""

from dataclasses import dataclass, field, replace

import numpy as np

from themeloom.members import NEIGHBOURS, Labels, Members, Messages
from themeloom.nearest import nearest_of_all

DIMENSIONS = 16


@dataclass
class World:
    """Messages whose raw vectors, topics, neighbours and surface tell something of their theme.

    The adapted vectors are those of an encoder that learned labels by heart as well as what they have in
    common: of a message that was learned from, they tell the label.
    """

    messages_: int = 200
    themes: int = 3
    topics: int = 9
    signal: float = 0.6
    adapts: bool = True
    seed: int = 0
    asked: list[Labels] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        rows = np.arange(self.messages_)
        self.theme = rng.choice(self.themes, self.messages_, p=_shares(self.themes))
        of_topic = np.arange(self.topics) % self.themes
        inside = [rng.choice(np.flatnonzero(of_topic == theme)) for theme in self.theme]
        self.topic = np.where(
            rng.random(self.messages_) < 0.8, inside, rng.integers(-1, self.topics, len(rows))
        )
        self.topic[rng.random(self.messages_) < 0.05] = -1
        self.topic[: self.topics] = np.arange(self.topics)  # no topic is empty
        centres = unit(rng.normal(size=(self.themes, DIMENSIONS)))
        noise = unit(rng.normal(size=(self.messages_, DIMENSIONS)))
        self.vectors = unit(self.signal * centres[self.theme] + noise)
        self.codebook = unit(centres + 0.3 * unit(rng.normal(size=centres.shape)))
        self.surface = rng.random((self.messages_, 4)).astype(np.float32)
        self.surface[rows, self.theme % 4] += np.float32(0.5 * self.signal)
        self.labelled = np.sort(rng.choice(self.messages_, self.messages_ // 2, replace=False))
        self.position = np.union1d(self.labelled, rows[::3])

    @property
    def labels(self) -> Labels:
        """Half of the messages, by their true themes."""
        return Labels(self.labelled, self.theme[self.labelled], self.themes)

    @property
    def shuffled(self) -> Labels:
        """The same labels, each given to another message."""
        theme = np.random.default_rng(self.seed + 1).permutation(self.theme[self.labelled])
        return Labels(self.labelled, theme, self.themes)

    @property
    def parents(self) -> np.ndarray:
        """All topics below one root."""
        return np.append(np.full(self.topics, self.topics), -1)

    def members(self, labels: Labels) -> Members:
        self.asked.append(labels)
        return self._members(self._messages(labels))

    @property
    def untouched(self) -> Members:
        messages = self._messages(self.labels)
        return self._members(replace(messages, adapted=np.zeros((self.messages_, 0), np.float32)))

    def _members(self, messages: Messages) -> Members:
        whole = messages.rows(self.position)
        neighbours = nearest_of_all(whole.both, NEIGHBOURS + 1)[0][:, 1:]
        return Members(self.position, whole, neighbours, self.parents, self.codebook)

    def messages(self, labels: Labels) -> Messages:
        return self._messages(labels)

    def _messages(self, labels: Labels) -> Messages:
        adapted = self._adapted(labels) if self.adapts else np.zeros((self.messages_, 0), np.float32)
        member = np.full(self.messages_, -1)
        member[self.position] = np.arange(len(self.position))
        return Messages(self.topic, self.vectors, adapted, self.surface, member)

    def _adapted(self, labels: Labels) -> np.ndarray:
        known = np.zeros((self.messages_, self.themes), np.float32)
        known[labels.position, labels.theme] = 1
        centroids = known.T @ self.vectors / np.maximum(known.sum(axis=0)[:, None], 1)
        return unit(np.hstack([3 * self.vectors @ centroids.T, known, np.full((self.messages_, 1), 0.1)]))


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of unit length."""
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _shares(themes: int) -> np.ndarray:
    weight = np.arange(themes, 0, -1) + 1.0
    return weight / weight.sum()
