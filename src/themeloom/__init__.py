"""Emergent topics from messages, mapped to a study's themes and proved against hand labels."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from themeloom.comparing import Comparison, compare
    from themeloom.errors import ThemeloomError
    from themeloom.estimator import ThemeModel
    from themeloom.experiment import read_experiment
    from themeloom.mlflow import autolog
    from themeloom.model import Model, load
    from themeloom.pipeline import audit, check, run
    from themeloom.result import RunResult

__all__ = [
    "Comparison",
    "Model",
    "RunResult",
    "ThemeModel",
    "ThemeloomError",
    "audit",
    "autolog",
    "check",
    "compare",
    "load",
    "read_experiment",
    "run",
]

_HOMES = {
    "Comparison": "comparing",
    "Model": "model",
    "RunResult": "result",
    "ThemeModel": "estimator",
    "ThemeloomError": "errors",
    "audit": "pipeline",
    "autolog": "mlflow",
    "check": "pipeline",
    "compare": "comparing",
    "load": "model",
    "read_experiment": "experiment",
    "run": "pipeline",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `themeloom --help` must not wait for all of it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'themeloom' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"themeloom.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
