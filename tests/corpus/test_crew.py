"""Masking in processes of its own."""

import json
import subprocess
import sys

import psutil
import pytest

from themeloom.config import AnonymiseConfig
from themeloom.corpus import crew
from themeloom.corpus.anonymise import mask_texts
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
        assert crew.recognise_all(TEXTS, CONFIG, watched, apart=1) == expected
    assert watched.done == len(TEXTS)


@pytest.mark.parametrize(("texts", "processes"), [(TEXTS, 2), (TEXTS[:-1], 1), ([], 0)])
def test_of_very_many_texts_every_core_has_a_process_of_fewer_one_alone(monkeypatch, texts, processes):
    started, begin = [], crew.begun

    def begun(*asked):
        started.append(begin(*asked))
        return started[-1]

    monkeypatch.setattr(crew, "begun", begun)
    assert crew.recognise_all(texts, CONFIG, apart=1) == recognise(texts, CONFIG)
    assert len(started) == processes


def test_new_messages_that_come_part_by_part_do_not_start_a_process_each(monkeypatch):
    monkeypatch.setattr(crew, "begun", None)
    masked = mask_texts([f"{number}: Kerry rang" for number in range(3)], CONFIG)
    assert masked == [f"{number}: [person] rang" for number in range(3)]


def test_a_process_that_masked_apart_holds_no_language_model():
    command = (
        "import sys; from themeloom.corpus import crew; from themeloom.config import AnonymiseConfig;"
        f"print(crew.recognise_all({TEXTS[:2]!r}, AnonymiseConfig(), apart=1));"
        "sys.exit('spacy' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() == str(recognise(TEXTS[:2], AnonymiseConfig()))


@pytest.mark.parametrize("command", ["pass", "print(input())", "print('[[[1, 2]]]', flush=True); input()"])
def test_what_a_process_leaves_undone_is_done_here(monkeypatch, command):
    monkeypatch.setattr(crew, "_COMMAND", command)
    watched = Counted()
    assert crew.recognise_all(TEXTS, CONFIG, watched, apart=1) == recognise(TEXTS, CONFIG)
    assert watched.done == len(TEXTS)


def test_no_process_can_be_started(monkeypatch):
    monkeypatch.setattr(crew.sys, "executable", "/nowhere/python")
    assert crew.recognise_all(TEXTS, CONFIG, apart=1) == recognise(TEXTS, CONFIG)


def test_ctrl_c_ends_the_processes_in_the_middle_of_their_work(monkeypatch):
    answer = json.dumps([[], []])
    monkeypatch.setattr(
        crew, "_COMMAND", f"input(); input(); print('{answer}', flush=True); input(); input()"
    )
    with pytest.raises(KeyboardInterrupt):
        crew.recognise_all(TEXTS, CONFIG, Stops(), apart=1)
