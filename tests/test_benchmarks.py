"""Every benchmark can be asked less, and then leaves the results alone that are kept."""

import argparse
from pathlib import Path

import _asked
import pytest

RUNNERS = sorted(Path(_asked.__file__).parent.glob("[!_]*.py"))


def asked(monkeypatch, tmp_path, *arguments):
    monkeypatch.setattr("sys.argv", ["runner.py", *arguments])
    monkeypatch.setattr(_asked, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(_asked, "QUICK", tmp_path / "quick")
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    return _asked.read(parser, "benchmarks/runner.py", rows=10)


def test_as_a_whole_it_asks_what_it_asks_by_default(monkeypatch, tmp_path):
    given = asked(monkeypatch, tmp_path)
    assert (given.rows, given.rounds, given.quick) == (1_000, 3, False)
    assert given.results == tmp_path / "kept" / "runner.json"


def test_quickly_it_asks_less_and_writes_elsewhere(monkeypatch, tmp_path):
    given = asked(monkeypatch, tmp_path, "--quick")
    assert (given.rows, given.rounds, given.quick) == (10, 3, True)
    assert given.results == tmp_path / "quick" / "runner.json"
    assert given.results.parent.is_dir()


def test_what_is_given_counts_quickly_too(monkeypatch, tmp_path):
    assert asked(monkeypatch, tmp_path, "--rows", "20", "--quick").rows == 20


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda path: path.stem)
def test_every_runner_is_asked_so(runner):
    text = runner.read_text(encoding="utf-8")
    assert "_asked.read(" in text
    assert ".results" in text
    assert "parse_args(" not in text
