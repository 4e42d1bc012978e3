"""What of the manual is not run as it stands, why, and how it is checked instead."""

import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

from typer.main import get_command

from manual_blocks import ROOT
from themeloom import cli
from themeloom.labelling.serving import Hosting

SMALLER = {
    'ThemeModel(cache=".cache")': 'ThemeModel(cache=".cache", adapt=False, folds=2)',
    "cv=5": "cv=2",
    "--labels 50,100,200": "--labels 20,40",
}
"""What is written otherwise to take seconds, or as the studies here are small."""


def parsed(words: list[str]) -> dict[str, Any]:
    """Read a command line without running it; what is no command or option of Themeloom is a fault."""
    command = get_command(cli.app).commands[words[1]]  # type: ignore[attr-defined]
    return dict(command.make_context(words[1], words[2:]).params)


def _make(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(words[1:]) <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)), "there is no such target"


def _label(words: list[str]) -> None:
    given = parsed(words)
    names = ("host", "port", "tls_cert", "tls_key", "behind_proxy", "address")
    Hosting(**{name: given[name] for name in names}).seen_as()


def _mlflow(words: list[str]) -> None:
    import mlflow.cli

    command: Any = mlflow.cli.cli
    for at, word in enumerate(words[1:], start=2):
        command = command.commands[word]
        if not hasattr(command, "commands"):
            command.make_context(word, words[at:])
            return
    raise AssertionError("it names no command of mlflow")


def _curl(words: list[str]) -> None:
    assert words[1].endswith("/invocations")
    assert [list(row) for row in json.loads(words[words.index("-d") + 1])["dataframe_records"]] == [["text"]]


def _pip(words: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {extra for found in re.findall(r"\[([\w,]+)\]", " ".join(words)) for extra in found.split(",")}
    assert words[1] == "install"
    assert named <= project["optional-dependencies"].keys(), "there is no such extra"


ELSEWHERE: dict[str, tuple[str, Callable[[list[str]], object]]] = {
    "make": ("sets up an environment of its own", _make),
    "pip": ("changes the environment", _pip),
    "themeloom assign --engine": ("needs Ray; run by tests/assigning/test_ray_engine.py", parsed),
    "themeloom run --engine": ("needs Ray; run by tests/assigning/test_ray_engine.py", parsed),
    "themeloom demo": (
        "takes minutes; run by tests/test_pipeline.py, copied by tests/test_cli.py",
        parsed,
    ),
    "themeloom label --host": ("no address of this machine; run by tests/labelling/test_serving.py", _label),
    "themeloom label --behind-proxy": ("needs a proxy; run by tests/labelling/test_serving.py", _label),
    "mlflow models serve": ("takes long; run by tests/history/test_logged_model.py", _mlflow),
    "curl": ("asks that server", _curl),
}
"""Commands that cannot be run in a test: first words, and an option → why not, and a check of the words."""

UNREAD: dict[tuple[str, str], str] = {}
"""Blocks that nothing of ours reads or says: (page, first line) → why, and what checks them instead."""


def elsewhere(words: list[str]) -> str | None:
    """Find the entry of ELSEWHERE that a command line falls under."""
    for entry in ELSEWHERE:
        first = [word for word in entry.split() if not word.startswith("--")]
        if words[: len(first)] == first and set(entry.split()) <= set(words):
            return entry
    return None
