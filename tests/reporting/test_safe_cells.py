"""Tables that people read hold no control characters, and once written no formulas."""

import csv
import io

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from themeloom.reporting.readable import readable
from themeloom.reporting.safe_cells import readable_cells
from themeloom.system.sheets import as_csv


@given(st.text(max_size=20))
def test_no_cell_is_a_formula_or_hides_what_it_says(text: str) -> None:
    table = readable_cells(pl.DataFrame({"said": [text], "number": [1]}))
    assert table["said"].to_list() == [readable(text)]
    [_, [cell, _]] = csv.reader(io.StringIO(as_csv(table).decode(), newline=""))
    assert not cell.lstrip(" \n").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_numbers_and_nothing_stay() -> None:
    table = pl.DataFrame({"text": ["fine", None], "share": [0.5, None]})
    assert readable_cells(table).equals(table)
