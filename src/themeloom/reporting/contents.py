"""What the summary of a run holds: plain, typed, frozen records."""

from dataclasses import dataclass, field

from themeloom.records import StageTime
from themeloom.scored import Score, Stability

FORMAT = 3
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
class Example:
    """A message that shows what a theme is, or where it ends."""

    doc_id: str
    text: str  # as `report.quotes` lets it be shown
    times_seen: int
    probability: float  # of the theme
    rival: str | None  # the likeliest other theme
    rival_probability: float
    of_few: bool = False  # whether its topic or theme has fewer authors than `Summary.min_authors`


@dataclass(frozen=True, slots=True)
class Confused:
    """How often a theme was taken for another one, or another one for it; held-out, at the message level."""

    theme: str | None  # None: no theme was given
    messages: float  # mean over the repeats
    of: float  # all messages that were coded with the theme, or given it


@dataclass(frozen=True, slots=True)
class Merge:
    """Two topics, or groups of topics, that join."""

    first: int
    second: int
    distance: float  # cosine distance, mean over pairs of their topics


@dataclass(frozen=True, slots=True)
class OverTime:
    """Messages by period."""

    unit: str  # hour, six_hours, day, week, month, quarter or year
    periods: tuple[str, ...]  # when each begins, UTC
    messages: tuple[int, ...]  # (periods,): all of them
    topics: tuple[tuple[int, ...], ...]  # (topics, periods)
    undated: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A work to cite."""

    key: str
    cited: str  # in the text: McInnes et al., 2018
    text: str  # in the list of references
    bibtex: str


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """An item of a reporting checklist."""

    item: str  # S1, …
    title: str
    asks: str
    says: str  # what this run says; empty where that is for the authors


@dataclass(frozen=True, slots=True)
class Methods:
    """How it was done, ready to paste into a paper."""

    paragraphs: tuple[str, ...]
    references: tuple[Reference, ...]
    checklist: tuple[ChecklistItem, ...]


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
    npmi: float  # coherence of its words; NaN where it cannot be told
    c_v: float
    candidate: str | None  # why no theme explains it, if none does
    unstable: bool = False  # whether it came back in less than half of the repetitions, where there are some
    authors: int = 0  # different ones; a message whose author is unknown counts as of one of its own
    of_few: bool = False  # fewer than `Summary.min_authors`


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
    scores: dict[str, Score]  # precision, recall, f1, at the topic level
    message_scores: dict[str, Score]  # the same, at the message level
    typical: tuple[Example, ...] = ()
    borderline: tuple[Example, ...] = ()
    missed: tuple[Confused, ...] = ()  # what messages coded with it were given
    taken: tuple[Confused, ...] = ()  # what messages that were given it were coded with
    authors: int = 0  # different ones, of the communications whose own theme it is
    of_few: bool = False  # fewer than `Summary.min_authors`, though it has messages


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A group of communications: what its shares of themes rest on, and what they are."""

    name: str
    communications: int
    labels: int
    shares: dict[str, Score]  # theme key → prediction-powered share; empty where too little is known
    differences: dict[str, Score]  # from the share among the communications of all other groups


@dataclass(frozen=True, slots=True)
class Confusion:
    """Codes given by people (rows) by themes given by a level (columns); means over the repeats."""

    coded: tuple[str, ...]
    predicted: tuple[str | None, ...]  # None: abstained
    counts: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much a level is better than a line, on the same messages."""

    level: str
    line: str
    scores: dict[str, Score]  # kappa, macro_f1, accuracy


@dataclass(frozen=True, slots=True)
class Bin:
    """Messages of about the same confidence: how often the message level was right on them."""

    messages: float
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept if messages below a probability are left without theme, and how right that is."""

    threshold: float
    coverage: float
    accuracy: float
    kappa: float


@dataclass(frozen=True, slots=True)
class Conformal:
    """Prediction sets that hold the true theme at least nine times in ten."""

    threshold: float  # how probable a theme must be to stand beside the likeliest; 0: nothing is promised
    alone: Count  # communications whose set is one theme
    undecided: Count  # without a label, and with several themes in their set


@dataclass(frozen=True, slots=True)
class ScoresSummary:
    """Scores on labels that were not used, and their reference lines."""

    labels: int  # that were judged
    folds: int
    repeats: int
    held_out: float  # share of labels set aside for judging; 0: cross-fitted
    overall: dict[str, Score]  # of the topic level
    lines: dict[str, dict[str, Score]]
    confusion: Confusion
    message_confusion: Confusion
    differences: tuple[Difference, ...]
    calibration: tuple[Bin, ...]
    coverage: tuple[Kept, ...]
    conformal: Conformal

    def _repr_html_(self) -> str:
        """Show the scores in a notebook."""
        from themeloom.reporting.fragments import scores_fragment

        return scores_fragment(self)


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
    informed: bool  # whether labels informed the topics
    quality: dict[str, float]  # of the topics: npmi, c_v, diversity, dbcv, outliers
    topics: tuple[TopicSummary, ...]
    candidates: tuple[int, ...]  # topics that no theme explains, least explained first
    themes: tuple[ThemeSummary, ...]
    groups: tuple[GroupSummary, ...]
    scores: ScoresSummary
    parameters: dict[str, object]
    versions: dict[str, str]
    digests: dict[str, str]
    git: dict[str, str]
    times: tuple[StageTime, ...]
    paths: dict[str, str]
    tracked: dict[str, str]
    stability: Stability | None = None  # how far topics come back, where that was asked for
    quotes: str = "masked"  # how messages are shown: masked, words or none
    merges: tuple[Merge, ...] = ()  # topics joined by likeness, nearest first
    over_time: OverTime | None = None  # None where no message has a time
    methods: Methods | None = None
    min_authors: int = 1  # topics and themes of fewer are flagged
    authorless: int = 0  # communications whose author is unknown
    tied: int = 0  # messages that were coded, but on which coders tie, or that are unclear
    coded: dict[str, int] = field(default_factory=dict)  # how labels came about

    @property
    def largest_first(self) -> tuple[TopicSummary, ...]:
        """The topics by size: an update gives new ones the last numbers, however large they are."""
        return tuple(sorted(self.topics, key=lambda topic: -topic.size.count))

    def _repr_html_(self) -> str:
        """Show what was found in a notebook."""
        from themeloom.reporting.fragments import summary_fragment

        return summary_fragment(self)
