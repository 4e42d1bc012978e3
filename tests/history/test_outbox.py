import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from servers import artifacts_of, free_port
from themeloom.config import TrackingConfig
from themeloom.errors import TrackingError
from themeloom.history.machine import Sample
from themeloom.history.outbox import sync, track_or_keep
from themeloom.history.quiet import impatient, quiet
from themeloom.progress import Progress
from themeloom.system.folders import Folders

GIVEN_UP = 25
"""Seconds after which a server that went away holds nobody any more, on a machine that is busy."""
DOWN = TrackingConfig(uri="http://127.0.0.1:1", experiment="later")


@pytest.fixture
def study(root, tmp_path):
    """A folder with a store, and one run that is tracked nowhere yet."""
    folder = tmp_path / "study"
    shutil.copytree(root[2].parent, folder / "models")
    (folder / "mlruns").mkdir()
    shutil.copy(root[0] / "mlruns" / "mlflow.db", folder / "mlruns")
    return folder


def keep(root, study, config=DOWN, **options):
    return track_or_keep(root[1], study / "models" / root[1].run, None, config, study, **options)


def test_a_run_waits_when_its_store_is_down_and_is_sent_once(root, study):
    from mlflow import MlflowClient

    sample = Sample(1_700_000_000_000, {"system/cpu": 5.0})
    kept = keep(root, study, samples=[sample])
    assert kept.run_id == ""
    assert "the server cannot be reached" in kept.waiting
    assert [file.stem for file in Folders(study).outbox.iterdir()] == [root[1].run]
    uri = f"sqlite:///{study}/mlruns/mlflow.db"
    (sent,) = sync(study, uri)
    client = MlflowClient(uri)
    run = client.get_run(sent.run_id)
    assert (run.info.status, sent.experiment) == ("FINISHED", "later")
    assert run.data.metrics["system/cpu"] == 5.0
    assert list(sync(study, uri)) == []
    assert len(client.search_runs([sent.experiment_id])) == 1


def test_a_report_waits_as_mlflow_is_to_get_it(root, study, tmp_path):
    from mlflow import MlflowClient

    (tmp_path / "report.html").write_text("in words")
    kept = track_or_keep(root[1], study / "models" / root[1].run, tmp_path / "report.html", DOWN, study)
    assert kept.waiting
    assert {file.suffix for file in Folders(study).outbox.iterdir()} == {".json", ".html"}
    (study / "models" / root[1].run / "report.html").write_text("masked")
    uri = f"sqlite:///{study}/mlruns/mlflow.db"
    (sent,) = sync(study, uri)
    assert (
        Path(MlflowClient(uri).download_artifacts(sent.run_id, "report/report.html")).read_text()
        == "in words"
    )
    assert list(Folders(study).outbox.glob("*.*ml*")) == []


def test_what_cannot_be_sent_goes_on_waiting(root, study):
    keep(root, study)
    with pytest.raises(TrackingError, match="the server cannot be reached"):
        list(sync(study))
    (study / "models").rename(study / "elsewhere")
    with pytest.raises(TrackingError, match=r"is gone, so that the run cannot be sent; put it back"):
        list(sync(study))
    assert len(list(Folders(study).outbox.glob("*.json"))) == 1


def test_no_password_waits(root, study):
    keep(root, study, TrackingConfig(uri="postgresql://me:hunter2@127.0.0.1:1/mlflow"))
    (file,) = Folders(study).outbox.glob("*.json")
    assert "hunter" not in file.read_text()
    with pytest.raises(TrackingError, match="its address holds a password, which was not kept"):
        list(sync(study))


def test_what_waits_longest_is_sent_first(root, study):
    for name in ("b-study-20270101-000000-0000", "a-study-20270102-000000-0000"):
        keep((root[0], replace(root[1], run=name), root[2]), study)
    with pytest.raises(TrackingError) as told:
        list(sync(study))
    assert ["b-study" in fault for fault in told.value.faults] == [True, False]


def test_a_file_that_is_no_run_is_said(study):
    Folders(study).outbox.mkdir(parents=True)
    (Folders(study).outbox / "odd.json").write_text("{}")
    with pytest.raises(TrackingError, match=r"odd\.json: is not a run that waits; remove it"):
        list(sync(study))


def test_where_nothing_waits_nothing_is_sent(tmp_path):
    assert list(sync(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


class Stopping(Progress):
    """Stops a server after some items."""

    def __init__(self, stop):
        self.stop, self.left = stop, 4

    def begin(self, total, unit):
        pass

    def advance(self, steps=1):
        self.left -= steps
        if self.left == 0:
            self.stop()
            self.at = monotonic()


@pytest.mark.slow
def test_a_server_that_goes_away_in_the_middle_gets_the_rest_later(root, study, serve, stop):
    from mlflow import MlflowClient

    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{study}/mlruns/mlflow.db"]
    command += ["--artifacts-destination", str(study / "served")]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    serve(command, environment, port)
    config = TrackingConfig(uri=f"http://127.0.0.1:{port}", experiment="broken off")
    stopping = Stopping(stop)
    kept = keep(root, study, config, progress=stopping)
    assert "the server cannot be reached" in kept.waiting
    assert monotonic() - stopping.at < GIVEN_UP
    serve(command, environment, port)
    (sent,) = sync(study)
    client = MlflowClient(config.uri)
    (run,) = client.search_runs([sent.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["kappa"] == root[1].scores.overall["kappa"].value
    assert len(client.get_metric_history(run.info.run_id, "kappa")) == 1
    assert len(run.outputs.model_outputs) == 1
    assert {"tables/topics.json", "tables/evaluation.json"} <= set(artifacts_of(client, run.info.run_id))
    table = json.loads(Path(client.download_artifacts(run.info.run_id, "tables/topics.json")).read_text())
    assert len(table["data"]) == 5
    assert list(sync(study)) == []


PREFIX = "MLFLOW_HTTP_REQUEST_"
PATIENCE = ("MAX_RETRIES", "BACKOFF_FACTOR", "TIMEOUT")


def patience():
    return tuple(os.environ.get(PREFIX + name) for name in PATIENCE)


def test_how_long_a_server_is_waited_for_is_the_users_word(monkeypatch):
    for name in PATIENCE:
        monkeypatch.delenv(PREFIX + name, raising=False)
    with quiet():
        assert patience() == ("3", "1", "60")
        with impatient():
            assert patience() == ("1", "1", "5")
    assert patience() == (None, None, None)
    monkeypatch.setenv(PREFIX + "MAX_RETRIES", "9")
    monkeypatch.setenv(PREFIX + "TIMEOUT", "300")
    with quiet(), impatient():
        assert patience() == ("9", "1", "300")
    assert patience() == ("9", None, "300")
