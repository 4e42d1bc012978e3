"""Topics of two runs brought together: partners, and what split, merged, appeared and vanished."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from themeloom.compared import Change, Share, TopicMatch
from themeloom.history.likeness import share_score
from themeloom.records import Bools, Doubles, Ints

SAME = 0.75  # Hennig (2007, Cluster-wise assessment of cluster stability): a stable cluster
ALIKE = 0.5  # there too: below, a cluster is dissolved
MOST = 0.5  # of a topic, for it to go into another one
TOLD = 0.1  # of a topic, for a part of it to be told


@dataclass(frozen=True, slots=True)
class Overlap:
    """How topics of two runs overlap; all of shape (first's topics, second's topics)."""

    likeness: Doubles  # by which they are matched, 0 to 1
    words: Doubles  # RBO
    vectors: Doubles | None  # cosine
    went: Doubles  # share of the first's that is in the second's
    came: Doubles  # share of the second's that is in the first's
    unions: Ints | None  # messages in either; None where words decide
    known: tuple[Bools, Bools]  # which topics of each run there is anything to say of

    @property
    def reverse(self) -> "Overlap":
        """The same, seen from the second run."""
        return Overlap(
            self.likeness.T,
            self.words.T,
            None if self.vectors is None else self.vectors.T,
            self.came.T,
            self.went.T,
            None if self.unions is None else self.unions.T,
            self.known[::-1],
        )


@dataclass(frozen=True, slots=True)
class Aligned:
    """Two runs' topics, by their places."""

    partner: Ints  # (first's topics,): place of the partner; -1 where none
    goes: Ints  # (first's topics,): place of the topic that it goes into; -1 where none
    comes: Ints  # (second's topics,): place of the topic that it comes from; -1 where none

    @property
    def reverse(self) -> "Aligned":
        """The same, seen from the second run."""
        partner = np.full(len(self.comes), -1)
        found = np.flatnonzero(self.partner >= 0)
        partner[self.partner[found]] = found
        return Aligned(partner, self.comes, self.goes)


def align(overlap: Overlap, orders: tuple[Ints, Ints]) -> Aligned:
    """Find partners, so that likeness is largest in all (Kuhn, 1955), and what goes where.

    A topic goes into the topic that holds more than half of it, and comes from the one that holds more than
    half of it. Topics that have nothing in common are no partners.

    Parameters
    ----------
    overlap
        The two runs' topics.
    orders
        An order of each run's topics that does not hang on their numbers: it decides between equals.
    """
    here, there = orders
    likeness = overlap.likeness[np.ix_(here, there)]
    row, column = linear_sum_assignment(likeness, maximize=True)
    alike = likeness[row, column] > 0
    partner = np.full(len(here), -1)
    partner[here[row[alike]]] = there[column[alike]]
    return Aligned(partner, _most(overlap.went, here, there), _most(overlap.came.T, there, here))


def _most(shares: Doubles, here: Ints, there: Ints) -> Ints:
    """Which column holds more than half of each row; -1 where none does."""
    found = np.full(len(here), -1)
    if shares.size:
        ordered = shares[np.ix_(here, there)]
        found[here] = np.where(ordered.max(axis=1) > MOST, there[ordered.argmax(axis=1)], -1)
    return found


def matches(
    overlap: Overlap, aligned: Aligned, numbers: tuple[list[int], list[int]], gone: str = "vanished"
) -> tuple[TopicMatch, ...]:
    """Tell what corresponds to each topic of the first run, and what became of it.

    Parameters
    ----------
    overlap, aligned
        The two runs' topics.
    numbers
        The numbers of both runs' topics.
    gone
        What a topic is called to which nothing corresponds: 'vanished', or 'appeared' seen from the second.
    """
    return tuple(_match(overlap, aligned, at, numbers, gone) for at in range(len(numbers[0])))


def _match(
    overlap: Overlap, aligned: Aligned, at: int, numbers: tuple[list[int], list[int]], gone: str
) -> TopicMatch:
    partner, into = int(aligned.partner[at]), int(aligned.goes[at])
    alone = TopicMatch(
        topic=numbers[0][at],
        state=_state(overlap, aligned, at, gone),
        partner=None,
        likeness=None,
        jaccard=None,
        words=None,
        vectors=None,
        into=numbers[1][into] if into >= 0 else None,
        parts=_parts(overlap.went[at], numbers[1], TOLD),
    )
    if partner < 0:
        return alone
    likeness, unions, vectors = float(overlap.likeness[at, partner]), overlap.unions, overlap.vectors
    return replace(
        alone,
        partner=numbers[1][partner],
        likeness=likeness,
        jaccard=None if unions is None else share_score(likeness, int(unions[at, partner])),
        words=float(overlap.words[at, partner]),
        vectors=None if vectors is None else float(vectors[at, partner]),
    )


def _state(overlap: Overlap, aligned: Aligned, at: int, gone: str) -> str:
    partner, into = aligned.partner[at], aligned.goes[at]
    likeness = overlap.likeness[at, partner] if partner >= 0 else 0.0
    if not overlap.known[0][at]:
        return "unknown"
    if likeness >= SAME:
        return "same"
    coming = np.count_nonzero(aligned.comes == at)
    joining = np.count_nonzero(aligned.goes == into) if into >= 0 else 0
    split, merged = ("split", "merged") if gone == "vanished" else ("merged", "split")
    if coming > 1:
        return split
    if joining > 1:
        return merged
    return "changed" if coming or joining or likeness >= ALIKE else gone


def splits(overlap: Overlap, aligned: Aligned, numbers: tuple[list[int], list[int]]) -> tuple[Change, ...]:
    """Tell the topics of the first run from which several of the second come, with the share in each.

    Seen from the second run (both reversed), these are the topics into which several go.
    """
    found = []
    for at, number in enumerate(numbers[0]):
        coming = np.flatnonzero(aligned.comes == at)
        if len(coming) > 1:
            parts = [Share(numbers[1][to], float(overlap.went[at, to])) for to in coming]
            found.append(Change(number, tuple(sorted(parts, key=lambda part: (-part.share, part.topic)))))
    return tuple(found)


def _parts(shares: Doubles, numbers: list[int], least: float) -> tuple[Share, ...]:
    order = np.argsort(-shares, kind="stable")
    return tuple(Share(numbers[to], float(shares[to])) for to in order if shares[to] >= least)
