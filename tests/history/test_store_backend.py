import os
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from studies import write_study
from themeloom import pipeline
from themeloom.config import TrackingConfig
from themeloom.errors import ThemeloomError, TrackingError
from themeloom.history.backend import backend_of, sqlite_uri
from themeloom.history.connection import _cure, _reason, connection
from themeloom.history.groups import open_group
from themeloom.system.addresses import public_uri

NAMES = ["plain", "with space", "a?b", "a#b", "a%41b", "a%20b", "50% a", "x%2Fy", "x%25y", "ü;&= %"]


@pytest.fixture(autouse=True)
def _no_address(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_store_is_in_its_study_whatever_the_folder_is_called(tmp_path, name):
    root = tmp_path / "all" / name
    root.mkdir(parents=True)
    backend = backend_of(None, root)
    with connection(backend) as client:
        number = client.create_experiment("x", artifact_location=backend.artifacts)
        run = client.create_run(number).info.run_id
        client.log_dict(run, {"a": 1}, "tables/a.json")
    assert [path.name for path in (tmp_path / "all").iterdir()] == [name]
    assert list((root / "mlruns" / "artifacts" / run).rglob("a.json"))
    with closing(connect(root / "mlruns" / "mlflow.db")) as database:
        assert database.execute("SELECT run_uuid FROM runs").fetchall() == [(run,)]


@pytest.mark.parametrize("name", NAMES)
def test_an_address_is_shown_whole_and_leads_to_the_file(name):
    from sqlalchemy import make_url

    database = Path("/home/ada") / name / "mlflow.db"
    shown = public_uri(sqlite_uri(database))
    assert make_url(shown).database == str(database)
    assert backend_of(shown, Path("/home/ada")).database == database


def test_plain_folders_keep_the_address_that_people_know():
    assert sqlite_uri(Path("/a b/ü/50% c/x.db")) == "sqlite:////a b/ü/50% c/x.db"


def test_an_encoded_address_is_read_as_the_store_reads_it(tmp_path):
    uri = f"sqlite:///{tmp_path}/of%20two/x.db?timeout=5"
    assert backend_of(uri, tmp_path).database == tmp_path / "of two" / "x.db"


def test_siblings_share_no_runs(tmp_path):
    for name in ("st?1", "st?2"):
        (tmp_path / name).mkdir()
        open_group("two", "study", TrackingConfig(), tmp_path / name).end()
    for name in ("st?1", "st?2"):
        with closing(connect(tmp_path / name / "mlruns" / "mlflow.db")) as database:
            assert database.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["st?1", "st?2"]


def test_a_folder_that_is_no_unicode_is_refused(tmp_path):
    with pytest.raises(TrackingError, match="is not spelt in UTF-8, as MLflow needs it; rename the folder"):
        backend_of(None, tmp_path / os.fsdecode(b"\xff"))
    assert backend_of("http://127.0.0.1:1", tmp_path / os.fsdecode(b"\xff")).artifacts is None


WRONG = [
    ("mlruns2", "mlruns2: MLflow keeps no runs in a folder without a database; name a database"),
    ("/home/a:b/runs", "keeps no runs in a folder"),
    ("file:///tmp/x", "keeps no runs in a folder"),
    ("http://", "http://: names no server; correct the address (tracking.uri"),
    ("https:///x", "names no server"),
    ("http://[::1", "names no server"),
    ("nonsense://me:hunter2@x/y", "nonsense://x/y: MLflow knows no such kind of address; correct"),
    ("postgres://me:hunter2@x/y", "postgres://x/y: MLflow knows no such kind of address; correct"),
    ("sqlite://", "names no file; correct the address"),
    ("sqlite:mlflow.db", "names no file; correct the address"),
]


@pytest.mark.parametrize(("uri", "told"), WRONG)
def test_an_address_that_can_lead_nowhere_is_refused(tmp_path, monkeypatch, uri, told):
    with pytest.raises(TrackingError) as caught:
        backend_of(uri, tmp_path)
    assert told in str(caught.value)
    assert "hunter" not in str(caught.value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError):
        backend_of(None, tmp_path)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "HTTPS://mlflow.example.org/x",
        "databricks",
        "databricks://profile",
        "mysql+pymysql://me@x/y",
        "postgresql:///y",
        "sqlite:///x.db",
        "sqlite:///:memory:",
    ],
)
def test_addresses_of_stores_that_may_be_up_are_taken(tmp_path, uri):
    assert backend_of(uri, tmp_path).uri == uri


def test_stores_that_mlflow_is_told_to_allow_are_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    assert backend_of("mlruns2", tmp_path).uri == "mlruns2"


def test_a_check_tells_of_the_address_with_all_else(tmp_path):
    study = write_study(tmp_path)
    study.rewrite("experiment.toml", "[adapt]", '[tracking]\nuri = "mlruns2"\n\n[adapt]')
    study.write("labels.csv", "doc_id,theme\n")
    with pytest.raises(ThemeloomError) as caught:
        pipeline.check(study.folder / "experiment.toml", study.folder)
    assert any("keeps no runs in a folder" in fault for fault in caught.value.faults)
    assert any("labels.csv" in fault for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "API request to endpoint /x failed with error code 401 != 200.",
            "MLFLOW_TRACKING_USERNAME",
        ),
        (
            "API request to endpoint /x failed with error code 403 != 200. Permission denied",
            "the right",
        ),
        ("413 Client Error: Request Entity Too Large for url: http://x", "takes no files as large"),
        (
            "Max retries exceeded (Caused by ResponseError('too many 500 error responses'))",
            "the log",
        ),
        ("502 Server Error: Bad Gateway for url: http://x", "the log"),
        (
            "API request to endpoint: the response body was not in a valid JSON format.",
            "sign in",
        ),
        ("Max retries exceeded with url: /x", "see that it is up"),
    ],
)
def test_what_a_server_refuses_is_told_with_its_own_cure(tmp_path, message, said):
    assert said in _cure(message, backend_of("http://127.0.0.1:5000", tmp_path))
    assert "disk" not in _cure(message, backend_of("http://127.0.0.1:5000", tmp_path))


def test_disks_are_told_of_files_alone(tmp_path):
    assert "make room on that disk" in _cure("unable to open database file", backend_of(None, tmp_path))
    assert (
        _reason("Max retries (Caused by 'too many 500 error responses')")
        == "the server answers with faults (500)"
    )
