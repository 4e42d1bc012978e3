"""What is kept of a run, as far as runs can be compared."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from scipy import sparse

from themeloom.compared import LINES, MEMBERSHIP, ComparedRun, ComparedTopic
from themeloom.history.beside import flat
from themeloom.history.private import public_config
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL
from themeloom.records import Clusters, Floats, RunRecord
from themeloom.scored import Score, Scores
from themeloom.system.provenance import WEIGHTS, corpus_digest

_APART = {"tracking", "sweep"}
"""Sections that change nothing that is found."""
_SHOWN = 12  # signs of a digest: enough to tell two apart


def comparable(record: RunRecord) -> ComparedRun:
    """Take from a run's record what can be compared.

    Parameters
    ----------
    record
        The run.
    """
    topics, vectors = record.discovery.topics, record.discovery.embeddings.vectors
    corpus = corpus_digest(record.communications["text"].to_list())
    return ComparedRun(
        name=record.run,
        topics=tuple(ComparedTopic(t.topic, t.size, *described(t.words, t.weights)) for t in topics),
        vectors=_means(vectors, record.discovery.clusters, len(topics)),
        encoder=record.discovery.embeddings.encoder,
        weights=record.digests.get(WEIGHTS, ""),
        membership=record.communications.select(list(MEMBERSHIP)),
        corpus=corpus,
        scores=_lines(record.scores),
        evaluation=record.evaluation,
        folds=None if record.config.get("validate", {}).get("held_out") else record.scores.folds,
        labels=record.scores.labels,
        config=_settings(record, record.digests | {"corpus": corpus}),
        started_at=record.started_at,
    )


def _settings(record: RunRecord, digests: Mapping[str, str]) -> dict[str, str]:
    """Name all that shaped a run: its configuration, digests of what it read, and versions."""
    config = public_config(record.config, Path())
    found = flat({section: keys for section, keys in config.items() if section not in _APART})
    found.setdefault("validate.seed", found.get("study.seed", ""))
    found |= {f"digest.{name}": digest[:_SHOWN] for name, digest in digests.items()}
    return found | {f"version.{name}": number for name, number in record.versions.items()}


def _means(vectors: Floats, clusters: Clusters, topics: int) -> Floats:
    """Give the mean vector of each topic's members."""
    members = np.flatnonzero(clusters.topic >= 0)
    topic = clusters.topic[members]
    share = 1 / np.maximum(np.bincount(topic, minlength=topics), 1)
    means = sparse.csr_array((share[topic], (topic, members)), shape=(topics, len(vectors))) @ vectors
    return np.asarray(means, dtype=np.float32)


def _lines(scores: Scores) -> pl.DataFrame:
    rows: list[tuple[object, ...]] = []

    def add(line: str, theme: str | None, told: dict[str, Score]) -> None:
        rows.extend((line, theme, name, score.value, score.low, score.high) for name, score in told.items())

    for line, told in {TOPIC_LEVEL: scores.overall, **scores.lines}.items():
        add(line, None, told)
    for level, themes in {
        TOPIC_LEVEL: scores.per_theme,
        MESSAGE_LEVEL: scores.message_per_theme,
    }.items():
        for theme, told in themes.items():
            add(level, theme, told)
    return pl.DataFrame(rows, schema=LINES, orient="row")


def described(
    words: tuple[str, ...], weights: tuple[float, ...]
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Leave out the empty words by which BERTopic fills up short topics."""
    pairs = [(word, float(weight)) for word, weight in zip(words, weights, strict=True) if word]
    return tuple(word for word, _ in pairs), tuple(weight for _, weight in pairs)
