"""What a plain BERTopic run left, in a folder and in MLflow."""

import json

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from comparisons import write_plain
from themeloom.errors import ModelError, TrackingError
from themeloom.history.backend import backend_of
from themeloom.history.connection import connection, experiment_of
from themeloom.history.plain_runs import plain_topics, read_plain, tracked_plain

TOPICS = [["wait", "list", ""], ["nurse", "kind"]]


@pytest.mark.parametrize("place", [".", "topics"])
def test_plain_topics_are_found_and_read(tmp_path, place):
    vectors = np.arange(6).reshape(2, 3)
    write_plain(tmp_path / "run" / place, TOPICS, vectors, "minilm")
    folder = plain_topics(tmp_path / "run")
    run = read_plain(folder, "plain")
    assert (run.name, run.encoder, run.membership) == ("plain", "minilm", None)
    assert [(topic.topic, topic.words) for topic in run.topics] == [
        (0, ("wait", "list")),
        (1, ("nurse", "kind")),
    ]
    assert run.vectors.tolist() == vectors.tolist()


def test_an_encoder_that_is_not_known_is_like_no_other(tmp_path):
    folder = write_plain(tmp_path / "run", TOPICS, np.ones((2, 3)), "none")
    assert read_plain(folder, "plain").encoder == read_plain(folder, "plain", "none").encoder == ""


def test_topics_may_come_without_vectors_and_with_an_array_of_another_name(tmp_path):
    folder = write_plain(tmp_path / "run", TOPICS, np.ones((2, 3)))
    save_file({"topic_embeddings": np.zeros((2, 3), np.float32)}, folder / "vectors.safetensors")
    assert not read_plain(folder, "plain").vectors.any()
    (folder / "vectors.safetensors").unlink()
    found = read_plain(folder, "plain", "minilm")
    assert found.vectors is None
    assert len(found.topics) == 2


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


def documents(folder, **facts):
    (folder / "documents.json").write_text(json.dumps({"corpus": "5a" * 32, "topics": [0, 1, -1]} | facts))
    return read_plain(folder, "plain")


def test_documents_are_known_by_their_places_in_the_corpus(tmp_path):
    folder = write_plain(tmp_path / "run", TOPICS, np.ones((2, 3)))
    run = documents(folder)
    assert run.corpus == "5a" * 32
    assert run.membership["topic"].to_list() == [0, 1, -1]
    assert run.membership["doc_id"].is_unique().all()
    assert run.membership["theme"].null_count() == 3
    assert not set(run.membership["doc_id"]) & set(documents(folder, corpus="6b" * 32).membership["doc_id"])


def test_documents_are_known_by_their_digests_where_these_are_kept(tmp_path):
    folder = write_plain(tmp_path / "run", TOPICS, np.ones((2, 3)))
    assert documents(folder, digests=["aa", "bb", "bb#2"]).membership["doc_id"].to_list() == [
        "aa",
        "bb",
        "bb#2",
    ]
    for digests in (["aa"], ["aa", "bb", "bb"]):
        with pytest.raises(ModelError, match=r"documents\.json: has not one digest of its own for each"):
            documents(folder, digests=digests)
    with pytest.raises(ModelError, match=r"documents\.json: does not tell topics of documents"):
        documents(folder, topics="none")


ARRAYS = {
    "too few": (save({"vectors": np.ones((1, 3), np.float32)}), "holds 1 vectors"),
    "two arrays": (
        save({"vectors": np.ones((2, 3), np.float32), "x": np.ones(1, np.float32)}),
        "one array of float32",
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


@pytest.fixture
def tracked(root, tmp_path):
    """The study's folder, and a run that a plain BERTopic script logged there."""
    folder = write_plain(tmp_path / "topics", TOPICS, np.ones((2, 3)))
    backend = backend_of(None, root[0])
    with connection(backend) as client:
        run = client.create_run(experiment_of(client, "plain", backend), run_name="quick start").info.run_id
        client.log_param(run, "embedding_model", "all-MiniLM-L6-v2")
        client.log_artifacts(run, str(folder), "topics")
        client.set_terminated(run)
    return root[0], run


def test_a_run_in_mlflow_is_read(tracked):
    found = tracked_plain(tracked[1], tracked[0])
    assert (found.name, found.encoder) == ("quick start", "all-MiniLM-L6-v2")
    assert [topic.words for topic in found.topics] == [("wait", "list"), ("nurse", "kind")]
    assert found.config == {"embedding_model": "all-MiniLM-L6-v2"}
    assert found.started_at.startswith("20")


def test_a_run_of_themeloom_is_no_plain_one(root):
    assert tracked_plain(root[3].run_id, root[0]) is None


def test_runs_that_are_not_there_are_said(root, tmp_path):
    with pytest.raises(TrackingError, match=r"0{32}"):
        tracked_plain("0" * 32, root[0])
    with pytest.raises(TrackingError, match="there are no runs yet"):
        tracked_plain("0" * 32, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_spoilt_topics_of_a_run_are_said_by_its_id(root, tmp_path):
    folder = write_plain(tmp_path / "topics", TOPICS, np.ones((1, 3)))
    backend = backend_of(None, root[0])
    with connection(backend) as client:
        run = client.create_run(experiment_of(client, "plain", backend)).info.run_id
        client.log_artifacts(run, str(folder), "topics")
        client.set_terminated(run)
    with pytest.raises(ModelError, match=f"runs:/{run}/topics/vectors.safetensors: holds 1 vectors"):
        tracked_plain(run, root[0])
