"""`themeloom compare`, as somebody types it."""

import json
import re
import sys
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from builders import make_record
from comparisons import make_run, save_beside, write_plain
from themeloom import cli
from themeloom.console.comparisons import show_comparison
from themeloom.history.compare import compare_runs

MADE_UP, OTHER = "made-up-20260102-030405-0000", "other-20260203-040506-0001"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    save_beside(make_record(), root / "models")
    write_plain(root / "[red]plain", [["word [bold]", "visit"], ["letter", "plan"]], np.eye(2, 8))
    return root


@pytest.fixture
def run(study, monkeypatch, capsys):
    """Run `themeloom compare`; give its exit code, what it printed, and what it complained of."""

    def compare(*arguments, columns="160"):
        monkeypatch.chdir(study)
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setattr(sys, "argv", ["themeloom", "compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        told = capsys.readouterr()
        return stopped.value.code or 0, told.out, told.err

    return compare


def cells(out):
    """The rows of all tables, each as its cells."""
    rows = [re.split("[│┃]", line)[1:-1] for line in out.splitlines() if line.startswith(("│", "┃"))]
    return [tuple(cell.strip() for cell in row) for row in rows]


def test_runs_are_told_and_written(run, tmp_path):
    code, out, _ = run(
        MADE_UP, f"models/{OTHER}", "--json", tmp_path / "c.json", "--out", tmp_path / "c.html"
    )
    assert code == 0
    rows = cells(out)
    assert any(row[:2] == ("A", MADE_UP) for row in rows)
    assert any(row[:2] == ("B", OTHER) for row in rows)
    assert ("cluster.min_cluster_size", "not set", "12") in rows
    assert "merged into" in out
    assert "B less A on the same 20 labelled messages: topic level, the same predictions; message" in out
    assert re.search(r"A to B: Message level: \d+ of 60 shared messages moved to another theme", out)
    assert "merged: it goes into a topic" in out
    assert "nan" not in out
    written = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert [found["name"] for found in written["runs"]] == [MADE_UP, OTHER]
    assert written["pairings"][0]["basis"] == "membership"
    assert len(written["pairings"][0]["themes"][0]["moves"][0]["doc_id"]) == 16
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert OTHER in page
    assert "figure-streams-1" in page


def test_a_topic_without_what_it_went_into_as_its_partner_is_told_so():
    record = compare_runs([make_run([0] * 100 + [1] * 10), make_run([0] * 106 + [1] * 4, "b")])
    console = Console(width=160, file=StringIO())
    show_comparison(console, record)
    assert "1 (0.40) merged; most in 0" in console.file.getvalue()


def test_many_differences_are_told_to_be_judged_one_by_one(run):
    assert "judged by itself" not in run(MADE_UP, OTHER)[1]
    assert "judged by itself" in run(MADE_UP, OTHER, MADE_UP)[1]


def test_markup_in_names_is_only_text(run):
    code, out, _ = run("[red]plain", MADE_UP, OTHER)
    assert code == 0
    assert any(row[:2] == ("A", "[red]plain") for row in cells(out))
    assert "word [bold], visit" in out
    assert "Themes of messages cannot be compared" in out


def test_a_narrow_terminal_gets_all_of_it(run):
    code, out, _ = run(MADE_UP, OTHER, columns="60")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 60


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([MADE_UP], "two runs or more are needed"),
        ([MADE_UP, "nothing"], "'nothing': is no model folder"),
        ([MADE_UP, "."], "is neither a model folder"),
        ([MADE_UP, "runs:/" + "a" * 32], "there are no runs yet"),
        ([MADE_UP, OTHER, "--root", "nowhere"], f"'{MADE_UP}': is no model folder"),
    ],
)
def test_bad_input_is_a_sentence(run, tmp_path, arguments, said):
    code, out, err = run(*arguments, "--json", tmp_path / "c.json", "--out", tmp_path / "c.html")
    assert (code, out) == (2, "")
    told = [line for line in err.splitlines() if line.startswith("themeloom: ")]
    assert len(told) == 1
    assert said in told[0]
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_said(run, tmp_path):
    (tmp_path / "file").write_text("")
    code, out, err = run(MADE_UP, OTHER, "--out", tmp_path / "file" / "c.html")
    assert (code, out) == (2, "")
    assert "cannot be written" in err


def test_without_runs_the_usage_is_shown(run):
    code, _, err = run()
    assert code == 2
    assert "RUN" in err
