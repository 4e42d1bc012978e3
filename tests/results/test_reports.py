"""Reports and appendices from a model folder, by the functions and by the command line."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

import themeloom
from builders import make_record
from themeloom.cli import app
from themeloom.errors import ModelError, OutputError
from themeloom.history import store
from themeloom.records import RunRecord
from themeloom.reporting.appendix import COLUMNS
from themeloom.results.exporting import FORMATS
from themeloom.results.reports import CHECKLIST, METHODS, REFERENCES, shared_report
from themeloom.studies.targets import HEADS


def formulas() -> RunRecord:
    """A run with messages that a spreadsheet would compute, and characters that no document may hold."""
    from dataclasses import replace

    record = make_record(60)
    texts = [f"=HYPERLINK({place})" for place in range(30)] + [
        f"+{place}\x00\ud83d<b>" for place in range(30)
    ]
    return replace(record, communications=record.communications.with_columns(text=pl.Series(texts_of(texts))))


def texts_of(texts: list[str]) -> list[str]:
    return [text.replace("\ud83d", "\u202e") for text in texts]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store.save(formulas(), tmp_path_factory.mktemp("study") / "models")


def run(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--root", str(folder.parents[1])])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_report_is_written_again_into_the_model_folder_which_stays_whole(folder: Path) -> None:
    said = run(folder, "report", folder.name)
    assert (folder / "report.html").is_file()
    assert "report.html\n" in said
    assert "Fewer than 5 authors wrote the messages of topic 4" in said
    store.check(folder)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_named_written_and_replaced(folder: Path, tmp_path: Path, form: str) -> None:
    help_ = " ".join(CliRunner().invoke(app, ["export", "--help"], env={"COLUMNS": "200"}).output.split())
    page = (Path(__file__).resolve().parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    assert re.search(rf"--format\b[^-]*\b{form}\b", help_)
    assert f"'{form}'" in (themeloom.export.__doc__ or "")
    assert f"`{form}`" in page
    assert f".{form}" in HEADS
    made = [themeloom.export(folder, form, tmp_path / f"a.{form}") for _ in range(2)]
    assert made[0] == made[1]


def test_report_writes_what_a_paper_takes(folder: Path, tmp_path: Path) -> None:
    page, summary, paper = tmp_path / "page.html", tmp_path / "summary.json", tmp_path / "paper"
    run(
        folder,
        *("report", str(folder), "--out", str(page), "--quotes", "none", "--json", str(summary)),
        *("--paper", str(paper)),
    )
    assert "HYPERLINK" not in page.read_text(encoding="utf-8")
    assert "HYPERLINK" not in summary.read_text(encoding="utf-8")
    assert {path.name for path in paper.iterdir()} == {METHODS, REFERENCES, CHECKLIST}
    assert "@article{umap," in (paper / REFERENCES).read_text(encoding="utf-8")
    assert len(list(csv.reader(io.StringIO((paper / CHECKLIST).read_text("utf-8"))))) == 22


def test_mlflow_gets_words_unless_told_otherwise(folder: Path) -> None:
    record = store.load(folder)
    with shared_report(record, folder) as path:
        assert path.name == "report.html"
        assert path.parent != folder
        assert "HYPERLINK" not in path.read_text(encoding="utf-8")
    assert not path.exists()
    told = {**record.config, "report": {"quotes": "masked", "quotes_in_mlflow": "masked"}}
    record = type(record)(**{name: getattr(record, name) for name in record.__slots__} | {"config": told})
    with shared_report(record, folder) as path:
        assert path == folder / "report.html"


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx", "docx"])
def test_quotations_are_exported_and_never_computed(folder: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"themes.{kind}"
    assert str(out) in run(folder, "export", folder.name, "--format", kind, "--out", str(out)).replace(
        "\n", ""
    )
    assert list(tmp_path.iterdir()) == [out]
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))
        assert list(rows[0]) == list(COLUMNS)
        assert all(row["quotation"][:2] in {"'=", "'+", ""} for row in rows)
        assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    elif kind == "parquet":
        table = pl.read_parquet(out)
        assert table.schema == pl.Schema(COLUMNS)
        assert set(table["theme"]) == set(make_record().codebook.keys)
        assert table["quotation"].drop_nulls().str.starts_with("=").any()
    elif kind == "xlsx":
        sheet = openpyxl.load_workbook(out).active
        cells = [cell for row in sheet.iter_rows() for cell in row]
        assert any(str(cell.value).startswith("=HYPERLINK") for cell in cells)
        assert {cell.data_type for cell in cells} <= {"inlineStr", "s", "n", "b"}  # 'f' would be a formula
    else:
        words = "\n".join(cell.text for row in docx.Document(str(out)).tables[0].rows for cell in row.cells)
        assert "\N{LEFT DOUBLE QUOTATION MARK}=HYPERLINK" in words
        assert "Balance of power between professional and service user" in words


def test_export_shows_no_more_than_it_may(folder: Path, tmp_path: Path) -> None:
    for kind in ("csv", "docx"):
        out = themeloom.export(folder, kind, tmp_path / f"none.{kind}", quotes="none")
        text = (
            out.read_text("utf-8") if kind == "csv" else str(docx.Document(str(out)).tables[0].rows[1].cells)
        )
        assert "HYPERLINK" not in text
    table = pl.read_csv(tmp_path / "none.csv")
    assert len(table) == 7
    assert table["quotation"].null_count() == 7


def test_what_cannot_be_done_is_told(
    folder: Path,
    tmp_path: Path,
    command: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(OutputError, match="format: 'pdf' is unknown; say one of csv, parquet, xlsx, docx"):
        themeloom.export(folder, "pdf")
    with pytest.raises(OutputError, match="quotes: 'all' is unknown; say masked, words or none"):
        themeloom.report(folder, tmp_path / "x.html", quotes="all")
    with pytest.raises(ModelError, match="there is no such model folder"):
        themeloom.report("nowhere", root=tmp_path)
    monkeypatch.chdir(tmp_path)
    code, _, err = command("export", "nowhere")
    assert code == 2
    assert re.match(r"themeloom: nowhere: there is no such model folder", err)
