"""Tables as a spreadsheet (XLSX), whose cells are text and numbers and never formulas."""

from io import BytesIO
from pathlib import Path

import polars as pl

from themeloom.reporting.readable import readable

MOST = 32_767
"""Characters that a cell of a spreadsheet holds."""


def write_xlsx(table: pl.DataFrame, path: Path, title: str) -> None:
    """Write a table as a workbook of one sheet, its head frozen and filtered.

    Parameters
    ----------
    table
        Texts and numbers.
    path
        Where to.
    title
        The sheet's name.
    """
    import openpyxl
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for at, (name, column) in enumerate(zip(table.columns, table.get_columns(), strict=True), 1):
        sheet.column_dimensions[get_column_letter(at)].width = 45 if column.dtype == pl.String else 13
        sheet.cell(1, at, name).font = Font(bold=True)
        for row, value in enumerate(column.to_list(), 2):
            cell = sheet.cell(row, at)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(value, str):
                cell.value, cell.data_type = readable(value)[:MOST], "s"  # openpyxl takes '=…' for a formula
            else:
                cell.value = value
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    written = BytesIO()  # an archive that breaks off on a full disk would fail once more when it is closed
    book.save(written)
    path.write_bytes(written.getvalue())
