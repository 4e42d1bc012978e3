"""Topics and themes of few authors are flagged, and not quoted where messages stand as their words."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from builders import make_record
from themeloom.author_counts import author_counts
from themeloom.history import items, store
from themeloom.history.card import model_card
from themeloom.records import RunRecord
from themeloom.reporting import leads, plots, topic_plots
from themeloom.reporting.appendix import theme_table
from themeloom.reporting.html import render
from themeloom.reporting.page_data import page_data
from themeloom.reporting.points import points_of
from themeloom.reporting.quotes import Quotes, shown_texts
from themeloom.reporting.sentences import few_told
from themeloom.reporting.summary import Summary, summarise
from themeloom.results import exporting


def record_of_few() -> RunRecord:
    """A run in which topic 1 has four authors, and the second theme two."""
    record = make_record()
    themes = tuple(2 if at == 1 else 9 for at in range(len(record.codebook.themes)))
    return replace(
        record,
        topic_authors=(9, 4, 5, 9, 9),
        theme_authors=themes,
        authorless=3,
        tied=2,
        coded={"coders": 1, "adjudicated": 0},
    )


def summary_of(quotes: Quotes, record: RunRecord | None = None) -> Summary:
    return summarise(record or record_of_few(), paths={}, tracked={}, quotes=quotes)


def few_of(record: RunRecord) -> pl.Series:
    table, theme = record.communications, record.codebook.keys[1]
    return (table["topic"] == 1) | (table["theme"] == theme).fill_null(value=False)


def test_messages_of_few_are_not_quoted_by_their_words() -> None:
    record = record_of_few()
    few = few_of(record)
    assert 0 < few.sum() < len(few)
    shown = pl.Series(shown_texts(record, "words"))
    assert set(shown.filter(few)) == {"(not shown: of few authors)"}
    assert "(not shown: of few authors)" not in set(shown.filter(~few))
    summary = summary_of("words", record)
    hidden = set(record.communications["doc_id"].filter(few))
    quoted = {e.doc_id for theme in summary.themes for e in (*theme.typical, *theme.borderline)}
    assert quoted
    assert not quoted & hidden
    assert summary.themes[1].typical == ()


@pytest.mark.parametrize(
    ("quotes", "says"),
    [
        ("masked", "Fewer than 5 authors wrote these messages (4): to quote one may expose who wrote it."),
        ("words", "Fewer than 5 authors wrote these messages (4), so that none is quoted."),
        ("none", None),
    ],
)
def test_the_report_warns_where_it_quotes(quotes: Quotes, says: str | None) -> None:
    record = record_of_few()
    summary = summary_of(quotes, record)
    page = render(summary, {}, page_data(summary, record))
    opened = page.split('id="topic-1"')[1].split("</tbody>")[0]
    other = page.split('id="topic-2"')[1].split("</tbody>")[0]
    assert "few authors" in opened
    assert "few authors" not in other
    assert (says is None) == ("Fewer than" not in opened)
    assert says is None or says in opened
    assert ("<blockquote" in opened) == (quotes == "masked")
    trust = page.split('<section id="trust"')[1].split("</section>")[0]
    assert f"wrote the messages of topic 1 and theme {record.codebook.keys[1]}." in trust
    assert "Of 3 messages the author is unknown" in trust


def test_five_authors_are_enough_unless_more_are_asked_for() -> None:
    record = record_of_few()
    assert [topic.of_few for topic in summary_of("masked", record).topics] == [False, True] + [False] * 3
    asked = replace(record, config=record.config | {"report": {"min_authors": 6}})
    assert [t.of_few for t in summary_of("masked", asked).topics] == [False, True, True, False, False]
    free = replace(record, config=record.config | {"report": {"min_authors": 1}})
    assert few_told(summary_of("masked", free)) == ""
    assert not author_counts(free).of_few.any()


def test_a_model_that_did_not_count_has_at_most_an_author_a_message() -> None:
    record = make_record()
    assert author_counts(record).topics == tuple(topic.size for topic in record.discovery.topics)


def test_the_appendix_marks_them() -> None:
    record = record_of_few()
    few = dict(zip(record.communications["text"], few_of(record), strict=True))
    table = theme_table(summary_of("masked", record)).drop_nulls("quotation")
    assert table["of_few"].to_list() == [few[text] for text in table["quotation"]]
    assert table["of_few"].any()


def test_kept_and_exported_with_a_warning(tmp_path: Path) -> None:
    from docx import Document

    record = record_of_few()
    folder = store.save(record, tmp_path / "models")
    again = store.load(folder)
    assert again.coded == {"coders": 1, "adjudicated": 0}
    assert (again.topic_authors, again.theme_authors, again.authorless, again.tied) == (
        record.topic_authors,
        record.theme_authors,
        3,
        2,
    )
    made = exporting.export(folder, "docx", tmp_path / "a.docx", quotes="masked", root=tmp_path)
    document = Document(str(made))
    assert any("Fewer than 5 authors" in paragraph.text for paragraph in document.paragraphs)
    cells = " ".join(cell.text for row in document.tables[0].rows for cell in row.cells)
    assert "[few authors]" in cells


def test_the_model_card_and_mlflow_name_them() -> None:
    record = record_of_few()
    key = record.codebook.keys[1]
    sentence = f"Of fewer than 5 authors: topics 1; themes {key}."
    assert f"\n{sentence}\n" in model_card(record)
    assert items.tags(record)["themeloom.few_authors"] == sentence
    numbers = items.metrics(record)
    assert (numbers["topics_of_few_authors"], numbers["themes_of_few_authors"]) == (1, 1)
    free = replace(record, config=record.config | {"report": {"min_authors": 1}})
    assert "themeloom.few_authors" not in items.tags(free)
    assert "Every topic and theme has at least 1 author." in model_card(free)
    assert items.metrics(free)["topics_of_few_authors"] == 0


def test_the_largest_topics_are_found_by_size_and_not_by_number() -> None:
    """An update gives new topics the last numbers, and old ones may grow past each other."""
    record = make_record(200)
    topics = record.discovery.topics
    sizes = {topic.topic: size for topic, size in zip(topics, (20, 50, 20, 90, 20), strict=True)}
    topics = tuple(replace(topic, size=sizes[topic.topic]) for topic in topics)
    record = replace(record, discovery=replace(record.discovery, topics=topics))
    order = [3, 1, 0, 2, 4]
    summary = summary_of("masked", record)
    told = tuple(replace(one, size=replace(one.size, count=sizes[one.topic])) for one in summary.topics)
    summary = replace(summary, topics=told)
    assert [topic.topic for topic in summary.largest_first] == order
    assert topics[3].label in leads.map(summary)
    assert topics[3].label in leads.topics(summary)
    assert [row[0].topic for row in items._largest(record)] == order
    names = [theme.name for theme in record.codebook.themes]
    for topic, theme in items._largest(record):
        assert theme == [*names, "mixed"][record.mapping.theme[topic.topic]]
    drawn = topic_plots.over_time(record, topics=2).data
    assert [trace.name.split()[0] for trace in drawn] == ["3", "1"]
    drawn = plots.words(record, topics=2).data
    assert [tuple(trace.x) for trace in drawn] == [topics[3].weights, topics[1].weights]
    points = points_of(record)
    assert [mark.name.split()[0] for mark in points.marks["topic"][:5]] == [str(number) for number in order]
    topic = record.communications["topic"].to_list()
    named = [points.marks["topic"][slot].name.split()[0] for slot in points.slots["topic"].tolist()]
    assert named == ["no" if number < 0 else str(number) for number in topic]
