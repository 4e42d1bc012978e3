"""What an experiment file may say: one frozen model a stage."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

Share = Annotated[float, Field(ge=0, le=1)]
Setting = bool | int | float | str
Criterion = Literal["kappa", "macro_f1", "coverage", "message_kappa", "message_macro_f1", "stability"]
SourceFormat = Literal[
    "auto",
    "x-v2",
    "x-v1",
    "x-archive",
    "reddit",
    "mastodon",
    "bluesky",
    "csv",
    "tsv",
    "jsonl",
    "parquet",
    "xlsx",
]


class _Section(BaseModel):
    """One table of the experiment file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class StudyConfig(_Section):
    """What the study is, and the seed of everything random in it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] = Field(
        description="Short name: the MLflow experiment and the start of each run's name."
    )
    title: str = Field("", description="One line that heads the report.")
    note: str = Field("", description="Something every reader of the report must know, shown at its top.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(20130810, description="Seed of everything random.")


class ColumnsConfig(_Section):
    """Which column holds what, for tables (CSV, TSV, JSONL, Parquet, XLSX)."""

    text: str = Field("text", description="The message.")
    id: str | None = Field(None, description="The message's id; without one, ids are made from the content.")
    created_at: str | None = Field(None, description="When it was sent.")
    author: str | None = Field(None, description="The author's handle or name.")
    lang: str | None = Field(None, description="The language code.")


class SourceConfig(_Section):
    """One file of messages."""

    path: str = Field(description="The file, relative to the experiment file.")
    format: SourceFormat = Field("auto", description="What the file is; 'auto' looks into it.")
    columns: ColumnsConfig = Field(
        default_factory=ColumnsConfig, description="The column mapping of a table."
    )
    day_first: bool = Field(default=False, description="Whether 3/4/2013 is the third of April.")
    timezone: str = Field("UTC", description="Time zone of dates that name none (IANA name).")
    id_prefix: str = Field(
        "", description="Put before every id, where two sources number their rows alike; labels name it too."
    )
    sheet: str | None = Field(None, description="The sheet of an XLSX file; the first one if not given.")


class IngestConfig(_Section):
    """Reading the sources."""

    strict: bool = Field(default=False, description="Stop at the first row that cannot be read.")


class RepeatsConfig(_Section):
    """Counting each message once."""

    near_duplicates: Share = Field(
        0.8,
        description="Jaccard similarity of character shingles from which two messages are near-duplicates.",
    )


class AnonymiseConfig(_Section):
    """Masking what could identify a person."""

    keep: tuple[str, ...] = Field((), description="Words that are never masked (names of drugs, say).")
    mask: tuple[str, ...] = Field((), description="Words that are always masked, as a name.")

    @field_validator("keep", "mask", mode="before")
    @classmethod
    def _tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class EncoderConfig(_Section):
    """Turning a message into a vector."""

    name: str = Field(
        "bundled",
        description="'bundled' (all-MiniLM-L6-v2), or a sentence-transformers model by name or folder.",
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(32, description="Messages a batch.")
    frequent_terms: Share = Field(
        0.7,
        description="Terms in more than this share of messages say nothing of the topic and are left out.",
    )


class AdaptConfig(_Section):
    """Fine-tuning the encoder's upper layers on the labels, for the mapping."""

    enabled: bool = Field(
        default=True, description="Whether the encoder is adapted to the labels; without it runs are quicker."
    )
    layers: Annotated[int, Field(ge=1, le=48)] = Field(
        3, description="Upper layers that learn; those below stay."
    )
    steps: Annotated[int, Field(ge=1, le=10_000)] = Field(30, description="Steps of training.")
    batch_size: Annotated[int, Field(ge=4, le=1024)] = Field(32, description="Messages a step.")
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = Field(
        1e-4, description="AdamW's highest learning rate."
    )
    temperature: Annotated[float, Field(gt=0, le=10)] = Field(
        0.1, description="Temperature of the supervised contrastive loss."
    )


class DiscoverConfig(_Section):
    """What topics are read from."""

    vectors: Literal["raw", "raw+adapted"] = Field(
        "raw",
        description="'raw': topics emerge from vectors that no label has touched; 'raw+adapted': labels "
        "inform them, by the adapted encoder's vectors beside the raw ones.",
    )
    seeds: Annotated[int, Field(ge=1, le=100)] = Field(
        1,
        description="Times topics are sought, each with a seed of its own over one neighbour graph, to tell "
        "how far each topic comes back; 1: not told.",
    )


class ReduceConfig(_Section):
    """UMAP."""

    neighbors: Annotated[int, Field(ge=2)] | None = Field(
        None, description="Neighbours a message; by default 15, or all where there are fewer."
    )
    components: Annotated[int, Field(ge=2, le=100)] = Field(
        5, description="Dimensions in which topics are sought."
    )
    min_dist: Share = Field(0.0, description="How tightly UMAP packs neighbours.")


class ClusterConfig(_Section):
    """HDBSCAN."""

    min_cluster_size: Annotated[int, Field(ge=2)] | None = Field(
        None, description="Smallest topic; by default from the corpus size."
    )
    min_samples: Annotated[int, Field(ge=1)] | None = Field(
        None, description="HDBSCAN's min_samples; by default 1, which leaves the fewest outliers."
    )
    selection: Literal["auto", "eom", "leaf"] = Field(
        "auto",
        description="HDBSCAN's cluster selection; 'auto' is excess of mass, or leaves where that collapses.",
    )
    second_best: bool = Field(
        default=True,
        description="Whether outliers get the topic of their nearest neighbours (and keep their flag).",
    )
    consensus: Annotated[int, Field(ge=1, le=1000)] = Field(
        1,
        description="Short layouts, each with a seed of its own over one neighbour graph, whose agreement "
        "makes the topics: 28 cost at most three runs; 1: topics of one whole layout.",
    )


class DescribeConfig(_Section):
    """BERTopic's description of the topics."""

    words: Annotated[int, Field(ge=3, le=50)] = Field(10, description="Words a topic.")
    representative: Annotated[int, Field(ge=1, le=20)] = Field(
        3, description="Representative messages a topic."
    )
    diversity: Share = Field(0.3, description="Diversity of the words by maximal marginal relevance.")


class ThemesConfig(_Section):
    """The codebook, the labels, and the mapping from topics to themes."""

    codebook: str = Field(description="The codebook (YAML), relative to the experiment file.")
    labels: str = Field(description="The labels (CSV or Parquet), relative to the experiment file.")
    key: str | None = Field(
        None, description="Column of the source id or doc_id; by default the first column."
    )
    coders: tuple[str, ...] | None = Field(
        None, description="Columns of the coders; by default all but the key and the adjudicated one."
    )
    adjudicated: str = Field(
        "adjudicated", description="Column of the agreed label; the coders' majority where absent."
    )
    sample: Literal["unknown", "random"] = Field(
        "unknown",
        description="How the labelled messages were chosen: 'random' if each was as likely as any other.",
    )
    inclusion: str | None = Field(
        None, description="Column of the probability with which each labelled message was drawn."
    )
    strategy: Literal["stacked", "soft", "bayes", "graph", "majority", "zero-shot", "auto"] = Field(
        "stacked",
        description="What gives messages, and by the mean of its members each topic, a theme: 'majority' of "
        "a topic's labels; 'bayes', where topics with few labels borrow from neighbours and the codebook; "
        "'graph', labels that spread among neighbours; 'soft', a classifier; 'zero-shot', the codebook's "
        "texts alone; 'stacked', all pooled; 'auto', whichever predicts best inside the training folds.",
    )
    mixed_below: Share = Field(
        0.3, description="A topic whose best theme has less posterior probability than this is 'mixed'."
    )

    @field_validator("coders", mode="before")
    @classmethod
    def _tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("inclusion")
    @classmethod
    def _one_design(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("sample") == "random":
            raise PydanticCustomError("two_designs", "themes.sample is 'random' already: give one of the two")
        return value


class ValidateConfig(_Section):
    """Cross-fitted scores on the labelled sample."""

    folds: Annotated[int, Field(ge=2, le=50)] = Field(5, description="Folds of the cross-fitting.")
    repeats: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Times the folds are drawn anew.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = Field(
        None, description="Seed of the folds; by default the study's. Runs of other seeds can share it."
    )
    held_out: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0,
        description="Share of the labels set aside, never learned from and alone judged; 0: every label is "
        "judged by mappings of the other folds.",
    )
    bootstrap: Annotated[int, Field(ge=100, le=100_000)] = Field(
        1000, description="Bootstrap draws behind each 95% interval."
    )


class TrackingConfig(_Section):
    """MLflow."""

    uri: str | None = Field(
        None, description="Tracking URI; by default MLFLOW_TRACKING_URI, else sqlite:///mlruns/mlflow.db."
    )
    experiment: str | None = Field(None, description="MLflow experiment; by default the study's name.")
    embeddings: bool = Field(
        default=False,
        description="Whether embeddings are logged apart from the model, which holds them too.",
    )
    system_metrics: bool = Field(
        default=False, description="Whether CPU, memory and disk are sampled during the run; needs psutil."
    )


class SpanConfig(_Section):
    """Numbers to search between."""

    low: float = Field(description="The smallest.")
    high: float = Field(description="The largest.")
    log: bool = Field(default=False, description="Whether steps are by ratio.")


class SweepConfig(_Section):
    """Many configurations of one experiment, for `themeloom sweep`."""

    grid: dict[str, tuple[Setting, ...]] = Field(
        {}, description="Values for each key, as in reduce.neighbors = [10, 30]; all combinations are tried."
    )
    search: dict[str, SpanConfig | tuple[Setting, ...]] = Field(
        {},
        description="Values, or {low, high}, for each key, drawn at random; instead of a grid.",
    )
    criterion: dict[Criterion, float] = Field(
        {"kappa": 1.0},
        description="What the best configuration is best in: weights of held-out 'kappa', 'macro_f1' and "
        "'coverage' (topic level), 'message_kappa', 'message_macro_f1', and 'stability' over seeds.",
    )
    trials: Annotated[int, Field(ge=1, le=10_000)] = Field(
        30, description="Configurations that a search tries."
    )
    minutes: Annotated[float, Field(gt=0)] | None = Field(
        None, description="No configuration is begun after so many minutes; by default all are tried."
    )
    seeds: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Seeds each configuration is run with.")

    @field_validator("grid", "search", mode="before")
    @classmethod
    def _flat(cls, value: object) -> object:
        """Take reduce.neighbors = [...] and "reduce.neighbors" = [...] alike."""
        return dict(_leaves(value)) if isinstance(value, dict) else value


def _leaves(table: dict[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict) and not {"low", "high"} & set(value):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, tuple(value) if isinstance(value, list) else value


class Experiment(_Section):
    """A whole experiment file."""

    study: StudyConfig
    sources: tuple[SourceConfig, ...]
    themes: ThemesConfig
    ingest: IngestConfig = IngestConfig()
    repeats: RepeatsConfig = RepeatsConfig()
    anonymise: AnonymiseConfig = AnonymiseConfig()
    encoder: EncoderConfig = EncoderConfig()
    adapt: AdaptConfig = AdaptConfig()
    discover: DiscoverConfig = DiscoverConfig()
    reduce: ReduceConfig = ReduceConfig()
    cluster: ClusterConfig = ClusterConfig()
    describe: DescribeConfig = DescribeConfig()
    validate_: ValidateConfig = Field(ValidateConfig(), alias="validate")
    tracking: TrackingConfig = TrackingConfig()
    sweep: SweepConfig = SweepConfig()

    @field_validator("sources", mode="before")
    @classmethod
    def _tuple(cls, value: object) -> object:
        # Not by min_length: pydantic counts the sound items only, and would tell of one faulty source twice.
        if value in ([], ()):
            raise PydanticCustomError("no_sources", "at least one table [[sources]] is needed")
        return tuple(value) if isinstance(value, list) else value
