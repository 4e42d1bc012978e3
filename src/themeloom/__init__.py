"""Emergent topics from messages, mapped to a study's themes and proved against hand labels."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from themeloom.comparing import Comparison, compare
    from themeloom.errors import ThemeloomError
    from themeloom.estimator import ThemeModel
    from themeloom.experiment import read_experiment
    from themeloom.exporting import export
    from themeloom.mlflow import autolog
    from themeloom.model import Model, load
    from themeloom.pipeline import audit, check, run
    from themeloom.reports import report
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
    "export",
    "load",
    "read_experiment",
    "report",
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
    "export": "exporting",
    "load": "model",
    "read_experiment": "experiment",
    "report": "reports",
    "run": "pipeline",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `themeloom --help` must not wait for all of it."""
    from importlib import import_module

    if name == "plots":  # a module of functions, not a name
        return import_module("themeloom.plots")
    if name not in _HOMES:
        raise AttributeError(f"module 'themeloom' has no attribute '{name}'")
    return getattr(import_module(f"themeloom.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
