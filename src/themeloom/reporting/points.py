"""The points of the map: where each message lies, and which topic and theme colours it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from themeloom.records import Bools, Floats, Ints, RunRecord
from themeloom.reporting.marks import PALE, Mark, marks_of_themes, topic_marks
from themeloom.reporting.texts import say

MOST = 50_000
"""Points to draw: of more, so many are drawn at random."""
SMOOTH_AS_SVG = 3_000
"""Up to so many points are drawn as SVG (sharp in print, no WebGL needed); beyond, by WebGL."""

By = Literal["topic", "theme"]


@dataclass(frozen=True, slots=True)
class Points:
    """Messages as points."""

    drawn: Ints  # (points,): positions of the communications that are drawn
    plane: Floats  # (points, 2)
    faint: Bools  # (points,): outliers
    marks: dict[By, tuple[Mark, ...]]  # the last one stands for none
    slots: dict[By, Ints]  # (points,): which mark each has
    size: float  # of a mark, in pixels
    everything: int  # communications in all

    @property
    def webgl(self) -> bool:
        """Whether they are too many to be drawn as SVG."""
        return len(self.drawn) > SMOOTH_AS_SVG


def points_of(record: RunRecord, most: int = MOST) -> Points:
    """Place the messages of a run; of more than `most`, a seeded sample of so many."""
    topic_of = record.discovery.clusters.topic
    drawn = _sample(len(topic_of), most)
    ordered = tuple(sorted(record.discovery.topics, key=lambda topic: -topic.size))
    topics = (*topic_marks(ordered), Mark(say("map.no_topic"), PALE, "x"))
    rank = np.full(len(ordered) + 1, -1)  # the last place is that of no topic
    rank[[topic.topic for topic in ordered]] = np.arange(len(ordered))
    themes = marks_of_themes(record.codebook)
    return Points(
        drawn=drawn,
        plane=record.discovery.layout.plane[drawn],
        faint=record.discovery.clusters.outlier[drawn],
        marks={"topic": topics, "theme": themes},
        slots={
            "topic": _slots(rank[topic_of[drawn]], len(topics)),
            "theme": _slots(_theme_indices(record)[drawn], len(themes)),
        },
        size=float(np.clip(120 / max(len(drawn), 1) ** 0.4, 3, 10)),
        everything=len(topic_of),
    )


def _sample(size: int, most: int) -> Ints:
    if size <= most:
        return np.arange(size)
    return np.sort(np.random.default_rng(0).choice(size, most, replace=False))


def _slots(index: Ints, marks: int) -> Ints:
    """Which mark each point has: the last one stands for none, the one before it for all the rest."""
    return np.where(index < 0, marks - 1, np.minimum(index, marks - 2))


def _theme_indices(record: RunRecord) -> Ints:
    number = {key: index for index, key in enumerate(record.codebook.keys)}
    themes = record.communications["theme"].to_list()
    return np.array([number.get(theme, -1) for theme in themes], dtype=np.int64)
