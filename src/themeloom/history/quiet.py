"""MLflow kept quiet: no reporting home, nothing on the user's terminal, all as before afterwards."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import ModuleType

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",  # a project in the current folder says nothing of the model
}

_RETRIES, _PAUSE, _SILENCE = (
    f"MLFLOW_HTTP_REQUEST_{name}" for name in ("MAX_RETRIES", "BACKOFF_FACTOR", "TIMEOUT")
)
_PATIENT = {_RETRIES: "3", _PAUSE: "1", _SILENCE: "60"}
"""MLflow's own are 7, 2 and 120 seconds: minutes in front of the user, for what can wait in the outbox."""
_IMPATIENT = {_RETRIES: "1", _SILENCE: "5"}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow from reporting home and from talking to the user's terminal, for as long as it is used.

    A server that goes away is given up after some seconds, unless the user's environment says otherwise.
    """
    with environment(ENVIRONMENT), patient():
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
def patient() -> Iterator[None]:
    """Give a server that goes away up after some seconds, unless the user's environment says otherwise."""
    with environment({name: value for name, value in _PATIENT.items() if name not in os.environ}):
        yield


@contextmanager
def impatient() -> Iterator[None]:
    """Give a server up at once: for the first question to it, and for the last words to one that went away.

    What the user's environment says stays.
    """
    ours = {name: value for name, value in _IMPATIENT.items() if os.environ.get(name) == _PATIENT[name]}
    with environment(ours):
        yield


@contextmanager
def unlogged() -> Iterator[None]:
    """Keep what is fitted in here out of MLflow's autologging: it is part of something, and nobody's own fit.

    MLflow's switch is one for all threads, so it is left alone where there is nothing to switch off.
    """
    autologging = sys.modules.get("mlflow.utils.autologging_utils")  # absent, nothing can be logged
    with nullcontext() if autologging is None or _off(autologging) else autologging.disable_autologging():
        yield


def _off(autologging: ModuleType) -> bool:
    """Whether nothing is logged by itself, be it that somebody has switched all off for a while."""
    if getattr(autologging, "_AUTOLOGGING_GLOBALLY_DISABLED", False):
        return True  # MLflow would switch it on again at the end of the inner block
    # 'mlflow' stands for libraries that were not imported yet as `mlflow.autolog` was called
    return all(autologging.autologging_is_disabled(name) for name in ("sklearn", "mlflow"))


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
