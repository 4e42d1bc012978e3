"""The notebooks of the manual run as they are written; the one of the demonstration is in test_pipeline."""

import json
from pathlib import Path

import openpyxl
import pytest

from notebooks import FOLDER, run_notebook


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: what they have in common is computed once."""
    return tmp_path_factory.mktemp("notebooks")


def test_own_data(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(folder)
    names, shown = run_notebook("own-data")
    assert "lables.csv" in capsys.readouterr().out  # the fault that it shows
    assert "What people say of waiting and of listening" in shown[0]
    assert names["result"].report.is_file()
    assert openpyxl.load_workbook("themes.xlsx").active.max_row > 2
    assert "the waiting list" not in Path("without-messages.html").read_text(encoding="utf-8")


def test_comparing_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    names, shown = run_notebook("comparing-runs")
    assert len(names["comparison"].runs) == 2
    assert "study.seed" in names["comparison"].settings["key"]
    assert shown
    assert Path("comparison.html").is_file()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_clean_and_say_what_their_messages_are(path: Path) -> None:
    book = json.loads(path.read_text(encoding="utf-8"))
    cells = book["cells"]
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")
    assert "**synthetic**" in "".join(cells[0]["source"])
    assert f"notebooks/{path.name}" in (FOLDER.parent / "notebooks.md").read_text(encoding="utf-8")
