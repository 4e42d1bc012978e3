import numpy as np

from builders import make_record
from themeloom.reporting.points import points_of


def test_each_message_lies_where_the_layout_puts_it_with_the_marks_of_its_topic_and_theme() -> None:
    record = make_record(200)
    points = points_of(record)
    assert np.array_equal(points.plane, record.discovery.layout.plane)
    for at, row in enumerate(record.communications.iter_rows(named=True)):
        assert points.marks["theme"][points.slots["theme"][at]].name == row["theme"]
        name = points.marks["topic"][points.slots["topic"][at]].name
        assert name == "no topic" if row["topic"] < 0 else name.split()[0] == str(row["topic"])


def test_of_too_many_the_same_sample_is_drawn_each_time() -> None:
    record = make_record(200)
    drawn = points_of(record, most=50).drawn
    assert len(drawn) == len(set(drawn.tolist())) == 50
    assert np.array_equal(drawn, points_of(record, most=50).drawn)
