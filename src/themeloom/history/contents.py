"""A run's record as the contents of its files, and back; and whether its parts agree."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from themeloom.columns import GROUPS, POSTERIOR
from themeloom.config import POOL
from themeloom.encoders import Adapted, WordVectors
from themeloom.history.card import model_card
from themeloom.history.parts import CARD, RunFacts, ScoreFacts
from themeloom.history.private import public_config
from themeloom.records import Clusters, Discovery, Embeddings, Layout, Mapping, RunRecord, TopicQuality
from themeloom.scored import Scores

WHOLE = ("posterior", "theme", "labels", "messages", "weights", "members")
"""What is kept of a mapping but its parts."""


def contents_of(record: RunRecord, root: Path) -> dict[str, Any]:
    """Give the content of each file of the layout; `root` is the folder above models/."""
    config = public_config(record.config, root)
    return {
        CARD: model_card(record),
        "run.json": _facts(record),
        "config.json": json.loads(json.dumps(config, allow_nan=False)),
        "codebook.json": record.codebook,
        "topics.json": record.discovery.topics,
        "scores.json": _score_facts(record.scores),
        **_tables(record),
        **_arrays(record),
    }


def _facts(record: RunRecord) -> RunFacts:
    found, clusters = record.discovery, record.discovery.clusters
    return RunFacts(
        run=record.run,
        study=record.study,
        title=record.title,
        note=record.note,
        started_at=record.started_at,
        flow=record.flow,
        masked=record.masked,
        versions=record.versions,
        digests=record.digests,
        git=record.git,
        times=record.times,
        encoder=found.embeddings.encoder,
        frequent_terms=found.embeddings.frequent_terms,
        neighbors=found.layout.neighbors,
        min_cluster_size=clusters.min_cluster_size,
        selection=clusters.selection,
        layouts=clusters.layouts,
        cluster_note=clusters.note,
        quality=record.quality.overall,
        candidates=record.candidates,
        labelled=record.labelled,
        stability=found.stability,
        topic_authors=record.topic_authors,
        theme_authors=record.theme_authors,
        authorless=record.authorless,
        tied=record.tied,
        coded=record.coded,
    )


def _score_facts(scores: Scores) -> ScoreFacts:
    return ScoreFacts(
        overall=scores.overall,
        per_theme=scores.per_theme,
        lines=scores.lines,
        confusion=scores.confusion.tolist(),
        labels=scores.labels,
        folds=scores.folds,
        repeats=scores.repeats,
        message_per_theme=scores.message_per_theme,
        message_confusion=scores.message_confusion.tolist(),
        differences=scores.differences,
        conformal=scores.conformal,
        prevalence=scores.prevalence,
        groups=tuple(scores.groups.to_dicts()),
    )


def _tables(record: RunRecord) -> dict[str, pl.DataFrame]:
    texts = list(record.discovery.embeddings.texts)
    return {
        "calibration.parquet": record.scores.calibration,
        "coverage.parquet": record.scores.coverage,
        "communications.parquet": record.communications,
        "evaluation.parquet": record.evaluation,
        "embedded_texts.parquet": pl.DataFrame({"text": texts}, schema={"text": pl.String}),
        "unreadable.parquet": record.unreadable,
        "tree.parquet": record.discovery.clusters.tree,
    }


def _arrays(record: RunRecord) -> dict[str, dict[str, NDArray[Any]]]:
    found, mapping, clusters = record.discovery, record.mapping, record.discovery.clusters
    return {
        "embeddings.safetensors": {"vectors": found.embeddings.vectors},
        "layout.safetensors": {"reduced": found.layout.reduced, "plane": found.layout.plane},
        "clusters.safetensors": {
            "topic": clusters.topic,
            "outlier": clusters.outlier,
            "membership": clusters.membership,
        },
        "mapping.safetensors": {
            **{name: getattr(mapping, name) for name in WHOLE},
            **{f"part_{name}": mapping.parts[name] for name in POOL},
        },
        "quality.safetensors": {"npmi": record.quality.npmi, "c_v": record.quality.c_v},
        "adapted.safetensors": {"vectors": record.adapted.vectors, "layers": record.adapted.layers},
        "static.safetensors": {
            "vectors": record.word_vectors.vectors,
            "tokenizer": record.word_vectors.tokenizer,
        },
    }


def record_of(contents: dict[str, Any]) -> RunRecord:
    """Put a record together from the contents of its files."""
    facts: RunFacts = contents["run.json"]
    scores: ScoreFacts = contents["scores.json"]
    return RunRecord(
        run=facts.run,
        study=facts.study,
        title=facts.title,
        note=facts.note,
        config=contents["config.json"],
        versions=facts.versions,
        digests=facts.digests,
        git=facts.git,
        started_at=facts.started_at,
        flow=facts.flow,
        unreadable=contents["unreadable.parquet"],
        masked=facts.masked,
        communications=contents["communications.parquet"],
        discovery=_discovery(contents, facts),
        codebook=contents["codebook.json"],
        quality=TopicQuality(**contents["quality.safetensors"], overall=facts.quality),
        mapping=_mapping(contents["mapping.safetensors"]),
        adapted=Adapted(**contents["adapted.safetensors"]),
        scores=Scores(
            overall=scores.overall,
            per_theme=scores.per_theme,
            confusion=np.array(scores.confusion, dtype=np.float64),
            lines=scores.lines,
            labels=scores.labels,
            folds=scores.folds,
            repeats=scores.repeats,
            message_per_theme=scores.message_per_theme,
            message_confusion=np.array(scores.message_confusion, dtype=np.float64),
            differences=scores.differences,
            calibration=contents["calibration.parquet"],
            coverage=contents["coverage.parquet"],
            conformal=scores.conformal,
            prevalence=scores.prevalence,
            groups=pl.DataFrame(scores.groups, schema=GROUPS),
        ),
        evaluation=contents["evaluation.parquet"],
        times=facts.times,
        candidates=facts.candidates,
        labelled=facts.labelled,
        topic_authors=facts.topic_authors,
        theme_authors=facts.theme_authors,
        authorless=facts.authorless,
        tied=facts.tied,
        coded=facts.coded,
        word_vectors=WordVectors(**contents["static.safetensors"]),
    )


def _mapping(arrays: dict[str, Any]) -> Mapping:
    parts = {name: arrays[f"part_{name}"] for name in POOL}
    return Mapping(**{name: arrays[name] for name in WHOLE}, parts=parts)


def _discovery(contents: dict[str, Any], facts: RunFacts) -> Discovery:
    return Discovery(
        Embeddings(
            vectors=contents["embeddings.safetensors"]["vectors"],
            texts=tuple(contents["embedded_texts.parquet"]["text"].to_list()),
            frequent_terms=facts.frequent_terms,
            encoder=facts.encoder,
            masked=tuple(contents["communications.parquet"]["text"].to_list()),
        ),
        Layout(**contents["layout.safetensors"], neighbors=facts.neighbors),
        Clusters(
            **contents["clusters.safetensors"],
            min_cluster_size=facts.min_cluster_size,
            selection=facts.selection,
            note=facts.cluster_note,
            tree=contents["tree.parquet"],
            layouts=facts.layouts,
        ),
        contents["topics.json"],
        facts.stability,
    )


def disagreement(record: RunRecord) -> str:
    """Say the first thing in which the parts of a record do not agree, or nothing."""
    shapes = (
        f"{what} has shape {found}, but {expected} is needed"
        for what, found, expected in _shapes(record)
        if found != expected
    )
    none = (
        f"{what}: some are no numbers (NaN)" for what, of in _numbers(record) if not np.isfinite(of).all()
    )
    wrong = (what for what, agrees in _statements(record) if not agrees)
    return next(shapes, "") or next(none, "") or next(wrong, "")


def _shapes(record: RunRecord) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    found, mapping = record.discovery, record.mapping
    messages, topics, themes = len(record.communications), len(found.topics), len(record.codebook.themes)
    for what in ("topic", "outlier", "membership"):
        yield what, getattr(found.clusters, what).shape, (messages,)
    for what, array in (("vectors", found.embeddings.vectors), ("reduced", found.layout.reduced)):
        yield what, array.shape, (messages, array.shape[-1])
    yield "plane", found.layout.plane.shape, (messages, 2)
    yield "embedded texts", (len(found.embeddings.texts),), (messages,)
    yield "posterior", mapping.posterior.shape, (topics, themes)
    yield "labels", mapping.labels.shape, (topics, themes)
    yield "messages' posterior", mapping.messages.shape, (messages, themes)
    yield "weights", mapping.weights.shape, (len(POOL),)
    vectors = record.adapted.vectors
    yield "adapted vectors", vectors.shape, (messages, vectors.shape[-1])
    if record.config.get("encoder", {}).get("static"):
        words, dimensions = record.word_vectors.vectors, found.embeddings.vectors.shape[-1]
        yield "the static encoder", words.shape, (max(len(words), 1), dimensions)
    for name, part in mapping.parts.items():
        if name != "codebook":
            yield f"the part '{name}'", part.shape, (len(part), themes)
    yield "the mapping's theme", mapping.theme.shape, (topics,)
    probabilities = [name for name in record.evaluation.columns if name.startswith(POSTERIOR)]
    yield "the evaluation's posterior", (len(probabilities),), (themes,)
    yield "confusion", record.scores.confusion.shape, (themes, themes + 1)
    if record.topic_authors or record.theme_authors:
        yield "topics' authors", (len(record.topic_authors),), (topics,)
        yield "themes' authors", (len(record.theme_authors),), (themes,)
    if held := found.stability:
        told = (len(held.comes_back), len(held.unstable), len(held.jaccard))
        yield "stability", told, (topics,) * 3


def _statements(record: RunRecord) -> Iterator[tuple[str, bool]]:
    found, table, keys = record.discovery, record.communications, record.codebook.keys
    numbers = tuple(topic.topic for topic in found.topics)
    named = set(table["theme"].drop_nulls()) | set(table["topic_theme"].drop_nulls())
    members = [position for topic in found.topics for position in topic.representative]
    yield "topics are not numbered 0, 1, 2, …", numbers == tuple(range(len(numbers)))
    yield (
        "messages and clusters name different topics",
        np.array_equal(table["topic"].to_numpy(), found.clusters.topic)
        and np.array_equal(table["outlier"].to_numpy(), found.clusters.outlier),
    )
    yield "a message has a topic that is not described", _within(found.clusters.topic.tolist(), len(numbers))
    yield "a topic has a theme that is not in the codebook", _within(record.mapping.theme.tolist(), len(keys))
    yield "a message has a theme that is not in the codebook", named <= set(keys)
    candidates = [candidate.topic for candidate in record.candidates]
    yield "a candidate is not a topic", all(0 <= topic < len(numbers) for topic in candidates)
    judged, posteriors = record.evaluation, [f"{POSTERIOR}{key}" for key in keys]
    said = judged.select("coded", "topic_level", "message_level").unpivot()["value"].drop_nulls()
    yield "the evaluation names a theme that is not in the codebook", set(said) <= set(keys)
    yield "the evaluation's posterior is of other themes", judged.columns[-len(keys) :] == posteriors
    yield "an evaluated message is not in the corpus", set(judged["doc_id"]) <= set(table["doc_id"])
    yield "a labelled message is not in the corpus", all(0 <= m < len(table) for m in record.labelled)
    yield "a representative message is not in the corpus", all(0 <= m < len(table) for m in members)


def _numbers(record: RunRecord) -> Iterator[tuple[str, Any]]:
    """Give the arrays in which every number is one."""
    found, mapping = record.discovery, record.mapping
    yield "the vectors", found.embeddings.vectors
    yield "the layout", found.layout.reduced
    yield "the map", found.layout.plane
    yield "the memberships", found.clusters.membership
    yield "the adapted vectors", record.adapted.vectors
    yield "the adapted layers", record.adapted.layers
    yield "the static encoder", record.word_vectors.vectors
    yield "the topics' posterior", mapping.posterior
    yield "the messages' posterior", mapping.messages


def _within(indices: list[int], count: int) -> bool:
    return all(-1 <= index < count for index in indices)
