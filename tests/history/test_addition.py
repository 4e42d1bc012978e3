"""What is found out later goes to the run that it is about."""

import pytest

from servers import artifacts_of, client_of
from themeloom.errors import TrackingError
from themeloom.history.addition import add_to_run


def test_metrics_and_tables_are_added_to_the_run_of_that_name(root):
    folder, record, _, tracked = root
    before = client_of(folder).get_run(tracked.run_id)
    public = add_to_run(
        record.run, {"checks.word_intrusion.value": 0.75}, {"checks.json": [{"right": 3}]}, folder
    )
    client = client_of(folder)
    run = client.get_run(tracked.run_id)
    assert public.startswith("sqlite:")
    assert run.data.metrics == {**before.data.metrics, "checks.word_intrusion.value": 0.75}
    assert run.info.status == before.info.status
    assert "checks.json" in set(artifacts_of(client, tracked.run_id))


def test_a_run_that_was_not_tracked_is_told(root):
    with pytest.raises(TrackingError, match="has no run 'another'; `themeloom sync` sends one that waits"):
        add_to_run("another", {}, {}, root[0])


def test_a_store_that_is_not_there_is_told(tmp_path):
    with pytest.raises(TrackingError, match="there are no runs yet"):
        add_to_run("run", {}, {}, tmp_path)
