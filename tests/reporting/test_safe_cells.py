import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.reporting.safe_cells import plain_cell, plain_cells


@pytest.mark.parametrize("text", ["=1+1", "+44", "-2", "@SUM(1)", "\t=1", "\r=1", "  =1", "\n=1", "＝1"])  # noqa: RUF001
def test_what_a_spreadsheet_would_compute_is_quoted(text: str) -> None:
    assert plain_cell(text).startswith("'")
    assert plain_cell(text)[1:] == text.replace("\t", "\t")


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not plain_cell(text).lstrip(" \n").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_ordinary_texts_and_numbers_stay() -> None:
    table = pl.DataFrame({"a": ["[handle 1] hello", None, "5 = 5"], "b": [-1.5, 2.0, None]})
    assert plain_cells(table).equals(table)
