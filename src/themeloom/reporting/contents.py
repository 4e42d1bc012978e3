"""What the summary of a run holds: plain, typed, frozen records."""

from dataclasses import dataclass

from themeloom.records import Score, StageTime

FORMAT = 1
"""Version of the summary's shape; grows when a field changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class Count:
    """So many, and their share of all unique communications."""

    count: int
    share: float


@dataclass(frozen=True, slots=True)
class FlowSummary:
    """From identified rows to unique communications."""

    identified: int
    unreadable: int
    same_id: int
    ids: int
    retweets: int
    copies: int
    near_duplicates: int
    unique: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows could not be read."""

    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class Settings:
    """What the discovery settled on for this corpus."""

    encoder: str
    dimensions: int
    frequent_terms: tuple[str, ...]
    neighbors: int
    min_cluster_size: int
    selection: str
    note: str


@dataclass(frozen=True, slots=True)
class Word:
    """A topic's word and its c-TF-IDF weight."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Message:
    """A masked communication."""

    doc_id: str
    text: str
    times_seen: int


@dataclass(frozen=True, slots=True)
class TopicSummary:
    """One topic and where it belongs."""

    topic: int
    label: str
    size: Count
    outliers: int
    words: tuple[Word, ...]
    theme: str | None  # None: mixed
    posterior: dict[str, float]  # theme key → probability
    labels: dict[str, int]  # theme key → labelled members
    representative: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class ThemeSummary:
    """One entry of the codebook and what was found for it."""

    key: str
    name: str
    definition: str
    residual: bool
    topics: tuple[int, ...]
    size: Count  # communications whose own theme it is
    prevalence: Score | None  # prediction-powered share of the communications; None where not estimated
    scores: dict[str, Score]  # precision, recall, f1


@dataclass(frozen=True, slots=True)
class Confusion:
    """Codes given by people (rows) by themes given by topics (columns); means over the repeats."""

    coded: tuple[str, ...]
    predicted: tuple[str | None, ...]  # None: abstained
    counts: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class ScoresSummary:
    """Cross-fitted scores and their reference lines."""

    labels: int
    folds: int
    repeats: int
    overall: dict[str, Score]
    lines: dict[str, dict[str, Score]]
    confusion: Confusion


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole run, as it is read."""

    format: int
    run: str
    study: str
    title: str
    note: str
    started_at: str
    seconds: float
    flow: FlowSummary
    unreadable: tuple[Reason, ...]
    masked: dict[str, int]
    outliers: Count  # HDBSCAN noise, whether or not a second-best topic was found
    without_topic: Count
    without_theme: Count
    settings: Settings
    topics: tuple[TopicSummary, ...]
    themes: tuple[ThemeSummary, ...]
    scores: ScoresSummary
    parameters: dict[str, object]
    versions: dict[str, str]
    digests: dict[str, str]
    git: dict[str, str]
    times: tuple[StageTime, ...]
    paths: dict[str, str]
    tracked: dict[str, str]
