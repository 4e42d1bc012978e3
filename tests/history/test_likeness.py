"""How alike topics and groupings are, against published and brute-force values."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from themeloom.history.likeness import (
    adjusted_rand,
    cosines,
    jaccard,
    rank_biased_overlap,
    share_score,
    word_likeness,
    word_shares,
)

ranked = st.lists(st.sampled_from(string.ascii_lowercase[:9]), unique=True, max_size=9)
groupings = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=15)


def test_rbo_of_published_examples():
    # README of the package rankmeasures, after Webber et al.: 0.828 for these lists at p = 0.9.
    assert rank_biased_overlap("12345", "23415", 0.9) == pytest.approx(0.828, abs=5e-4)


def test_rbo_weighs_the_first_ten_ranks_as_published():
    # Webber et al. (2010), section 4.3: at p = 0.9 the first ten ranks have 86% of the weight (equation 21).
    same, one = [str(n) for n in range(10)], [f"one{n}" for n in range(990)]
    weight = rank_biased_overlap([*same, *one], [*same, *(f"other{n}" for n in range(990))], 0.9)
    rest = sum(10 / d * 0.9**d for d in range(11, 1001)) * 0.1 / 0.9 + 10 / 1000 * 0.9**1000
    assert weight - rest == pytest.approx(1 - 0.9**10)
    assert weight == pytest.approx(0.8556, abs=5e-4)


def test_rbo_of_uneven_lists_by_the_definition():
    # Agreement at each depth, the shorter list's assumed to go on as it was at its end (equation 32).
    p, short, long = 0.8, "ab", "bcad"
    agreement = [0 / 1, 1 / 2, (2 + 1 * (3 - 2) / 2) / 3, (2 + 1 * (4 - 2) / 2) / 4]
    expected = (1 - p) / p * sum(a * p**d for d, a in enumerate(agreement, 1)) + agreement[-1] * p**4
    assert rank_biased_overlap(short, long, p) == pytest.approx(expected)


@given(ranked, ranked)
def test_rbo_is_a_likeness(first, second):
    found = rank_biased_overlap(first, second)
    assert 0 <= found <= 1
    assert found == pytest.approx(rank_biased_overlap(second, first))
    assert rank_biased_overlap(first, first) == pytest.approx(1.0 if first else 0.0)
    if not set(first) & set(second):
        assert found == 0


def test_words_of_topics_are_compared_each_with_each():
    found = word_likeness([["a", "b"], ["c"]], [["c"], ["b", "a"], []])
    assert found[0, 0] == found[0, 2] == 0
    assert found[1, 0] == 1
    assert 0 < found[0, 1] < 1
    shares = word_shares([["a", "b"], []], [[3.0, 1.0], []], [["a"], ["b", "a"]])
    assert shares.tolist() == [[0.75, 1.0], [0.0, 0.0]]


def test_cosines_know_vectors_of_no_length():
    found = cosines(np.array([[3, 0], [0, 0]], np.float32), np.array([[1, 1], [0, 2]], np.float32))
    assert found == pytest.approx(np.array([[2**-0.5, 0], [0, 0]]))


def test_jaccard_counts_messages_without_a_topic_too():
    coefficients, unions = jaccard(np.array([[4, 0, 1], [0, 0, 0], [3, 2, 5]]))
    assert unions.tolist() == [[8, 7], [7, 2]]
    assert coefficients == pytest.approx(np.array([[0.5, 0], [0, 0]]))


@given(groupings)
@settings(deadline=None, max_examples=25)
def test_adjusted_rand_is_sklearns_with_the_jackknife_by_hand(pairs):
    first, second = np.array(pairs).T
    counts = np.zeros((4, 4), np.int64)
    np.add.at(counts, (first, second), 1)
    found = adjusted_rand(counts)
    assert found.value == pytest.approx(adjusted_rand_score(first, second), abs=1e-9)
    without = [adjusted_rand_score(np.delete(first, at), np.delete(second, at)) for at in range(len(first))]
    error = np.sqrt((len(first) - 1) * np.var(without))
    assert found.low == pytest.approx(max(found.value - 1.959964 * error, -1), abs=1e-5)
    assert found.high == pytest.approx(min(found.value + 1.959964 * error, 1), abs=1e-5)


def test_shares_have_wilsons_interval():
    found = share_score(0.5, 10)  # Brown, Cai and DasGupta (2001): 0.237 to 0.763
    assert (found.low, found.high) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert share_score(1.0, 5).high == 1.0
    assert share_score(0.0, 5).low == 0.0
