"""Where results may be written: what a command reads, and what people made, is never replaced."""

import json
import os
import shutil
import sys
from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from builders import make_record
from studies import write_study
from themeloom import cli
from themeloom.assigning.assignment import WRITTEN
from themeloom.assigning.piecework import ENDINGS
from themeloom.assigning.updating import Update
from themeloom.compared import ComparisonRecord
from themeloom.discovery.backend import Finding
from themeloom.errors import OutputError
from themeloom.history import store
from themeloom.reporting.summary import Summary, to_json
from themeloom.results import exporting
from themeloom.studies.targets import JSON, PAGE, SHEET, Kind, check_folder, check_target
from themeloom.sweeps import sweeping
from themeloom.sweeps.sweeping import Sweep
from themeloom.themes.agreement import Agreement
from themeloom.themes.plan import Plan

MODEL = "made-up-20260102-030405-0000"
TABLE = Kind((".csv", ".parquet", ".xlsx"), ("doc_id", "topic"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study, a model, and files that people made."""
    root = tmp_path_factory.mktemp("made") / "root"
    study = write_study(root)
    study.write("by-hand.csv", "id,ana,ben\n1,waiting,listening\n")
    study.write("tasks.json", '[{"id": 1, "annotations": []}]')
    study.write("page.html", "<html><body>ours</body></html>")
    study.write("two.csv", "id,ana,ben\n1,a,a\n2,b,b\n3,a,b\n")
    study.rewrite("experiment.toml", "[adapt]", '[encoder]\nname = "encoder"\n\n[adapt]')
    (root / "encoder").mkdir()
    study.write("encoder/config.json", '{\n  "model_type": "bert"\n}\n')
    store.save(make_record(), root / "models")
    (root / "link.csv").symlink_to("messages.csv")
    (root / "link.json").symlink_to("encoder/config.json")
    return root


@pytest.fixture
def said(made, tmp_path, monkeypatch, capsys):
    """Run a command in a copy of all that; give its exit code and what it wrote to standard error."""
    root = tmp_path / "root"
    shutil.copytree(made, root, symlinks=True)
    monkeypatch.chdir(root)

    def run(words):
        monkeypatch.setattr(sys, "argv", ["themeloom", *words.split()])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code or 0, capsys.readouterr().err

    return run


def _all(folder):
    return {path: path.read_bytes() if path.is_file() else b"" for path in Path(folder).rglob("*")}


READ = "which is read here"
ENDS = "which cannot be written; use"
THERE = "exists already, and is no earlier result"
CODES = "exists already, and may hold codes"
FOLDER = "is a folder, where a file is to be written"
REFUSED = {
    f"assign {MODEL} messages.csv --id id --out messages.csv": READ,
    f"assign {MODEL} messages.csv --id id --out models/../messages.csv": READ,
    f"assign {MODEL} messages.csv --id id --out link.csv": READ,
    f"assign {MODEL} link.csv --id id --out messages.csv": READ,
    f"assign {MODEL} messages.csv --id id --out labels.csv": THERE,
    f"assign {MODEL} messages.csv --id id --out .": FOLDER,
    f"update {MODEL} messages.csv --json codebook.yaml --experiment experiment.toml": READ,
    f"update {MODEL} messages.csv --json messages.csv": READ,
    "audit experiment.toml --out messages.csv": READ,
    "audit experiment.toml --out link.csv": READ,
    "audit experiment.toml --out by-hand.csv": THERE,
    "audit experiment.toml --out audit.txt": ENDS,
    "audit experiment.toml --out /": FOLDER,
    "run experiment.toml --json messages.csv": READ,
    "run experiment.toml --json link.json": READ,
    "run experiment.toml --json tasks.json": THERE,
    "run experiment.toml --json .": FOLDER,
    "run experiment.toml --json models": FOLDER,
    "run experiment.toml --json labels.csv/summary.json": "it is no folder",
    f"run experiment.toml --json models/{MODEL}/scores.json": "is inside a model",
    "demo --json tasks.json": THERE,
    "bench encoder experiment.toml --json experiment.toml": READ,
    "bench encoder --json experiment.toml": ENDS,
    "plan experiment.toml --json experiment.toml": READ,
    "plan experiment.toml --json labels.csv": READ,
    "agree two.csv --json two.csv": READ,
    "agree two.csv --codebook codebook.yaml --json codebook.yaml": READ,
    "agree two.csv --json labels.csv": ENDS,
    "agree two.csv --json .": FOLDER,
    "sweep experiment.toml --out labels.csv": READ,
    "sweep experiment.toml --out by-hand.csv": THERE,
    "sweep experiment.toml --json codebook.yaml": READ,
    "sample experiment.toml --out labels.csv": READ,
    "sample experiment.toml --out by-hand.csv": CODES,
    "sample experiment.toml --out sheet.xlsx": ENDS,
    f"undecided {MODEL} --out by-hand.csv": CODES,
    f"undecided models/{MODEL} --out sheet.xlsx": ENDS,
    "export-labels experiment.toml --out labels.csv": READ,
    "export-labels experiment.toml --out by-hand.csv": CODES,
    "export-labels experiment.toml --out tasks.json": CODES,
    f"report {MODEL} --out labels.csv": ENDS,
    f"report {MODEL} --out page.html": THERE,
    f"report {MODEL} --out models": FOLDER,
    f"report {MODEL} --out page-2.html --json labels.csv": ENDS,
    f"report {MODEL} --out page-2.html --json /": FOLDER,
    f"report {MODEL} --out page-2.html --paper labels.csv": "it is no folder",
    f"export {MODEL} --out labels.csv": THERE,
    f"export {MODEL} --out themes.xlsx": "ends as another format than csv, which is written",
    f"export {MODEL} --format csv --out themes.docx": "ends as another format than csv, which is written",
    f"export {MODEL} --format docx --out themes": ENDS,
    f"export {MODEL} --out models/{MODEL}/themes.csv": "is inside a model",
    f"export {MODEL} --out ..": FOLDER,
    f"compare {MODEL} {MODEL} --json codebook.yaml": ENDS,
    f"compare {MODEL} {MODEL} --json models/{MODEL}/manifest.json": READ,
    f"compare {MODEL} {MODEL} --out page.html": THERE,
    f"compare {MODEL} {MODEL} --out .": FOLDER,
}


@pytest.mark.parametrize("words", REFUSED)
def test_nothing_that_is_read_or_was_made_by_people_is_replaced(said, words):
    before = _all(".")
    code, err = said(words)
    assert code == 2
    [line] = err.splitlines()
    assert line.startswith("themeloom: ")
    assert REFUSED[words] in line
    assert _all(".") == before, "told before any work"


AGAIN = (
    f"export {MODEL} --out themes.csv",
    f"export {MODEL} --format parquet --out themes.parquet",
    f"export {MODEL} --format xlsx --out themes.xlsx",
    f"export {MODEL} --format docx --out themes.docx",
    f"export {MODEL}",
    f"report {MODEL}",
    f"report {MODEL} --out new/report-2.html --json new/summary.json --paper new/paper",
    f"report models/{MODEL} --out models/{MODEL}/report.html",
    f"compare {MODEL} {MODEL} --out compared.html --json compared.json",
    "agree two.csv --json agreement.json",
    "audit experiment.toml --out audit.csv",
)


@pytest.mark.parametrize("words", AGAIN)
def test_an_earlier_result_is_replaced(said, words):
    assert said(words)[0] == 0
    before = _all(".")
    assert said(words)[0] == 0
    assert _all(".").keys() == before.keys()


def test_from_python_too_nothing_but_an_earlier_table_is_replaced(made, tmp_path):
    out = tmp_path / "codes.csv"
    out.write_text("id,code\n1,a\n")
    with pytest.raises(OutputError, match=THERE):
        exporting.export(made / "models" / MODEL, out=out)
    assert out.read_text() == "id,code\n1,a\n"


def test_a_table_is_known_by_its_columns(tmp_path):
    for own, columns in ((True, ["doc_id", "topic", "p_x"]), (False, ["doc_id", "code"])):
        table = pl.DataFrame({name: ["1"] for name in columns})
        table.write_csv(tmp_path / "t.csv", include_bom=own)  # as Excel saves it
        table.write_parquet(tmp_path / "t.parquet")
        book = Workbook()
        for row in (columns, *table.rows()):
            book.worksheets[0].append(row)
        book.save(tmp_path / "t.xlsx")
        for name in ("t.csv", "t.parquet", "t.xlsx"):
            if own:
                check_target(tmp_path / name, TABLE)
            else:
                with pytest.raises(OutputError, match=rf"{name}: {THERE}"):
                    check_target(tmp_path / name, TABLE)


def test_an_assignment_and_a_sweep_are_known(tmp_path):
    for kind in (WRITTEN, Kind(ENDINGS, sweeping.COLUMNS)):
        pl.DataFrame({name: ["1"] for name in ("more", *kind.columns)}).write_csv(tmp_path / "t.csv")
        check_target(tmp_path / "t.csv", kind)


@pytest.mark.parametrize("content", [b"PAR1 no Parquet at all PAR1", b"PK\x03\x04", b"\xff\xfe\x00", b"\n"])
@pytest.mark.parametrize("ending", TABLE.endings)
def test_what_cannot_be_read_is_somebody_elses(tmp_path, content, ending):
    out = tmp_path / f"t{ending}"
    out.write_bytes(content)
    with pytest.raises(OutputError, match=THERE):
        check_target(out, TABLE)


@pytest.mark.parametrize("kind", [JSON, PAGE, SHEET, TABLE])
def test_an_empty_file_and_a_new_name_are_free_to_write_to(tmp_path, kind):
    out = tmp_path / f"made.by-mktemp{kind.endings[0]}"
    check_target(out, kind)
    out.touch()
    check_target(out, kind)
    check_target(tmp_path / "new" / "folder" / f"T{kind.endings[0].upper()}", kind)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("written", [Summary, ComparisonRecord, Agreement, Plan, Sweep, Update, Finding])
def test_json_is_known_by_its_first_key(tmp_path, written):
    out = tmp_path / "x.json"
    out.write_text(to_json({fields(written)[0].name: 1, "more": 2}), encoding="utf-8")
    check_target(out, JSON)


def test_json_of_others_is_somebody_elses(tmp_path):
    out = tmp_path / "x.json"
    for content in ({"data": [{"id": "1"}]}, [{"id": 1}], {"id": 1, "text": "a message"}):
        out.write_text(json.dumps(content, indent=2))
        with pytest.raises(OutputError, match=THERE):
            check_target(out, JSON)


def test_a_hard_link_is_the_same_file(tmp_path):
    (tmp_path / "a.json").touch()
    os.link(tmp_path / "a.json", tmp_path / "b.json")
    with pytest.raises(OutputError, match=READ):
        check_target(tmp_path / "b.json", JSON, [tmp_path / "none.json", tmp_path / "a.json"])


def test_too_long_a_name_is_a_sentence(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        check_target(tmp_path / f"{'x' * 300}.json", JSON)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_told_at_once(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="it may not be written to"):
            check_target(tmp_path / "new" / "x.json", JSON)
        with pytest.raises(OutputError, match="it may not be written to"):
            check_folder(tmp_path / "new")
    finally:
        tmp_path.chmod(0o700)
