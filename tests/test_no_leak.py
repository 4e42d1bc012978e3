"""No label tells of itself: from embedding to scores, with the real encoder adapted to invented messages.

Shuffled labels must score as chance does, also where labels inform topics.
"""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from invented import SAYINGS, messages
from themeloom.columns import COMMUNICATIONS
from themeloom.config import Experiment
from themeloom.discovery.cluster import cluster
from themeloom.discovery.embed import Encoder
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.reduce import layouts
from themeloom.members import Labels
from themeloom.progress import Stages
from themeloom.records import Codebook, Corpus, LabelledSample, Theme
from themeloom.running.discover import codebook_vectors, embed_corpus
from themeloom.running.evidence import Evidence, fewest_topics
from themeloom.running.learning import learn_study
from themeloom.themes.folds import draw_trials
from themeloom.themes.scores import score
from themeloom.themes.validation import judge

SHUFFLES = 2
TEXTS, THEMES = messages()
CODEBOOK = Codebook(tuple(Theme(name, name.title(), f"Messages that hold a {name}.") for name in SAYINGS))


def corpus():
    rows = {
        "doc_id": [f"{number:016x}" for number in range(len(TEXTS))],
        "text": TEXTS,
        "created_at": [datetime(2026, 1, 1, tzinfo=UTC)] * len(TEXTS),
        "times_seen": [1] * len(TEXTS),
        "author": [None] * len(TEXTS),
        "repeated_by": [[]] * len(TEXTS),
        "group": [None] * len(TEXTS),
    }
    return Corpus(pl.DataFrame(rows, schema=COMMUNICATIONS), pl.DataFrame(), {})


def sample(seed=None):
    """Labels of two messages in three; given to others, where there is a seed."""
    position = np.flatnonzero(np.arange(len(TEXTS)) % 9 < 6)
    theme = np.array(THEMES)[position]
    if seed is not None:
        theme = np.random.default_rng(seed).permutation(theme)
    return LabelledSample(position, theme, ("coder",), theme[:, None].copy())


def experiment(vectors):
    return Experiment.model_validate(
        {
            "study": {"name": "invented", "seed": 5},
            "sources": [{"path": "messages.csv"}],
            "themes": {"codebook": "c.yaml", "labels": "l.csv", "mixed_below": 0.0},
            "cluster": {"consensus": 8},
            "adapt": {"layers": 1, "steps": 6, "batch_size": 16, "learning_rate": 3e-4},
            "discover": {"vectors": vectors},
            "validate": {"folds": 3, "bootstrap": 100},
        }
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def told(cache):
    """The corpus as it is without any label: raw vectors, those of the codebook, and topics."""
    config = experiment("raw")
    embeddings = embed_corpus(TEXTS, config, cache, Stages())
    layout = layouts(Neighbourhood(embeddings.vectors), config.reduce, [config.study.seed])[0]
    topics = cluster(layout, embeddings.vectors, config.cluster)
    return embeddings, codebook_vectors(CODEBOOK, embeddings, Encoder(config.encoder), cache), topics


def kappas(told, cache, config, drawn):
    """Kappa with its interval at both levels, all adapted and, if asked, clustered anew in each fold."""
    embeddings, codebook, topics = told
    labels = Labels(drawn.position, drawn.theme, len(CODEBOOK.keys))
    group = np.arange(len(labels.theme))
    kept, trials = draw_trials(labels.theme, group, config.validate_, config.study.seed)
    evidence = Evidence(TEXTS, embeddings, codebook, labels.position, config, cache)
    inner = [labels.but(np.append(trial.judged, fold)) for trial in (kept, *trials) for fold in trial.folds]
    evidence.adapt(labels, [labels.but(trial.judged) for trial in trials] + inner)
    if not evidence.informed:
        evidence.found(topics)
    found = judge(evidence, labels, group, trials, config.themes)
    return [
        score(level, len(CODEBOOK.keys), 200, 0, folds=config.validate_.folds).overall["kappa"]
        for level in (found.topics, found.messages)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("vectors", ["raw", "raw+adapted"])
def test_shuffled_labels_score_as_chance_does_and_true_ones_well(told, cache, vectors):
    config = experiment(vectors)
    by_chance = [kappas(told, cache, config, sample(seed)) for seed in range(SHUFFLES)]
    for level in zip(*by_chance, strict=True):
        assert sum(kappa.low <= 0 <= kappa.high for kappa in level) >= SHUFFLES - 1, level
        assert abs(np.mean([kappa.value for kappa in level])) < 0.2, level
    topics, messages = kappas(told, cache, config, sample())
    assert messages.value > 0.5
    assert topics.value > (0.3 if vectors == "raw+adapted" else 0.0)  # topics are of subjects, not of themes


def test_a_whole_study_of_shuffled_labels_scores_as_chance_does(cache):
    config = experiment("raw+adapted")
    study = learn_study(config, corpus(), CODEBOOK, sample(0), cache, Stages())
    for kappa in (study.scores.overall["kappa"], study.scores.lines["message level"]["kappa"]):
        assert kappa.low <= 0 <= kappa.high
    assert study.discovery.clusters.count >= fewest_topics(len(CODEBOOK.keys))
    assert study.adapted.vectors.shape == study.discovery.embeddings.vectors.shape
    assert study.mapping.messages.shape == (len(TEXTS), len(CODEBOOK.keys))
    assert "topics by labelled members" not in study.scores.lines  # its topics have seen all labels
    assert study.scores.labels == len(sample().theme)
