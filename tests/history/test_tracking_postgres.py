"""A real MLflow server over HTTP, with Postgres behind it."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from _trials import start

from servers import free_port
from themeloom.config import TrackingConfig
from themeloom.history import store, tracking
from themeloom.history.registry import model_folder, register

pytestmark = pytest.mark.slow


def track(root, address, told):
    """Track the study's run; write down which it is."""
    (model,) = store.models(root / "models")
    config = TrackingConfig(uri=address, experiment="at once")
    told.write_text(tracking.track(store.load(model), model, None, config, root).run_id)


def program(name):
    """Debian keeps Postgres' programs off the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, places)]))


@pytest.fixture
def postgres():
    """The address of a Postgres of its own, on loopback."""
    pytest.importorskip("psycopg2", reason="psycopg2 is not installed: pip install psycopg2-binary")
    if program("initdb") is None:
        pytest.skip("Postgres is not installed: apt-get install postgresql")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to be run by root
    folder = Path(tempfile.mkdtemp(prefix="themeloom-postgres-"))
    if user:
        shutil.chown(folder, user)
    port, pipes = free_port(), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    make = [program("initdb"), "-D", folder / "data", "-U", "themeloom", "--auth=trust", "--no-sync"]
    subprocess.run(make, user=user, check=True, **pipes)
    options = ["-h", "127.0.0.1", "-p", str(port), "-k", folder, "-F"]
    server = subprocess.Popen(
        [program("postgres"), "-D", folder / "data", *options], user=user, start_new_session=True, **pipes
    )
    ready = [program("pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-t", "30"]
    while subprocess.run(ready, check=False, **pipes).returncode:
        assert server.poll() is None, "Postgres ended"
    yield f"postgresql+psycopg2://themeloom@127.0.0.1:{port}/postgres"
    server.send_signal(2)  # end now, not when everybody has gone
    server.wait(timeout=30)
    shutil.rmtree(folder)


def test_two_runs_at_once_reach_a_server_and_are_found_there(root, postgres, serve, tmp_path):
    from mlflow import MlflowClient

    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "2"]
    served = ["--backend-store-uri", postgres, "--artifacts-destination", str(tmp_path / "served")]
    serve([*command, *served], {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, port)
    files = [tmp_path / "one", tmp_path / "other"]
    both = [start(track, root[0], address, file, said=file.with_suffix(".err")) for file in files]
    assert [child.wait() for child in both] == [0, 0], [child.err for child in both]
    told = [file.read_text() for file in files]
    client = MlflowClient(address)
    found = client.search_runs([client.get_experiment_by_name("at once").experiment_id])
    assert {(each.info.run_id, each.info.status) for each in found} == {(name, "FINISHED") for name in told}
    kappa = root[1].scores.overall["kappa"].value
    assert [each.data.metrics["kappa"] for each in found] == pytest.approx([kappa, kappa])
    made = [register(name, tmp_path, alias="champion", uri=address) for name in told]
    assert [version.version for version in made] == ["1", "2"]
    assert register(told[0], tmp_path, uri=address).version == "1"
    folder = model_folder("models:/made-up@champion", tmp_path, address)
    assert store.load(folder).run == root[1].run
    assert model_folder(told[1], tmp_path, address) == folder
