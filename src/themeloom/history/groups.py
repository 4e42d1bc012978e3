"""Runs that hold other runs together: a sweep's parent, and its configurations."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from themeloom.config import TrackingConfig
from themeloom.history.abandoned import PROCESS, end_abandoned
from themeloom.history.backend import Backend, backend_of
from themeloom.history.connection import connection, experiment_of
from themeloom.history.items import KEY, TAG, cut, param, plain_key
from themeloom.history.tables import Columns, put_table
from themeloom.system.processes import mark

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PARENT = "mlflow.parentRunId"
NO_TAGS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Group:
    """A run that other runs are children of. It is open in MLflow until `end`; nothing is held open here."""

    run_id: str
    backend: Backend

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log numbers; those that are none (NaN) are left out.

        Raises
        ------
        TrackingError
            If the store cannot be reached or refuses; so do the other methods.
        """
        with connection(self.backend) as client:
            for name, value in metrics.items():
                if math.isfinite(value):
                    client.log_metric(self.run_id, plain_key(name), float(value))

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log settings; MLflow keeps the first value of each and refuses another."""
        with connection(self.backend) as client:
            for name, value in params.items():
                client.log_param(self.run_id, plain_key(name), param(value))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        with connection(self.backend) as client:
            for name, value in tags.items():
                client.set_tag(self.run_id, plain_key(name), cut(value, TAG))

    def log_table(self, name: str, columns: Columns) -> None:
        """Log a table, or one in its place; MLflow's page shows it as ``tables/NAME.json``."""
        with connection(self.backend) as client:
            put_table(client, self.run_id, name, columns)

    def children(self) -> dict[str, str]:
        """Return the finished runs under this one, by the name of the run → its id."""
        with connection(self.backend) as client:
            number = client.get_run(self.run_id).info.experiment_id
            return {
                run.data.tags.get("themeloom.run", ""): run.info.run_id
                for run in _runs(client, number, self.run_id)
                if run.info.status == "FINISHED"
            }

    def end(self, status: str = "FINISHED") -> None:
        """End the run as FINISHED, FAILED or KILLED, and before it what is still running under it."""
        with connection(self.backend) as client:
            _end(client, client.get_run(self.run_id), status)


def open_group(
    name: str,
    experiment: str,
    config: TrackingConfig,
    root: Path,
    tags: Mapping[str, str] = NO_TAGS,
    *,
    parent: str | None = None,
) -> Group:
    """Begin a run for others to be children of.

    Parameters
    ----------
    name
        What MLflow calls the run.
    experiment
        MLflow experiment, unless the config names one; most often the study's name.
    config
        The tracking address and experiment.
    root
        The study's folder: without another address, runs are kept in ``ROOT/mlruns``.
    tags
        Tags of the run; ``mlflow.note.content`` is its description in Markdown.
    parent
        Id of a run that this one is a child of.

    Raises
    ------
    TrackingError
        If the store cannot be reached, is broken, or refuses.
    """
    backend = backend_of(config.uri, root)
    found = {"mlflow.source.name": "themeloom", "mlflow.source.type": "LOCAL", PROCESS: mark()}
    found |= child_tags(tags, parent)
    try:
        with connection(backend) as client:
            number = experiment_of(client, config.experiment or experiment, backend)
            end_abandoned(client, [number])
            return Group(client.create_run(number, tags=found, run_name=name).info.run_id, backend)
    except KeyboardInterrupt:  # it may be there already, and its id not yet here
        if begun := find_group(experiment, config, root, found, parent=parent, running=True):
            Group(begun, backend).end("KILLED")
        raise


def reopen_group(run_id: str, config: TrackingConfig, root: Path) -> Group:
    """Go on with a group that was begun before; it is running again until it is ended.

    Raises
    ------
    TrackingError
        If there is no such run, or the store cannot be reached or refuses.
    """
    group = Group(run_id, backend_of(config.uri, root))
    try:
        with connection(group.backend) as client:
            end_abandoned(client, [client.get_run(run_id).info.experiment_id])
            client.set_tag(run_id, PROCESS, mark())
            client.update_run(run_id, status="RUNNING")
    except KeyboardInterrupt:
        group.end("KILLED")
        raise
    return group


def child_tags(tags: Mapping[str, str], parent: str | None) -> dict[str, str]:
    """Give tags as MLflow takes them, and the one that makes a run a child."""
    named = {cut(name, KEY): cut(value, TAG) for name, value in tags.items()}
    return named | ({PARENT: parent} if parent else {})


def find_group(
    experiment: str,
    config: TrackingConfig,
    root: Path,
    tags: Mapping[str, str],
    *,
    parent: str | None = None,
    running: bool = False,
) -> str | None:
    """Find the newest run with all of these tags: a group that was begun before; None if there is none.

    With `running`, one that is not ended.

    Raises
    ------
    TrackingError
        If the store cannot be reached, is broken, or refuses.
    """
    backend = backend_of(config.uri, root)
    with connection(backend) as client:
        number = experiment_of(client, config.experiment or experiment, backend)
        for run in _runs(client, number, parent):
            alike = child_tags(tags, parent).items() <= run.data.tags.items()
            if alike and (run.info.status == "RUNNING" or not running):
                return str(run.info.run_id)
    return None


def _end(client: "MlflowClient", run: "Run", status: str) -> None:
    for child in list(_runs(client, run.info.experiment_id, run.info.run_id)):
        if child.info.status == "RUNNING":
            _end(client, child, status)
    client.set_terminated(run.info.run_id, status)


def _runs(client: "MlflowClient", experiment: str, parent: str | None) -> "Iterator[Run]":
    """Yield an experiment's runs, newest first; of a parent, its children only."""
    which = f"tags.`{PARENT}` = '{parent}'" if parent else ""
    token: str | None = None
    while token != "":
        page = client.search_runs([experiment], which, page_token=token)
        yield from page
        token = page.token or ""
