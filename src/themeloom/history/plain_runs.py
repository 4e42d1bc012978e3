"""What plain BERTopic runs leave, in a folder or in MLflow, as far as runs can be compared."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from safetensors import SafetensorError

from themeloom.compared import MEMBERSHIP, ComparedRun, ComparedTopic
from themeloom.errors import ModelError
from themeloom.history.backend import backend_of
from themeloom.history.comparable import described
from themeloom.history.connection import connection
from themeloom.history.submodels import NONE
from themeloom.records import Floats
from themeloom.system.atomic import scratch

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

FOLDER, TOPICS, VECTORS, DOCUMENTS = "topics", "topics.json", "vectors.safetensors", "documents.json"
"""What a plain BERTopic run leaves: a folder, its topics, their vectors and its documents' where known."""

ENCODER = "embedding_model"
"""The parameter of a run in MLflow that names the encoder."""

_CURE = "fetch the run's artifacts again, or log the run again"


_Number = Annotated[int, Field(ge=-1, lt=2**31)]


class _Documents(BaseModel):
    """Each document's topic, in the order of the corpus."""

    model_config = ConfigDict(frozen=True)

    corpus: str
    topics: tuple[_Number, ...]
    digests: tuple[str, ...] | None = None

    def table(self) -> pl.DataFrame:
        """Return the documents as a compared run has them: by their digests, else by their places."""
        ids = self.digests or [f"{self.corpus[:16]}:{place:09d}" for place in range(len(self.topics))]
        return pl.DataFrame(
            {"doc_id": ids, "topic": self.topics, "theme": None, "topic_theme": None}, schema=MEMBERSHIP
        )


class _Topic(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    topic: _Number
    size: _Number
    words: tuple[str, ...]
    weights: tuple[float, ...]


def plain_topics(folder: Path) -> Path | None:
    """Give the folder of a plain BERTopic run's topics: this one or ``topics/`` in it; None if neither is."""
    found = (path for path in (folder, folder / FOLDER) if (path / TOPICS).is_file())
    return next(found, None)


def read_plain(folder: Path, name: str, encoder: str = "") -> ComparedRun:
    """Read the topics that a plain BERTopic run left.

    They are in ``topics.json``; ``vectors.safetensors`` and ``documents.json`` may be beside it.

    Parameters
    ----------
    folder
        Where the files are.
    name
        What to call the run.
    encoder
        What made the vectors; by default what the metadata of their file names as ``encoder``.

    Raises
    ------
    ModelError
        If a file is not what it should be.
    """
    topics = [topic for topic in _read_topics(folder / TOPICS) if topic.topic >= 0]
    vectors, told = _read_vectors(folder / VECTORS) if (folder / VECTORS).is_file() else (None, {})
    documents = _read_documents(folder / DOCUMENTS) if (folder / DOCUMENTS).is_file() else None
    if vectors is not None and len(vectors) != len(topics):
        raise ModelError(
            f"{folder / VECTORS}: holds {len(vectors)} vectors, but {TOPICS} tells of {len(topics)} topics "
            f"(without -1); {_CURE}."
        )
    called = encoder or told.get("encoder", "")
    return ComparedRun(
        name=name,
        topics=tuple(ComparedTopic(t.topic, t.size, *described(t.words, t.weights)) for t in topics),
        vectors=vectors,
        encoder="" if called == NONE else called,
        weights=told.get("weights", ""),
        membership=None if documents is None else documents.table(),
        corpus="" if documents is None else documents.corpus,
    )


def tracked_plain(run_id: str, root: Path, uri: str | None = None) -> ComparedRun | None:
    """Fetch what a plain BERTopic run left in MLflow.

    Parameters
    ----------
    run_id
        The run's id.
    root
        The study's folder.
    uri
        The tracking address; by default MLFLOW_TRACKING_URI, else the store in ``ROOT/mlruns``.

    Returns
    -------
    ComparedRun or None
        None if the run left no topics, as Themeloom's own do not.

    Raises
    ------
    TrackingError
        If there is no such run, or the store cannot be reached or refuses.
    ModelError
        If what the run left is not what it should be.
    """
    backend = backend_of(uri, root)
    with connection(backend, make=False) as client, scratch() as draft:
        run = client.get_run(run_id)
        if not any(found.path == f"{FOLDER}/{TOPICS}" for found in client.list_artifacts(run_id, FOLDER)):
            return None
        return _fetched(client, run, draft)


def _fetched(client: "MlflowClient", run: "Run", draft: Path) -> ComparedRun:
    folder = Path(client.download_artifacts(run.info.run_id, FOLDER, str(draft)))
    params = dict(run.data.params)
    try:
        found = read_plain(folder, run.info.run_name or run.info.run_id, params.get(ENCODER, ""))
    except ModelError as error:
        raise ModelError(str(error).replace(str(folder), f"runs:/{run.info.run_id}/{FOLDER}")) from None
    started = datetime.fromtimestamp(run.info.start_time / 1000, UTC).isoformat(timespec="seconds")
    return replace(found, config=params, started_at=started)


def _read_topics(path: Path) -> tuple[_Topic, ...]:
    try:
        topics = TypeAdapter(tuple[_Topic, ...]).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ModelError(
            f"{path}: is no list of topics ({place + ': ' if place else ''}{first['msg']}); {_CURE}."
        ) from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); {_CURE}.") from None
    if len({topic.topic for topic in topics}) < len(topics):
        raise ModelError(f"{path}: tells of one topic twice; {_CURE}.")
    if wrong := [topic.topic for topic in topics if len(topic.words) != len(topic.weights)]:
        raise ModelError(f"{path}: topic {wrong[0]} has not as many weights as words; {_CURE}.")
    return topics


def _read_documents(path: Path) -> _Documents:
    try:
        found = _Documents.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ModelError(f"{path}: does not tell topics of documents ({first['msg']}); {_CURE}.") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); {_CURE}.") from None
    if found.digests is not None and not len(found.topics) == len(found.digests) == len(set(found.digests)):
        raise ModelError(f"{path}: has not one digest of its own for each document; {_CURE}.")
    return found


def _read_vectors(path: Path) -> tuple[Floats, dict[str, str]]:
    """Read the one array, whatever its name is, and what the file tells of the encoder."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names, facts = list(file.keys()), file.metadata() or {}
            vectors: Any = file.get_tensor(names[0]) if len(names) == 1 else None
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]}); {_CURE}.") from None
    if vectors is None or vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ModelError(f"{path}: does not hold one array of float32, a row a topic; {_CURE}.")
    if not np.isfinite(vectors).all():
        raise ModelError(f"{path}: holds numbers that are none (NaN or infinity); {_CURE}.")
    return vectors, dict(facts)
