"""Authors are counted, and never named."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builders import make_record
from themeloom.running.authors import counted, in_topics, numbered, with_more


def test_a_message_without_author_has_one_of_its_own():
    assert numbered(["b", None, "a", "b", None]).tolist() == [0, 1, 2, 0, 3]


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 5)), max_size=40))
def test_each_author_counts_once_in_a_topic(pairs):
    topic, author = (np.array([pair[at] for pair in pairs], dtype=np.int64) for at in (0, 1))
    found = in_topics(author, topic, 4)
    assert found == tuple(len({who for where, who in pairs if where == one}) for one in range(4))


def test_later_messages_never_make_few_authors_look_like_many():
    record = make_record()
    topic, half = record.discovery.clusters.topic, 40
    author = np.arange(len(topic)) % 3
    before = replace(record, communications=record.communications[:half])
    before = replace(before, topic_authors=in_topics(author[:half], topic[:half], 4), theme_authors=(1,) * 7)
    more = with_more(before, record, author[half:])
    truth = counted(record, author)["topic_authors"]
    assert all(told <= real for told, real in zip(more["topic_authors"], truth, strict=True))
    assert len(more["topic_authors"]) == record.discovery.clusters.count
