"""A topic's theme by the vote of all its members: labelled ones as they are, others by a classifier."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from themeloom.records import Doubles, Ints, Mapping, Members
from themeloom.themes._classifier import fit_classifier, posterior_of

MOST = 20_000
"""Members that are asked; in a larger corpus every so-and-so-manieth of each topic."""


@dataclass(frozen=True)
class MemberVote:
    """The shares of a topic's members that have each theme.

    Parameters
    ----------
    members
        The communications' topics and vectors.
    position, theme
        (labels,): which communications are labelled, and how.
    themes
        Number of themes.
    mixed_below
        Least share of a topic's theme.
    """

    members: Members
    position: Ints
    theme: Ints
    themes: int
    mixed_below: float

    def fit(self) -> Mapping:
        """Learn from all labels."""
        classifier, posterior = self.learn(np.ones(len(self.theme)))
        labels = np.zeros(posterior.shape, dtype=np.int64)
        inside = self.members.topic[self.position] >= 0
        np.add.at(labels, (self.members.topic[self.position][inside], self.theme[inside]), 1)
        return Mapping(posterior, self.best(posterior), labels, classifier)

    def learn(self, weights: Doubles) -> tuple[Doubles, Doubles]:
        """Learn from labels that count so often, 0 for never.

        Returns
        -------
        classifier
            (dimensions + 1, themes).
        posterior
            (topics, themes): shares of the members; rows sum to 1.
        """
        classifier = fit_classifier(self.members.vectors[self.position], self.theme, self.themes, weights)
        theme = posterior_of(self.members.vectors[self._asked], classifier).argmax(axis=1)
        place = self._place[self.position]
        told = (weights > 0) & (place >= 0)
        theme[place[told]] = self.theme[told]
        votes = np.eye(self.themes)[theme]
        if not len(self._starts):
            return classifier, np.empty((0, self.themes))
        sizes = np.diff(np.append(self._starts, len(votes)))
        return classifier, np.add.reduceat(votes, self._starts, axis=0) / sizes[:, None]

    def best(self, posterior: Doubles) -> Ints:
        """Choose each topic's theme; -1 where too few members have it."""
        likely = posterior.max(axis=1, initial=0) >= self.mixed_below
        return np.where(likely, posterior.argmax(axis=1), -1) if len(posterior) else np.empty(0, np.int64)

    @cached_property
    def _asked(self) -> Ints:
        """The members that are asked, topic by topic; labelled ones always."""
        members = np.argsort(self.members.topic, kind="stable")[int((self.members.topic < 0).sum()) :]
        if len(members) <= MOST:
            return members
        often = np.linspace(0, len(members) - 1, MOST).astype(np.int64)
        named = np.isin(members, self.position)
        named[often] = True
        # The first of each topic, so that none is left unasked.
        named[np.unique(self.members.topic[members], return_index=True)[1]] = True
        return np.asarray(members[named])

    @cached_property
    def _starts(self) -> Ints:
        return np.unique(self.members.topic[self._asked], return_index=True)[1]

    @cached_property
    def _place(self) -> Ints:
        """Where among those asked a communication stands; -1 for the others."""
        place = np.full(len(self.members.topic), -1)
        place[self._asked] = np.arange(len(self._asked))
        return place
