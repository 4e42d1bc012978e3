"""The tree of topics, and topics over time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import cosine

from builders import make_record
from themeloom.records import RunRecord
from themeloom.reporting import leads, topic_plots, tree
from themeloom.reporting.periods import MOST, over_time
from themeloom.reporting.summary import summarise
from themeloom.reporting.tree import leaves, merges


def sent(record: RunRecord, times: list[datetime | None]) -> RunRecord:
    column = pl.Series("created_at", times, dtype=record.communications.schema["created_at"])
    return replace(record, communications=record.communications.with_columns(column))


def test_the_nearest_topics_join_first_at_their_distance() -> None:
    record = make_record(200)
    vectors, topic = record.discovery.embeddings.vectors, record.discovery.clusters.topic
    means = [vectors[topic == number].mean(axis=0) for number in range(5)]
    pairs = {(a, b): cosine(means[a], means[b]) for a in range(5) for b in range(a)}
    nearest = min(pairs, key=pairs.__getitem__)
    joined = merges(record)
    assert len(joined) == 4
    assert {joined[0].first, joined[0].second} == set(nearest)
    assert joined[0].distance == pytest.approx(pairs[nearest], rel=1e-4)
    assert [merge.distance for merge in joined] == sorted(merge.distance for merge in joined)


def test_the_tree_is_the_same_however_many_vectors_are_held_at_a_time(monkeypatch):
    record = make_record(200)
    whole = merges(record)
    monkeypatch.setattr(tree, "_ROWS", 7)
    assert merges(record) == whole != ()


def test_leaves_are_in_an_order_in_which_no_branch_crosses() -> None:
    joined = merges(make_record(200))
    order = leaves(joined)
    assert sorted(order) == [0, 1, 2, 3, 4]
    below = {topic: {topic} for topic in order}
    for at, merge in enumerate(joined):
        below[5 + at] = below[merge.first] | below[merge.second]
        places = sorted(order.index(topic) for topic in below[5 + at])
        assert places == list(range(places[0], places[-1] + 1))


def test_dendrogram_has_a_branch_a_merge_and_names_every_topic() -> None:
    record = make_record(200)
    figure = topic_plots.hierarchy(record)
    assert [max(trace.x) for trace in figure.data] == pytest.approx(
        [merge.distance for merge in merges(record)], abs=1e-4
    )
    assert len(figure.layout.yaxis.ticktext) == 5


def test_every_dated_message_is_counted_once() -> None:
    record = make_record(200)
    found = over_time(record)
    assert found is not None
    assert sum(found.messages) == 199
    assert found.undated == 1
    dated = record.communications.filter(pl.col("created_at").is_not_null())
    for number, counts in enumerate(found.topics):
        assert sum(counts) == (dated["topic"] == number).sum()


@pytest.mark.parametrize(
    ("span", "unit", "told"),
    [
        (timedelta(hours=20), "hour", "sent in the hour from 1944-"),
        (timedelta(days=9), "six_hours", "sent in the six hours from 1944-"),
        (timedelta(days=30), "day", "sent on 1944-"),
        (timedelta(days=200), "week", "sent in the week from 1944-"),
        (timedelta(days=1000), "month", "sent in 194"),
        (timedelta(days=3000), "quarter", "sent in the three months from 19"),
        (timedelta(days=30_000), "year", "sent in 19"),
    ],
)
def test_the_period_fits_the_span(span: timedelta, unit: str, told: str) -> None:
    start = datetime(1944, 2, 29, 13, 5, tzinfo=UTC)
    record = sent(make_record(60), [start + span * place / 59 for place in range(60)])
    found = over_time(record)
    assert found is not None
    assert found.unit == unit
    assert len(found.periods) <= (MOST if unit != "year" else 100)
    assert len(set(found.periods)) == len(found.periods)
    assert sum(found.messages) == 60
    assert told in leads.over_time(summarise(record, paths={}, tracked={}))


def test_years_far_apart_are_told_without_those_between_them() -> None:
    times = [datetime(year, 5, 6, tzinfo=UTC) for year in (1403, 2012, 2013, 2567)]
    found = over_time(sent(make_record(20), times * 5))
    assert found is not None
    assert found.periods == ("1403", "2012", "2013", "2567")
    assert found.messages == (5, 5, 5, 5)


def test_without_any_time_nothing_is_drawn() -> None:
    record = sent(make_record(20), [None] * 20)
    assert over_time(record) is None
    assert len(topic_plots.over_time(record).data) == 0


def test_the_largest_topics_are_drawn_over_time() -> None:
    record = make_record(200)
    figure = topic_plots.over_time(record, topics=3)
    assert [trace.name.split()[0] for trace in figure.data] == ["0", "1", "2"]
    found = over_time(record)
    assert found is not None
    assert np.array_equal(figure.data[0].y, found.topics[0])
