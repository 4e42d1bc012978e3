"""A connection to an MLflow store: opened quietly, its faults said in one sentence."""

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from themeloom.errors import TrackingError
from themeloom.history.backend import CURE, Backend, check, create, follow_move
from themeloom.history.quiet import impatient, quiet
from themeloom.system.interrupts import held

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_MEMORY = ":memory:"
"""What SQLite calls a database without a file."""

_DISK = (
    "No space left",
    "disk is full",
    "disk I/O error",
    "too large",
    "readonly database",
    "Read-only file",
    "unable to open database",
    "Permission denied",
    "quota",
    "temporary directory",
)
"""What is told of disks: by the system, and by SQLite."""

_STATUS = re.compile(r"error code (\d{3}) |\b(\d{3}) (?:Client|Server) Error|too many (\d{3}) error")
"""How MLflow tells the status that a server answers with."""
_STATUSES = {
    "401": "give MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    "403": "ask its keeper for the right to write there, or set tracking.experiment to one of your own",
    "413": "the server, or what stands before it, takes no files as large: have its limit raised, or set "
    "tracking.model = false",
}

_ASIDE = re.compile(r"^\(raised as a result of [^\n]*\)\n|^\([\w.]+\) ", re.MULTILINE)
"""What SQLAlchemy tells before the reason: when it came up, and the class of the error."""


@contextlib.contextmanager
def connection(backend: Backend, *, make: bool = True) -> Iterator["MlflowClient"]:
    """Open a store for a while. Nothing of the caller's own MLflow changes; interrupts are held.

    Parameters
    ----------
    backend
        The store.
    make
        Whether a SQLite file that is not there is made.

    Raises
    ------
    TrackingError
        If the store cannot be reached, is broken, or refuses.
    """
    if not make and backend.database and not backend.database.exists():
        raise TrackingError(f"{backend.public}: there are no runs yet; run an experiment first.")
    with held(), quiet(), told(backend), _connected(backend) as client:
        yield client


@contextlib.contextmanager
def _connected(backend: Backend) -> Iterator["MlflowClient"]:
    from mlflow import MlflowClient

    check(backend)
    if backend.database and backend.database.name != _MEMORY and not backend.database.exists():
        create(backend.database, _build)
    follow_move(backend)
    client = MlflowClient(backend.uri, os.environ.get("MLFLOW_REGISTRY_URI") or backend.uri)
    try:
        yield client
    finally:
        # MLflow would keep the database open for good, and write into it even after it was deleted
        for part in (client._tracking_client, getattr(client, "_registry_client_lazy", None)):  # noqa: SLF001
            if engine := getattr(getattr(part, "store", None), "engine", None):
                engine.dispose()


def _build(uri: str) -> None:
    from mlflow import MlflowClient

    MlflowClient(tracking_uri=uri)


def experiment_of(client: "MlflowClient", name: str, backend: Backend) -> str:
    """Find an experiment by its name, or make it.

    Returns
    -------
    str
        Its id.

    Raises
    ------
    TrackingError
        If it was deleted.
    """
    from mlflow import MlflowException

    with impatient():
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
def not_left_running(client: "MlflowClient", find: Callable[[], "Run | None"]) -> Iterator[None]:
    """End an MLflow run that is begun in here if anything goes wrong, be it as it begins.

    Parameters
    ----------
    client
        The store.
    find
        Finds the run if it still runs: Ctrl-C may come when it is in the store, and its id not yet here.
    """
    try:
        yield
    except BaseException as error:
        with impatient(), contextlib.suppress(Exception):
            if run := find():
                status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
                client.set_terminated(run.info.run_id, status)
        raise


@contextlib.contextmanager
def told(backend: Backend) -> Iterator[None]:
    """Say what the store says, in one sentence and without its secrets."""
    from alembic.util import CommandError
    from mlflow import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError) as error:
        raise backend.fault(_reason(str(error)), _cure(str(error), backend)) from None


def _reason(message: str) -> str:
    if "too many 500 error responses" in message:
        return "the server answers with faults (500)"
    if "Read timed out" in message or "ConnectTimeout" in message:
        return "the server does not answer in time"
    if "Max retries exceeded" in message:
        return "the server cannot be reached"
    said = _ASIDE.sub("", message)
    return said.partition("\n")[0].partition(". ")[0]


def _cure(message: str, backend: Backend) -> str:
    if backend.uri.startswith(("http://", "https://")):
        return _cure_of_server(message)
    if "database schema" in message or "locate revision" in message:
        return (
            "it is of another MLflow version: install that one, or, if it is older, run 'mlflow db upgrade'"
        )
    if any(word in message for word in _DISK):
        return "make room on that disk and on the one for temporary files, and see that you may write there"
    return CURE


def _cure_of_server(message: str) -> str:
    found = _STATUS.search(message)
    status = next(filter(None, found.groups())) if found else ""
    if status.startswith("5"):
        return "see the log of the server, or of what stands before it"
    if "valid JSON" in message:
        return "see that the address is that of an MLflow server, and that it does not ask to sign in first"
    return _STATUSES.get(status, CURE)
