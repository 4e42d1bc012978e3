from pathlib import Path

import docx
import pytest
from hostile import hostile_record

from builders import make_record
from themeloom.reporting.document import write_docx
from themeloom.reporting.quotes import Quotes
from themeloom.reporting.summary import summarise


@pytest.mark.parametrize(("quotes", "columns"), [("masked", 4), ("none", 3)])
def test_each_theme_is_a_row_with_its_share_and_quotations(
    tmp_path: Path, quotes: Quotes, columns: int
) -> None:
    record = make_record(200)
    summary = summarise(record, paths={}, tracked={}, quotes=quotes)
    write_docx(summary, tmp_path / "themes.docx")
    document = docx.Document(str(tmp_path / "themes.docx"))
    (table,) = document.tables
    assert (len(table.rows), len(table.columns)) == (8, columns)
    for theme, row in zip(summary.themes, table.rows[1:], strict=True):
        assert theme.name in row.cells[0].text
        assert "95% CI" in row.cells[1].text
        for example in theme.typical if quotes == "masked" else ():
            assert example.text in row.cells[3].text
    assert record.note in "\n".join(paragraph.text for paragraph in document.paragraphs)


def test_no_text_breaks_the_document(tmp_path: Path) -> None:
    write_docx(summarise(hostile_record(), paths={}, tracked={}), tmp_path / "themes.docx")
    document = docx.Document(str(tmp_path / "themes.docx"))
    assert "</title><script>window.obeyed = 3</script>" in document.paragraphs[0].text
