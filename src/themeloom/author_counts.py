"""How many authors speak in a topic or theme: of few, to quote one may be to expose them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from themeloom.records import Bools, RunRecord

LEAST = 5
"""Authors that a topic or theme needs, where a run's configuration does not say it."""


@dataclass(frozen=True, slots=True)
class AuthorCounts:
    """How many authors speak in each topic and theme, and which are too few to be quoted."""

    least: int  # `report.min_authors`
    topics: tuple[int, ...]  # (topics,): different authors
    themes: tuple[int, ...]  # (themes,)
    of_few: Bools  # (communications,): its topic, or its own theme, has fewer than `least`

    @property
    def few_topics(self) -> tuple[int, ...]:
        """The topics of too few."""
        return _too_few(self.topics, self.least)

    @property
    def few_themes(self) -> tuple[int, ...]:
        """The themes of too few, by their place in the codebook; none that has no message."""
        return _too_few(self.themes, self.least)


def author_counts(record: RunRecord) -> AuthorCounts:
    """Count the authors of a run's topics and themes; older models: their messages."""
    least = _least(record.config)
    topic, keys = record.communications["topic"].to_numpy(), record.codebook.keys
    places = {key: place for place, key in enumerate(keys)}
    theme = np.array([places.get(key, -1) for key in record.communications["theme"]], dtype=np.int64)
    topics = record.topic_authors or _sizes(topic, len(record.discovery.topics))
    themes = record.theme_authors or _sizes(theme, len(keys))
    few = [np.array([*(count < least for count in counts), False]) for counts in (topics, themes)]
    return AuthorCounts(least, topics, themes, few[0][topic] | few[1][theme])


def _too_few(counts: tuple[int, ...], least: int) -> tuple[int, ...]:
    return tuple(place for place, count in enumerate(counts) if 0 < count < least)


def _least(config: Mapping[str, object]) -> int:
    section = config.get("report")
    said = section.get("min_authors") if isinstance(section, Mapping) else None
    return said if isinstance(said, int) else LEAST


def _sizes(group: np.ndarray, groups: int) -> tuple[int, ...]:
    return tuple(np.bincount(group[group >= 0], minlength=groups).tolist())
