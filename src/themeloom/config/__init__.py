"""What an experiment file may say: one frozen model a stage."""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from themeloom.config.corpus import AnonymiseConfig, ColumnsConfig, IngestConfig, RepeatsConfig, SourceConfig
from themeloom.config.discovery import (
    AdaptConfig,
    ClusterConfig,
    DescribeConfig,
    DiscoverConfig,
    EncoderConfig,
    ReduceConfig,
)
from themeloom.config.section import Section, SomeText, dotted
from themeloom.config.sweep import Criterion, Setting, SpanConfig, SweepConfig
from themeloom.config.themes import ADAPTED, LABEL_STORE, POOL, STRATEGIES, ThemesConfig, ValidateConfig

__all__ = [
    "ADAPTED",
    "LABEL_STORE",
    "POOL",
    "STRATEGIES",
    "AdaptConfig",
    "AnonymiseConfig",
    "ClusterConfig",
    "ColumnsConfig",
    "Criterion",
    "DescribeConfig",
    "DiscoverConfig",
    "EncoderConfig",
    "Experiment",
    "IngestConfig",
    "ReduceConfig",
    "RepeatsConfig",
    "ReportConfig",
    "Setting",
    "SourceConfig",
    "SpanConfig",
    "StudyConfig",
    "SweepConfig",
    "ThemesConfig",
    "TrackingConfig",
    "ValidateConfig",
    "dotted",
]


class StudyConfig(Section):
    """What the study is, and the seed of everything random in it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] = Field(
        description="Short name: the MLflow experiment and the start of each run's name. It has letters "
        "(a to z), digits, '-', '_' and '.' only, 64 at most, and begins with a letter or digit; "
        "`title` has any."
    )
    title: str = Field("", description="One line that heads the report.")
    note: str = Field("", description="Something every reader of the report must know, shown at its top.")
    citation: str = Field("", description="How the study is cited, as one reference: for the methods text.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(20130810, description="Seed of everything random.")


class TrackingConfig(Section):
    """MLflow."""

    uri: SomeText | None = Field(
        None, description="Tracking URI; by default MLFLOW_TRACKING_URI, else sqlite:///mlruns/mlflow.db."
    )
    experiment: SomeText | None = Field(None, description="MLflow experiment; by default the study's name.")
    model: bool = Field(
        default=True,
        description="Whether the model goes to MLflow with its run: it holds all masked messages and their "
        "vectors. Without, `themeloom register` sends it once it is asked to.",
    )
    embeddings: bool = Field(
        default=False,
        description="Whether embeddings are logged apart from the model, which holds them too.",
    )
    system_metrics: bool = Field(
        default=False, description="Whether CPU, memory and disk are sampled during the run; needs psutil."
    )


class ReportConfig(Section):
    """The report, and what it shows of messages."""

    quotes: Literal["masked", "words", "none"] = Field(
        "masked",
        description="How messages are shown: 'masked', word for word but for what was masked; 'words', by "
        "the words of their topic that they hold; 'none', not at all.",
    )
    quotes_in_mlflow: Literal["masked", "words", "none"] = Field(
        "words", description="The same for the report that MLflow gets, where more people may read it."
    )
    min_authors: Annotated[int, Field(ge=1)] = Field(
        5,
        description="Topics and themes of fewer different authors are flagged; their messages are not quoted "
        "where `quotes` is 'words', and shown with a warning where it is 'masked'. A message whose author is "
        "unknown counts as of one of its own. 1: none is flagged.",
    )


class Experiment(Section):
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
    report: ReportConfig = ReportConfig()
    sweep: SweepConfig = SweepConfig()

    @property
    def adapts(self) -> bool:
        """Whether a run adapts the encoder: it may be, and something asks for its vectors."""
        return self.adapt.enabled and (self.discover.informed or self.themes.strategy in ADAPTED)

    @field_validator("sources", mode="before")
    @classmethod
    def _tuple(cls, value: object) -> object:
        # Not by min_length: pydantic counts the sound items only, and would tell of one faulty source twice.
        if value in ([], ()):
            raise PydanticCustomError("no_sources", "at least one table [[sources]] is needed")
        return tuple(value) if isinstance(value, list) else value
