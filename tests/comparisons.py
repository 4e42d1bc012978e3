"""Small runs to compare, and what they leave on disk."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import save

from themeloom.compared import MEMBERSHIP, ComparedRun, ComparedTopic
from themeloom.history import store
from themeloom.records import RunRecord

WORDS = (
    "clinic",
    "letter",
    "nurse",
    "phone",
    "queue",
    "ward",
    "visit",
    "plan",
    "form",
    "list",
    "call",
    "note",
)


def make_run(
    topics: Sequence[int], name: str = "a", *, ids: Sequence[str] | None = None, **more
) -> ComparedRun:
    """A run with these topics of its messages; messages are numbered unless ids are given."""
    numbers = sorted({topic for topic in topics if topic >= 0})
    ids = [f"{at:04d}" for at in range(len(topics))] if ids is None else ids
    themes = [None if topic < 0 else f"theme-{topic % 2}" for topic in topics]
    columns = {"doc_id": ids, "topic": topics, "theme": themes, "topic_theme": themes}
    return ComparedRun(
        name=name,
        topics=tuple(make_topic(number, list(topics).count(number)) for number in numbers),
        membership=pl.DataFrame(columns, schema=MEMBERSHIP),
        **more,
    )


def make_topic(number: int, size: int, words: Sequence[str] | None = None) -> ComparedTopic:
    """A topic whose words hang on its number, unless they are given."""
    words = words or [WORDS[(3 * number + at) % len(WORDS)] + str(number // 4) for at in range(4)]
    weights = tuple(1 / (at + 1) for at in range(len(words)))
    return ComparedTopic(number, size, tuple(words), weights)


def wordy_run(topics: Sequence[Sequence[str]], name: str, **more) -> ComparedRun:
    """A run of which topics alone are known, as plain BERTopic leaves it."""
    found = tuple(make_topic(number, 10, words) for number, words in enumerate(topics))
    return ComparedRun(name=name, topics=found, **more)


def write_plain(
    folder: Path, topics: Sequence[Sequence[str]], vectors: np.ndarray, encoder: str = ""
) -> Path:
    """Write what a plain BERTopic run leaves: topics, outliers among them, and vectors without these."""
    folder.mkdir(parents=True)
    rows = [{"topic": -1, "size": 3, "words": ["the", ""], "weights": [0.1, 0.00001]}]
    rows += [
        {"topic": at, "size": 10, "words": list(words), "weights": [1 / (n + 1) for n in range(len(words))]}
        for at, words in enumerate(topics)
    ]
    (folder / "topics.json").write_text(json.dumps(rows), encoding="utf-8")
    facts = {"encoder": encoder} if encoder else None
    (folder / "vectors.safetensors").write_bytes(save({"vectors": vectors.astype(np.float32)}, facts))
    return folder


def save_beside(record: RunRecord, models: Path) -> RunRecord:
    """Keep a run, and another one of the same messages: one topic merged into another, one key changed."""
    store.save(record, models)
    clusters = record.discovery.clusters
    topic = np.where(clusters.topic == 4, 3, clusters.topic)
    sizes = np.bincount(topic[topic >= 0], minlength=4)
    topics = tuple(replace(t, size=int(sizes[t.topic])) for t in record.discovery.topics[:4])
    mapping, quality = record.mapping, record.quality
    other = replace(
        record,
        run="other-20260203-040506-0001",
        started_at="2026-02-03T04:05:06+00:00",
        config=record.config | {"cluster": record.config["cluster"] | {"min_cluster_size": 12}},
        communications=record.communications.with_columns(
            topic=pl.Series(topic), theme=pl.lit(record.codebook.keys[0])
        ),
        discovery=replace(record.discovery, clusters=replace(clusters, topic=topic), topics=topics),
        mapping=replace(
            mapping, posterior=mapping.posterior[:4], theme=mapping.theme[:4], labels=mapping.labels[:4]
        ),
        quality=replace(quality, npmi=quality.npmi[:4], c_v=quality.c_v[:4]),
        candidates=(),
    )
    store.save(other, models)
    return other
