"""One MLflow run for each run: parameters, metrics, tags, datasets, tables, figures, model and report."""

import contextlib
import json
import os
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from themeloom.config import TrackingConfig
from themeloom.errors import TrackingError
from themeloom.history import items
from themeloom.history.backend import CURE, Backend, backend_of, check, create, follow_move
from themeloom.history.parts import LAYOUT, MANIFEST
from themeloom.history.quiet import ENVIRONMENT, environment, quiet
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}


class Figure(Protocol):
    """A plotly figure."""

    def to_html(self, *, include_plotlyjs: bool, full_html: bool) -> str:
        """Write the figure as a page."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """Where a run is in MLflow."""

    run_id: str
    experiment_id: str
    experiment: str
    uri: str  # of the store, without user and password
    artifact_uri: str


def track(  # noqa: PLR0913 (what a run leaves behind, and where it goes)
    record: RunRecord,
    model_folder: Path,
    report: Path | None,
    config: TrackingConfig,
    root: Path,
    *,
    figures: Mapping[str, Figure] | None = None,
    progress: Progress = UNWATCHED,
) -> Tracked:
    """Log a run to MLflow. The caller's own tracking URI and active run stay as they are.

    Parameters
    ----------
    record
        The run.
    model_folder
        What `store.save` made; becomes the artifacts under ``model/``.
    report
        The report's file, which becomes the artifact under ``report/``.
    config
        The tracking address and experiment.
    root
        The study's folder: without another address, runs are kept in ``ROOT/mlruns``.
    figures
        Plotly figures by name, each kept as a page that needs no network.
    progress
        Who watches.

    Raises
    ------
    TrackingError
        If the store cannot be reached, is broken, or refuses. A run that was begun then ends as FAILED.
    """
    backend = backend_of(config.uri, root)
    name = config.experiment or record.study
    steps = _steps(record, model_folder, report, root, figures or {})
    progress.begin(len(steps) + 1, "items")
    with quiet(), _told(backend), _connected(backend) as client:
        experiment = _experiment(client, name, backend)
        run = client.create_run(
            experiment,
            start_time=_milliseconds(record.started_at),
            tags=items.tags(record),
            run_name=record.run,
        )
        progress.advance()
        with _ended(client, run.info.run_id):
            for step in steps:
                step(client, run.info.run_id)
                progress.advance()
    return Tracked(run.info.run_id, experiment, name, backend.public, run.info.artifact_uri)


def ui_command(root: Path, uri: str | None = None, port: int = 5000) -> tuple[list[str], dict[str, str]]:
    """Give the command, and its environment, that shows MLflow's own page on loopback.

    The store's address goes through the environment: a command line can be read by every user of a machine.

    Raises
    ------
    TrackingError
        If there is no run yet, the store is a server with a page of its own, or the port is taken.
    """
    backend = backend_of(uri, root)
    if backend.uri.startswith(("http://", "https://")):
        raise TrackingError(f"{backend.public}: is a server with a page of its own; open it in a browser.")
    if backend.database is not None and not backend.database.exists():
        raise TrackingError(f"{backend.public}: there are no runs yet; run an experiment first.")
    _check_port(port)
    with quiet(), _told(backend):
        check(backend)
        follow_move(backend)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    settings = {
        "MLFLOW_BACKEND_STORE_URI": backend.uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        **({"MLFLOW_DEFAULT_ARTIFACT_ROOT": backend.artifacts} if backend.artifacts else {}),
    }
    return [*command, "--workers", "1"], os.environ | ENVIRONMENT | settings


Step = Callable[["MlflowClient", str], object]


def _steps(
    record: RunRecord, model_folder: Path, report: Path | None, root: Path, figures: Mapping[str, Figure]
) -> list[Step]:
    steps: list[Step] = [
        lambda client, run: _log_numbers(client, run, record, root),
        lambda client, run: client.log_inputs(run, _datasets(client, run, record)),
    ]
    steps += [_table_step(name, columns) for name, columns in items.tables(record).items()]
    steps += [_figure_step(name, figure) for name, figure in figures.items()]
    steps.append(lambda client, run: _log_model(client, run, model_folder))
    if report is not None:
        steps.append(lambda client, run: client.log_artifact(run, str(report), "report"))
    return steps


def _log_numbers(client: "MlflowClient", run: str, record: RunRecord, root: Path) -> None:
    from mlflow.entities import Metric, Param

    now = int(datetime.now(UTC).timestamp() * 1000)
    client.log_batch(
        run,
        metrics=[Metric(name, value, now, 0) for name, value in items.metrics(record).items()],
        params=[Param(name, value) for name, value in items.params(record, root).items()],
    )


def _datasets(client: "MlflowClient", run: str, record: RunRecord) -> "list[DatasetInput]":
    from mlflow.entities import Dataset, DatasetInput, InputTag

    artifacts = client.get_run(run).info.artifact_uri
    inputs = []
    for item in items.datasets(record):
        uri = f"{artifacts}/model/{item.file}" if item.file else ""
        dataset = Dataset(
            name=item.name,
            digest=item.digest,
            source_type="local" if uri.startswith("file:") else artifacts.partition(":")[0],
            source=json.dumps({"uri": uri}),
            schema=json.dumps(
                {"mlflow_colspec": [{"name": name, "type": kind} for name, kind in item.columns.items()]}
            ),
            profile=json.dumps({"num_rows": item.rows}),
        )
        inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", item.context)]))
    return inputs


def _log_model(client: "MlflowClient", run: str, folder: Path) -> None:
    for name in (*LAYOUT, MANIFEST):  # and not the report, which can lie beside them
        client.log_artifact(run, str(folder / name), "model")


def _table_step(name: str, columns: items.Columns) -> Step:
    return lambda client, run: client.log_table(run, columns, f"tables/{name}.json")


def _figure_step(name: str, figure: Figure) -> Step:
    # MLflow's own log_figure makes pages that fetch plotly from a server
    def log(client: "MlflowClient", run: str) -> None:
        page = figure.to_html(include_plotlyjs=True, full_html=True)
        client.log_text(run, page, f"figures/{name}.html")

    return log


@contextlib.contextmanager
def _connected(backend: Backend) -> Iterator["MlflowClient"]:
    from mlflow import MlflowClient

    check(backend)
    if backend.own and backend.database and not backend.database.exists():
        create(backend.database, lambda uri: MlflowClient(tracking_uri=uri))
    follow_move(backend)
    client = MlflowClient(tracking_uri=backend.uri)
    try:
        yield client
    finally:
        # MLflow would keep the database open for good, and write into it even after it was deleted
        if engine := getattr(client._tracking_client.store, "engine", None):  # noqa: SLF001
            engine.dispose()


def _experiment(client: "MlflowClient", name: str, backend: Backend) -> str:
    from mlflow import MlflowException

    with environment(_IMPATIENT):
        found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name, artifact_location=backend.artifacts)
        except MlflowException:  # another run may have made it just now
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"{backend.public}: the experiment '{name}' was deleted; restore it in MLflow, "
            "or set tracking.experiment to another name."
        )
    return str(found.experiment_id)


@contextlib.contextmanager
def _ended(client: "MlflowClient", run: str) -> Iterator[None]:
    """End the MLflow run, whatever happens: none is left running."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(Exception):
            client.set_terminated(run, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    client.set_terminated(run, "FINISHED")


@contextlib.contextmanager
def _told(backend: Backend) -> Iterator[None]:
    """Say what the store says, in one sentence and without its secrets."""
    from alembic.util import CommandError
    from mlflow import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError) as error:
        raise backend.fault(_reason(str(error)), _cure(str(error))) from None


def _reason(message: str) -> str:
    if "Read timed out" in message or "ConnectTimeout" in message:
        return "the server does not answer in time"
    if "Max retries exceeded" in message:
        return "the server cannot be reached"
    return message.partition("\n")[0].partition(". ")[0]


def _cure(message: str) -> str:
    if "database schema" in message or "locate revision" in message:
        return (
            "it is of another MLflow version: install that one, or, if it is older, run 'mlflow db upgrade'"
        )
    return CURE


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise TrackingError(f"port {port}: cannot be used on this machine; choose another.") from None


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
