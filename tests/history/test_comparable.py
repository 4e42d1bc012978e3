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


def test_all_that_shaped_a_run_is_named(record):
    config = record.config | {"sweep": {"grid": {"cluster.layouts": [1, 2]}}, "tracking": {"uri": "x"}}
    digests = {"labels.csv": "f" * 64, "corpus": "of before"}
    run = comparable(replace(record, config=config, digests=digests, versions={"torch": "2.13.0"}))
    assert run.config["digest.labels.csv"] == "f" * 12
    assert run.config["digest.corpus"] == run.corpus[:12]  # as plain runs have it
    assert run.config["version.torch"] == "2.13.0"
    assert run.config["validate.seed"] == run.config["study.seed"]
    assert not [key for key in run.config if key.startswith(("sweep", "tracking"))]


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
