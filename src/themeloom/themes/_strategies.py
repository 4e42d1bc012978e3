"""Ways to learn from labelled messages which theme a topic belongs to."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from themeloom.records import Doubles, Ints, Mapping


class Strategy(Protocol):
    """Learns from labelled messages which theme each topic belongs to."""

    def fit(self, topic: Ints, theme: Ints) -> Mapping:
        """Learn from labelled messages: the topic and the label of each."""

    def predict(self, topic: Ints, theme: Ints, weights: Doubles, asked: Ints) -> Ints:
        """Learn once for each row of weights (draws, messages), then give the themes of the topics asked for.

        Returns (draws, asked), with -1 where a topic is -1 or mixed.
        """


@dataclass(frozen=True, slots=True)
class MajorityPosterior:
    """The theme that most of a topic's labelled members have, with a Dirichlet prior.

    The prior leans towards the shares of the themes among all labels, which are themselves smoothed by
    a single label spread evenly, so that no theme is impossible.
    """

    topics: int
    themes: int
    prior: float  # in labels a topic
    mixed_below: float

    def fit(self, topic: Ints, theme: Ints) -> Mapping:
        """Learn from labelled messages; those without topic or label carry no evidence on topics."""
        labels, posterior = self._posterior(topic, theme, np.ones((1, len(topic))))
        none = np.empty((0, self.themes))
        return Mapping(posterior[0], self._best(labels, posterior)[0], labels[0].astype(np.int64), none)

    def predict(self, topic: Ints, theme: Ints, weights: Doubles, asked: Ints) -> Ints:
        """Learn once for each row of weights, then give the themes of the topics asked for."""
        best = self._best(*self._posterior(topic, theme, weights))
        nowhere = np.full((len(best), 1), -1)
        return np.hstack([best, nowhere])[:, asked]  # topic -1 is the last column

    def _posterior(self, topic: Ints, theme: Ints, weights: Doubles) -> tuple[Doubles, Doubles]:
        """Labelled members and the posterior mean, both (draws, topics, themes)."""
        known = theme >= 0
        # Row `topics` gathers the labels outside all topics: they only tell how common themes are.
        cell = np.where(topic < 0, self.topics, topic)[known] * self.themes + theme[known]
        size = (self.topics + 1) * self.themes
        place = np.arange(len(weights))[:, None] * size + cell
        flat: Doubles = np.bincount(place.ravel(), weights[:, known].ravel(), len(weights) * size).astype(
            np.float64
        )
        counts = flat.reshape(-1, self.topics + 1, self.themes)
        shares = (counts.sum(axis=1) + 1 / self.themes) / (counts.sum(axis=(1, 2))[:, None] + 1)
        labels = counts[:, :-1]
        posterior = (labels + self.prior * shares[:, None]) / (labels.sum(axis=2, keepdims=True) + self.prior)
        return labels, posterior

    def _best(self, labels: Doubles, posterior: Doubles) -> Ints:
        """Choose the most probable theme; mixed where it is unlikely, tied, or no label speaks for it."""
        highest = posterior.max(axis=2, keepdims=True)
        alone = (posterior == highest).sum(axis=2) == 1
        mapped = alone & (labels.sum(axis=2) > 0) & (highest[:, :, 0] >= self.mixed_below)
        return np.where(mapped, posterior.argmax(axis=2), -1)


def themes_of(topic: Ints, mapping: Mapping) -> tuple[Ints, Doubles]:
    """Give the theme of each message's topic, and its probability; -1 and NaN where there is none."""
    theme = np.full(len(topic), -1, np.int64)
    probability = np.full(len(topic), np.nan)
    given = np.flatnonzero(topic >= 0)
    theme[given] = mapping.theme[topic[given]]
    themed = np.flatnonzero(theme >= 0)
    probability[themed] = mapping.posterior[topic[themed], theme[themed]]
    return theme, probability
