"""What is kept of a run, as far as runs can be compared."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from safetensors import SafetensorError

from themeloom.compared import EVALUATION, LINES, MEMBERSHIP, ComparedRun, ComparedTopic
from themeloom.errors import ModelError
from themeloom.history.beside import flat
from themeloom.history.private import public_config
from themeloom.records import Clusters, Floats, RunRecord, Score, Scores

TOPICS, VECTORS = "topics.json", "vectors.safetensors"
"""What plain BERTopic runs leave."""

_CURE = "fetch the run's artifacts again, or log the run again"


class Evaluated(Protocol):
    """A record that keeps the held-out prediction of each labelled message."""

    evaluation: pl.DataFrame


def comparable(record: RunRecord) -> ComparedRun:
    """Take from a run's record what can be compared.

    Parameters
    ----------
    record
        The run. A record with an `evaluation` (see `Evaluated`) gives its table too.
    """
    topics, vectors = record.discovery.topics, record.discovery.embeddings.vectors
    return ComparedRun(
        name=record.run,
        topics=tuple(ComparedTopic(t.topic, t.size, *_described(t.words, t.weights)) for t in topics),
        vectors=_means(vectors, record.discovery.clusters, len(topics)),
        encoder=record.discovery.embeddings.encoder,
        membership=record.communications.select(list(MEMBERSHIP)),
        scores=_lines(record.scores),
        evaluation=_evaluation(record),
        folds=record.scores.folds if record.scores.folds > 1 else None,
        labels=record.scores.labels,
        config=flat(public_config(record.config, Path())),
        started_at=record.started_at,
    )


def _evaluation(record: object) -> pl.DataFrame | None:
    table = getattr(record, "evaluation", None)
    if not isinstance(table, pl.DataFrame) or not set(EVALUATION) <= set(table.columns):
        return None
    return table if len(table) else None


def _means(vectors: Floats, clusters: Clusters, topics: int) -> Floats:
    """Give the mean vector of each topic's members."""
    inside = clusters.topic >= 0
    sums = np.zeros((topics, vectors.shape[1]))
    np.add.at(sums, clusters.topic[inside], vectors[inside])
    sizes = np.bincount(clusters.topic[inside], minlength=topics)
    return (sums / np.maximum(sizes, 1)[:, None]).astype(np.float32)


def _lines(scores: Scores) -> pl.DataFrame:
    rows: list[tuple[object, ...]] = []

    def add(line: str, theme: str | None, told: dict[str, Score]) -> None:
        rows.extend((line, theme, name, score.value, score.low, score.high) for name, score in told.items())

    for line, told in {"topic level": scores.overall, **scores.lines}.items():
        add(line, None, told)
    for level, themes in {
        "topic level": scores.per_theme,
        "message level": scores.message_per_theme,
    }.items():
        for theme, told in themes.items():
            add(level, theme, told)
    return pl.DataFrame(rows, schema=LINES, orient="row")


class _Topic(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    topic: int
    size: int
    words: tuple[str, ...]
    weights: tuple[float, ...]


def plain_topics(folder: Path) -> Path | None:
    """Give the folder of a plain BERTopic run's topics: this one or ``topics/`` in it; None if neither is."""
    found = (
        path for path in (folder, folder / "topics") if all((path / n).is_file() for n in (TOPICS, VECTORS))
    )
    return next(found, None)


def read_plain(folder: Path, name: str) -> ComparedRun:
    """Read the topics that a plain BERTopic run left: ``topics.json`` and ``vectors.safetensors``.

    Parameters
    ----------
    folder
        Where the two files are.
    name
        What to call the run.

    Raises
    ------
    ModelError
        If a file is not what it should be.
    """
    topics = [topic for topic in _read_topics(folder / TOPICS) if topic.topic >= 0]
    vectors, encoder = _read_vectors(folder / VECTORS)
    if len(vectors) != len(topics):
        raise ModelError(
            f"{folder / VECTORS}: holds {len(vectors)} vectors, but {TOPICS} tells of {len(topics)} topics "
            f"(without -1); {_CURE}."
        )
    return ComparedRun(
        name=name,
        topics=tuple(ComparedTopic(t.topic, t.size, *_described(t.words, t.weights)) for t in topics),
        vectors=vectors,
        encoder=encoder,
    )


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


def _read_vectors(path: Path) -> tuple[Floats, str]:
    """Read the vectors, and the encoder's name where the file tells it."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names, facts = list(file.keys()), file.metadata() or {}
            vectors: Any = file.get_tensor("vectors") if names == ["vectors"] else None
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]}); {_CURE}.") from None
    if vectors is None or vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ModelError(f"{path}: does not hold the one array 'vectors' (float32, a row a topic); {_CURE}.")
    if not np.isfinite(vectors).all():
        raise ModelError(f"{path}: holds numbers that are none (NaN or infinity); {_CURE}.")
    return vectors, facts.get("encoder", "")


def _described(
    words: tuple[str, ...], weights: tuple[float, ...]
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Leave out the empty words by which BERTopic fills up short topics."""
    pairs = [(word, float(weight)) for word, weight in zip(words, weights, strict=True) if word]
    return tuple(word for word, _ in pairs), tuple(weight for _, weight in pairs)
