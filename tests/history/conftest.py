import os
import subprocess
from contextlib import suppress

import pytest

from builders import make_record
from servers import wait_for
from themeloom.config import TrackingConfig
from themeloom.history import store, tracking

NOWHERE = TrackingConfig()


@pytest.fixture(scope="session")
def record():
    return make_record()


@pytest.fixture
def folder(record, tmp_path):
    return store.save(record, tmp_path / "models")


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """A study's folder with a model, a report and one tracked run."""
    root = tmp_path_factory.mktemp("a study")
    record = make_record()
    model = store.save(record, root / "models")
    (root / "report.html").write_text("<p>report</p>")
    (model / "report.html").write_text("<p>report for the study alone</p>")
    return root, record, model, track_with_figure(record, model, root)


def track_with_figure(record, model, root):
    from plotly import graph_objects

    figures = {"map": graph_objects.Figure(graph_objects.Scatter(x=[1, 2], y=[2, 1]))}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return tracking.track(record, model, root / "report.html", NOWHERE, root, figures=figures)


@pytest.fixture
def processes():
    """Servers that a test started."""
    return []


@pytest.fixture
def stop(processes):
    """Stop the servers of a test in its middle."""

    def stopped():
        for process in processes:
            os.killpg(process.pid, 9)
            process.wait(timeout=30)

    return stopped


@pytest.fixture
def serve(tmp_path, processes):

    def start(command, environment, port):
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        processes.append(process)
        wait_for(port, process)

    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(timeout=30)
        process.stdout.close()
