"""Masking on all cores."""

import json

import psutil
import pytest

from themeloom.config import AnonymiseConfig
from themeloom.corpus import crew
from themeloom.corpus.recognise import recognise
from themeloom.progress import Unwatched

CONFIG = AnonymiseConfig(keep=("zorb\u00e9",), mask=("Blue Door",))
TEXTS = [
    *(
        "Dr Smith saw Kerry at Ashgrove ward",
        "I was there, @jo",
        "Zorb\u00e9 at the Blue Door",
        "\ud800 lone",
    ),
    *(f"my sister {name} rang 07700 900{number}" for number, name in enumerate(("Kerry", "Susan"), 100)),
    *("[person 3] said so\nto Kerry", "nothing here", "", "\u2028Siobhan\x00"),
]


class Counted(Unwatched):
    """Counts what is done."""

    done = 0

    def advance(self, steps: int = 1) -> None:
        self.done += steps


class Stops(Unwatched):
    """Somebody presses Ctrl-C when something is done."""

    def advance(self, steps: int = 1) -> None:  # noqa: ARG002
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def many(monkeypatch):
    monkeypatch.setattr(crew, "MANY", len(TEXTS))
    monkeypatch.setattr(crew, "_PART", 2)
    monkeypatch.setattr(crew, "cores", lambda: 2)
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) <= before, "no process is left behind"


def test_many_processes_find_what_one_does_in_the_same_order():
    watched = Counted()
    expected = recognise(TEXTS, CONFIG)
    assert any(expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crew, "recognise", None)  # this process does nothing itself
        assert crew.recognise_all(TEXTS, CONFIG, watched) == expected
    assert watched.done == len(TEXTS)


@pytest.mark.parametrize("command", ["pass", "print(input())", "print('[[[1, 2]]]', flush=True); input()"])
def test_what_a_process_leaves_undone_is_done_here(monkeypatch, command):
    monkeypatch.setattr(crew, "_COMMAND", command)
    watched = Counted()
    assert crew.recognise_all(TEXTS, CONFIG, watched) == recognise(TEXTS, CONFIG)
    assert watched.done == len(TEXTS)


def test_no_process_can_be_started(monkeypatch):
    monkeypatch.setattr(crew.sys, "executable", "/nowhere/python")
    assert crew.recognise_all(TEXTS, CONFIG) == recognise(TEXTS, CONFIG)


def test_ctrl_c_ends_the_processes_in_the_middle_of_their_work(monkeypatch):
    answer = json.dumps([[], []])
    monkeypatch.setattr(
        crew, "_COMMAND", f"input(); input(); print('{answer}', flush=True); input(); input()"
    )
    with pytest.raises(KeyboardInterrupt):
        crew.recognise_all(TEXTS, CONFIG, Stops())
