"""What a comparison of runs takes and what it tells: records that pass between rooms."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from themeloom.records import Floats
from themeloom.scored import Score

FORMAT = 1
"""Version of the record's shape; grows when a field changes its meaning or goes."""

MEMBERSHIP: dict[str, Any] = {
    "doc_id": pl.String,
    "topic": pl.Int64,  # -1 where none
    "theme": pl.String,  # the message's own; null where none
    "topic_theme": pl.String,  # that of its topic; null where mixed, or without a topic
}
"""Columns of a compared run's messages."""

LINES: dict[str, Any] = {
    "line": pl.String,  # topic level, message level, a reference line
    "theme": pl.String,  # null: over all themes
    "score": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}
"""Columns of a compared run's scores."""

STATES = {
    "same": "its partner is alike by 0.75 or more: three quarters of what either holds",
    "split": "two or more topics of the other run each come from it",
    "merged": "it goes into a topic of the other run into which another one goes too",
    "changed": "it goes into a topic, or one comes from it, or its partner is at least half like it; no more",
    "vanished": "it goes into no topic of the other run, and none comes from it",
    "appeared": "a topic of the other run that comes from none of the reference, and none goes into it",
    "unknown": "none of its messages is in the other run, so nothing can be said",
}
"""What can become of a topic, in words, for those who read the record as data; pages have a catalogue."""


@dataclass(frozen=True, slots=True)
class ComparedTopic:
    """A topic, as far as it can be compared."""

    topic: int
    size: int
    words: tuple[str, ...]  # heaviest first
    weights: tuple[float, ...]

    @property
    def label(self) -> str:
        """The first words."""
        return ", ".join(self.words[:4])


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run, as far as it can be compared; plain BERTopic runs have topics alone."""

    name: str
    topics: tuple[ComparedTopic, ...]
    vectors: Floats | None = None  # (topics, dimensions): in the order of the topics
    encoder: str = ""  # of the vectors; empty where unknown
    weights: str = ""  # SHA-256 of the encoder's weights; empty where unknown
    membership: pl.DataFrame | None = None  # MEMBERSHIP, one row a message, in the order of the corpus
    corpus: str = ""  # digest of all texts in that order; empty where unknown
    scores: pl.DataFrame | None = None  # LINES
    evaluation: pl.DataFrame | None = None  # EVALUATION and more, one row a labelled message
    folds: int | None = None  # of the cross-fitting; None where no fold was
    labels: int = 0
    config: dict[str, str] = field(default_factory=dict)  # dotted keys
    started_at: str = ""


@dataclass(frozen=True, slots=True)
class RunOverview:
    """One of the runs that were compared."""

    name: str
    started_at: str
    encoder: str
    messages: int | None
    without_topic: float | None  # share of the messages
    labels: int
    topics: tuple[ComparedTopic, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two runs put messages together alike; runs by their places."""

    first: int
    second: int
    shared: int  # messages of both
    with_topic: int  # of these, with a topic in both
    ari: Score | None  # over shared messages, those without a topic as a group of their own
    ami: float | None
    nmi: float | None
    ari_with_topic: float | None  # over those with a topic in both
    words: float  # mean RBO of partners; a topic without a partner counts as 0


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a topic."""

    topic: int  # of the other run
    share: float


@dataclass(frozen=True, slots=True)
class TopicMatch:
    """A topic, and what corresponds to it in the other run."""

    topic: int
    state: str  # of STATES
    partner: int | None  # by Hungarian matching
    likeness: float | None  # of the partner: what was matched by
    jaccard: Score | None  # of the memberships; None where matched by words
    words: float | None  # RBO of the words
    vectors: float | None  # cosine of the topics' vectors; None where encoders differ
    into: int | None  # the topic of the other run that holds more than half of it
    parts: tuple[Share, ...]  # topics of the other run that hold at least a tenth of it, largest first


@dataclass(frozen=True, slots=True)
class Change:
    """A topic that became several, or that several became."""

    topic: int
    parts: tuple[Share, ...]  # topics of the other run, with the share of this topic that each holds


@dataclass(frozen=True, slots=True)
class Stream:
    """Messages that are in one topic here and in one there; -1: without a topic."""

    first: int
    second: int
    messages: int


@dataclass(frozen=True, slots=True)
class ThemeMove:
    """A message whose theme is another one."""

    doc_id: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ThemeFlow:
    """How many messages went from a theme to another one."""

    before: str | None
    after: str | None
    messages: int


@dataclass(frozen=True, slots=True)
class Moves:
    """Messages whose theme is another one in the other run."""

    level: str  # message level: their own theme; topic level: that of their topic
    messages: int  # shared ones, moved or not
    moves: tuple[ThemeMove, ...]
    flows: tuple[ThemeFlow, ...]  # the moves, counted; most first


@dataclass(frozen=True, slots=True)
class Pairing:
    """The reference and another run, topic by topic."""

    run: int  # the other run's place
    basis: str  # membership, or words
    encoders_agree: bool  # then vectors have a say where words decide
    shared: int
    topics: tuple[TopicMatch, ...]  # of the reference
    others: tuple[TopicMatch, ...]  # of the other run, with their partners in the reference
    splits: tuple[Change, ...]  # of the reference's topics
    merges: tuple[Change, ...]  # into the other run's topics
    likeness: tuple[tuple[float, ...], ...]  # (reference's topics, other's topics)
    streams: tuple[Stream, ...]  # none where no message is shared
    themes: tuple[Moves, ...]  # a level each; none where not both runs gave themes to shared messages

    def numbers(self, state: str) -> tuple[int, ...]:
        """Topics in one state: the reference's, or for 'appeared' the other run's."""
        found = self.others if state == "appeared" else self.topics
        return tuple(match.topic for match in found if match.state == state)

    @property
    def unseen(self) -> tuple[int, ...]:
        """Topics of the other run that hold only messages which the reference has not."""
        return tuple(match.topic for match in self.others if match.state == "unknown")


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A score, run by run."""

    line: str
    theme: str | None
    score: str
    values: tuple[Score | None, ...]  # by run
    differences: tuple[float | None, ...]  # by run: less the reference's; None for itself
    apart: tuple[
        bool | None, ...
    ]  # by run: whether its 95% interval and the reference's have nothing in common


@dataclass(frozen=True, slots=True)
class PairedScores:
    """By how much another run is better than the reference on the same labelled messages."""

    run: int
    messages: int
    levels: dict[str, dict[str, Score]]  # level → kappa, macro_f1, accuracy: other less reference
    note: str  # why it could not be told, where the levels are empty
    others: int = 0  # labels of either run that the other has not, or has otherwise


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the configuration that is not the same in all runs."""

    key: str
    values: tuple[str | None, ...]  # by run; None where it is not set


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """Runs beside each other; the first one is the reference."""

    format: int
    runs: tuple[RunOverview, ...]
    pairings: tuple[Pairing, ...]  # the reference with each other run
    agreements: tuple[Agreement, ...]  # every two runs
    scores: tuple[ScoreLine, ...]
    paired: tuple[PairedScores, ...]  # each other run against the reference
    settings: tuple[Setting, ...]
    states: dict[str, str] = field(default_factory=lambda: dict(STATES))
