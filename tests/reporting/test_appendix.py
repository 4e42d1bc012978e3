import polars as pl

from builders import make_record
from themeloom.reporting.appendix import COLUMNS, methods_text, theme_table
from themeloom.reporting.methods import methods
from themeloom.reporting.summary import summarise


def test_methods_text_is_markdown_with_its_references() -> None:
    text = methods_text(methods(make_record()))
    assert text.startswith("# How it was done\n\nWe analysed A made-up study.")
    assert "\n## References\n\n- Angelopoulos" in text


def test_every_theme_has_its_quotations_with_its_share() -> None:
    record = make_record(200)
    summary = summarise(record, paths={}, tracked={})
    table = theme_table(summary)
    assert table.schema == pl.Schema(COLUMNS)
    for theme in summary.themes:
        rows = table.filter(theme=theme.key)
        quoted = [example.text for example in (*theme.typical, *theme.borderline)]
        assert rows["quotation"].to_list() == (quoted or [None])
        assert set(rows["messages"]) == {theme.size.count}
        assert theme.prevalence is not None
        assert set(rows["prevalence"]) == {theme.prevalence.value}
    held = dict(record.communications.select("text", "theme").iter_rows())
    typical = table.filter(kind="typical")
    assert all(held[row["quotation"]] for row in typical.iter_rows(named=True))


def test_typical_messages_are_the_surest_and_borderline_ones_the_least() -> None:
    record = make_record(200)
    summary = summarise(record, paths={}, tracked={})
    for index, theme in enumerate(summary.themes):
        members = record.communications["theme"] == theme.key
        sure = sorted(record.mapping.messages[members.to_numpy(), index].tolist(), reverse=True)
        assert [example.probability for example in theme.typical] == sure[:3]
        for example in theme.borderline:
            assert (
                example.probability - example.rival_probability
                <= sure[0] - theme.typical[0].rival_probability
            )
        assert not {e.doc_id for e in theme.typical} & {e.doc_id for e in theme.borderline}
