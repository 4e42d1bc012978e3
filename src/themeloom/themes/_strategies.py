"""Ways to learn from labelled messages which theme a topic belongs to."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from themeloom.records import Doubles, Ints, Mapping


class Strategy(Protocol):
    """Learns from labelled messages which theme each topic belongs to."""

    def fit(self, topic: Ints, theme: Ints) -> Mapping:
        """Learn from labelled messages: the topic and the label of each."""


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
        shares = (np.bincount(theme[theme >= 0], minlength=self.themes) + 1 / self.themes) / (
            (theme >= 0).sum() + 1
        )
        labels = self._labels(topic, theme)
        totals = labels.sum(axis=1, keepdims=True)
        posterior = (labels + self.prior * shares) / (totals + self.prior)
        return Mapping(posterior, self._best(posterior, totals[:, 0]), labels)

    def _labels(self, topic: Ints, theme: Ints) -> Ints:
        evidence = (topic >= 0) & (theme >= 0)
        labels = np.zeros((self.topics, self.themes), np.int64)
        np.add.at(labels, (topic[evidence], theme[evidence]), 1)
        return labels

    def _best(self, posterior: Doubles, totals: Ints) -> Ints:
        """Choose the most probable theme; mixed where it is unlikely, tied, or no label speaks for it."""
        highest = posterior.max(axis=1, keepdims=True)
        alone = (posterior == highest).sum(axis=1) == 1
        mapped = alone & (totals > 0) & (highest[:, 0] >= self.mixed_below)
        return np.where(mapped, posterior.argmax(axis=1), -1)


def themes_of(topic: Ints, mapping: Mapping) -> tuple[Ints, Doubles]:
    """Give the theme of each message's topic, and its probability; -1 and NaN where there is none."""
    theme = np.full(len(topic), -1, np.int64)
    probability = np.full(len(topic), np.nan)
    given = np.flatnonzero(topic >= 0)
    theme[given] = mapping.theme[topic[given]]
    themed = np.flatnonzero(theme >= 0)
    probability[themed] = mapping.posterior[topic[themed], theme[themed]]
    return theme, probability
