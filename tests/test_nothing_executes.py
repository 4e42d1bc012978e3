"""Models, caches and label files are data: one that was tampered with is refused, and nothing in it runs."""

import hashlib
import json
import os
import pickle
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save

from builders import make_record
from coding_server import STUDY, label_file, open_store
from themeloom.errors import LabelError, ModelError
from themeloom.history import store
from themeloom.history.parts import MANIFEST
from themeloom.labelling.store import Store
from themeloom.system.cache import Cache, VectorCache


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def folder(tmp_path):
    return store.save(make_record(), tmp_path / "models")


def forge(folder, name, content):
    """Spoil a file, and the manifest with it, so that the digest is right."""
    facts = json.loads((folder / MANIFEST).read_bytes())
    facts["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / name).write_bytes(content)
    (folder / MANIFEST).write_text(json.dumps(facts))


def pickled(mark):
    numbers = np.array([Bomb(mark)], dtype=object)
    with (mark.parent / "hidden.npy").open("wb") as file:
        np.save(file, numbers, allow_pickle=True)
    np.savez(mark.parent / "hidden.npz", numbers)
    return [
        pickle.dumps(Bomb(mark)),
        *((mark.parent / f"hidden.{end}").read_bytes() for end in ("npy", "npz")),
    ]


@pytest.mark.parametrize(
    "name", ["embeddings.safetensors", "tree.parquet", "run.json", "config.json", "model_card.md"]
)
@pytest.mark.parametrize("kind", range(3))
def test_a_pickle_in_a_models_file_is_refused_and_not_read(folder, tmp_path, name, kind):
    forge(folder, name, pickled(tmp_path / "ran")[kind])
    with pytest.raises(ModelError, match="is not what a model holds there"):
        store.load(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("run", ["../../elsewhere", "/etc", "", "..", ".hidden", "a/b", "a\\b", "a\nb"])
def test_a_runs_name_leads_nowhere(folder, run):
    facts = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({**facts, "run": run}))
    with pytest.raises(ModelError, match="can be no run's name"):
        store.load(folder)


@pytest.mark.parametrize("name", ["../outside.json", "/etc/passwd", "x" * 5000])
def test_a_manifest_names_no_other_files(folder, name):
    facts = json.loads((folder / MANIFEST).read_bytes())
    facts["files"][name] = {"sha256": "", "bytes": 0}
    (folder / MANIFEST).write_text(json.dumps(facts))
    with pytest.raises(ModelError, match="which no model folder holds") as found:
        store.load(folder)
    assert len(str(found.value)) < 1000


def test_numbers_that_are_none_are_refused(folder):
    vectors = np.full_like(make_record().discovery.embeddings.vectors, np.nan)
    forge(folder, "embeddings.safetensors", save({"vectors": vectors}))
    with pytest.raises(ModelError, match=r"the vectors: some are no numbers \(NaN\)"):
        store.load(folder)


@pytest.mark.parametrize(
    "arrays",
    [
        {"vectors": np.zeros((60, 8), np.float64)},
        {"vectors": np.zeros(60, np.float32)},
        {"vectors": np.zeros((60, 8), np.float32), "more": np.zeros(1, np.float32)},
        {},
    ],
)
def test_other_arrays_than_a_model_has_are_refused(folder, arrays):
    forge(folder, "embeddings.safetensors", save(arrays))
    with pytest.raises(ModelError, match="is not what a model holds there"):
        store.load(folder)


def test_the_command_line_says_so_and_leaves_with_2(folder, tmp_path, command, monkeypatch):
    forge(folder, "embeddings.safetensors", pickled(tmp_path / "ran")[0])
    messages = tmp_path / "new.csv"
    messages.write_text("text\na word\n")
    monkeypatch.chdir(tmp_path)
    code, _, err = command("report", folder, "--out", tmp_path / "report.html")
    assert code == 2, err
    assert err.startswith("themeloom: ")
    assert "Traceback" not in err
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"other": np.zeros(1)},
        {"digests": np.zeros((2, 32), np.uint8)},
        {"digests": np.zeros((2, 31), np.uint8), "vectors": np.zeros((2, 4), np.float32)},
        {"digests": np.zeros((2, 32), np.int64), "vectors": np.zeros((2, 4), np.float32)},
        {"digests": np.zeros((3, 32), np.uint8), "vectors": np.zeros((2, 4), np.float32)},
        {"digests": np.zeros((2, 32), np.uint8), "vectors": np.full((2, 4), np.nan, np.float32)},
        {"digests": np.zeros((2, 32), np.uint8), "vectors": np.zeros((2, 4), np.int64)},
    ],
)
def test_a_spoilt_segment_of_vectors_is_passed_over(tmp_path, spoilt):
    cache = VectorCache(tmp_path, "encoder")
    cache.add(["a"], np.eye(1, 4, dtype=np.float32))
    (cache.folder / "zz.safetensors").write_bytes(save(spoilt))
    assert cache.find(["a", "b"])[0].tolist() == [True, False]
    assert not (cache.folder / "zz.safetensors").exists()


def test_vectors_of_another_length_are_passed_over(tmp_path):
    cache = VectorCache(tmp_path, "encoder")
    cache.add(["a"], np.eye(1, 4, dtype=np.float32))
    first = next(cache.folder.iterdir())
    first.rename(first.with_name("0.safetensors"))
    cache.add(["b"], np.eye(1, 5, dtype=np.float32))
    known, vectors = cache.find(["a", "b"])
    assert known.tolist() == [True, False]
    assert vectors.shape == (2, 4)


def test_a_pickle_in_the_cache_is_computed_anew(tmp_path):
    (tmp_path / "stage").mkdir()
    for content in pickled(tmp_path / "ran"):
        (tmp_path / "stage" / "key.safetensors").write_bytes(content)
        found, known = Cache(tmp_path).remember("stage", "key", lambda: {"x": np.ones(1)})
        assert (found["x"].tolist(), known) == ([1.0], False)
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def labels(tmp_path):
    open_store(tmp_path, 3).close()
    return label_file(tmp_path)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER events_are_never_removed",
        "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM messages; END",
        "CREATE VIEW v AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        "DROP VIEW current_codes; CREATE VIEW current_codes AS SELECT * FROM events",
        "CREATE TABLE more (x)",
    ],
)
def test_a_label_file_with_other_tables_views_or_triggers_is_refused(labels, statement):
    with sqlite3.connect(labels) as connection:
        connection.executescript(statement)
    connection.close()
    with pytest.raises(LabelError, match="its tables are not those that Themeloom makes"):
        Store.open(labels, STUDY, make=False)


@pytest.mark.parametrize("body", ["", "[]", '{"themes": [{"key": 1}]}', "[" * 100_000, '{"themes": "x"}'])
def test_a_spoilt_codebook_in_a_label_file_is_one_sentence(labels, body):
    from themeloom.labelling import codebooks

    with sqlite3.connect(labels) as connection:
        connection.execute("UPDATE codebooks SET body = ?", (body,))
    connection.close()
    opened = Store.open(labels, STUDY, make=False)
    with opened, pytest.raises(LabelError, match="holds a codebook that is none"):
        codebooks.newest(opened)


def test_a_project_with_damaged_data_or_another_compression_is_one_sentence(tmp_path):
    from themeloom.labelling import refi

    path = tmp_path / "x.qdpx"
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr(refi.PROJECT, "<a/>" * 5000)
        content = bytearray(path.read_bytes())
        content[60:90] = b"\xff" * 30
        with pytest.raises(LabelError):
            refi.read(bytes(content), "x.qdpx")


def test_a_table_of_labels_does_not_claim_thousands_of_millions_of_rows(tmp_path, monkeypatch):
    from themeloom.system import sheets
    from themeloom.system.labelfile import read_table

    monkeypatch.setattr(sheets, "MOST_ROWS", 1000)
    path = tmp_path / "labels.parquet"
    pl.DataFrame({"id": ["a"] * 1001}).write_parquet(path)
    with pytest.raises(LabelError, match="1,001 rows, but a table of labels has at most 1,000"):
        read_table(path)
