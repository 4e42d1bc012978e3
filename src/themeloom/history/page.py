"""MLflow's own page on a study's runs."""

import os
import socket
import sys
from pathlib import Path

from themeloom.errors import TrackingError
from themeloom.history.backend import backend_of, check, follow_move
from themeloom.history.connection import connection, told
from themeloom.history.quiet import ENVIRONMENT, quiet


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
    with quiet(), told(backend):
        check(backend)
        follow_move(backend)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    settings = {
        "MLFLOW_BACKEND_STORE_URI": backend.uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        **({"MLFLOW_DEFAULT_ARTIFACT_ROOT": backend.artifacts} if backend.artifacts else {}),
    }
    return [*command, "--workers", "1"], os.environ | ENVIRONMENT | settings


def runs_address(root: Path, uri: str | None = None, port: int = 5000) -> str:
    """Give the address at which that page lists the runs of the study that ran last.

    By itself MLflow opens on an experiment's traces, of which there are none.

    Raises
    ------
    TrackingError
        If there is no run yet, or the store cannot be read.
    """
    with connection(backend_of(uri, root), make=False) as client:
        experiments = [found.experiment_id for found in client.search_experiments()]
        newest = client.search_runs(experiments, order_by=["attributes.start_time DESC"], max_results=1)
    place = f"experiments/{newest[0].info.experiment_id}/runs" if newest else "experiments"
    return f"http://127.0.0.1:{port}/#/{place}"


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise TrackingError(f"port {port}: cannot be used on this machine; choose another.") from None
