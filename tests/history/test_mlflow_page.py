import json
import shutil
import socket

import pytest

from servers import client_of, free_port, get
from themeloom.config import TrackingConfig
from themeloom.errors import TrackingError
from themeloom.history import page
from themeloom.history.groups import open_group


def test_the_page_shows_the_run(root, serve):
    folder, record, _, tracked = root
    port = free_port()
    command, environment = page.ui_command(folder, None, port)
    serve(command, environment, port)
    address = f"http://127.0.0.1:{port}"
    assert b"<title>MLflow</title>" in get(address)
    body = json.dumps({"experiment_ids": [tracked.experiment_id]}).encode()
    runs = json.loads(get(f"{address}/api/2.0/mlflow/runs/search", body))["runs"]
    assert record.run in [run["info"]["run_name"] for run in runs]
    card = get(f"{address}/get-artifact?path=model_card.md&run_uuid={tracked.run_id}")
    assert card.decode().startswith(f"# {record.title}")


def test_the_address_that_is_told_lists_the_runs_of_the_newest_study(root, serve, visit):
    folder, _, _, tracked = root
    later = open_group("two encoders", "later", TrackingConfig(), folder)
    later.end()
    number = client_of(folder).get_run(later.run_id).info.experiment_id
    assert number != tracked.experiment_id
    port = free_port()
    command, environment = page.ui_command(folder, None, port)
    address = page.runs_address(folder, None, port)
    assert address == f"http://127.0.0.1:{port}/#/experiments/{number}/runs"
    serve(command, environment, port)
    listed = visit(address).page.get_by_role("gridcell").filter(has_text="two encoders")
    listed.first.wait_for(timeout=60_000)


def test_the_page_is_refused_where_there_is_none(root, tmp_path):
    with pytest.raises(TrackingError, match="no runs yet"):
        page.ui_command(tmp_path, None, 5000)
    with pytest.raises(TrackingError, match="no runs yet"):
        page.runs_address(tmp_path, None, 5000)
    with pytest.raises(TrackingError, match="page of its own"):
        page.ui_command(root[0], "https://me:hunter2@mlflow.example", 5000)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(TrackingError, match="choose another"):
            page.ui_command(root[0], None, taken.getsockname()[1])
    with pytest.raises(TrackingError, match="choose another"):
        page.ui_command(root[0], None, 70_000)


def test_no_password_is_on_the_pages_command_line(root, tmp_path):
    database = tmp_path / "with space" / "m.db"
    database.parent.mkdir()
    shutil.copy(root[0] / "mlruns" / "mlflow.db", database)
    command, environment = page.ui_command(root[0], f"sqlite:///{database}", free_port())
    assert str(database) not in " ".join(command)
    assert environment["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{database}"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert "127.0.0.1" in command
