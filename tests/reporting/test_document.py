from dataclasses import replace
from pathlib import Path

import docx
import polars as pl
import pytest
from hostile import hostile_record

from builders import make_codebook, make_record
from themeloom.records import Codebook
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


def test_what_is_written_from_right_to_left_runs_so(tmp_path: Path) -> None:
    hebrew, (first, *others) = "זמן המתנה", make_codebook().themes
    record = make_record(200, codebook=Codebook((replace(first, name=hebrew, definition="מה?"), *others)))
    texts = pl.Series("text", [f"[person 1] {hebrew} nurse {at}" for at in range(200)])
    record = replace(record, communications=record.communications.with_columns(texts))
    write_docx(summarise(record, paths={}, tracked={}), tmp_path / "themes.docx")
    (table,) = docx.Document(str(tmp_path / "themes.docx")).tables
    theme, share, _, quotations = table.rows[1].cells
    turned = [*theme.paragraphs, *(one for one in quotations.paragraphs if hebrew in one.text)]
    assert len(turned) > 3
    for paragraph in turned:
        assert "<w:bidi/>" in paragraph.paragraph_format.element.xml
        assert all(run.font.rtl for run in paragraph.runs if hebrew in run.text)
    assert theme.paragraphs[0].runs[0].font.cs_bold
    for paragraph in (*share.paragraphs, *table.rows[2].cells[0].paragraphs):
        assert "w:bidi" not in paragraph.paragraph_format.element.xml
        assert not any(run.font.rtl for run in paragraph.runs)
