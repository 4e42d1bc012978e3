"""What a configuration's result is remembered under."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from themeloom.columns import COMMUNICATIONS
from themeloom.config import Experiment
from themeloom.pipeline import Prepared
from themeloom.records import Codebook, Corpus, LabelledSample, Theme
from themeloom.sweeps.attempt import key_of

CONFIG = Experiment.model_validate(
    {
        "study": {"name": "s"},
        "sources": [{"path": "a.csv"}],
        "themes": {"codebook": "c.yaml", "labels": "l.csv", "inclusion": "p"},
    }
)
SAMPLE = LabelledSample(
    np.array([0, 1]), np.array([0, 1]), ("ann", "ben"), np.array([[0, 0], [1, 1]]), np.array([0.5, 0.5])
)


def prepared(definition="A patient waits.", sample=SAMPLE, **columns) -> Prepared:
    rows = {
        "doc_id": ["1", "2", "3"],
        "text": ["x", "y", "z"],
        "created_at": [None] * 3,
        "times_seen": [1, 1, 1],
        "author": ["a", "b", "c"],
        "repeated_by": [[], [], []],
        "group": [None] * 3,
    }
    communications = pl.DataFrame(rows | columns, schema=COMMUNICATIONS)
    corpus = Corpus(communications, pl.DataFrame(), {}, pl.DataFrame())
    codebook = Codebook((Theme("w", "Waiting", definition), Theme("t", "Thanks", "Praise.")))
    return Prepared(None, None, corpus, codebook, sample, {}, {}, CONFIG)


def test_what_is_the_same_is_known():
    assert key_of(CONFIG, prepared()) == key_of(CONFIG, prepared())


@pytest.mark.parametrize(
    "other",
    [
        prepared(definition="Praise, nothing but praise."),
        prepared(author=["a", "a", "c"]),
        prepared(times_seen=[9, 1, 1]),
        prepared(text=["x", "y", "another"]),
        prepared(sample=replace(SAMPLE, theme=np.array([1, 1]))),
        prepared(sample=replace(SAMPLE, codes=np.array([[0, 1], [1, 0]]))),
        prepared(sample=replace(SAMPLE, coders=("ann", "cem"))),
        prepared(sample=replace(SAMPLE, inclusion=np.array([0.1, 0.9]))),
        prepared(sample=replace(SAMPLE, inclusion=None)),
    ],
)
def test_whatever_a_result_hangs_on_makes_another(other):
    assert key_of(CONFIG, other) != key_of(CONFIG, prepared())


def test_other_versions_make_another(monkeypatch):
    before = key_of(CONFIG, prepared())
    monkeypatch.setattr("themeloom.sweeps.attempt.versions", lambda: {"python": "4.0"})
    assert key_of(CONFIG, prepared()) != before
