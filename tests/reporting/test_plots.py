import numpy as np
import pytest
from hostile import MESSAGES, hostile_record

from builders import make_record
from themeloom.reporting import plots, points
from themeloom.reporting.readable import hover


def test_map_draws_every_communication_once() -> None:
    record = make_record(200)
    figure = plots.map(record)
    drawn = np.concatenate([np.column_stack([trace.x, trace.y]) for trace in figure.data])
    plane = record.discovery.layout.plane
    assert np.array_equal(drawn[np.lexsort(drawn.T)], plane[np.lexsort(plane.T)])


def test_map_names_each_group_once() -> None:
    record = make_record(200)
    topics = [trace.name.split()[0] for trace in plots.map(record).data]
    assert topics == ["0", "1", "2", "3", "4", "no"]
    themes = plots.map(record, "theme").data
    in_use = set(record.communications["theme"])
    assert {trace.name for trace in themes} == in_use
    assert len({trace.marker.color for trace in themes}) == len(in_use)


@pytest.mark.parametrize(("n", "kind"), [(100, "scatter"), (points.SMOOTH_AS_SVG + 1, "scattergl")])
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


def test_sizes_and_words_show_the_topics() -> None:
    record = make_record()
    core, outliers = plots.topic_sizes(record).data
    assert [a + b for a, b in zip(core.x, outliers.x, strict=True)] == [
        t.size for t in record.discovery.topics
    ]
    bars = plots.words(record, topics=3).data
    assert [tuple(bar.x) for bar in bars] == [topic.weights for topic in record.discovery.topics[:3]]


def test_flow_diagram_holds_every_number() -> None:
    record = make_record()
    said = " ".join(note.text for note in plots.flow(record).layout.annotations)
    flow = record.flow
    for number in (flow.identified, flow.same_id, flow.ids, flow.retweets, flow.copies, flow.unique):
        assert f"{number:,}" in said
    assert len(plots.flow(record).layout.shapes) == 5  # three boxes kept, two set aside


def test_hovering_shows_no_more_than_it_may() -> None:
    record = make_record()
    texts = record.communications["text"].to_list()
    for quotes in ("words", "none"):
        labels = [label for trace in plots.map(record, quotes=quotes).data for label in trace.hovertext]
        assert not any(hover(text) in label for label in labels for text in texts)
