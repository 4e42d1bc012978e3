import dataclasses
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from exposure import contents
from servers import artifacts_of, client_of, free_port, get
from themeloom.config import TrackingConfig
from themeloom.errors import TrackingError
from themeloom.history import items, registry, store, tracking
from themeloom.history.machine import Sample
from themeloom.history.tables import write_tables
from themeloom.scored import Score
from themeloom.system.interrupts import interrupt

NOWHERE = TrackingConfig()
ENDS = ("", "_low", "_high")


@pytest.fixture(scope="module")
def run(root):
    return client_of(root[0]).get_run(root[3].run_id)


def model_of(client, tracked, folder):
    from mlflow.artifacts import download_artifacts

    place = client.get_logged_model(tracked.model_uri.removeprefix("models:/")).artifact_location
    return Path(download_artifacts(f"{place}/artifacts/model", dst_path=str(folder)))


# what is logged


def test_the_store_is_the_studys_own(root):
    folder, _, _, tracked = root
    assert tracked.uri == f"sqlite:///{folder.resolve()}/mlruns/mlflow.db"
    assert tracked.artifact_uri.startswith((folder.resolve() / "mlruns" / "artifacts").as_uri())
    assert sorted(p.name for p in (folder / "mlruns").iterdir()) == ["artifacts", "mlflow.db"]


def test_a_run_is_named_ended_and_described(root, run):
    _, record, _, tracked = root
    assert run.info.run_name == record.run
    assert run.info.status == "FINISHED"
    assert run.info.experiment_id == tracked.experiment_id
    assert run.data.tags["themeloom.run"] == record.run
    assert run.data.tags["mlflow.source.git.commit"] == record.git["commit"]
    assert run.data.tags["git.dirty"] == "false"
    assert run.data.tags["version.bertopic"] == record.versions["bertopic"]
    note = run.data.tags["mlflow.note.content"]
    assert f"| topic level | {record.scores.overall['kappa']} |" in note
    assert record.note in note
    assert f"| {record.discovery.topics[0].label} |" in note
    assert "100 labels, 5 folds" in note


def test_parameters_are_the_flattened_configuration(root, run):
    config = root[1].config
    assert run.data.params["cluster.selection"] == config["cluster"]["selection"]
    assert run.data.params["sources.0.columns.id"] == "id"
    assert run.data.params["reduce.neighbors"] == "null"
    assert not [name for name in run.data.params if name.startswith("tracking")]


def test_metrics_have_their_intervals(root, run):
    scores, metrics = root[1].scores, run.data.metrics
    for name, score in scores.overall.items():
        found = (metrics[name], metrics[f"{name}_low"], metrics[f"{name}_high"])
        assert found == (score.value, score.low, score.high)
    assert metrics["theme/power/f1_high"] == scores.per_theme["power"]["f1"].high
    assert metrics["line/majority class/kappa"] == scores.lines["majority class"]["kappa"].value
    assert metrics["flow/unique"] == root[1].flow.unique
    assert metrics["topics"] == 5
    assert metrics["no_topic_share"] == 3 / 60
    assert metrics["seconds/embed"] == 3.5


def test_datasets_have_digests_and_no_text(root, run):
    inputs = {entry.dataset.name: entry for entry in run.inputs.dataset_inputs}
    contexts = {name: found.tags[0].value for name, found in inputs.items()}
    assert contexts == {
        "corpus": "discovery",
        "development labels": "training",
        "held-out labels": "validation",
    }
    assert json.loads(inputs["held-out labels"].dataset.profile) == {"num_rows": 20}
    assert json.loads(inputs["corpus"].dataset.profile) == {"num_rows": 60}
    text = str([entry.dataset.to_dictionary() for entry in inputs.values()])
    assert not [message for message in root[1].communications["text"] if message in text]


def test_the_corpus_can_be_loaded_from_its_dataset(root, run):
    import mlflow
    import polars as pl

    corpus = next(e.dataset for e in run.inputs.dataset_inputs if e.dataset.name == "corpus")
    found = pl.read_parquet(mlflow.data.get_source(corpus).load())
    assert found.equals(root[1].communications)


def test_the_same_corpus_in_another_order_has_the_same_digest(root):
    record = root[1]
    shuffled = dataclasses.replace(record, communications=record.communications.reverse())
    other = dataclasses.replace(record, communications=record.communications.head(59))
    digests = [items.datasets(r)[0].digest for r in (record, shuffled, other)]
    assert digests[0] == digests[1] != digests[2]


def test_labels_set_aside_are_not_among_those_learned_from(root):
    record = root[1]
    _, development, held_out = items.datasets(record)
    assert development.rows == held_out.rows == len(record.labelled)
    config = record.config | {"validate": {"held_out": 0.25}}
    aside = dataclasses.replace(record, config=config, evaluation=record.evaluation.head(5))
    _, rest, few = items.datasets(aside)
    assert (rest.rows, few.rows) == (15, 5)
    assert len({development.digest, rest.digest, held_out.digest, few.digest}) == 4


def test_what_was_predicted_of_each_label_is_a_table(root):
    record, client = root[1], client_of(root[0])
    shown = json.loads(client.get_run(root[3].run_id).data.tags["mlflow.loggedArtifacts"])
    assert {"path": "tables/evaluation.json", "type": "table"} in shown
    table = json.loads(Path(client.download_artifacts(root[3].run_id, "tables/evaluation.json")).read_text())
    assert table["columns"] == record.evaluation.columns
    assert [row[:4] for row in table["data"]] == [list(row[:4]) for row in record.evaluation.rows()]


def test_a_run_without_a_report_has_no_folder_of_it(root):
    folder, record, model, _ = root
    config = TrackingConfig(experiment="without report")
    done = tracking.track(record, model, None, config, folder, with_model=False)
    files = {file.path for file in client_of(folder).list_artifacts(done.run_id)}
    assert files == {"model_card.md", "tables"}


def test_shares_by_group_are_a_table_where_there_are_groups(record):
    known = items.tables(record)["groups"]
    assert known["group"][0] == "carers"
    assert known["share"][-1] is None
    none = dataclasses.replace(record.scores, groups=record.scores.groups.clear())
    assert "groups" not in items.tables(dataclasses.replace(record, scores=none))


def test_model_report_and_tables_are_artifacts(root, tmp_path):
    folder, record, _, tracked = root
    client = client_of(folder)
    found = set(artifacts_of(client, tracked.run_id))
    assert {"model_card.md", "report/report.html"} <= found
    assert {"tables/topics.json", "tables/scores.json", "tables/flow.json"} <= found
    assert not [path for path in found if path.startswith("model/")]  # it is a model of its own
    loaded = store.load(model_of(client, tracked, tmp_path))
    assert loaded.communications.equals(record.communications)
    table = json.loads(Path(client.download_artifacts(tracked.run_id, "tables/topics.json")).read_text())
    assert table["columns"][:2] == ["topic", "theme"]
    assert table["data"][-1][1] == "mixed"


def test_a_model_may_stay_at_home_until_it_is_registered(root, tmp_path):
    _, record, _, _ = root
    model = store.save(record, tmp_path / "models")
    tracked = tracking.track(record, model, None, TrackingConfig(model=False), tmp_path)
    assert tracked.model_uri == ""
    assert messages_in(tmp_path / "mlruns", record) == set()
    made = registry.register(record.run, tmp_path)
    assert store.load(registry.model_folder(made.reference, tmp_path)).run == record.run
    assert messages_in(tmp_path / "mlruns", record) == set(record.communications["text"])


def messages_in(folder, record):
    files = [path for path in folder.rglob("*") if path.is_file()]
    said = b"".join(piece for path in files for piece in contents(path.read_bytes(), path))
    return {text for text in record.communications["text"] if json.dumps(text)[1:-1].encode() in said}


def test_embeddings_and_samples_are_logged_when_they_are_there(root, run):
    folder, record, model, _ = root
    client = client_of(folder)
    asked = TrackingConfig(experiment="asked", embeddings=True)
    samples = [Sample(1_700_000_000_000 + at, {"system/cpu": 5.0 + at}) for at in range(2)]
    tracked = tracking.track(record, model, None, asked, folder, samples=samples)
    table = pl.read_parquet(client.download_artifacts(tracked.run_id, "embeddings/embeddings.parquet"))
    assert table.columns == ["doc_id", "vector", "x", "y"]
    assert np.array_equal(table["vector"].to_numpy(), record.discovery.embeddings.vectors)
    history = client.get_metric_history(tracked.run_id, "system/cpu")
    assert [(found.step, found.value) for found in history] == [(0, 5.0), (1, 6.0)]
    assert not [path for path in artifacts_of(client, run.info.run_id) if path.startswith("embeddings")]


def test_no_secret_name_or_home_folder_is_logged(root):
    record = root[1]
    config = json.loads(json.dumps(record.config))
    config["anonymise"]["mask"] = ["Zebedee"]
    config["tracking"]["uri"] = "postgresql://me:hunter2@db/mlflow"
    config["encoder"]["name"] = "/home/jane/encoder"
    config["themes"]["labels"] = str(root[0] / "data" / "labels.csv")
    params = items.params(dataclasses.replace(record, config=config), root[0])
    assert not [value for value in params.values() if any(s in value for s in ("Zebedee", "hunter", "jane"))]
    assert params["themes.labels"] == "data/labels.csv"


def test_odd_names_and_long_values_fit_mlflows_limits(root):
    folder, record, model, _ = root
    odd = dataclasses.replace(
        record,
        config={**record.config, "describe": {"long": "é" * 20_000, "a/../b//c*?": 1, "": ""}},
        digests={"my tweets (2) [final]/*.csv": "x", "../../up": "y" * 9000},
        masked={"person/../x": 1, "%": 2},
        title="t" * 20_000,
    )
    tracked = tracking.track(odd, model, None, TrackingConfig(experiment="odd"), folder)
    data = client_of(folder).get_run(tracked.run_id).data
    assert len(data.params["describe.long"]) == items.PARAM
    assert data.metrics["masked/person/x"] == 1
    assert data.tags["digest.my tweets _2_ _final_/_.csv"] == "x"


def test_scores_that_are_not_numbers_are_left_out(root):
    record = root[1]
    nan = dataclasses.replace(record.scores.overall["kappa"], low=float("nan"))
    scores = dataclasses.replace(record.scores, overall={"kappa": nan})
    metrics = items.metrics(dataclasses.replace(record, scores=scores))
    assert metrics["kappa"] == nan.value
    assert "kappa_low" not in metrics


def test_scores_of_codes_that_mlflow_would_call_alike_are_all_kept(root):
    record = root[1]

    def logged(*codes):
        told = {code: Score(value, value - 0.1, value + 0.1) for value, code in enumerate(codes, 1)}
        scores = dataclasses.replace(record.scores, prevalence={"communications/labels": told})
        found = items.metrics(dataclasses.replace(record, scores=scores))
        return {name: value for name, value in found.items() if name.startswith("prevalence/")}

    stem = "prevalence/communications/labels"
    assert logged("a,b", "c").keys() == {f"{stem}/{code}{end}" for code in ("a_b", "c") for end in ENDS}
    found = logged("a,b", "a;b", "a_b", "a_b_low", "c", "x" * 300, "x" * 301)
    assert len(found) == 7 * len(ENDS)
    assert max(map(len, found)) <= items.KEY
    assert [found[f"{stem}/a_b{end}"] for end in ENDS] == pytest.approx([3, 2.9, 3.1])
    assert found[f"{stem}/c"] == 5
    assert set(logged("a;b", "a,b")) < set(logged("a_b", "a,b", "a;b"))


def test_a_second_run_is_beside_the_first(root):
    folder, record, model, tracked = root
    second = tracking.track(record, model, None, NOWHERE, folder)
    assert second.experiment_id == tracked.experiment_id
    assert second.run_id != tracked.run_id


# what is left alone


def lasting_environment():
    """Leave out what a thread of MLflow takes away at any time: when it cannot report home."""
    return {name: value for name, value in os.environ.items() if name != "_MLFLOW_TELEMETRY_SESSION_ID"}


def test_the_callers_mlflow_is_left_as_it_was(root, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    before = mlflow.get_tracking_uri()
    own = f"sqlite:///{tmp_path}/own.db"
    shutil.copy(root[0] / "mlruns" / "mlflow.db", tmp_path / "own.db")
    mlflow.set_tracking_uri(own)
    try:
        with mlflow.start_run(experiment_id="1") as active:
            config = TrackingConfig(uri=f"sqlite:///{root[0]}/mlruns/mlflow.db")
            environment = lasting_environment()
            tracked = tracking.track(root[1], root[2], None, config, root[0])
            assert lasting_environment() == environment
            assert mlflow.active_run().info.run_id == active.info.run_id != tracked.run_id
            assert mlflow.get_tracking_uri() == own
            mlflow.log_metric("mine", 1)
        assert mlflow.get_run(active.info.run_id).data.metrics == {"mine": 1}
        with pytest.raises(mlflow.MlflowException):
            mlflow.get_run(tracked.run_id)
    finally:
        mlflow.set_tracking_uri(before)


def test_the_environments_address_is_used(root, tmp_path, monkeypatch):
    shutil.copy(root[0] / "mlruns" / "mlflow.db", tmp_path / "other.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    config = TrackingConfig(experiment="elsewhere")
    tracked = tracking.track(root[1], root[2], None, config, tmp_path)
    assert tracked.uri == f"sqlite:///{tmp_path}/other.db"
    assert tracked.experiment == "elsewhere"
    assert (tmp_path / "mlruns" / "artifacts" / tracked.run_id / "artifacts" / "tables").is_dir()
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


# what goes wrong


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("no such thing"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_run_that_breaks_off_is_not_left_running(root, monkeypatch, error, status):
    def broken(*_):
        raise error

    monkeypatch.setattr(tracking, "write_tables", broken)
    folder, record, model, _ = root
    config = TrackingConfig(experiment=f"broken {status}")
    with pytest.raises(type(error)):
        tracking.track(record, model, None, config, folder)
    client = client_of(folder)
    experiment = client.get_experiment_by_name(config.experiment)
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == [status]


class Interrupting:
    """Watches, and stops the run as soon as anything is done."""

    def begin(self, *_):
        pass

    def advance(self, *_):
        raise KeyboardInterrupt


def test_ctrl_c_just_after_a_run_was_begun_leaves_none_running(root):
    folder, record, model, _ = root
    config = TrackingConfig(experiment="stopped at once")
    with pytest.raises(KeyboardInterrupt):
        tracking.track(record, model, None, config, folder, progress=Interrupting())
    client = client_of(folder)
    experiment = client.get_experiment_by_name(config.experiment)
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == ["KILLED"]


class Pressing:
    """Watches: Ctrl-C comes when so much is done."""

    def __init__(self, at):
        self.at, self.done = at, 0

    def begin(self, *_):
        pass

    def advance(self, *_):
        self.done += 1
        if self.done == self.at:
            interrupt()


def stopped(root, name, **options):
    """Track a run that Ctrl-C stops; give it."""
    folder, record, model, _ = root
    with pytest.raises(KeyboardInterrupt):
        tracking.track(record, model, None, TrackingConfig(experiment=name), folder, **options)
    client = client_of(folder)
    (run,) = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    return client, run


@pytest.mark.parametrize("step", range(1, 6))
def test_ctrl_c_comes_through_after_each_step(root, step):
    pressing = Pressing(step)
    _, run = stopped(root, f"stopped after step {step}", progress=pressing, with_model=False)
    assert (run.info.status, pressing.done) == ("KILLED", step)


def test_ctrl_c_waits_for_what_the_store_is_being_told(root, monkeypatch):
    def pressing(folder, tables):
        interrupt()
        write_tables(folder, tables)

    monkeypatch.setattr(tracking, "write_tables", pressing)
    client, run = stopped(root, "stopped within", with_model=False)
    assert run.info.status == "KILLED"
    sent = {file.path for file in client.list_artifacts(run.info.run_id, "tables")}
    assert sent == {f"tables/{name}.json" for name in items.tables(root[1])}


def test_a_run_that_was_logged_before_stays_finished_if_sending_it_again_is_stopped(root):
    folder, record, model, _ = root
    config = TrackingConfig(experiment="finished before")
    done = tracking.track(record, model, None, config, folder, with_model=False)
    with pytest.raises(KeyboardInterrupt):
        tracking.track(record, model, None, config, folder, again=True, progress=Interrupting())
    assert client_of(folder).get_run(done.run_id).info.status == "FINISHED"


def test_a_missing_report_ends_the_run_as_failed(root):
    folder, record, model, _ = root
    with pytest.raises(TrackingError, match=r"nothing\.html"):
        tracking.track(record, model, folder / "nothing.html", TrackingConfig(experiment="gone"), folder)
    client = client_of(folder)
    (run,) = client.search_runs([client.get_experiment_by_name("gone").experiment_id])
    assert run.info.status == "FAILED"


def refused(root, uri, match):
    began = time.monotonic()
    with pytest.raises(TrackingError, match=match) as caught:
        tracking.track(root[1], root[2], None, TrackingConfig(uri=uri), root[0])
    assert time.monotonic() - began < 15
    assert "\n" not in str(caught.value)
    assert "hunter" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:1",
        "http://me:hunter2@127.0.0.1:1",
        "postgresql://me:hunter2@127.0.0.1:1/mlflow",
        "mysql+pymysql://me:hunter2@127.0.0.1:1/mlflow?password=hunter3",
        "nonsense://hunter2@x/y?token=hunter3",
    ],
)
def test_a_store_that_does_not_answer_is_said_in_seconds(root, uri):
    assert refused(root, uri, r"tracking\.uri").startswith(uri.partition(":")[0])


def test_a_folder_that_cannot_hold_a_database_is_said(root):
    refused(root, "sqlite:////proc/no/such/place.db", "MLFLOW_TRACKING_URI")


@pytest.mark.slow
def test_a_server_that_says_nothing_is_given_up(root):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        refused(root, f"http://127.0.0.1:{silent.getsockname()[1]}", "does not answer in time")


@pytest.mark.parametrize("content", [b"not a database" * 50, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_broken_database_is_said_and_left(root, tmp_path, content):
    file = tmp_path / "mlflow.db"
    file.write_bytes(content)
    refused(root, f"sqlite:///{file}", "not a readable MLflow database")
    assert file.read_bytes() == content


def test_a_locked_database_is_said(root, tmp_path):
    shutil.copy(root[0] / "mlruns" / "mlflow.db", tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        refused(root, f"sqlite:///{tmp_path}/mlflow.db", "locked; end it")


def test_a_truncated_database_is_said(root, tmp_path):
    whole = (root[0] / "mlruns" / "mlflow.db").read_bytes()
    (tmp_path / "mlflow.db").write_bytes(whole[: len(whole) // 2])
    refused(root, f"sqlite:///{tmp_path}/mlflow.db", "not a readable MLflow database")


def test_a_database_of_another_mlflow_is_said(root, tmp_path):
    file = tmp_path / "mlflow.db"
    shutil.copy(root[0] / "mlruns" / "mlflow.db", file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    refused(root, f"sqlite:///{file}", "another MLflow version")


def test_a_deleted_experiment_is_said(root):
    folder, record, model, _ = root
    config = TrackingConfig(experiment="to be deleted")
    tracked = tracking.track(record, model, None, config, folder)
    client_of(folder).delete_experiment(tracked.experiment_id)
    with pytest.raises(TrackingError, match="was deleted"):
        tracking.track(record, model, None, config, folder)


def test_the_old_file_store_is_refused_with_a_sentence(root, tmp_path):
    refused(root, str(tmp_path / "files"), "name a database instead, such as sqlite:.*MLFLOW_TRACKING_URI")


# moved, at once, silent


def test_a_moved_study_finds_its_artifacts_and_goes_on_there(root, tmp_path):
    _, record, _, tracked = root
    old = tmp_path / "old"
    shutil.copytree(root[0], old)
    first = tracking.track(record, store.models(old / "models")[0], None, NOWHERE, old)
    new = old.rename(tmp_path / "new")
    second = tracking.track(record, store.models(new / "models")[0], None, NOWHERE, new)
    client = client_of(new)
    for number, found in enumerate((tracked, first, second)):
        store.load(model_of(client, found, tmp_path / str(number)))
        assert str(new) in client.get_run(found.run_id).info.artifact_uri
    assert not old.exists()


def test_a_deleted_store_is_made_anew(root, tmp_path):
    study = tmp_path / "study"
    shutil.copytree(root[0], study)
    tracking.track(root[1], root[2], None, NOWHERE, study)
    shutil.rmtree(study / "mlruns")
    tracked = tracking.track(root[1], root[2], None, NOWHERE, study)
    assert client_of(study).get_run(tracked.run_id).info.status == "FINISHED"
    with closing(sqlite3.connect(study / "mlruns" / "mlflow.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)


WATCHED = """
import sys
from pathlib import Path

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        print("NETWORK", event, arguments)

sys.addaudithook(watch)
from builders import make_record
from themeloom.config import TrackingConfig
from themeloom.history import tracking

tracking.track(make_record(), Path(sys.argv[2]), None, TrackingConfig(), Path(sys.argv[1]))
"""


def test_two_first_runs_at_once_in_silence_and_without_network(root, tmp_path):
    silent = {"CI", "PYTEST_CURRENT_TEST", "GITHUB_ACTIONS", "MLFLOW_TRACKING_URI"}
    environment = {name: value for name, value in os.environ.items() if name not in silent}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])
    command = [sys.executable, "-c", WATCHED, str(tmp_path), str(root[2])]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    both = [subprocess.Popen(command, env=environment, cwd=tmp_path, **pipes) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert outputs == ["", ""]
    assert [process.returncode for process in both] == [0, 0]
    with closing(sqlite3.connect(tmp_path / "mlruns" / "mlflow.db")) as connection:
        assert connection.execute("SELECT status FROM runs").fetchall() == [("FINISHED",)] * 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mlruns"]
    assert sorted(p.name for p in (tmp_path / "mlruns").iterdir()) == ["artifacts", "mlflow.db"]


def test_a_real_server_takes_a_run_and_its_artifacts(root, serve, tmp_path):
    folder, record, model, _ = root
    shutil.copy(folder / "mlruns" / "mlflow.db", tmp_path / "server.db")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    store_options = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    served = ["--artifacts-destination", str(tmp_path / "served")]
    serve(
        [*command, *store_options, *served],
        {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        port,
    )
    config = TrackingConfig(uri=address, experiment="over HTTP")
    tracked = tracking.track(record, model, folder / "report.html", config, folder)
    assert tracked.artifact_uri.startswith("mlflow-artifacts:")
    assert list((tmp_path / "served").rglob("communications.parquet"))
    found = json.loads(get(f"{address}/api/2.0/mlflow/runs/get?run_id={tracked.run_id}"))["run"]
    assert found["info"]["status"] == "FINISHED"
    assert len(found["inputs"]["dataset_inputs"]) == 3
