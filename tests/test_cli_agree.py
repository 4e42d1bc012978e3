import json
import os
import re
import subprocess
import sys
from unicodedata import normalize

import pytest

from themeloom import cli

LABELS = """\
id,ann,bob,cem,adjudicated
m1,waiting,waiting,waiting,waiting
m2,waiting,listening,,waiting
m3,listening,listening,thanks,listening
m4,thanks,thanks,thanks,thanks
m5,listening,waiting,,waiting
m6,,,waiting,waiting
"""
CODEBOOK = """\
themes:
  - {key: waiting, name: Waiting, definition: Waiting for help.}
  - {key: listening, name: Listening, definition: Being heard.}
  - {key: cost, name: Cost, definition: What it costs.}
residual:
  - {key: thanks, name: Thanks, definition: Thanks alone.}
"""


@pytest.fixture
def agree(monkeypatch, capsys, tmp_path):
    """Run `themeloom agree` on labels; give its exit code, what it printed, and what it complained of."""

    def run(labels, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "140")
        (tmp_path / "labels.csv").write_text(labels, encoding="utf-8")
        (tmp_path / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["themeloom", "agree", "labels.csv", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        told = capsys.readouterr()
        return stopped.value.code or 0, told.out, told.err

    return run


def cells(out):
    """The rows of all tables, each as its cells."""
    rows = [re.split("[│┃]", line)[1:-1] for line in out.splitlines() if line.startswith(("│", "┃"))]
    return [tuple(cell.strip() for cell in row) for row in rows]


def test_agreement_is_told_and_written(agree, tmp_path):
    code, out, _ = agree(LABELS, "--codebook", "codebook.yaml", "--json", "out/agreement.json")
    assert code == 0
    assert "Agreement of 3 coders" in out
    assert "5 messages were coded by two or more coders, 1 by one alone." in out
    assert "Given by nobody: cost." in out
    rows = cells(out)
    assert ("ann", "waiting", "bob", "listening", "1") in rows
    assert {"waiting", "listening", "thanks"} <= {row[0] for row in rows}
    written = json.loads((tmp_path / "out" / "agreement.json").read_text(encoding="utf-8"))
    assert written["coders"] == ["ann", "bob", "cem"]
    assert written["unused"] == ["cost"]
    # Three messages of two of two agreeing, one of three: (1 + 0 + 1/3 + 1 + 0) / 5.
    assert written["scores"]["observed"]["value"] == pytest.approx(7 / 15)
    assert [pair["messages"] for pair in written["pairs"]] == [5, 3, 3]
    shown = f"{written['scores']['alpha']['value']:.2f}"
    assert any(row[0] == "Krippendorff's alpha" and row[1].startswith(shown) for row in rows)


def test_coders_are_named(agree, tmp_path):
    code, out, _ = agree(LABELS, "--coders", "cem, adjudicated", "--adjudicated", "bob", "--json", "a.json")
    assert code == 0
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["coders"] == ["cem", "adjudicated"]
    assert "Cohen's kappa " in out
    assert "mean over pairs" not in out


def test_perfect_agreement_is_said_plainly(agree):
    code, out, _ = agree("id,ann,bob\na,red,red\nb,blue,blue\n")
    assert code == 0
    assert "1.00 (no interval)" in out
    assert "No two coders disagree on any message." in out
    assert "nan" not in out


def test_markup_in_names_is_only_text(agree):
    code, out, _ = agree("id,[bold]ann,[/red]\na,[red]x,[red]x\nb,[red]x,y\n")
    assert code == 0
    assert ("[bold]ann", "[red]x", "[/red]", "y", "1") in cells(out)


SPOILT = {
    "one coder": ("id,ann\na,red\n", [], "agreement needs two coders"),
    "no message coded twice": ("id,ann,bob\na,red,\nb,,red\n", [], "no message was coded by two coders"),
    "no such coder": (LABELS, ["--coders", "ann,eve"], "labels.csv:1: has no column 'eve'"),
    "no such key": (LABELS, ["--key", "number"], "labels.csv:1: has no column 'number'"),
    "a code not in the codebook": (
        LABELS.replace("m4,thanks", "m4,thank"),
        ["--codebook", "codebook.yaml"],
        "labels.csv:5: column 'ann' holds 'thank'",
    ),
    "no such codebook": (LABELS, ["--codebook", "none.yaml"], "none.yaml: there is no such codebook"),
    "an empty file": ("", [], "labels.csv: is empty"),
    "JSON": ("[]", [], "labels.csv: looks like JSON"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_bad_input_is_a_sentence(agree, tmp_path, case):
    labels, arguments, said = SPOILT[case]
    code, out, err = agree(labels, *arguments, "--json", "agreement.json")
    assert (code, out) == (2, "")
    told = [line for line in err.splitlines() if line.startswith("themeloom: ")]
    assert len(told) == 1
    assert said in told[0]
    assert not (tmp_path / "agreement.json").exists()


def test_a_code_is_the_same_whether_its_letters_and_marks_are_apart_or_not(agree, tmp_path):
    labels = "id,Zoë,bob\n1,größe,größe\n2,x,x\n".replace(",größe\n", f",{normalize('NFD', 'größe')}\n")
    coders = normalize("NFD", "Zoë") + ",bob"
    assert agree(labels, "--coders", coders, "--json", "a.json")[0] == 0
    assert json.loads((tmp_path / "a.json").read_text())["scores"]["observed"]["value"] == 1


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_that_cannot_show_a_letter_gets_its_number(tmp_path, encoding):
    (tmp_path / "labels.csv").write_text("id,ann,bob\n1,המתנה,המתנה\n2,größe,größe\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "themeloom", "agree", "labels.csv"],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "140"},
        check=False,
    )
    assert (done.returncode, b"fault of the program" in done.stderr) == (0, False), done.stderr
    assert rb"\u05d4\u05de\u05ea\u05e0\u05d4" in done.stdout
    assert ("größe".encode(encoding, "backslashreplace")) in done.stdout
