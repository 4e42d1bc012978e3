"""What killed runs left is listed, and removed on request; nothing else ever is."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from themeloom.cli import app
from themeloom.corpus.vault import Vault
from themeloom.errors import TrackingError
from themeloom.history import outbox
from themeloom.history.abandoned import PROCESS
from themeloom.history.backend import backend_of
from themeloom.history.connection import connection, experiment_of
from themeloom.studies.cleaning import find_leftovers
from themeloom.system.atomic import whole_file
from themeloom.system.cache import Cache
from themeloom.system.folders import Folders
from themeloom.system.processes import mark

MACHINE, NUMBER, _ = mark().split("-")
ENDED = f"{MACHINE}-{NUMBER}-1"


def half_written(folder: Path, name: str, of: str = ENDED) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.{of}-0123abcd.part"
    path.write_text("half")
    return path


@pytest.fixture
def folders(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return Folders(tmp_path / "study")


@pytest.fixture
def left(folders):
    """One of each kind."""
    paths = [
        half_written(folders.cache / "adapt", "key.safetensors"),
        half_written(folders.private / "small", "key"),
        half_written(folders.root / "mlruns", "mlflow.db"),
    ]
    draft = folders.models / f".small-1.{ENDED}-0123abcd.part"
    draft.mkdir(parents=True)
    (draft / "topics.json").write_text("[")
    scratch = folders.root.parent / "tmp" / f"themeloom-{ENDED}-x1"
    scratch.mkdir()
    (scratch / "model.safetensors").write_text("half")
    damaged = folders.cache / "vectors" / "encoder" / "segment.safetensors"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"not safetensors")
    folders.outbox.mkdir(parents=True, exist_ok=True)
    (folders.outbox / "gone.html").write_text("<html>")
    (folders.outbox / "broken.json").write_text("{")
    folders.locks.mkdir(parents=True)
    lock = folders.locks / "sweep-0123abcd"
    lock.touch()
    (folders.outbox / ".lock").touch()
    return [
        *paths,
        draft,
        scratch,
        damaged,
        folders.outbox / "gone.html",
        folders.outbox / "broken.json",
        lock,
        folders.outbox / ".lock",
    ]


@pytest.fixture
def kept(folders):
    """What must never go."""
    Vault.open(folders.private, "small")
    Cache(folders.cache).remember("reduce", "key", lambda: {"one": np.ones(1)})
    run = folders.models / "small-2"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{}")
    (folders.outbox).mkdir(parents=True, exist_ok=True)
    (folders.outbox / ".lock").touch()
    own = half_written(folders.cache, "being.written", mark())
    return [folders.private / "small" / "key", folders.cache / "reduce" / "key.safetensors", run, own]


def clean(folders, *options):
    result = CliRunner().invoke(app, ["clean", "--root", str(folders.root), *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_it_is_listed_and_removed_on_request_only(folders, kept, left):
    told = clean(folders)
    for path in left:
        assert str(path) in told
        assert path.exists()
    for path in kept:
        assert f" {path} " not in told
    assert f"{len(left)} found; `themeloom clean --yes`" in told
    assert f"{len(left)} put in order" in clean(folders, "--yes")
    assert [path for path in left if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    assert clean(folders) == "nothing was left half-done\n"


def test_nothing_is_made_where_there_is_no_study(folders):
    assert clean(folders) == "nothing was left half-done\n"
    assert not folders.root.exists()


def test_a_run_that_was_left_open_is_ended(folders):
    backend = backend_of(None, folders.root)
    with connection(backend) as client:
        experiment = experiment_of(client, "small", backend)
        run = client.create_run(experiment, tags={PROCESS: ENDED}, run_name="small-3").info.run_id
        own = client.create_run(experiment, tags={PROCESS: mark()}).info.run_id
    [found] = find_leftovers(folders.root)
    assert (found.kind, found.what) == ("MLflow run left open", f"small-3 ({run})")
    assert "end as KILLED" in clean(folders, "--yes")
    with connection(backend) as client:
        assert client.get_run(run).info.status == "KILLED"
        assert client.get_run(own).info.status == "RUNNING"


def test_a_draft_that_was_left_goes_when_its_file_is_written(tmp_path):
    old = half_written(tmp_path, "out.csv")
    others = [half_written(tmp_path, "out.csv", mark()), half_written(tmp_path, "other.csv")]
    with whole_file(tmp_path / "out.csv") as draft:
        draft.write_text("whole")
    assert not old.exists()
    assert all(path.exists() for path in others)


def test_a_run_that_waits_for_mlflow_is_no_leftover_though_its_model_be_away(folders):
    folders.outbox.mkdir(parents=True)
    waiting = (
        '{"run": "small-1", "experiment": "small", "store": "s", "address": null, "own": true, '
        '"embeddings": false, "parent": null, "tags": {}, "samples": []}'
    )
    (folders.outbox / "small-1.json").write_text(waiting)
    (folders.models / "small-1").mkdir(parents=True)
    assert find_leftovers(folders.root) == []
    (folders.models / "small-1").rmdir()
    assert find_leftovers(folders.root) == []


def test_what_may_not_be_read_in_the_outbox_is_no_leftover(folders, monkeypatch):
    folders.outbox.mkdir(parents=True)
    (folders.outbox / "small-1.json").write_text("{}")

    def forbidden(file):
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(outbox, "_waiting", forbidden)
    assert find_leftovers(folders.root) == []
    with pytest.raises(TrackingError, match=r"small-1\.json: cannot be read \(Permission denied\); whoever"):
        list(outbox.sync(folders.root))
