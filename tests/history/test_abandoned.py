"""MLflow runs that a killed process left open."""

import pytest

from themeloom.config import TrackingConfig
from themeloom.history.abandoned import PROCESS, abandoned, end_abandoned, end_open_run, end_run
from themeloom.history.backend import backend_of
from themeloom.history.connection import connection, experiment_of
from themeloom.history.groups import open_group, reopen_group
from themeloom.system.processes import mark

MACHINE, NUMBER, _ = mark().split("-")
ENDED = f"{MACHINE}-{NUMBER}-1"
ELSEWHERE = f"00000000-{NUMBER}-1"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def client(store):
    with connection(backend_of(None, store)) as client:
        yield client


@pytest.fixture
def experiment(client, store):
    return experiment_of(client, "small", backend_of(None, store))


def begun(client, experiment, process):
    return client.create_run(experiment, tags={PROCESS: process} if process else {}).info.run_id


def status(client, run):
    return client.get_run(run).info.status


def test_a_run_of_an_ended_process_is_ended_and_no_other(client, experiment):
    left, own = begun(client, experiment, ENDED), begun(client, experiment, mark())
    foreign, elsewhere = begun(client, experiment, ""), begun(client, experiment, ELSEWHERE)
    model = client.create_logged_model(experiment, "model", source_run_id=left)
    from mlflow.entities import LoggedModelOutput

    client.log_outputs(left, [LoggedModelOutput(model.model_id, step=0)])
    assert [run.info.run_id for run in abandoned(client, [experiment])] == [left]
    assert end_abandoned(client, [experiment]) == 1
    assert status(client, left) == "KILLED"
    assert client.get_logged_model(model.model_id).status == "FAILED"
    assert {status(client, run) for run in (own, foreign, elsewhere)} == {"RUNNING"}
    assert end_abandoned(client, [experiment]) == 0


def test_runs_of_other_machines_count_after_a_day_and_on_request_only(client, experiment):
    old = client.create_run(experiment, start_time=1, tags={PROCESS: ELSEWHERE}).info.run_id
    assert old not in {run.info.run_id for run in abandoned(client, [experiment])}
    assert old in {run.info.run_id for run in abandoned(client, [experiment], elsewhere=True)}


def test_a_run_that_was_ended_or_taken_up_since_it_was_read_is_left_alone(client, experiment):
    """Its process ended it, and itself, between the reading of it and the look for its process."""
    ended, taken_up, left = (client.get_run(begun(client, experiment, ENDED)) for _ in range(3))
    client.set_terminated(ended.info.run_id, "FINISHED")
    client.set_tag(taken_up.info.run_id, PROCESS, mark())
    assert [end_run(client, run) for run in (ended, taken_up, left)] == [False, False, True]
    assert status(client, ended.info.run_id) == "FINISHED"
    assert status(client, taken_up.info.run_id) == "RUNNING"
    assert status(client, left.info.run_id) == "KILLED"


def test_a_run_that_is_listed_is_ended_unless_it_is_taken_up_before(client, experiment, store):
    left, taken_up = begun(client, experiment, ENDED), begun(client, experiment, ENDED)
    client.set_tag(taken_up, PROCESS, mark())
    for run in (left, taken_up):
        end_open_run(run, store)
    assert [status(client, run) for run in (left, taken_up)] == ["KILLED", "RUNNING"]


def test_a_new_sweep_ends_what_a_killed_one_left(client, experiment, store):
    left = begun(client, experiment, ENDED)
    group = open_group("sweep", "small", TrackingConfig(), store)
    assert status(client, left) == "KILLED"
    assert client.get_run(group.run_id).data.tags[PROCESS] == mark()


def test_a_sweep_that_goes_on_is_this_process_s(client, experiment, store):
    left = begun(client, experiment, ENDED)
    reopen_group(left, TrackingConfig(), store)
    assert status(client, left) == "RUNNING"
    assert client.get_run(left).data.tags[PROCESS] == mark()
