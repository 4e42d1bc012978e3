"""What is taken from a run's record, and from what a plain BERTopic run left."""

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save

from comparisons import write_plain
from themeloom.compared import EVALUATION, LINES, MEMBERSHIP
from themeloom.errors import ModelError
from themeloom.history.comparable import comparable, plain_topics, read_plain

TOPICS = [["wait", "list", ""], ["nurse", "kind"]]


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
    from dataclasses import replace

    config = record.config | {
        "anonymise": {"mask": ["Zelda Quill"]},
        "tracking": {"uri": "http://zelda:secret@host.example/x?token=1"},
        "sources": [{"path": "/home/zelda/messages.csv"}],
    }
    told = json.dumps(comparable(replace(record, config=config)).config)
    for word in ("Zelda", "zelda", "secret", "token", "/home"):
        assert word not in told


def test_held_out_predictions_are_taken_where_a_record_keeps_them(record):
    table = pl.DataFrame(schema=EVALUATION | {"p_care": pl.Float64})
    row = pl.DataFrame([("a", "care", None, "care", 1, 0.9)], schema=table.schema, orient="row")

    def with_table(evaluation):
        kept = {name: getattr(record, name) for name in record.__slots__} | {"evaluation": evaluation}
        return comparable(SimpleNamespace(**kept)).evaluation

    assert with_table(row).equals(row)
    assert with_table(table) is None
    assert with_table(row.drop("author")) is None
    assert with_table(None) is None
    assert comparable(record).evaluation is None


@pytest.mark.parametrize("place", [".", "topics"])
def test_plain_topics_are_found_and_read(tmp_path, place):
    vectors = np.arange(6).reshape(2, 3)
    write_plain(tmp_path / "run" / place, TOPICS, vectors, "minilm") if place == "topics" else write_plain(
        tmp_path / "run", TOPICS, vectors, "minilm"
    )
    folder = plain_topics(tmp_path / "run")
    run = read_plain(folder, "plain")
    assert (run.name, run.encoder, run.membership) == ("plain", "minilm", None)
    assert [(topic.topic, topic.words) for topic in run.topics] == [
        (0, ("wait", "list")),
        (1, ("nurse", "kind")),
    ]
    assert run.vectors.tolist() == vectors.tolist()


def test_what_is_no_topics_folder_is_not_one(tmp_path):
    assert plain_topics(tmp_path) is None
    assert plain_topics(tmp_path / "none") is None


GOOD = {"topic": 0, "size": 1, "words": ["a"], "weights": [0.5]}
SPOILT = {
    "no JSON": ("{", "is no list of topics"),
    "no list": ("{}", "is no list of topics"),
    "a key is missing": (json.dumps([{"topic": 0}]), "0.size: Field required"),
    "no numbers": (json.dumps([GOOD | {"weights": ["x"]}]), "0.weights.0"),
    "not finite": ('[{"topic": 0, "size": 1, "words": ["a"], "weights": [NaN]}]', "0.weights.0"),
    "twice": (json.dumps([GOOD, GOOD]), "one topic twice"),
    "fewer weights": (json.dumps([GOOD | {"words": ["a", "b"]}]), "not as many weights as words"),
    "not UTF-8": (b"\xff\xfe[", "is no list of topics"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_spoilt_topics_are_refused_in_a_sentence(tmp_path, case):
    text, said = SPOILT[case]
    folder = write_plain(tmp_path / "run", TOPICS, np.ones((2, 3)))
    (folder / "topics.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ModelError, match=r"topics\.json") as caught:
        read_plain(folder, "plain")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


ARRAYS = {
    "too few": (save({"vectors": np.ones((1, 3), np.float32)}), "holds 1 vectors"),
    "another name": (save({"x": np.ones((2, 3), np.float32)}), "the one array 'vectors'"),
    "two arrays": (
        save({"vectors": np.ones((2, 3), np.float32), "x": np.ones(1, np.float32)}),
        "the one array 'vectors'",
    ),
    "another type": (save({"vectors": np.ones((2, 3), np.float64)}), "float32"),
    "one axis": (save({"vectors": np.ones(2, np.float32)}), "float32"),
    "not finite": (save({"vectors": np.full((2, 3), np.nan, np.float32)}), "NaN"),
    "no safetensors": (b"PK\x03\x04", "cannot be read"),
    "empty": (b"", "cannot be read"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_spoilt_vectors_are_refused_in_a_sentence(tmp_path, case):
    content, said = ARRAYS[case]
    folder = write_plain(tmp_path / "run", TOPICS, np.ones((2, 3)))
    (folder / "vectors.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"vectors\.safetensors") as caught:
        read_plain(folder, "plain")
    assert said in str(caught.value)
