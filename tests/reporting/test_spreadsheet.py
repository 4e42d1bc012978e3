from pathlib import Path

import openpyxl
import polars as pl

from themeloom.reporting.spreadsheet import MOST, write_xlsx


def test_texts_stay_texts_and_numbers_numbers(tmp_path: Path) -> None:
    texts = ["=1+1", "+44", "<b>\x00\x1b", "x" * 40_000, "=" * 3, None]
    table = pl.DataFrame({"said": texts, "share": [0.5, None, 1.0, -2.0, 0.0, 3.0]})
    write_xlsx(table, tmp_path / "table.xlsx", "Themes")
    sheet = openpyxl.load_workbook(tmp_path / "table.xlsx")["Themes"]
    rows = list(sheet.iter_rows(min_row=2))
    assert [row[0].value for row in rows] == ["=1+1", "+44", "<b>␀␛", "x" * MOST, "===", None]
    assert "f" not in {cell.data_type for row in rows for cell in row}
    assert [row[1].value for row in rows] == table["share"].to_list()
    assert sheet.freeze_panes == "A2"
