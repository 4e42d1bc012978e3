import csv
import io
from dataclasses import replace

from builders import make_record
from themeloom.reporting.checklist import checklist, checklist_csv
from themeloom.reporting.quotes import Quotes


def test_checklist_has_all_items_and_leaves_the_authors_theirs() -> None:
    items = checklist(make_record())
    assert [item.item for item in items] == [f"S{number}" for number in range(1, 22)]
    empty = {item.item for item in items if not item.says}
    assert {"S2", "S3", "S6", "S20", "S21"} <= empty
    assert {"S1", "S8", "S12", "S13", "S14", "S15", "S19"}.isdisjoint(empty)


def test_checklist_is_a_table_without_formulas() -> None:
    record = replace(make_record(), title="=HYPERLINK(1)")
    rows = list(csv.reader(io.StringIO(checklist_csv(checklist(record)))))
    assert len(rows) == 22
    assert {len(row) for row in rows} == {4}
    assert "HYPERLINK" in rows[1][3]
    assert not any(cell.startswith("=") for row in rows for cell in row)


def test_checklist_promises_no_rate_that_the_run_does_not_tell() -> None:
    said = checklist(make_record())[18].says
    assert "the mapping errs at the rates told here. How often masking misses" in said


def test_checklist_says_how_messages_are_shown() -> None:
    def evidence(quotes: Quotes) -> str:
        return checklist(make_record(), quotes)[16].says

    assert "as masked text" in evidence("masked")
    assert "as words" in evidence("words")
    assert evidence("none") == ""
