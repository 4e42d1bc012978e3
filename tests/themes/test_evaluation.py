"""The judged messages, one by one."""

import numpy as np
import polars as pl

from themeloom.columns import EVALUATION
from themeloom.members import HeldOut
from themeloom.themes.evaluation import evaluation_table
from themeloom.themes.validation import Judged

KEYS = ("waiting", "care")
POSTERIOR = np.array([[[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]], [[0.4, 0.6], [0.5, 0.5], [0.6, 0.4]]])


def judged(coded, topics=((0, -1, 1), (1, 1, 1))):
    group = np.array([4, 4, 0])
    messages = HeldOut(np.array(coded), POSTERIOR.argmax(axis=2), POSTERIOR, group)
    return Judged(HeldOut(np.array(coded), np.array(topics), POSTERIOR, group), messages, np.zeros((0, 2)))


def test_each_judged_message_has_a_row_of_the_first_repeat():
    table = evaluation_table(judged([0, 1, 0]), ["a", "b", "c"], KEYS)
    assert dict(table.schema) == EVALUATION | {"p_waiting": pl.Float64, "p_care": pl.Float64}
    assert table.rows() == [
        ("a", "waiting", "waiting", "waiting", 4, 0.9, 0.1),
        ("b", "care", None, "care", 4, 0.3, 0.7),
        ("c", "waiting", "care", "care", 0, 0.2, 0.8),
    ]


def test_what_was_learned_from_has_no_row():
    table = evaluation_table(judged([-1, 1, -1]), ["a", "b", "c"], KEYS)
    assert table["doc_id"].to_list() == ["b"]
    assert evaluation_table(judged([-1, -1, -1]), ["a", "b", "c"], KEYS).schema == table.schema
