"""Assignment on a real cluster of two nodes, one of which is killed; skipped where Ray is not installed."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import psutil
import pytest
from test_new_messages import COLUMNS, write_messages

from exposure import ID, IN_TEXT, found_in
from studies import write_study
from themeloom import pipeline
from themeloom.assigning import assignment
from themeloom.assigning.assignment import PLAIN, assign_file
from themeloom.assigning.ray_engine import Ray, RayAssignment
from themeloom.config import EncoderConfig
from themeloom.discovery.embed import Encoder
from themeloom.errors import ModelError
from themeloom.experiment import read_experiment
from themeloom.model import load
from themeloom.progress import UNWATCHED
from themeloom.running.discover import embed_ahead
from themeloom.system.cache import VectorCache

pytest.importorskip("ray", reason="the extra 'ray' is not installed")
pytestmark = pytest.mark.cluster
MESSAGES = 360


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    study = write_study(root / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    return pipeline.run(study.experiment, root).folder


@pytest.fixture(scope="module")
def cluster():
    """A head that does no work, and two nodes that do; all of them on this machine alone."""
    source = str(Path(assignment.__file__).parents[2])
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "PYTHONPATH": source}
    from ray.cluster_utils import Cluster

    here = {"node_ip_address": "127.0.0.2"}  # loopback, which Ray does not take for another address
    head = {"num_cpus": 0, "include_dashboard": False, **here}
    started = Cluster(initialize_head=True, head_node_args=head)
    started.workers = [started.add_node(num_cpus=1, **here) for _ in range(2)]
    yield started
    started.shutdown()


def working(node) -> bool:
    """Whether an actor is up on a node."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return any("MapWorker" in child.name() + " ".join(child.cmdline()) for child in raylet.children())


def test_all_rows_come_out_once_though_a_node_is_killed(folder, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(assignment, "PART", 6)
    source, out = tmp_path / "new.csv", tmp_path / "out.parquet"
    texts = write_messages(source, MESSAGES)
    killed = threading.Event()

    def kill() -> None:
        pieces = tmp_path / ".out.parquet.pieces"
        while not out.exists():
            done = len([path for path in pieces.glob("*.parquet") if ".input." not in path.name])
            if done >= 3 and working(cluster.workers[1]):
                cluster.remove_node(cluster.workers[1], allow_graceful=False)
                killed.set()
                return
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    engine = RayAssignment(Ray(cluster.address), folder, None, PLAIN)
    model = load(folder)
    done = assign_file(model, source, out, COLUMNS, engine=engine)
    killer.join()
    assert killed.is_set()
    table = pl.read_parquet(out)
    assert done.rows == MESSAGES
    assert table["source_id"].to_list() == [f"n{at}" for at in range(MESSAGES)]
    expected = model.assign(texts)
    assert table.select("topic", "theme").equals(expected.select("topic", "theme"))
    assert np.allclose(table["theme_probability"], expected["theme_probability"], atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "out.parquet"]


def test_what_is_embedded_on_a_cluster_is_found_by_a_run(folder, cluster, tmp_path):
    config = read_experiment(folder.parents[1] / "study" / "experiment.toml")
    texts = ["six months on the list", "nobody rang", "nobody rang", ""]
    embed_ahead(texts, config, tmp_path, Ray(cluster.address), UNWATCHED)
    encoder = Encoder(EncoderConfig())
    known, found = VectorCache(tmp_path, encoder.fingerprint).find(texts)
    assert known.all()
    assert np.allclose(found, encoder.encode(texts), atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors"]


def test_workers_find_what_is_named_from_the_commands_own_folder(folder, cluster, tmp_path, monkeypatch):
    """They were started in another."""
    monkeypatch.chdir(tmp_path)
    write_messages(tmp_path / "new.csv", 4)
    engine = RayAssignment(Ray(cluster.address), Path(os.path.relpath(folder)), None, PLAIN)
    assert assign_file(load(folder), Path("new.csv"), Path("out.csv"), COLUMNS, engine=engine).rows == 4
    config = read_experiment(folder.parents[1] / "study" / "experiment.toml")
    embed_ahead(["nobody rang"], config, Path("cache"), Ray(cluster.address), UNWATCHED)


def test_nothing_that_identifies_stays_behind_on_a_cluster(folder, cluster, tmp_path):
    source = tmp_path / "new.csv"
    texts = [f"a letter for {canary} came, number {at}" for at, canary in enumerate(IN_TEXT.values())]
    pl.DataFrame({"text": texts, "id": [f"{ID}{at}" for at in range(len(texts))]}).write_csv(source)
    engine = RayAssignment(Ray(cluster.address), folder, None, PLAIN)
    done = assign_file(load(folder), source, tmp_path / "out.csv", COLUMNS, engine=engine)
    assert done.rows == len(texts)
    session = Path(cluster.head_node.get_session_dir_path())
    files = [path for path in session.rglob("*") if path.is_file()]
    assert any(path.suffix in {".out", ".err", ".log"} for path in files)
    canaries = (*IN_TEXT.values(), ID)
    assert {found for path in files for found in found_in(path.read_bytes(), path, canaries)} == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "out.csv"]


def test_a_fault_on_a_worker_is_the_sentence_that_it_is_here(folder, cluster, tmp_path):
    source = tmp_path / "new.csv"
    write_messages(source, 4)
    engine = RayAssignment(Ray(cluster.address), tmp_path / "gone", None, PLAIN)
    with pytest.raises(ModelError, match=r"gone: there is no such model folder"):
        assign_file(load(folder), source, tmp_path / "out.csv", COLUMNS, engine=engine)
