"""What a BERTopic's `fit` leaves in the active MLflow run, wherever the user's own tracking address is."""

import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from themeloom.history import foreign
from themeloom.history.foreign import CorpusFacts, FittedTopicModel, Split
from themeloom.history.items import DIGEST, PARAM
from themeloom.history.quiet import environment
from themeloom.history.submodels import EncoderFacts, encoder_facts
from themeloom.records import Topic
from themeloom.system.atomic import scratch
from themeloom.system.provenance import versions

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

KIND, BERTOPIC = "themeloom.kind", "bertopic"
"""The tag that says what a run is of, and what it says of a BERTopic."""


class Figure(Protocol):
    """A plotly figure."""

    def to_html(self, *, include_plotlyjs: bool, full_html: bool) -> str:
        """Write the figure as a page."""


Judge = Callable[[Sequence[str], tuple[Topic, ...], "Split | None"], Mapping[str, float]]
Draw = Callable[[tuple[Topic, ...]], Mapping[str, Figure]]
Step = Callable[[], object]

_SERVED = Path(__file__).with_name("served_bertopic.py")
_NEEDED = ("bertopic", "numpy", "pandas", "safetensors", "scikit-learn")
_AWAY = {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"}
_EXAMPLE = "The river rose again last night and nobody had told the village."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants logged."""

    models: bool
    datasets: bool
    quality: bool
    encoder: bool  # whether its weights are kept with the model
    digests: bool  # whether each document's digest is logged
    registered_model_name: str | None
    extra_tags: Mapping[str, str]


@dataclass(frozen=True)
class Fit:
    """One `fit` that went well."""

    model: FittedTopicModel
    settings: Mapping[str, str]  # as they were before
    documents: Sequence[object]
    given: Mapping[str, bool]  # what came along with the documents
    seconds: float

    @cached_property
    def topics(self) -> tuple[Topic, ...]:
        """Its topics, outliers (-1) first where there are any."""
        return foreign.topics_of(self.model)

    @property
    def texts(self) -> list[str]:
        """Those of its documents that are texts."""
        return [document for document in self.documents if isinstance(document, str)]

    @property
    def named(self) -> tuple[Topic, ...]:
        """Its topics without the outliers."""
        return tuple(topic for topic in self.topics if topic.topic >= 0)

    @cached_property
    def encoder(self) -> EncoderFacts:
        """The encoder that it chose."""
        return encoder_facts(self.model)

    @cached_property
    def corpus(self) -> CorpusFacts:
        """The documents, counted and digested."""
        return CorpusFacts.of(self.documents)


def log(fit: Fit, wanted: Wanted, judge: Judge, draw: Draw) -> list[str]:
    """Log a fit to the active run, and return what could not be logged, and why.

    One part that fails does not keep the others from being logged, unless the store itself is away.

    Parameters
    ----------
    fit
        The fitted BERTopic and what it was given.
    wanted
        What is to be logged.
    judge
        Gives measures by name for texts, topics and what splits a text into words.
    draw
        Gives figures by name for topics.
    """
    faults = []
    for name, step in _steps(fit, wanted, judge, draw):
        try:
            step()
        except Exception as error:  # noqa: BLE001 (nothing that is logged may break a user's fit)
            faults.append(f"{name} ({' '.join(str(error).split())[:200] or type(error).__name__})")
            if isinstance(error, OSError) or getattr(error, "error_code", "") in _AWAY:
                break
    return faults


def log_settings(settings: Mapping[str, str]) -> None:
    """Log parameters to the active run."""
    import mlflow

    mlflow.log_params({name: value[:PARAM] for name, value in settings.items()})


def _steps(fit: Fit, wanted: Wanted, judge: Judge, draw: Draw) -> Iterator[tuple[str, Step]]:
    yield "tags", lambda: _log_tags(fit)
    yield "parameters", lambda: log_settings(_parameters(fit))
    yield "metrics", lambda: _log_metrics(_measured(fit))
    if wanted.datasets:
        yield "corpus", lambda: _log_corpus(fit.corpus)
    yield "topics", lambda: _log_topics(fit, wanted)
    yield "figures", lambda: _log_figures(draw(fit.named))
    if wanted.quality and not math.isnan(fit.corpus.characters):
        yield "coherence", lambda: _log_metrics(_quality(fit, judge))
    if wanted.models:
        yield "model", lambda: _log_model(fit, wanted)


def _log_tags(fit: Fit) -> None:
    import mlflow

    found = {f"version.{name}": number for name, number in versions().items()}
    mlflow.set_tags({KIND: BERTOPIC, "digest.corpus": fit.corpus.digest, **found})


def _parameters(fit: Fit) -> dict[str, str]:
    encoder = {"embedding_model": fit.encoder.name, "embedding_model.class": fit.encoder.kind}
    given = {f"given.{name}": str(value).lower() for name, value in fit.given.items()}
    return {**encoder, **fit.settings, **given}


def _measured(fit: Fit) -> dict[str, float]:
    corpus = {"corpus/documents": fit.corpus.documents, "corpus/mean_characters": fit.corpus.characters}
    return {**foreign.counts(fit.topics), **corpus, "seconds/fit": fit.seconds}


def _quality(fit: Fit, judge: Judge) -> dict[str, float]:
    found = judge(fit.texts, fit.named, foreign.splitter(fit.model))
    return {f"quality/{name}": value for name, value in found.items()}


def _log_metrics(numbers: Mapping[str, float]) -> None:
    import mlflow

    mlflow.log_metrics({name: float(value) for name, value in numbers.items() if math.isfinite(value)})


def _log_corpus(corpus: CorpusFacts) -> None:
    import mlflow
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name="corpus",
        digest=corpus.digest[:DIGEST],
        source_type="code",
        source=json.dumps({"tags": {}}),  # where texts come from is the user's to tell
        profile=json.dumps({"num_rows": corpus.documents}),
    )
    inputs = [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])]
    mlflow.MlflowClient().log_inputs(_active_run(), inputs)


def _log_topics(fit: Fit, wanted: Wanted) -> None:
    import mlflow

    with scratch() as folder:
        foreign.write_topics(fit.topics, foreign.vectors_of(fit.model), fit.encoder, folder)
        if len(fit.texts) == len(fit.documents) == len(fit.model.topics_):
            foreign.write_documents(fit.model, fit.texts, folder, digests=wanted.digests)
        mlflow.log_artifacts(str(folder), "topics")
    mlflow.log_table(foreign.table(fit.topics), "tables/topics.json")


def _log_figures(figures: Mapping[str, Figure]) -> None:
    import mlflow

    # MLflow's own log_figure makes pages that fetch plotly from a server
    for name, figure in figures.items():
        mlflow.log_text(figure.to_html(include_plotlyjs=True, full_html=True), f"figures/{name}.html")


def _log_model(fit: Fit, wanted: Wanted) -> None:
    import mlflow
    import pandas as pd

    vectors = foreign.vectors_of(fit.model)
    width = 0 if vectors is None else vectors.shape[1]
    reads_text = bool(fit.encoder.source)
    example = {"text": [_EXAMPLE]} if reads_text else {"embedding": [[1.0] + [0.0] * (width - 1)]}
    with (
        scratch() as folder,
        environment({"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}),
        warnings.catch_warnings(action="ignore"),  # MLflow warns of types that are its own
    ):
        artifacts = {"bertopic": folder / "bertopic"}
        keeps_encoder = reads_text and wanted.encoder
        foreign.write_model(fit.model, "" if keeps_encoder else fit.encoder.source, artifacts["bertopic"])
        if keeps_encoder:
            artifacts["encoder"] = folder / "encoder"
            foreign.write_encoder(fit.model, artifacts["encoder"])
        mlflow.pyfunc.log_model(
            name="model",
            python_model=str(_SERVED),
            artifacts={name: str(path) for name, path in artifacts.items()},
            signature=_signature(reads_text),
            input_example=pd.DataFrame(example),
            pip_requirements=_requirements(reads_text),
            registered_model_name=wanted.registered_model_name,
        )


def _signature(reads_text: bool) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Schema

    text = [ColSpec("string", "text")] if reads_text else []  # BERTopic wants texts beside embeddings too
    vector = ColSpec(Array(DataType.double), "embedding", required=not reads_text)
    given = [ColSpec("long", "topic"), ColSpec("double", "similarity"), ColSpec("string", "label")]
    return ModelSignature(Schema([*text, vector]), Schema([*given]))


def _requirements(reads_text: bool) -> list[str]:
    found = []
    for package in (*_NEEDED, *(["sentence-transformers"] if reads_text else [])):
        try:
            found.append(f"{package}=={version(package)}")
        except PackageNotFoundError:
            continue
    return found


def _active_run() -> str:
    import mlflow

    active = mlflow.active_run()
    if active is None:
        raise RuntimeError("the run was ended in mid-fit")
    return str(active.info.run_id)
