"""The table of themes as a text document (DOCX), for a paper's appendix."""

import re
import unicodedata
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from themeloom.reporting.contents import Example, Summary, ThemeSummary
from themeloom.reporting.formats import number, share
from themeloom.reporting.readable import readable
from themeloom.reporting.sentences import few_told, unnamed_told
from themeloom.reporting.texts import say

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import _Cell
    from docx.text.paragraph import Paragraph

_BRACKETS = re.compile(r"\[[^\[\]]*\]")
COLUMNS = ("theme", "share", "topics", "quotations")


def write_docx(summary: Summary, path: Path) -> None:
    """Write the themes, each with its share, its topics and quotations, as a document of one table.

    Parameters
    ----------
    summary
        The run; its `quotes` say how messages are shown.
    path
        Where to.
    """
    import docx
    from docx.enum.section import WD_ORIENT

    document = docx.Document()
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    document.core_properties.title = readable(summary.title or summary.study)
    document.core_properties.author = ""
    document.add_heading(say("appendix.title", title=readable(summary.title or summary.study)), 1)
    if summary.note:
        document.add_paragraph(readable(summary.note))
    unique = number(summary.flow.unique)
    document.add_paragraph(f"{say('appendix.caption', unique=unique)} {say(f'appendix.{summary.quotes}')}")
    for told in filter(None, (unnamed_told(summary.parameters), few_told(summary))):
        document.add_paragraph(told)
    _table(document, summary)
    cells = [cell for table in document.tables for row in table.rows for cell in row.cells]
    for part in (document, *cells):
        for paragraph in part.paragraphs:
            _turn(paragraph)
    written = BytesIO()  # an archive that breaks off on a full disk would fail once more when it is closed
    document.save(written)
    path.write_bytes(written.getvalue())


def _table(document: "Document", summary: Summary) -> None:
    columns = [name for name in COLUMNS if name != "quotations" or summary.quotes != "none"]
    table = document.add_table(1, len(columns))
    table.style = "Table Grid"
    for cell, name in zip(table.rows[0].cells, columns, strict=True):
        cell.paragraphs[0].add_run(say(f"appendix.{name}")).bold = True
    for theme in summary.themes:
        row = dict(zip(columns, table.add_row().cells, strict=True))
        row["theme"].paragraphs[0].add_run(readable(theme.name)).bold = True
        row["theme"].add_paragraph(readable(theme.definition))
        row["share"].text = _share(theme)
        row["topics"].text = "\n".join(readable(summary.topics[topic].label) for topic in theme.topics)
        if "quotations" in row:
            _quote(row["quotations"], theme.typical)
            _quote(row["quotations"], theme.borderline, say("appendix.borderline"))


def _share(theme: ThemeSummary) -> str:
    counted = say("appendix.counted", share=share(theme.size.share), number=number(theme.size.count))
    found = theme.prevalence
    if found is None:
        return counted
    bounds = {"low": share(found.low), "high": share(found.high)}
    return f"{say('appendix.estimated', share=share(found.value), **bounds)}\n{counted}"


def _quote(cell: "_Cell", examples: tuple[Example, ...], kind: str = "") -> None:
    if kind and examples:
        cell.add_paragraph().add_run(kind).italic = True
    for example in examples:
        quoted = cell.add_paragraph(
            f"\N{LEFT DOUBLE QUOTATION MARK}{readable(example.text)}\N{RIGHT DOUBLE QUOTATION MARK}"
        )
        if example.of_few:
            quoted.add_run(f" [{say('few.flag')}]").bold = True


def _turn(paragraph: "Paragraph") -> None:
    """Let a paragraph run from right to left if its first letter does, and each piece of it that does."""
    from docx.oxml import OxmlElement

    if _from_right(paragraph.text):
        paragraph.paragraph_format.element.get_or_add_pPr().append(OxmlElement("w:bidi"))
    for run in paragraph.runs:
        if _from_right(run.text):
            run.font.rtl = True
            run.font.cs_bold, run.font.cs_italic = run.bold, run.italic  # of its own, in these scripts


def _from_right(text: str) -> bool:
    """Whether a text runs from right to left; what was put for a name has no say in it."""
    directions = map(unicodedata.bidirectional, _BRACKETS.sub("", text))
    return next((one for one in directions if one in {"L", "R", "AL"}), "L") != "L"
