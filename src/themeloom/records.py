"""The hand-offs between stages: frozen records of arrays and tables."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from themeloom.encoders import NO_WORDS, Adapted, WordVectors
from themeloom.scored import Scores, Stability

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RawCorpus:
    """What ingest read."""

    rows: pl.DataFrame  # ROWS
    unreadable: pl.DataFrame  # UNREADABLE


@dataclass(frozen=True, slots=True)
class Flow:
    """From rows to messages, as systematic reviews draw it: ``identified`` less all others is ``unique``."""

    identified: int
    unreadable: int
    same_id: int
    retweets: int
    copies: int
    near_duplicates: int
    unique: int

    @property
    def ids(self) -> int:
        """Distinct messages before repeats were taken out."""
        return self.identified - self.unreadable - self.same_id


@dataclass(frozen=True, slots=True)
class UniqueCorpus:
    """What is left when each message counts once."""

    messages: pl.DataFrame  # UNIQUE
    outcomes: pl.DataFrame  # OUTCOMES
    flow: Flow


@dataclass(frozen=True, slots=True)
class Corpus:
    """Unique, anonymous communications. Crosswalk and `aside` stay in memory and in the private folder."""

    communications: pl.DataFrame  # COMMUNICATIONS
    crosswalk: pl.DataFrame  # source_id (every id, repeats too), doc_id
    masked: dict[str, int]  # placeholders by type
    aside: pl.DataFrame = field(default_factory=pl.DataFrame)  # ASIDE

    @property
    def texts(self) -> list[str]:
        """The masked texts, in order."""
        return self.communications["text"].to_list()


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector a communication."""

    vectors: Floats  # (communications, dimensions), unit length
    texts: tuple[str, ...]  # what was embedded: masked, without numbers of placeholders and frequent terms
    frequent_terms: tuple[str, ...]  # terms that nearly every message carries, left out
    encoder: str
    masked: tuple[str, ...]  # the communications' masked texts: words are counted in them


@dataclass(frozen=True, slots=True)
class Layout:
    """What UMAP made of the vectors."""

    reduced: Floats  # (communications, components): where topics are sought
    plane: Floats  # (communications, 2): the map that people see
    neighbors: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """Topics as HDBSCAN finds them; -1 where no topic could be given."""

    topic: Ints  # (communications,)
    outlier: Bools  # HDBSCAN noise, whether or not a second-best topic was found
    membership: Floats  # (communications,): HDBSCAN's probability, or the neighbours' share for outliers
    min_cluster_size: int
    selection: str  # eom or leaf
    note: str  # why the defaults were changed for this corpus, if they were
    tree: pl.DataFrame  # HDBSCAN's condensed tree: parent, child, lambda, size
    layouts: int = 1  # of how many layouts topics are the consensus

    @property
    def count(self) -> int:
        """Number of topics."""
        return int(self.topic.max(initial=-1)) + 1


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: emerges, has many words."""

    topic: int
    size: int
    outliers: int  # members that HDBSCAN called noise
    words: tuple[str, ...]
    weights: tuple[float, ...]  # c-TF-IDF
    representative: tuple[int, ...]  # positions of representative communications

    @property
    def label(self) -> str:
        """The first words."""
        return ", ".join(self.words[:4])


@dataclass(frozen=True, slots=True)
class TopicQuality:
    """How good topics are by themselves, without any label; NaN where a measure cannot be taken."""

    npmi: Doubles  # (topics,): coherence of the words, -1 to 1
    c_v: Doubles  # (topics,): coherence of the words' contexts, -1 to 1
    overall: dict[str, float]  # npmi, c_v (means over topics), diversity, dbcv, outliers (share of noise)


@dataclass(frozen=True, slots=True)
class Theme:
    """One entry of the codebook."""

    key: str
    name: str
    definition: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    residual: bool = False
    other_names: tuple[str, ...] = ()
    other_definitions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Codebook:
    """The study's themes, then its residual categories."""

    themes: tuple[Theme, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The codes, in order."""
        return tuple(theme.key for theme in self.themes)


@dataclass(frozen=True, slots=True)
class LabelledSample:
    """The hand-labelled sample."""

    position: Ints  # (labels,): which communication
    theme: Ints  # (labels,): index into the codebook's keys: adjudicated, else majority; -1: tied, unclear
    coders: tuple[str, ...]
    codes: Ints  # (labels, coders): what each coder said; -1 where none
    inclusion: Doubles | None = None  # (labels,): probability of being drawn, NaN where unknown; None: all
    again: int = 0  # rows on repeats of a message that another row labels by the same codes: they count once
    unfit: str = ""  # why no shares can be estimated from them, whatever their probabilities
    adjudicated: int = 0  # messages of which somebody decided

    @property
    def decided(self) -> Bools:
        """Which messages have a label: where coders tie and nobody adjudicated, or it is unclear: none."""
        return self.theme >= 0


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which theme each topic and each message belongs to, and what tells so of new messages."""

    posterior: Doubles  # (topics, themes)
    theme: Ints  # (topics,): index of the theme, -1 where mixed
    labels: Ints  # (topics, themes): labelled members
    messages: Doubles  # (communications, themes): each message's own posterior
    weights: Doubles  # (`config.POOL`,): how much each part counts; 0: not used
    parts: dict[str, Doubles]  # what each learned, by its name in POOL; no rows where it is not used
    members: Ints  # (members,): which communications it learned from

    def sets(self, threshold: float) -> Bools:
        """(communications, themes): the likeliest theme of each, and all that are at least so probable."""
        return np.asarray(self.messages >= self.messages.max(1, initial=0).clip(max=threshold)[:, None])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A topic that no theme explains, and why it is thought so."""

    topic: int
    reason: str


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long a stage took, in seconds, and whether its result was cached."""

    stage: str
    seconds: float
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Discovery:
    """All that emerged without labels."""

    embeddings: Embeddings
    layout: Layout
    clusters: Clusters
    topics: tuple[Topic, ...]
    stability: Stability | None = None  # where it was asked for


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run, as it is kept, tracked, reported and compared."""

    run: str
    study: str
    title: str
    note: str
    config: dict[str, Any]
    versions: dict[str, str]
    digests: dict[str, str]
    git: dict[str, str]
    started_at: str  # ISO 8601, UTC
    flow: Flow
    unreadable: pl.DataFrame  # file name, line, reason: no source id
    masked: dict[str, int]
    communications: pl.DataFrame  # ASSIGNED
    discovery: Discovery
    quality: TopicQuality
    codebook: Codebook
    mapping: Mapping
    adapted: Adapted
    scores: Scores
    evaluation: pl.DataFrame  # EVALUATION, then p_KEY: what scores rest on; first repeat of the cross-fitting
    times: tuple[StageTime, ...] = ()
    candidates: tuple[Candidate, ...] = ()  # for new themes, least explained first
    labelled: tuple[int, ...] = ()  # positions of the communications that have a label
    topic_authors: tuple[int, ...] = ()  # (topics,): different authors; empty in models that did not count
    theme_authors: tuple[int, ...] = ()  # (themes,): of messages whose own theme it is
    authorless: int = 0  # communications without a known author: each counts as one of its own
    tied: int = 0  # messages that people coded and that have no label: they tie, or these are unclear
    coded: dict[str, int] = field(default_factory=dict)  # how labels came about; empty: not counted
    word_vectors: WordVectors = NO_WORDS  # of a static encoder

    @property
    def informed(self) -> bool:
        """Whether labels informed the topics."""
        return bool(self.config.get("discover", {}).get("vectors", "raw") != "raw")

    @property
    def sets(self) -> Bools:
        """(communications, themes): the prediction set of each, by `Scores.conformal`."""
        return self.mapping.sets(self.scores.conformal)

    @property
    def undecided(self) -> Bools:
        """(communications,): which have no label, and two or more themes in their prediction set."""
        return np.asarray((self.sets.sum(axis=1) > 1) & ~np.isin(np.arange(len(self.sets)), self.labelled))
