"""MLflow kept quiet: no reporting home, nothing on the user's terminal, all as before afterwards."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",  # a project in the current folder says nothing of the model
}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow from reporting home and from talking to the user's terminal, for as long as it is used."""
    retries = os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    with environment(ENVIRONMENT | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": retries}):
        import mlflow  # noqa: F401 (sets its loggers up)

        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic", "urllib3")]
        levels = [logger.level for logger in loggers]
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
