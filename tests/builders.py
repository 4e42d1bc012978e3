"""Small made-up records that several test folders share."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import numpy as np
import polars as pl
import yaml

from themeloom.columns import ASSIGNED, CALIBRATION, COVERAGE_CURVE, EVALUATION, GROUPS, POSTERIOR
from themeloom.config import POOL, Experiment
from themeloom.encoders import Adapted
from themeloom.records import (
    Candidate,
    Clusters,
    Codebook,
    Discovery,
    Embeddings,
    Floats,
    Flow,
    Ints,
    Layout,
    Mapping,
    RunRecord,
    StageTime,
    Theme,
    Topic,
    TopicQuality,
)
from themeloom.scored import Score, Scores
from themeloom.themes.scores import FIGURES

OPENINGS = (
    ("please", "dear team,", "honestly,", "today:", "a wish:"),
    ("the {word} changed how I see myself", "nobody explained the {word} to me", "my {word} opened one door"),
    ("they decided my {word} without me", "let me read the {word} you wrote", "ask before a {word}"),
    ("she remembered my {word} & listened", "a kind {word} goes far", "your <tone> of {word} matters"),
    ("six months waiting for a {word}", "the {word} line closes at five", "one {word} for the whole town"),
    ("thank you for every {word}", "so grateful for that {word}", "thanks, [person 1], for the {word}"),
)
REFERENCES = (
    "plain BERTopic",
    "plain BERTopic, outliers reduced",
    "topics by labelled members",
    "logistic regression",
    "codebook alone",
    "majority class",
)
WORDS = ("diagnosis", "decision", "word", "clinic", "visit", "letter", "call", "plan", "ward", "form")


def make_codebook() -> Codebook:
    """The demonstration study's codebook: four themes, three residual categories."""
    text = (files("themeloom") / "data" / "dearmhp" / "codebook.yaml").read_text(encoding="utf-8")
    table = yaml.safe_load(text)
    entries = [(entry, False) for entry in table["themes"]] + [(entry, True) for entry in table["residual"]]
    return Codebook(
        tuple(
            Theme(
                entry["key"],
                entry["name"],
                entry["definition"],
                tuple(entry.get("include", ())),
                tuple(entry.get("exclude", ())),
                residual,
            )
            for entry, residual in entries
        )
    )


def make_experiment(seed: int = 0) -> Experiment:
    """The experiment file of the made-up study, as read."""
    return Experiment.model_validate(
        {
            "study": {"name": "made-up", "title": "A made-up study", "seed": seed},
            "sources": [{"path": "data/messages.csv", "columns": {"id": "id", "created_at": "sent"}}],
            "themes": {"codebook": "data/codebook.yaml", "labels": "data/labels.csv"},
        }
    )


def make_record(n: int = 60, seed: int = 0, codebook: Codebook | None = None) -> RunRecord:
    """Build a run of `n` made-up messages in five topics, which agrees in itself.

    Topic 4 is mixed (no theme); a few messages have no topic at all. Needs ``n >= 20``.
    """
    rng = np.random.default_rng(seed)
    codebook = codebook or make_codebook()
    clusters = _clusters(rng, n)
    mapping = make_mapping(rng, clusters.topic, len(codebook.keys), 8)
    communications = _communications(rng, clusters, mapping, codebook)
    vectors, adapted = _unit(rng, n, 8), _unit(rng, n, 8)
    plane = rng.normal(size=(n, 2)) + 4 * np.column_stack(
        [np.cos(clusters.topic * 1.2), np.sin(clusters.topic * 1.2)]
    )
    texts = tuple(communications["text"].to_list())
    discovery = Discovery(
        Embeddings(vectors, texts, ("#dearteam",), "bundled", texts),
        Layout(rng.normal(size=(n, 5)).astype(np.float32), plane.astype(np.float32), 15),
        clusters,
        tuple(_topic(rng, clusters, topic) for topic in range(clusters.count)),
    )
    return RunRecord(
        run=f"made-up-20260102-030405-{seed:04d}",
        study="made-up",
        title="A made-up study",
        note="The messages of this study were made up.",
        config=make_experiment(seed).model_dump(mode="json", by_alias=True),
        versions={"python": "3.11.9", "themeloom": "0.1.0", "bertopic": "0.17.4"},
        digests={"messages.csv": f"{seed:064x}", "labels.csv": "ab" * 32, "corpus": "cd" * 32},
        git={"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": "false"},
        started_at="2026-01-02T03:04:05+00:00",
        flow=Flow(2 * n + 3, 3, n // 4, n // 4, n // 4, n - 3 * (n // 4), n),
        unreadable=pl.DataFrame(
            {"file": ["messages.csv"] * 3, "line": [4, 9, 17], "reason": ["no text", "no text", "not UTF-8"]}
        ),
        masked={"person": 4, "link": 7},
        communications=communications,
        discovery=discovery,
        quality=_quality(rng, clusters.count),
        codebook=codebook,
        mapping=mapping,
        adapted=Adapted(adapted, rng.normal(size=12).astype(np.float32)),
        scores=_scores(rng, codebook),
        evaluation=make_evaluation(communications[::3], codebook),
        times=(StageTime("ingest", 0.2), StageTime("embed", 3.5, cached=True), StageTime("cluster", 0.4)),
        candidates=(Candidate(4, "its labels name many themes"), Candidate(2, "too few labels")),
        labelled=tuple(range(0, n, 3)),
    )


def _clusters(rng: np.random.Generator, n: int) -> Clusters:
    topic = np.sort(rng.choice(5, size=n, p=(0.3, 0.25, 0.2, 0.15, 0.1)))
    topic[:5] = range(5)  # no topic is empty
    sizes = np.bincount(topic, minlength=5)
    topic = np.argsort(np.argsort(-sizes, kind="stable"))[topic].astype(np.int64)  # largest first
    outlier = rng.random(n) < 0.2
    topic[n - 3 :], outlier[n - 3 :] = -1, True
    membership = np.where(topic < 0, 0, rng.uniform(0.2, 1, size=n)).astype(np.float32)
    tree = pl.DataFrame(
        {
            "parent": np.full(n, n, dtype=np.int64),
            "child": np.arange(n, dtype=np.int64),
            "lambda": rng.uniform(1, 9, size=n),
            "size": np.ones(n, dtype=np.int64),
        }
    )
    return Clusters(topic, outlier, membership, 5, "leaf", "leaves, as excess of mass gave 2 topics", tree)


def _unit(rng: np.random.Generator, rows: int, dimensions: int) -> Floats:
    vectors = rng.normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _quality(rng: np.random.Generator, topics: int) -> TopicQuality:
    npmi, c_v = rng.uniform(-0.2, 0.6, size=topics), rng.uniform(0.2, 0.8, size=topics)
    npmi[-1] = math.nan  # of a single word, say
    overall = {"npmi": float(np.nanmean(npmi)), "c_v": float(c_v.mean()), "dbcv": math.nan}
    return TopicQuality(npmi, c_v, overall | {"diversity": 0.8, "outliers": 0.2})


def make_mapping(rng: np.random.Generator, topic: Ints, themes: int, dimensions: int) -> Mapping:
    """Build a stacked mapping of messages in these topics; that of the last topic is mixed."""
    topics = int(topic.max()) + 1
    labels = rng.integers(0, 3, size=(topics, themes))
    labels[np.arange(topics), np.arange(topics) % themes] += 12
    labels[topics - 1] = 2
    posterior = (labels + 1 / themes) / (labels + 1 / themes).sum(axis=1, keepdims=True)
    mixed_below = 0.4 if themes > 2 else 0.6
    best = np.where(posterior.max(axis=1) >= mixed_below, posterior.argmax(axis=1), -1)
    near = np.vstack([posterior, np.full((1, themes), 1 / themes)])[topic]
    messages = near * rng.dirichlet(np.full(themes, 5.0), len(topic))
    sizes = dict.fromkeys(POOL, dimensions + 1) | {
        "majority": 0,  # plays no part in a stacked mapping
        "hierarchy": topics + 1,
        "adapted": 2 * dimensions + 1,
        "graph": len(topic),
        "shares": 1,
    }
    own = np.random.default_rng(0)  # another part is to change nothing that is drawn after the mapping
    parts = {name: own.dirichlet(np.ones(themes), size) for name, size in sizes.items()}
    codebook = _unit(own, themes, dimensions).astype(np.float64)
    return Mapping(
        posterior=posterior,
        theme=best.astype(np.int64),
        labels=labels.astype(np.int64),
        messages=messages / messages.sum(axis=1, keepdims=True),
        weights=np.array([0.0, *own.uniform(0.1, 1, size=len(POOL) - 1)]),
        parts=parts | {"codebook": codebook},
        members=np.arange(len(topic)),
    )


def _communications(
    rng: np.random.Generator, clusters: Clusters, mapping: Mapping, codebook: Codebook
) -> pl.DataFrame:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    of_topics = np.append(mapping.theme, -1)[clusters.topic].tolist()
    themes = mapping.messages.argmax(axis=1).tolist()
    return pl.DataFrame(
        {
            "doc_id": [f"{number:016x}" for number in rng.integers(1, 2**62, size=len(themes))],
            "text": [_text(rng, max(int(t), 0)) for t in clusters.topic],
            "created_at": [
                None if i == 1 else start + timedelta(hours=7 * i, microseconds=i) for i in range(len(themes))
            ],
            "times_seen": rng.integers(1, 5, size=len(themes)),
            "topic": clusters.topic,
            "outlier": clusters.outlier,
            "topic_theme": [codebook.keys[theme] if theme >= 0 else None for theme in of_topics],
            "theme": [codebook.keys[theme] for theme in themes],
            "theme_probability": mapping.messages.max(axis=1),
        },
        schema=ASSIGNED,
    )


def make_evaluation(judged: pl.DataFrame, codebook: Codebook) -> pl.DataFrame:
    """Judge messages: each was coded with the theme that they have, and held-out told by their topic."""
    rest = (1 - judged["theme_probability"]) / (len(codebook.keys) - 1)
    posterior = {
        f"{POSTERIOR}{key}": (judged["theme"] == key) * (judged["theme_probability"] - rest) + rest
        for key in codebook.keys
    }
    return (
        judged.select(
            "doc_id",
            coded="theme",
            topic_level="topic_theme",
            message_level="theme",
            author=pl.Series(range(len(judged)), dtype=pl.Int64),
        )
        .with_columns(**posterior)
        .cast(dict(EVALUATION))
    )


def _text(rng: np.random.Generator, topic: int) -> str:
    phrases = OPENINGS[1 + topic]
    return f"{rng.choice(OPENINGS[0])} {rng.choice(phrases)}".format(word=rng.choice(WORDS))


def _topic(rng: np.random.Generator, clusters: Clusters, topic: int) -> Topic:
    members = np.flatnonzero(clusters.topic == topic)
    return Topic(
        topic=topic,
        size=len(members),
        outliers=int(clusters.outlier[members].sum()),
        words=tuple(rng.permutation(WORDS).tolist()),
        weights=tuple(sorted(rng.uniform(0.01, 0.5, size=len(WORDS)).tolist(), reverse=True)),
        representative=tuple(members[:3].tolist()),
    )


def _scores(rng: np.random.Generator, codebook: Codebook) -> Scores:
    def score() -> Score:
        low, value, high = sorted(rng.uniform(0.2, 0.9, size=3).tolist())
        return Score(value, low, high)

    def themes() -> dict[str, dict[str, Score]]:
        return {key: {name: score() for name in ("precision", "recall", "f1")} for key in codebook.keys}

    def line(*unknown: str) -> dict[str, Score]:
        nothing = dict.fromkeys(unknown, Score(math.nan, math.nan, math.nan))
        return {name: score() for name in FIGURES} | nothing

    size = len(codebook.keys)
    lines = {name: line("ece") for name in REFERENCES}
    return Scores(
        overall=line(),
        per_theme=themes(),
        confusion=rng.uniform(0, 20, size=(size, size + 1)),
        lines={"message level": line()} | lines | {"coders": line("ece")},
        labels=100,
        folds=5,
        repeats=10,
        message_per_theme=themes(),
        message_confusion=rng.uniform(0, 20, size=(size, size + 1)),
        differences={
            f"{level}, less {name}": {
                figure: Score(0.1, -0.05, 0.2) for figure in ("kappa", "macro_f1", "accuracy")
            }
            for level in ("topic level", "message level")
            for name in REFERENCES
        },
        calibration=pl.DataFrame(
            [(0, 50.0, 0.4, 0.35), (1, 50.0, 0.8, 0.7)], schema=CALIBRATION, orient="row"
        ),
        coverage=pl.DataFrame(
            [(0.2, 1.0, 0.55, 0.4), (0.5, 0.6, 0.7, 0.6), (0.9, 0.1, 1.0, None)],
            schema=COVERAGE_CURVE,
            orient="row",
        ),
        conformal=0.12,
        prevalence={
            "communications/prediction-powered": {key: score() for key in codebook.keys},
            "communications/mapping": {key: Score(1 / size, math.nan, math.nan) for key in codebook.keys},
        },
        groups=_groups(score, codebook),
    )


def _groups(score: Callable[[], Score], codebook: Codebook) -> pl.DataFrame:
    """Two groups of which something is known, and one with too few labels."""

    def figures() -> tuple[float, ...]:
        found = score()
        return (found.value, found.low, found.high, found.value - 0.5, found.low - 0.5, found.high - 0.5)

    rows = [
        (group, key, size, size // 3, *(figures() if size > 3 else [None] * 6))
        for group, size in (("carers", 40), ("patients", 60), ("staff", 3))
        for key in codebook.keys
    ]
    return pl.DataFrame(rows, schema=GROUPS, orient="row")
