import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace

import pytest

from servers import client_of
from themeloom.config import TrackingConfig
from themeloom.errors import ModelError, TrackingError
from themeloom.history import groups, store, tracking
from themeloom.history.registry import Registered, model_folder, register
from themeloom.system.folders import Folders
from themeloom.system.interrupts import interrupt
from themeloom.system.provenance import PARENT


@pytest.fixture(scope="module")
def champion(root):
    return register(root[1].run, root[0], alias="champion")


def assert_is_the_run(folder, root):
    assert folder.is_relative_to(Folders(root[0]).cache)
    assert store.load(folder).run == root[1].run


def test_a_run_is_registered_under_the_studys_name_and_alias(root, champion):
    assert champion == Registered("made-up", "1", "champion")
    assert champion.reference == "models:/made-up@champion"
    version = client_of(root[0]).get_model_version_by_alias("made-up", "champion")
    assert str(version.version) == "1"
    assert version.run_id == root[3].run_id
    assert root[3].model_uri.removeprefix("models:/") in version.source
    assert root[1].title in version.description


@pytest.mark.parametrize("what", ["name", "folder", "id"])
def test_one_model_is_one_version_however_its_run_is_named(root, champion, what):
    run = {"name": root[1].run, "folder": str(root[2]), "id": root[3].run_id}[what]
    assert register(run, root[0], alias=f"by-{what}").version == champion.version


def test_an_alias_moves_to_a_newer_run(root, champion):
    later = tracking.track(root[1], root[2], None, TrackingConfig(), root[0])
    first = register(root[3].run_id, root[0], alias="latest-best")
    second = register(later.run_id, root[0], alias="latest-best")
    assert (first.version, second.version) == (champion.version, "2")
    assert str(client_of(root[0]).get_model_version_by_alias("made-up", "latest-best").version) == "2"
    assert register(later.run_id, root[0], name="other").reference == "models:/other/1"


def test_a_model_is_found_by_every_reference(root, champion):
    references = [
        champion.reference,
        "models:/made-up/1",
        root[3].model_uri,
        f"runs:/{root[3].run_id}/model",
        root[3].run_id,
    ]
    folders = {model_folder(reference, root[0]) for reference in references}
    assert len(folders) == 1, "it was downloaded more than once"
    assert_is_the_run(folders.pop(), root)


def test_what_is_here_is_not_downloaded(root):
    assert model_folder(str(root[2]), root[0]) == root[2]
    assert model_folder(root[1].run, root[0]) == root[2]


def test_an_altered_download_is_made_again(root, champion):
    folder = model_folder(champion.reference, root[0])
    (folder / "topics.json").write_text("[]")
    assert_is_the_run(model_folder(champion.reference, root[0]), root)


def test_a_download_is_interrupted_at_once(root, champion, monkeypatch):
    folder = model_folder(champion.reference, root[0])
    shutil.rmtree(folder)
    went_on = []

    def download(*_, **__):
        interrupt()
        went_on.append(folder)

    with monkeypatch.context() as patched:
        patched.setattr("mlflow.artifacts.download_artifacts", download)
        with pytest.raises(KeyboardInterrupt):
            model_folder(champion.reference, root[0])
    assert went_on == []
    assert list(folder.parent.iterdir()) == []
    assert_is_the_run(model_folder(champion.reference, root[0]), root)


def test_an_altered_model_is_refused_by_its_name(root, tmp_path):
    shutil.copytree(root[0] / "mlruns", tmp_path / "mlruns")
    (kept,) = tmp_path.glob(
        f"mlruns/artifacts/{root[3].model_uri.replace(':', '')}/artifacts/artifacts/model"
    )
    (kept / "topics.json").write_text("[]")
    with pytest.raises(ModelError, match=r"^models:/m-\w+/topics\.json: was altered"):
        model_folder(root[3].model_uri, tmp_path)
    assert not list(Folders(tmp_path).cache.glob("models/*"))


def test_registered_models_move_with_the_study(root, champion, tmp_path):
    shutil.copytree(root[0] / "mlruns", tmp_path / "mlruns")
    folder = model_folder(champion.reference, tmp_path)
    assert store.load(folder).run == root[1].run
    with closing(sqlite3.connect(tmp_path / "mlruns" / "mlflow.db")) as connection:
        rows = connection.execute("SELECT source, storage_location FROM model_versions").fetchall()
    assert all(place.startswith(tmp_path.resolve().as_uri()) for row in rows for place in row)


def faulty(reference, root, uri=None):
    with pytest.raises((ModelError, TrackingError)) as caught:
        model_folder(reference, root, uri)
    assert len(caught.value.faults) == 1
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("models:/made-up@nobody", "no model 'made-up' has the alias 'nobody'; set it: themeloom register"),
        ("models:/nothing@champion", "no model 'nothing' has the alias 'champion'"),
        ("models:/made-up/99", "there is no version 99 of a model 'made-up'"),
        ("models:/m-0123", "there is no model 'm-0123'"),
        ("runs:/" + "0" * 32 + "/model", f"there is no run {'0' * 32}"),
        ("0" * 32, f"there is no run {'0' * 32}"),
        ("nowhere", "nowhere: there is no such model folder; give a folder"),
    ],
)
def test_what_is_not_there_is_said(root, champion, reference, said):
    assert champion
    assert said in faulty(reference, root[0])


@pytest.mark.parametrize("alias", ["latest", "Latest", "v3", "my best", "a/b", ""])
def test_what_can_be_no_alias_makes_no_version(root, alias):
    with pytest.raises(TrackingError, match=r"^--alias: '.*' can be no alias; use letters"):
        register(root[1].run, root[0], alias=alias, name="aliased")
    assert not client_of(root[0]).search_model_versions("name = 'aliased'")


def test_an_updated_model_goes_to_the_experiment_that_its_study_names(root, tmp_path):
    config = root[1].config | {"tracking": {"experiment": "team"}}
    updated = replace(root[1], config=config, digests={f"{PARENT}a": "0" * 64}, run="made-up-updated")
    store.save(updated, tmp_path / "models")
    tracking.track(root[1], root[2], None, TrackingConfig(), tmp_path)
    register(updated.run, tmp_path)
    assert client_of(tmp_path).get_experiment_by_name("team") is not None


def test_a_run_without_a_model_is_said(root):
    group = groups.open_group("empty", "empty", TrackingConfig(), root[0])
    assert f"the run {group.run_id} has no model" in faulty(group.run_id, root[0])


def test_a_run_of_another_store_is_said(root, tmp_path):
    shutil.copy(root[0] / "mlruns" / "mlflow.db", tmp_path / "other.db")
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("DELETE FROM tags")
    with pytest.raises(TrackingError, match=rf"has no run '{root[1].run}'; give the address"):
        register(root[1].run, root[0], uri=f"sqlite:///{tmp_path}/other.db")


def test_a_study_without_runs_is_said_and_gets_no_store(tmp_path):
    assert "there are no runs yet" in faulty("models:/made-up@champion", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_down_is_said_in_seconds(root):
    began = time.monotonic()
    said = faulty("models:/made-up@champion", root[0], "http://127.0.0.1:1")
    assert said.startswith("http://127.0.0.1:1: the server cannot be reached")
    assert time.monotonic() - began < 15


def test_something_else_than_a_model_of_ours_is_said(root, tmp_path):
    client = client_of(root[0])
    client.create_registered_model("foreign")
    client.create_model_version("foreign", tmp_path.as_uri(), run_id=root[3].run_id)
    assert "models:/foreign/1: was not made by Themeloom" in faulty("models:/foreign/1", root[0])
