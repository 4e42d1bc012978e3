"""Tables of labels as text, whoever saved them."""

import polars as pl
import pytest

from themeloom.errors import LabelError
from themeloom.system.labelfile import read_table


def table(folder, content, name="labels.csv", **options):
    path = folder / name
    path.write_bytes(content.encode())
    return read_table(path, **options)


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_rows_keep_their_lines_whatever_separates_their_cells(tmp_path, sign):
    lines = ["", 'id,ann,"a\nb",,', "1,x,y,,", "", "2,,z"]
    found = table(tmp_path, "\n".join(lines).replace(",", sign))
    assert found.columns == ("id", "ann", "a\nb")
    assert found.rows == ((4, {"id": "1", "ann": "x", "a\nb": "y"}), (6, {"id": "2", "ann": "", "a\nb": "z"}))
    assert found.faults == ()


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_blanks_stay_where_they_are_asked_for(tmp_path, name):
    path = tmp_path / name
    rows = pl.DataFrame({"id": [" 1 "], "note": [" a\n"]})
    rows.write_csv(path) if name.endswith("csv") else rows.write_parquet(path)
    assert [row for _, row in read_table(path).rows] == [{"id": "1", "note": "a"}]
    assert [row for _, row in read_table(path, whole={"note", "more"}).rows] == [{"id": "1", "note": " a\n"}]


def test_cells_that_were_made_inert_are_as_they_were(tmp_path):
    found = table(tmp_path, "id,'=ann\n '12 ,'=x\n'12,'y\n")
    assert found.columns == ("id", "=ann")
    assert [row for _, row in found.rows] == [{"id": "12", "=ann": "=x"}, {"id": "12", "=ann": "'y"}]


def test_a_column_that_is_named_twice_is_told_with_its_line(tmp_path):
    with pytest.raises(LabelError, match=r"labels\.csv:3: names the column 'ann' twice"):
        table(tmp_path, "sep=;\n\nid;ann; ann\n1;a;b\n")
