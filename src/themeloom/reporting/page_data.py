"""What the report's scripts read: the points of the map, the tree of topics, their texts."""

from collections.abc import Mapping

import numpy as np

from themeloom.records import RunRecord
from themeloom.reporting.contents import Summary
from themeloom.reporting.marks import COLOURS, SHAPES, Mark
from themeloom.reporting.points import Points, points_of
from themeloom.reporting.quotes import QUOTES, shown_texts
from themeloom.reporting.readable import readable
from themeloom.reporting.texts import catalogue

SPOKEN = ("map.", "topics.group", "counted.", "method.copied")
"""Texts that the scripts show: those whose keys begin so."""
WORDS = 10
"""Of each topic, for the words of merged groups."""


def page_data(summary: Summary, record: RunRecord) -> dict[str, object]:
    """Collect the data blocks of the report's page, by their ids."""
    points = points_of(record)
    return {
        "map-data": _map(points, record),
        "map-texts": _map_texts(points, summary, record),
        "topics-data": _topics(summary),
        "texts": {key: text for key, text in catalogue().items() if key.startswith(SPOKEN)},
    }


def _map(points: Points, record: RunRecord) -> dict[str, object]:
    rows = record.communications[points.drawn]
    return {
        "webgl": points.webgl,
        "size": round(points.size, 2),
        "everything": points.everything,
        "x": _rounded(points.plane[:, 0]),
        "y": _rounded(points.plane[:, 1]),
        "faint": points.faint.astype(int).tolist(),
        "number": rows["topic"].to_list(),
        "seen": rows["times_seen"].to_list(),
        "slots": {by: slots.tolist() for by, slots in points.slots.items()},
        "marks": {by: [_mark(mark) for mark in marks] for by, marks in points.marks.items()},
    }


def _map_texts(points: Points, summary: Summary, record: RunRecord) -> list[str]:
    """Return the texts of the points, in a block of their own: the map is drawn before they are read."""
    quotes = next(known for known in QUOTES if known == summary.quotes)
    if quotes == "none":
        return []
    texts = shown_texts(record, quotes)
    return [readable(texts[at]) for at in points.drawn.tolist()]


def _rounded(values: np.ndarray) -> list[float]:
    return [round(value, 3) for value in values.astype(float).tolist()]


def _mark(mark: Mark) -> Mapping[str, str]:
    return {"name": readable(mark.name), "colour": mark.colour, "shape": mark.shape}


def _topics(summary: Summary) -> dict[str, object]:
    return {
        "colours": COLOURS,
        "shapes": SHAPES,
        "merges": [[merge.first, merge.second, merge.distance] for merge in summary.merges],
        "topics": [
            {
                "size": topic.size.count,
                "words": [[readable(word.word), round(word.weight, 4)] for word in topic.words[:WORDS]],
            }
            for topic in summary.topics
        ],
    }
