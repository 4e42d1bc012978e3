"""What mappings learn from and what they say: records that pass between stages and that no run keeps."""

from dataclasses import dataclass

import numpy as np

from themeloom.config import STRATEGIES
from themeloom.records import Doubles, Floats, Ints, Mapping
from themeloom.scored import Score

TOPIC_LEVEL = "topic level"
"""Each message has the theme of its topic."""
MESSAGE_LEVEL = "message level"
"""Each message has its own likeliest theme."""
NEIGHBOURS = 12
"""So many nearest others of a message tell of it."""
INFORMED = 2.0
"""Adapted vectors count so many times as raw ones in topics that labels inform."""


@dataclass(frozen=True, slots=True)
class Messages:
    """What a mapping is told of each message."""

    topic: Ints  # (messages,): -1 where none
    vectors: Floats  # (messages, dimensions): raw, unit length
    adapted: Floats  # (messages, dimensions): of the adapted encoder, unit length; (messages, 0) without one
    surface: Floats  # (messages, features): what can be seen without reading: length, links, marks
    member: Ints  # (messages,): its place among the members that a mapping learned from; -1 for others

    @property
    def both(self) -> Floats:
        """Raw and adapted vectors `side_by_side`."""
        return side_by_side(self.vectors, self.adapted)

    def rows(self, chosen: Ints) -> "Messages":
        """Return some of the messages."""
        return Messages(
            self.topic[chosen],
            self.vectors[chosen],
            self.adapted[chosen],
            self.surface[chosen],
            self.member[chosen],
        )


@dataclass(frozen=True, slots=True)
class Members:
    """The communications that a mapping learns from: all, or in a large corpus an even choice of them."""

    position: Ints  # (members,): which communications, ascending; labelled ones are always among them
    messages: Messages
    neighbours: Ints  # (members, neighbours): nearest others, by raw and adapted vectors side by side
    parents: Ints  # (nodes,): tree of topics; first the topics, then what joins them; -1 for the root
    codebook: Floats  # (themes, dimensions): the codebook's texts as unit vectors


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels to learn from."""

    position: Ints  # (labels,): which communications, ascending
    theme: Ints  # (labels,): index of the theme
    themes: int  # in the codebook

    def at(self, places: Ints) -> "Labels":
        """Return some of the labels, by their places."""
        return Labels(self.position[places], self.theme[places], self.themes)

    def but(self, left_out: Ints) -> "Labels":
        """Return all labels but some, named by their places."""
        return Labels(np.delete(self.position, left_out), np.delete(self.theme, left_out), self.themes)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a line says of the labelled messages, none of which it had learned from when it said so."""

    coded: Ints  # (messages,): theme indices; -1 where nobody coded: counts in coverage alone
    predicted: Ints  # (repeats, messages): theme indices, -1 where abstained
    posterior: Doubles  # (repeats, messages, themes), or (0, 0, 0) where the line has none
    group: Ints  # (messages,): the author's number; messages of one author have the same


@dataclass(frozen=True, slots=True)
class LineScores:
    """What the held-out predictions of a line are worth."""

    overall: dict[str, Score]  # kappa, alpha, ac1, macro_f1, balanced_accuracy, accuracy, coverage, ece
    per_theme: tuple[dict[str, Score], ...]  # by theme index: precision, recall, f1
    confusion: Doubles  # (themes, themes + 1): coded by predicted, last column abstained; mean over repeats


@dataclass(frozen=True, slots=True)
class PlainTopics:
    """The reference: topics as BERTopic's own settings give them for the same vectors."""

    topic: Ints  # (communications,): largest first; -1 for outliers
    reduced: Ints  # (communications,): after BERTopic's reduce_outliers; -1 where it found no topic either


def parts_of(strategy: str, *, adapted: bool) -> tuple[str, ...]:
    """Return a strategy's parts; without adapted vectors those on raw ones do their work."""
    parts = STRATEGIES[strategy]
    return parts if adapted else tuple(dict.fromkeys("raw" if part == "adapted" else part for part in parts))


def strategy_of(mapping: Mapping) -> str:
    """Return the strategy that a mapping pools, which 'auto' took where it was asked; 'auto' if none does."""
    used = {name for name in mapping.parts if name != "shares" and len(mapping.parts[name])}
    fits = (
        name
        for name in STRATEGIES
        if used in ({*parts_of(name, adapted=True)}, {*parts_of(name, adapted=False)})
    )
    return next(fits, "auto")


def side_by_side(raw: Floats, adapted: Floats, weight: float = 1.0) -> Floats:
    """Return raw and adapted unit vectors side by side, of unit length together; or the raw, if alone.

    Parameters
    ----------
    raw
        float32, (messages, dimensions), unit length.
    adapted
        float32, (messages, dimensions), unit length; or (messages, 0) without an adapted encoder.
    weight
        The similarity of two messages is the mean of both similarities, in which that of the adapted vectors
        counts so many times.
    """
    if not adapted.shape[1]:
        return raw
    share = weight / (1 + weight)
    return np.hstack([np.float32(np.sqrt(1 - share)) * raw, np.float32(np.sqrt(share)) * adapted])


def informed_vectors(raw: Floats, adapted: Floats) -> Floats:
    """Return the vectors that topics are read from where labels inform them."""
    return side_by_side(raw, adapted, INFORMED)
