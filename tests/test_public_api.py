"""The menu: public names and nothing else, and quick to open."""

import importlib
import inspect
import json
import subprocess
import sys

import pytest

import themeloom

MENU = [
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

HEAVY = {
    "bertopic",
    "hdbscan",
    "mlflow",
    "numba",
    "pandas",
    "plotly",
    "sentence_transformers",
    "sklearn",
    "spacy",
    "torch",
    "transformers",
    "umap",
}


def test_the_menu() -> None:
    assert themeloom.__all__ == MENU
    assert dir(themeloom) == MENU


@pytest.mark.parametrize("name", MENU)
def test_everything_on_the_menu_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(themeloom, name)
    assert found.__module__.startswith("themeloom.")
    assert inspect.getdoc(found)
    home = importlib.import_module(found.__module__)
    assert getattr(home, name) is found


@pytest.mark.parametrize("name", [name for name in MENU if name[0].islower()])
def test_functions_are_documented_as_numpydoc(name: str) -> None:
    function = getattr(themeloom, name)
    text = inspect.getdoc(function) or ""
    assert "Parameters\n----------" in text
    assert "Raises\n------" in text
    for parameter in inspect.signature(function).parameters:
        assert parameter in text


def test_what_is_not_on_the_menu_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'cluster_everything'"):
        themeloom.cluster_everything  # noqa: B018 (asked for, not used)


def test_every_error_is_a_themeloom_error() -> None:
    from themeloom import errors

    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert len(kinds) > 5
    assert all(issubclass(kind, themeloom.ThemeloomError) for kind in kinds)


@pytest.mark.parametrize("statement", ["import themeloom", "import themeloom.cli", "import themeloom.mlflow"])
def test_importing_is_light(statement: str) -> None:
    code = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "themeloom" in loaded
    assert loaded & HEAVY == set()


def test_help_is_light() -> None:
    """Who asks for help does not wait for libraries that no help needs."""
    code = (
        "import sys, json; from themeloom.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    assert loaded & (HEAVY | {"polars"}) == set()
