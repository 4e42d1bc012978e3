import json
from pathlib import Path

import mlflow
import pytest

from servers import client_of, store_of
from themeloom.config import TrackingConfig
from themeloom.history import groups
from themeloom.history.tables import put_table, show_tables, write_tables


@pytest.fixture(scope="module")
def run(root):
    return groups.open_group("tables", "tables", TrackingConfig(), root[0]).run_id


def marks(client, run):
    return json.loads(client.get_run(run).data.tags["mlflow.loggedArtifacts"])


def test_a_table_is_read_by_mlflow_as_it_was_written_and_one_in_its_place_replaces_it(root, run, monkeypatch):
    client = client_of(root[0])
    monkeypatch.setattr(mlflow.tracking._tracking_service.utils, "_tracking_uri", store_of(root[0]))
    for value in (1.5, 0.25):
        put_table(client, run, "scores", {"of": ["κ", 'a "b"'], "value": [value, float("nan")]})
        put_table(client, run, "none", {"of": []})
    number = client.get_run(run).info.experiment_id
    table = client.load_table(number, "tables/scores.json", [run])
    assert table["of"].tolist() == ["κ", 'a "b"']
    assert table["value"][0] == 0.25
    assert table["value"].isna().tolist() == [False, True]
    assert marks(client, run) == [
        {"path": "tables/scores.json", "type": "table"},
        {"path": "tables/none.json", "type": "table"},
    ]


def test_marks_that_are_there_stay(root):
    client = client_of(root[0])
    run = groups.open_group("marks", "tables", TrackingConfig(), root[0]).run_id
    client.log_table(run, {"a": [1]}, "theirs.json")
    show_tables(client, run, ["ours"])
    assert [mark["path"] for mark in marks(client, run)] == ["theirs.json", "tables/ours.json"]


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_no_number_is_null(tmp_path, value):
    write_tables(tmp_path, {"x": {"a": [value, 2.0], "b": ["NaN", None]}})
    table = json.loads((tmp_path / "tables" / "x.json").read_text(encoding="utf-8"))
    assert table == {"columns": ["a", "b"], "data": [[None, "NaN"], [2.0, None]]}


def test_columns_of_other_lengths_are_refused(tmp_path):
    with pytest.raises(ValueError, match="shorter"):
        write_tables(Path(tmp_path), {"x": {"a": [1], "b": []}})
