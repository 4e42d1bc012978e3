"""Vectors of an adapted encoder, told from raw ones."""

import numpy as np

from groups import grouped
from themeloom.discovery.estimate import estimated

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
