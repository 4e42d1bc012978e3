"""A model's record with a batch of messages more, and nothing refitted."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from themeloom.assigning.placing import Placed, theme_columns
from themeloom.columns import ASSIGNED, MESSAGE
from themeloom.discovery.neighbours import NEIGHBOURS
from themeloom.discovery.quality import word_quality
from themeloom.encoders import Adapted
from themeloom.records import (
    Bools,
    Candidate,
    Clusters,
    Doubles,
    Floats,
    Ints,
    Layout,
    Mapping,
    RunRecord,
    Topic,
    TopicQuality,
)
from themeloom.themes.mapping import ROWS_OF_TOPICS


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that are to be added."""

    messages: pl.DataFrame  # doc_id, text (masked), created_at, times_seen
    read: tuple[str, ...]  # what the encoder read of them
    placed: Placed  # where they belong; new topics have the numbers after the model's
    misfits: Bools
    seen_again: Ints  # (communications,): how often each message of the model is in the batch


def with_batch(record: RunRecord, batch: Batch) -> RunRecord:
    """Add messages to a record, behind its own; topics that are new have no words yet.

    What was learned stays as it is, and so do the scores: they are those of the model's own labels. A place
    on the map is the mean of those of a message's nearest neighbours, weighted by similarity.
    """
    old = record.discovery
    raw, near = batch.placed.raw, _nearest(batch.placed.raw, old.embeddings.vectors)
    mapping = _mapped(record, batch)
    clusters = _grouped(old.clusters, batch)
    discovery = replace(
        old,
        embeddings=replace(
            old.embeddings,
            vectors=np.concatenate([old.embeddings.vectors, raw]),
            texts=(*old.embeddings.texts, *batch.read),
            masked=(*old.embeddings.masked, *batch.messages["text"].to_list()),
        ),
        layout=Layout(
            np.concatenate([old.layout.reduced, _between(old.layout.reduced, *near)]),
            np.concatenate([old.layout.plane, _between(old.layout.plane, *near)]),
            old.layout.neighbors,
        ),
        clusters=clusters,
        topics=_sized(old.topics, clusters),
        stability=old.stability if clusters.count == old.clusters.count else None,
    )
    return replace(
        record,
        communications=_communications(record, batch, mapping),
        discovery=discovery,
        mapping=mapping,
        adapted=Adapted(
            np.concatenate([record.adapted.vectors, batch.placed.adapted]), record.adapted.layers
        ),
    )


def with_words(record: RunRecord, topics: tuple[Topic, ...], reason: str, split: object) -> RunRecord:
    """Give topics that are new their words, and name them as candidates for themes.

    Parameters
    ----------
    record
        As `with_batch` made it.
    topics
        The new ones, described.
    reason
        Why they are candidates.
    split
        What splits a text into words.
    """
    found = word_quality(record.discovery.embeddings.masked, topics, split)  # type: ignore[arg-type]
    quality = record.quality
    return replace(
        record,
        discovery=replace(record.discovery, topics=(*record.discovery.topics, *topics)),
        quality=TopicQuality(
            np.concatenate([quality.npmi, found.npmi]),
            np.concatenate([quality.c_v, found.c_v]),
            quality.overall,
        ),
        candidates=(*record.candidates, *(Candidate(topic.topic, reason) for topic in topics)),
    )


def _communications(record: RunRecord, batch: Batch, mapping: Mapping) -> pl.DataFrame:
    placed = batch.placed
    new = batch.messages.select(MESSAGE).with_columns(
        pl.Series("topic", placed.topic),
        pl.Series("outlier", batch.misfits),
        *theme_columns(placed.topic, placed.posterior, mapping, record.codebook.keys),
    )
    old = record.communications.with_columns(pl.col("times_seen") + pl.Series(batch.seen_again))
    return pl.concat([old, new.select(pl.col(name).cast(kind) for name, kind in ASSIGNED.items())])


def _mapped(record: RunRecord, batch: Batch) -> Mapping:
    mapping, topic = record.mapping, batch.placed.topic
    topics, themes = mapping.posterior.shape
    added = range(topics, int(topic.max(initial=-1)) + 1)
    means = [batch.placed.posterior[topic == one].mean(axis=0) for one in added]
    posterior = np.array(means, dtype=np.float64).reshape(len(means), themes)
    return replace(
        mapping,
        posterior=np.concatenate([mapping.posterior, posterior]),
        theme=np.concatenate([mapping.theme, np.full(len(means), -1)]),
        labels=np.concatenate([mapping.labels, np.zeros((len(means), themes), np.int64)]),
        messages=np.concatenate([mapping.messages, batch.placed.posterior]),
        parts={
            name: _with_rows(part, len(means)) if name in ROWS_OF_TOPICS and len(part) else part
            for name, part in mapping.parts.items()
        },
    )


def _with_rows(part: Doubles, more: int) -> Doubles:
    """Say of new topics what is said of messages without one: nobody has coded any of their messages."""
    return np.concatenate([part[:-1], np.repeat(part[-1:], more + 1, axis=0)])


def _grouped(old: Clusters, batch: Batch) -> Clusters:
    count, more = len(old.topic), len(batch.placed.topic)
    moved = [
        pl.when(pl.col(name) >= count).then(pl.col(name) + more).otherwise(pl.col(name)).alias(name)
        for name in ("parent", "child")
    ]
    return replace(
        old,
        topic=np.concatenate([old.topic, batch.placed.topic]),
        outlier=np.concatenate([old.outlier, batch.misfits]),
        membership=np.concatenate([old.membership, batch.placed.membership]),
        tree=old.tree.with_columns(moved).cast(dict(old.tree.schema)),  # type: ignore[arg-type]
    )


def _sized(topics: tuple[Topic, ...], clusters: Clusters) -> tuple[Topic, ...]:
    inside = clusters.topic >= 0
    size = np.bincount(clusters.topic[inside], minlength=len(topics)).tolist()
    outliers = np.bincount(clusters.topic[inside & clusters.outlier], minlength=len(topics)).tolist()
    return tuple(replace(one, size=size[one.topic], outliers=outliers[one.topic]) for one in topics)


def _nearest(vectors: Floats, members: Floats) -> tuple[Ints, Floats]:
    """Return the nearest members of each vector, and how much each counts, (messages, neighbours)."""
    k = min(NEIGHBOURS, len(members))
    places, weights = [np.zeros((0, k), np.int64)], [np.zeros((0, k), np.float32)]
    for start in range(0, len(vectors), 2_048):
        similarity = vectors[start : start + 2_048] @ members.T
        nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
        weight = np.clip(np.take_along_axis(similarity, nearest, axis=1), 1e-3, None) ** 2
        places.append(nearest)
        weights.append(weight / weight.sum(axis=1, keepdims=True))
    return np.concatenate(places), np.concatenate(weights)


def _between(layout: Floats, places: Ints, weights: Floats) -> Floats:
    return np.asarray(np.einsum("mk,mkc->mc", weights, layout[places]), dtype=np.float32)
