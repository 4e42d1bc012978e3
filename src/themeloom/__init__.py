"""Emergent topics from messages, mapped to a study's themes and proved against hand labels."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from themeloom.errors import ThemeloomError
    from themeloom.estimator import ThemeModel
    from themeloom.experiment import read_experiment
    from themeloom.mlflow import autolog
    from themeloom.model import Model, load
    from themeloom.pipeline import audit, check, run
    from themeloom.results.comparing import Comparison, compare
    from themeloom.results.exporting import export
    from themeloom.results.reports import report
    from themeloom.running.result import RunResult

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
    "Comparison": "results.comparing",
    "Model": "model",
    "RunResult": "running.result",
    "ThemeModel": "estimator",
    "ThemeloomError": "errors",
    "audit": "pipeline",
    "autolog": "mlflow",
    "check": "pipeline",
    "compare": "results.comparing",
    "export": "results.exporting",
    "load": "model",
    "read_experiment": "experiment",
    "report": "results.reports",
    "run": "pipeline",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `themeloom --help` must not wait for all of it."""
    from importlib import import_module

    if name == "__version__":
        from importlib.metadata import version

        return version("themeloom")
    if name == "plots":  # a module of functions, not a name
        return import_module("themeloom.plots")
    if name not in _HOMES:
        raise AttributeError(f"module 'themeloom' has no attribute '{name}'")
    return getattr(import_module(f"themeloom.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
