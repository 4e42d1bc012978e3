"""What is found out about a run after it has ended, added to its MLflow run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from themeloom.errors import TrackingError
from themeloom.history.backend import backend_of
from themeloom.history.connection import connection
from themeloom.history.quiet import impatient


def add_to_run(
    run: str, metrics: Mapping[str, float], tables: Mapping[str, Any], root: Path, uri: str | None = None
) -> str:
    """Log metrics and tables to a run that was tracked before.

    Parameters
    ----------
    run
        Its name under models/.
    metrics
        Name → value; logged anew, the newest counts.
    tables
        Artifact (``NAME.json``) → what JSON can hold.
    root
        The study's folder.
    uri
        The tracking address; by default MLFLOW_TRACKING_URI, else the store in ``ROOT/mlruns``.

    Returns
    -------
    str
        The store's address, without secrets.

    Raises
    ------
    TrackingError
        If the run was not tracked there, or the store cannot be reached or refuses.
    """
    backend = backend_of(uri, root)
    with connection(backend, make=False) as client:
        with impatient():
            experiments = [found.experiment_id for found in client.search_experiments()]
        runs = client.search_runs(experiments, f"tags.`themeloom.run` = '{run}'", max_results=1)
        if not runs:
            raise TrackingError(
                f"{backend.public}: has no run '{run}'; `themeloom sync` sends one that waits."
            )
        number = runs[0].info.run_id
        for name, value in metrics.items():
            client.log_metric(number, name, value)
        for name, table in tables.items():
            client.log_dict(number, table, name)
    return backend.public
