"""Vectors of an adapted encoder, told from raw ones."""

import numpy as np

from groups import grouped
from themeloom.discovery.estimate import cross_estimated, distilled, estimated, turn_of

RAW, _ = grouped(30, 40, spread=1.5, dimensions=24, seed=7)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_turn_of_the_space_is_found():
    turn = np.random.default_rng(0).normal(size=(24, 16))
    adapted = unit(RAW @ turn)
    known = np.arange(0, len(RAW), 2)
    found = estimated(RAW[known], adapted[known], RAW[1::2])
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found * adapted[1::2]).sum(axis=1).mean() > 0.98


def test_what_raw_vectors_do_not_tell_is_the_mean():
    adapted = unit(np.random.default_rng(1).normal(size=(len(RAW), 16)) + 3)
    found = estimated(RAW[::2], adapted[::2], RAW[1::2])
    assert (found @ unit(adapted.mean(axis=0)[None])[0]).min() > 0.9


def test_a_turn_that_is_kept_in_one_row_is_the_same():
    adapted = unit(RAW @ np.random.default_rng(0).normal(size=(24, 16)))
    kept = turn_of(RAW[::2], adapted[::2]).ravel()
    assert np.allclose(distilled(RAW[1::2], kept), estimated(RAW[::2], adapted[::2], RAW[1::2]), atol=1e-6)


def test_what_was_read_is_told_no_better_than_what_was_not():
    rng = np.random.default_rng(2)
    adapted = unit(RAW @ rng.normal(size=(24, 16)) + rng.normal(size=(len(RAW), 16)))
    known, texts = np.arange(0, len(RAW), 8), [f"message {place}" for place in range(len(RAW))]
    rest = np.setdiff1d(np.arange(len(RAW)), known)

    def near(found, rows):
        return float((found * adapted[rows]).sum(axis=1).mean())

    new = near(estimated(RAW[known], adapted[known], RAW[rest]), rest)
    own = cross_estimated(RAW[known], adapted[known], [texts[at] for at in known])
    assert abs(near(own, known) - new) < 0.05
    assert near(estimated(RAW[known], adapted[known], RAW[known]), known) > new + 0.05
    order = rng.permutation(len(known))
    shuffled = cross_estimated(RAW[known][order], adapted[known][order], [texts[at] for at in known[order]])
    assert np.allclose(shuffled, own[order], atol=1e-5)


def test_equal_messages_do_not_tell_of_each_other():
    adapted = unit(np.random.default_rng(3).normal(size=(60, 16)))
    twice = np.repeat(np.arange(30), 2)
    raw, texts = RAW[:60][twice], [f"message {place}" for place in twice]
    found = cross_estimated(raw, adapted[twice], texts)
    alone = cross_estimated(RAW[:30], adapted[:30], texts[::2])
    assert abs((found * adapted[twice]).sum(axis=1).mean() - (alone * adapted[:30]).sum(axis=1).mean()) < 0.15
