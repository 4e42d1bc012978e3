"""CSV that spreadsheets take for text alone."""

import csv
import io
import re
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.system import sheets
from themeloom.system.sheets import alive, as_csv, as_sheet, inert, separator_of


@given(st.text())
def test_cells_come_back_and_never_begin_a_formula(text):
    cell = inert(text)
    assert not str(cell).lstrip(" \t\r\n").startswith(("=", "+", "-", "@")) or cell.startswith("'")
    assert alive(cell) == text


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\uff1d1",
        "366000031296528431",
        "12e34",
        "'=1",
        "''7",
    ],
)
def test_what_a_spreadsheet_would_run_or_round_is_marked_as_text(text):
    assert inert(text) == f"'{text}"
    assert alive(inert(text)) == text


@pytest.mark.parametrize("cell", ["a = b", "12 years", "", None, 0.5, True])
def test_all_else_stays_as_it_is(cell):
    assert inert(cell) == cell


@pytest.mark.parametrize(
    ("line", "sign"),
    [
        ("sep=;", ";"),
        ("sep=,\r\n", ","),
        ('"sep=;"', ";"),
        ("sep=\t\n", "\t"),
        ("Sep=|", "|"),
        ("sep=", None),
        ("sep=a", None),
        ("sep;=", None),
        ("id;sep=;", None),
        ("", None),
    ],
)
def test_a_line_may_name_the_separator(line, sign):
    assert separator_of(line) == sign


def test_a_table_is_written_with_its_marks():
    table = pl.DataFrame({"id": ["007", "a"], "said": ["=x", 'he said "no"'], "share": [0.5, None]})
    rows = list(csv.reader(io.StringIO(as_csv(table).decode())))
    assert rows == [["id", "said", "share"], ["'007", "'=x", "0.5"], ["a", 'he said "no"', ""]]


@pytest.mark.parametrize(
    "said", ["plain", "he said \N{RIGHT SINGLE QUOTATION MARK}no\N{RIGHT SINGLE QUOTATION MARK} \U0001f642"]
)
def test_a_sheet_of_english_has_no_mark(said):
    table = pl.DataFrame({"doc_id": ["a"], "text": [said]})
    assert as_sheet(table) == as_csv(table)
    assert as_csv(table) + as_csv(table, header=False) == f"doc_id,text\r\na,{said}\r\na,{said}\r\n".encode()


def test_excel_and_readers_of_tables_know_that_a_sheet_is_utf_8():
    table = pl.DataFrame({"größe": ["要", "要"]})
    written = as_sheet(table)
    assert written == "\ufeffgröße\r\n要\r\n要\r\n".encode()
    assert pl.read_csv(written).rows() == [("要",), ("要",)]
    assert pl.read_csv(written).columns == pd.read_csv(io.BytesIO(written)).columns.to_list() == ["größe"]


def test_csv_is_written_here_and_nowhere_else():
    source = Path(sheets.__file__).parents[1]
    writers = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if re.search(
            r"\bwrite_csv\(|csv\.writer\(|csv\.DictWriter\(|\.to_csv\(|\.sink_csv\(", path.read_text("utf-8")
        )
    }
    assert writers == {"system/sheets.py"}
