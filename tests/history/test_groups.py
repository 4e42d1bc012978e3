import json
from pathlib import Path

import pytest

from servers import client_of
from themeloom.config import TrackingConfig
from themeloom.errors import TrackingError
from themeloom.history import groups, tracking
from themeloom.history.groups import PARENT


@pytest.fixture(scope="module")
def group(root):
    return groups.open_group("sweep", "grouped", TrackingConfig(), root[0], {"sweep": "s1"})


def test_a_group_nests_groups_and_runs(root, group):
    folder, record, model, _ = root
    config = TrackingConfig(experiment="grouped")
    child = groups.open_group("neighbors=5", "grouped", config, folder, parent=group.run_id)
    run = tracking.track(record, model, None, config, folder, parent=child.run_id, tags={"seed": "7"})
    found = client_of(folder).get_run(run.run_id).data.tags
    assert (found[PARENT], found["seed"], found["themeloom.run"]) == (child.run_id, "7", record.run)
    assert client_of(folder).get_run(child.run_id).data.tags[PARENT] == group.run_id
    experiment = client_of(folder).get_experiment_by_name("grouped").experiment_id
    children = client_of(folder).search_runs([experiment], f"tags.`{PARENT}` = '{group.run_id}'")
    assert [run.info.run_id for run in children] == [child.run_id]


def test_what_is_logged_to_a_group_is_there(root, group):
    client = client_of(root[0])
    assert client.get_run(group.run_id).info.status == "RUNNING"
    group.log_metrics({"best/kappa, mean": 0.5, "unknown": float("nan")})
    group.log_params({"criterion": "kappa", "budget": 12, "enabled": True})
    group.log_params({"budget": 12})  # the same once more
    group.set_tags({"mlflow.note.content": "**the best**"})
    group.end()
    run = client.get_run(group.run_id)
    assert run.data.metrics == {"best/kappa mean": 0.5}
    assert run.data.params == {"criterion": "kappa", "budget": "12", "enabled": "true"}
    assert run.data.tags["sweep"] == "s1"
    assert run.data.tags["mlflow.note.content"] == "**the best**"
    assert run.info.status == "FINISHED"


def test_a_table_is_replaced_and_not_lengthened(root, group):
    client = client_of(root[0])
    for value in (0.1, 0.2):
        group.log_table("children", {"run": ["a", "b"], "kappa": [value, None]})
    table = json.loads(Path(client.download_artifacts(group.run_id, "tables/children.json")).read_text())
    assert table == {"columns": ["run", "kappa"], "data": [["a", 0.2], ["b", None]]}
    shown = json.loads(client.get_run(group.run_id).data.tags["mlflow.loggedArtifacts"])
    assert shown == [{"path": "tables/children.json", "type": "table"}]


@pytest.fixture
def stopped(monkeypatch):
    """Let Ctrl-C come when something has got into the store, and before anybody is told."""

    def stop_after(name):
        import mlflow

        really = getattr(mlflow.MlflowClient, name)

        def done_and_stopped(*args, **options):
            really(*args, **options)
            raise KeyboardInterrupt

        monkeypatch.setattr(mlflow.MlflowClient, name, done_and_stopped)

    return stop_after


def statuses(folder, experiment):
    client = client_of(folder)
    number = client.get_experiment_by_name(experiment).experiment_id
    return {run.info.run_name: run.info.status for run in client.search_runs([number])}


def test_ctrl_c_as_a_group_is_begun_or_gone_on_with_leaves_none_running(root, stopped):
    child = groups.open_group("begun before", "stopped", TrackingConfig(), root[0])
    child.end()
    stopped("create_run")
    with pytest.raises(KeyboardInterrupt):
        groups.open_group("begun", "stopped", TrackingConfig(), root[0])
    assert groups.find_group("stopped", TrackingConfig(), root[0], {}, running=True) is None
    stopped("update_run")
    with pytest.raises(KeyboardInterrupt):
        groups.reopen_group(child.run_id, TrackingConfig(), root[0])
    assert statuses(root[0], "stopped") == {"begun": "KILLED", "begun before": "KILLED"}


def test_ctrl_c_before_a_group_is_begun_leaves_one_like_it_as_it_ended(root, monkeypatch):
    from mlflow import MlflowClient

    def stopped(*_, **__):
        raise KeyboardInterrupt

    groups.open_group("sweep", "twice", TrackingConfig(), root[0], {"sweep": "s2"}).end()
    monkeypatch.setattr(MlflowClient, "create_run", stopped)
    with pytest.raises(KeyboardInterrupt):
        groups.open_group("sweep", "twice", TrackingConfig(), root[0], {"sweep": "s2"})
    assert statuses(root[0], "twice") == {"sweep": "FINISHED"}


def test_what_still_runs_under_a_group_ends_with_it(root):
    group = groups.open_group("sweep", "nested", TrackingConfig(), root[0])
    names = {}
    for name, parent in (("done", group), ("open", group), ("open below", None)):
        above = parent or names["open"]
        names[name] = groups.open_group(name, "nested", TrackingConfig(), root[0], parent=above.run_id)
    names["done"].end()
    group.end("KILLED")
    ended = {"sweep": "KILLED", "done": "FINISHED", "open": "KILLED", "open below": "KILLED"}
    assert statuses(root[0], "nested") == ended


def test_a_group_can_be_gone_on_with(root, group):
    again = groups.reopen_group(group.run_id, TrackingConfig(), root[0])
    assert client_of(root[0]).get_run(group.run_id).info.status == "RUNNING"
    again.end("FAILED")
    assert client_of(root[0]).get_run(group.run_id).info.status == "FAILED"
    with pytest.raises(TrackingError, match="Run with id=nothing not found"):
        groups.reopen_group("nothing", TrackingConfig(), root[0])
