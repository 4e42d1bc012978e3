"""What is taken from a run's record."""

import json
from dataclasses import replace

import polars as pl
import pytest

from themeloom.compared import LINES, MEMBERSHIP
from themeloom.history.comparable import comparable


def test_a_record_gives_what_can_be_compared(record):
    run = comparable(record)
    assert run.name == record.run
    assert [topic.topic for topic in run.topics] == [0, 1, 2, 3, 4]
    assert run.membership.schema == pl.Schema(MEMBERSHIP)
    assert run.scores.schema == pl.Schema(LINES)
    assert run.config["cluster.selection"] == record.config["cluster"]["selection"]
    assert "cluster.min_cluster_size" not in run.config  # not set
    vectors = record.discovery.embeddings.vectors
    expected = vectors[record.discovery.clusters.topic == 2].mean(axis=0)
    assert run.vectors[2] == pytest.approx(expected, abs=1e-6)
    kappa = run.scores.filter(line="topic level", score="kappa")
    assert kappa["value"].to_list() == [record.scores.overall["kappa"].value]
    assert set(run.scores.filter(pl.col("theme").is_not_null())["theme"]) == set(record.codebook.keys)


def test_names_and_passwords_are_withheld(record):
    config = record.config | {
        "anonymise": {"mask": ["Zelda Quill"]},
        "tracking": {"uri": "http://zelda:secret@host.example/x?token=1"},
        "sources": [{"path": "/home/zelda/messages.csv"}],
    }
    told = json.dumps(comparable(replace(record, config=config)).config)
    for word in ("Zelda", "zelda", "secret", "token", "/home"):
        assert word not in told


def test_held_out_predictions_are_taken(record):
    run = comparable(record)
    assert run.evaluation.equals(record.evaluation)
    assert run.folds == record.scores.folds
    set_aside = record.config | {"validate": record.config["validate"] | {"held_out": 0.3}}
    assert comparable(replace(record, config=set_aside)).folds is None
