"""The sample in which topics of a large corpus are found."""

import numpy as np
import pytest

from groups import grouped
from themeloom.discovery.sample import choose_sample, spread_evenly

SIZES = (1_600, 400, 40)  # what many say, some, and few
VECTORS = np.concatenate(
    [
        grouped(3, size, spread=0.3, dimensions=16, seed=2)[0][at * size :][:size]
        for at, size in enumerate(SIZES)
    ]
)
GROUP = np.repeat(np.arange(3), SIZES)
TEXTS = tuple(f"message {number}" for number in range(len(VECTORS)))
NONE = np.zeros(0, np.int64)


def test_a_corpus_that_is_small_enough_is_taken_whole():
    assert np.array_equal(choose_sample(TEXTS, VECTORS, len(TEXTS), NONE), np.arange(len(TEXTS)))


def test_the_sample_is_as_large_as_asked_for_and_holds_the_labelled():
    labelled = np.array([3, 1_999, 2_030])
    chosen = choose_sample(TEXTS, VECTORS, 500, labelled)
    assert 500 <= len(chosen) <= 503
    assert set(labelled) <= set(chosen.tolist())
    assert (np.diff(chosen) > 0).all()


def test_the_order_of_rows_makes_no_difference():
    order = np.random.default_rng(0).permutation(len(TEXTS))
    there = choose_sample(TEXTS, VECTORS, 500, NONE)
    back = choose_sample([TEXTS[at] for at in order], VECTORS[order], 500, NONE)
    assert {TEXTS[at] for at in there} == {TEXTS[order[at]] for at in back}


def test_a_larger_sample_holds_the_smaller_one():
    small, large = (set(choose_sample(TEXTS, VECTORS, size, NONE).tolist()) for size in (300, 600))
    assert small < large


def test_the_same_text_is_chosen_or_left_together():
    texts, vectors = TEXTS * 2, np.concatenate([VECTORS, VECTORS])
    chosen = choose_sample(texts, vectors, 500, np.array([0]))
    assert np.array_equal(chosen[: len(chosen) // 2] + len(TEXTS), chosen[len(chosen) // 2 :])
    assert 500 <= len(chosen) // 2 <= 501


def test_what_few_say_is_drawn_more_often():
    more = 5 * SIZES[0]  # of what many say: a part of the embedding that they have is fuller by far
    vectors = np.concatenate(
        [grouped(3, more, spread=0.3, dimensions=16, seed=2)[0][:more], VECTORS[SIZES[0] :]]
    )
    group, shares = np.repeat(np.arange(3), (more, *SIZES[1:])), np.zeros(3)
    for draw in range(10):  # with other words each time, as the draw hangs on them
        chosen = choose_sample([f"{draw} {at}" for at in range(len(vectors))], vectors, 1_240, NONE)
        shares += np.bincount(group[chosen], minlength=3) / np.bincount(group) / 10
    assert shares[2] > 1.5 * shares[0]
    assert shares[2] > shares[1] > shares[0]


def test_what_is_held_out_of_a_sample_is_not_what_drew_it():
    chosen = choose_sample(TEXTS, VECTORS, 1_000, NONE)
    held_out = spread_evenly([TEXTS[at] for at in chosen], 0.1, 1)
    assert len(held_out) / len(chosen) == pytest.approx(0.1, abs=0.04)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_share_is_chosen_evenly(share):
    chosen = spread_evenly(TEXTS, share, 1)
    assert len(chosen) / len(TEXTS) == pytest.approx(share, abs=0.04)
