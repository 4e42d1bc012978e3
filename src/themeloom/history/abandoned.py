"""MLflow runs that a process left open as it was killed."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from themeloom.history.backend import backend_of
from themeloom.history.connection import connection
from themeloom.system.processes import is_left

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PROCESS = "themeloom.process"
"""The tag with the mark of the process that has a run open."""

RUNNING = "attributes.status = 'RUNNING'"
"""What MLflow is asked for the runs that are not ended."""


def abandoned(
    client: "MlflowClient", experiments: Sequence[str], *, elsewhere: bool = False
) -> "Iterator[Run]":
    """Yield the runs that are still running to MLflow, though the process that had them open has ended.

    Runs of others than Themeloom carry no mark, and are left alone.

    Parameters
    ----------
    client
        The store.
    experiments
        Ids of the experiments to look into.
    elsewhere
        Whether runs count that were begun on another machine more than a day ago; whether their process
        still runs cannot be told from here.
    """
    token: str | None = None
    while token != "":
        page = client.search_runs(list(experiments), RUNNING, page_token=token)
        yield from (run for run in page if _is_left(run, elsewhere=elsewhere))
        token = page.token or ""


def end_abandoned(client: "MlflowClient", experiments: Sequence[str]) -> int:
    """End such runs as KILLED, and the models that they did not log to the end as FAILED; tell how many."""
    return sum(end_run(client, run) for run in list(abandoned(client, experiments)))


def end_run(client: "MlflowClient", run: "Run") -> bool:
    """End one run that was left open; tell whether it was still open.

    It is read again: its process may have ended it, and then itself, before that process was looked for.
    """
    now = client.get_run(run.info.run_id)
    if now.info.status != "RUNNING" or now.data.tags.get(PROCESS) != run.data.tags.get(PROCESS):
        return False
    for output in now.outputs.model_outputs if now.outputs else ():
        if client.get_logged_model(output.model_id).status == "PENDING":
            client.finalize_logged_model(output.model_id, "FAILED")
    client.set_terminated(run.info.run_id, "KILLED")
    return True


def open_runs(root: Path, uri: str | None = None) -> list[tuple[str, str]]:
    """List a store's abandoned runs, those of other machines too: name and id; none where there is no store.

    Raises
    ------
    TrackingError
        If the store cannot be reached or is broken.
    """
    backend = backend_of(uri, root)
    if backend.database is not None and not backend.database.exists():
        return []
    with connection(backend, make=False) as client:
        experiments = [found.experiment_id for found in client.search_experiments()]
        found = abandoned(client, experiments, elsewhere=True)
        return [(run.info.run_name or "a run", run.info.run_id) for run in found]


def end_open_run(number: str, root: Path, uri: str | None = None) -> None:
    """End one of them by its id, unless it is open no more, or another process has taken it up."""
    with connection(backend_of(uri, root), make=False) as client:
        run = client.get_run(number)
        if _is_left(run, elsewhere=True):
            end_run(client, run)


def _is_left(run: "Run", *, elsewhere: bool) -> bool:
    since = (run.info.start_time or 0) / 1000 if elsewhere else time.time()
    return is_left(run.data.tags.get(PROCESS, ""), since)
