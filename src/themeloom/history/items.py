"""A run's record as plain items to log: parameters, metrics, tags, tables, datasets. Knows no MLflow."""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from themeloom.author_counts import author_counts
from themeloom.columns import MESSAGE
from themeloom.config import dotted
from themeloom.history.card import design, few_authors, headline, table
from themeloom.history.private import public_config
from themeloom.records import Discovery, RunRecord, Topic
from themeloom.scored import Score

KEY, PARAM, TAG, DIGEST = 250, 6000, 8000, 36
"""MLflow's limits, in characters."""

LARGEST = 8
"""Topics that the description of a run names."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class DatasetItem:
    """What went in: named, counted and digested, never shown."""

    name: str
    context: str
    digest: str
    rows: int
    columns: dict[str, str]
    file: str  # in the model folder; empty where the data are not kept


def params(record: RunRecord, root: Path) -> dict[str, str]:
    """Flatten the configuration: ``cluster.selection`` → ``auto``. The tracking address is left out."""
    config = {
        key: value
        for key, value in public_config(record.config, root).items()
        if key not in {"tracking", "sweep"}
    }
    return {plain_key(key): param(value) for key, value in dotted(config)}


def metrics(record: RunRecord) -> dict[str, float]:
    """Collect every number of a run; those with an interval also as ``_low`` and ``_high``."""
    numbers = {plain_key(name): number for name, number in _counts(record)}
    scores = dict(_scores(record))
    for name, (key, low, high) in _apart(scores).items():
        numbers |= {key: scores[name].value, low: scores[name].low, high: scores[name].high}
    return {name: float(number) for name, number in numbers.items() if math.isfinite(number)}


def _bounded(key: str) -> tuple[str, str, str]:
    """Name a score and both ends of its interval."""
    return key, f"{key}_low", f"{key}_high"


def _apart(names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Give each score keys of its own; codes may differ in nothing that MLflow takes (``a,b`` and ``a;b``).

    Where keys clash, a name that is plain already keeps it, and each other one gets the first letters of its
    digest, so that it is called the same in every run.
    """
    plain = {name: plain_key(name) for name in names}
    often = Counter(key for name in plain.values() for key in _bounded(name))
    found: dict[str, tuple[str, str, str]] = {}
    taken: set[str] = set()
    for name in sorted(plain, key=lambda one: (plain[one] != one, one)):
        key = plain[name]
        clashes = any(often[one] > 1 for one in _bounded(key)) and (key != name or taken & set(_bounded(key)))
        if clashes or len(_bounded(key)[-1]) > KEY:
            key = f"{key[: KEY - 20]}_{_digest(name)[:8]}"
        found[name] = _bounded(key)
        taken.update(found[name])
    return found


def tags(record: RunRecord) -> dict[str, str]:
    """Say which study and code a run belongs to, and describe it in Markdown."""
    named = {
        "mlflow.source.name": "themeloom",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": record.git.get("commit", ""),
        "mlflow.note.content": note(record),
        "themeloom.run": record.run,
        "themeloom.study": record.study,
        "themeloom.few_authors": few_authors(record),
        "themeloom.topics": "informed by labels" if record.informed else "not informed by labels",
        **{f"git.{name}": value for name, value in record.git.items()},
        **{f"version.{name}": value for name, value in record.versions.items()},
        **{f"digest.{name}": value for name, value in record.digests.items()},
    }
    return {plain_key(name): cut(value, TAG) for name, value in named.items() if value}


def note(record: RunRecord) -> str:
    """Describe a run in Markdown, its headline table included."""
    flow, count = record.flow, record.discovery.clusters.count
    lines = [
        f"**{record.title or record.study}**",
        record.note,
        f"{flow.identified:,} rows, {flow.unique:,} unique communications, {count} topics"
        f"{', informed by labels' if record.informed else ''}, {record.scores.labels} labels.",
        headline(record),
        design(record),
        table(
            [f"largest of {count} topics", "theme", "messages"],
            [[topic.label, theme, str(topic.size)] for topic, theme in _largest(record)],
        ),
    ]
    return "\n\n".join(line for line in lines if line)


def _largest(record: RunRecord) -> list[tuple[Topic, str]]:
    topics, of_topics = record.discovery.topics, record.mapping.theme.tolist()
    names = [*(theme.name for theme in record.codebook.themes), "mixed"]
    largest = sorted(topics, key=lambda topic: -topic.size)[:LARGEST]
    return [(topic, names[of_topics[topic.topic]]) for topic in largest]


def tables(record: RunRecord) -> dict[str, Columns]:
    """Give the tables of a run: topics, scores, calibration and coverage, shares by group, flow."""
    flow = asdict(record.flow)
    scores = list(_scores(record))
    return {
        "topics": _topics(record),
        "scores": {
            "score": [name for name, _ in scores],
            "value": [_number(score.value) for _, score in scores],
            "low": [_number(score.low) for _, score in scores],
            "high": [_number(score.high) for _, score in scores],
        },
        "calibration": record.scores.calibration.to_dict(as_series=False),
        "coverage": record.scores.coverage.to_dict(as_series=False),
        "evaluation": record.evaluation.to_dict(as_series=False),
        "flow": {"step": list(flow), "messages": list(flow.values())},
        **_groups(record),
    }


def embeddings(record: RunRecord) -> pl.DataFrame:
    """Give each message's vector, and its place on the map, by its id."""
    found = record.discovery
    return record.communications.select("doc_id").with_columns(
        vector=pl.Series(found.embeddings.vectors),
        x=pl.Series(found.layout.plane[:, 0]),
        y=pl.Series(found.layout.plane[:, 1]),
    )


def datasets(record: RunRecord) -> list[DatasetItem]:
    """Name the corpus, the labels learned from and the labels judged, by digests of what they hold.

    Under cross-fitting each label is judged by a mapping that did not see it, and the mapping that is kept
    learned from all of them: then the two sets of labels are the same messages.
    """
    corpus = record.communications.select(MESSAGE).sort("doc_id")
    judged = record.evaluation.select("doc_id", "coded").sort("doc_id")
    aside = len(judged) if record.config.get("validate", {}).get("held_out") else 0
    held_out = judged.write_json()
    return [
        DatasetItem(
            "corpus",
            "discovery",
            _digest(corpus.write_json()),
            len(corpus),
            {name: str(dtype) for name, dtype in corpus.schema.items()},
            "communications.parquet",
        ),
        DatasetItem(
            "development labels",
            "training",
            _digest(f"{_label_digest(record)} but {held_out if aside else 'none'}"),
            len(record.labelled) - aside,
            {"doc_id": "String", "theme": "String"},
            "",
        ),
        DatasetItem(
            "held-out labels",
            "validation",
            _digest(held_out),
            len(judged),
            {name: str(dtype) for name, dtype in judged.schema.items()},
            "evaluation.parquet",
        ),
    ]


def _label_digest(record: RunRecord) -> str:
    return record.digests.get("labelled sample") or json.dumps(record.mapping.labels.tolist())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST]


def _topics(record: RunRecord) -> Columns:
    found, keys = record.discovery.topics, record.codebook.keys
    themes = [keys[theme] if theme >= 0 else "mixed" for theme in record.mapping.theme.tolist()]
    reasons = {candidate.topic: candidate.reason for candidate in record.candidates}
    return {
        "topic": [topic.topic for topic in found],
        "theme": themes,
        "theme_probability": record.mapping.posterior.max(axis=1, initial=0).tolist(),
        "size": [topic.size for topic in found],
        "outliers": [topic.outliers for topic in found],
        "labels": record.mapping.labels.sum(axis=1).tolist(),
        "words": [", ".join(topic.words) for topic in found],
        "npmi": [_number(value) for value in record.quality.npmi.tolist()],
        "c_v": [_number(value) for value in record.quality.c_v.tolist()],
        "candidate": [reasons.get(topic.topic, "") for topic in found],
        **_stable(record.discovery),
    }


def _groups(record: RunRecord) -> dict[str, Columns]:
    groups = record.scores.groups
    return {} if groups.is_empty() else {"groups": groups.to_dict(as_series=False)}


def _stable(discovery: Discovery) -> Columns:
    held = discovery.stability
    if held is None:
        return {}
    jaccard = [score.value for score in held.jaccard]
    return {"comes_back": list(held.comes_back), "jaccard": jaccard, "unstable": list(held.unstable)}


def _scores(record: RunRecord) -> Iterator[tuple[str, Score]]:
    found = record.scores
    yield from found.overall.items()
    groups = {"theme": found.per_theme, "message_theme": found.message_per_theme, "line": found.lines}
    groups |= {"difference": found.differences, "prevalence": found.prevalence}
    if held := record.discovery.stability:
        groups["stability"] = {held.over: held.overall}
    for prefix, group in groups.items():
        for name, scores in group.items():
            yield from ((f"{prefix}/{name}/{what}", score) for what, score in scores.items())


def _counts(record: RunRecord) -> Iterator[tuple[str, float]]:
    clusters = record.discovery.clusters
    yield "topics", clusters.count
    yield "topics_mixed", int((record.mapping.theme < 0).sum())
    yield "outlier_share", clusters.outlier.mean() if clusters.outlier.size else math.nan
    yield "no_topic_share", (clusters.topic < 0).mean() if clusters.topic.size else math.nan
    yield "topics_candidates", len(record.candidates)
    if held := record.discovery.stability:
        yield "topics_unstable", sum(held.unstable)
    yield from ((f"quality/{name}", value) for name, value in record.quality.overall.items())
    authors = author_counts(record)
    yield "topics_of_few_authors", len(authors.few_topics)
    yield "themes_of_few_authors", len(authors.few_themes)
    yield "labels", record.scores.labels
    yield "conformal/threshold", record.scores.conformal
    yield "conformal/alone_share", (record.sets.sum(axis=1) == 1).mean() if record.sets.size else math.nan
    yield "conformal/undecided", int(record.undecided.sum())
    yield from ((f"flow/{step}", count) for step, count in asdict(record.flow).items())
    yield from ((f"masked/{kind}", count) for kind, count in record.masked.items())
    yield from ((f"seconds/{time.stage}", time.seconds) for time in record.times)
    yield "seconds/all", sum(time.seconds for time in record.times)


def param(value: object) -> str:
    """Write a setting as MLflow takes it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return cut(text, PARAM)


def plain_key(name: str) -> str:
    """Make a name that MLflow takes: word characters, dashes, dots, spaces, colons and inner slashes."""
    taken = re.sub(r"[^\w\-. :/]", "_", name.replace(", ", " "))
    plain = "/".join(part for part in taken.split("/") if part.strip(". "))
    return plain[:KEY] or "_"


def cut(value: str, limit: int) -> str:
    """Cut a text to a limit."""
    return value if len(value) <= limit else value[: limit - 1] + "…"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
