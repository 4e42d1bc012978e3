from dataclasses import replace

import numpy as np
import pytest
from hostile import MESSAGES, hostile_record

from builders import make_record
from themeloom.records import Topic
from themeloom.reporting import plots
from themeloom.reporting.readable import hover


def shown_in_legend(view: dict[str, list[object]]) -> list[object]:
    return [name for name, shown in zip(view["name"], view["showlegend"], strict=True) if shown]


def test_map_draws_every_communication_once() -> None:
    record = make_record(200)
    figure = plots.map(record)
    drawn = np.concatenate([np.column_stack([trace.x, trace.y]) for trace in figure.data])
    plane = record.discovery.layout.plane
    assert np.array_equal(drawn[np.lexsort(drawn.T)], plane[np.lexsort(plane.T)])


def test_switch_names_each_group_once() -> None:
    record = make_record(200)
    topics, themes = (button.args[0] for button in plots.map(record).layout.updatemenus[0].buttons)
    assert [name.split()[0] for name in shown_in_legend(topics)] == ["0", "1", "2", "3", "4", "no"]
    in_use = set(record.communications["theme"])
    assert set(shown_in_legend(themes)) == in_use
    assert len(set(themes["marker.color"])) == len(in_use)


def test_themes_keep_their_colour_and_residuals_are_grey() -> None:
    marks = plots.theme_marks({"a": False, "thanks": True, "b": False, "link": True})
    assert [mark.name for mark in marks.values()] == ["a", "thanks", "b", "link"]
    assert (marks["a"].colour, marks["b"].colour) == plots.COLOURS[:2]
    assert {marks["thanks"].colour, marks["link"].colour} <= set(plots.GREYS)
    assert len({(mark.colour, mark.shape) for mark in marks.values()}) == 4


def test_many_topics_look_different_and_the_smallest_share_a_mark() -> None:
    topics = tuple(Topic(number, 9, 0, ("word",), (1.0,), ()) for number in range(40))
    marks = plots.topic_marks(topics)
    assert len(marks) == plots.NAMED_TOPICS + 1
    assert len({(mark.colour, mark.shape) for mark in marks}) == len(marks)
    assert plots.topic_marks(topics[:3])[-1].name == "2 word"


@pytest.mark.parametrize(("n", "kind"), [(100, "scatter"), (plots.SMOOTH_AS_SVG + 1, "scattergl")])
def test_many_points_are_drawn_by_webgl(n: int, kind: str) -> None:
    assert {trace.type for trace in plots.map(make_record(n)).data} == {kind}


def test_more_points_than_asked_for_are_sampled_and_said() -> None:
    figure = plots.map(make_record(200), most=50)
    assert sum(len(trace.x) for trace in figure.data) == 50
    assert figure.layout.title.text == "50 of 200 communications, drawn at random"
    assert figure == plots.map(make_record(200), most=50)


def test_hover_shows_texts_escaped() -> None:
    labels = [label for trace in plots.map(hostile_record()).data for label in trace.hovertext]
    assert all(any(label.endswith(hover(message)) for label in labels) for message in MESSAGES)
    assert not any("<script" in label or "<img" in label or "<a " in label for label in labels)


def test_names_of_topics_are_escaped_everywhere() -> None:
    record = hostile_record()
    for figure in (plots.map(record), plots.topic_sizes(record), plots.words(record)):
        assert "<script" not in figure.to_json().replace("\\u003c", "<")


def test_confusion_shades_are_shares_of_a_row() -> None:
    record = make_record()
    scores = replace(record.scores, confusion=np.vstack([np.zeros((1, 8)), record.scores.confusion[1:]]))
    heat = plots.confusion(scores, record.codebook).data[0]
    assert np.asarray(heat.z).sum(axis=1) == pytest.approx([0, 1, 1, 1, 1, 1, 1])
    assert heat.x[-1] == "no theme given"
    assert list(heat.y) == list(record.codebook.keys)


def test_sizes_and_words_show_the_topics() -> None:
    record = make_record()
    core, outliers = plots.topic_sizes(record).data
    assert [a + b for a, b in zip(core.x, outliers.x, strict=True)] == [
        t.size for t in record.discovery.topics
    ]
    bars = plots.words(record, topics=3).data
    assert [tuple(bar.x) for bar in bars] == [topic.weights for topic in record.discovery.topics[:3]]


def test_reliability_and_coverage_show_what_was_measured() -> None:
    scores = make_record().scores
    even, bins = plots.reliability(scores).data
    assert list(even.x) == list(even.y) == [0, 1]
    assert list(bins.x) == scores.calibration["confidence"].to_list()
    assert list(bins.y) == scores.calibration["accuracy"].to_list()
    right, kappa = plots.coverage(scores).data
    assert list(right.x) == list(kappa.x) == scores.coverage["coverage"].to_list()
    assert list(right.y) == scores.coverage["accuracy"].to_list()
