"""Stability, where the truth is known."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from themeloom.discovery.stability import agreement, matched, stability


def shaken(topic, share, rng, of=None):
    """Give a share of the messages (of one topic) another topic at random."""
    found = topic.copy()
    chosen = np.flatnonzero(rng.random(len(topic)) < share)
    if of is not None:
        chosen = chosen[topic[chosen] == of]
    found[chosen] = (found[chosen] + rng.integers(1, topic.max() + 1, len(chosen))) % (topic.max() + 1)
    return found


@pytest.fixture
def topic():
    return np.repeat(np.arange(6), 50)


def test_partners_are_found_whatever_their_numbers(topic):
    assert np.array_equal(matched(topic, (topic + 2) % 6), np.ones(6))


def test_jaccard_is_that_of_the_sets():
    one, another = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 0, 0, 0, 0])
    assert np.allclose(matched(one, another), [2 / 3, 3 / 4])


def test_a_partner_is_taken_once():
    whole, halves = np.repeat([0, 0, 1], 30), np.repeat([0, 1, 2], 30)
    assert np.allclose(matched(whole, halves), [0.5, 1])
    assert sorted(matched(halves, whole)) == [0, 0.5, 1]


def test_messages_without_topic_have_no_partner():
    assert np.allclose(matched(np.array([0, 0, 1, 1]), np.array([0, -1, -1, -1])), [0.5, 0])


def test_the_same_again_comes_back_always(topic):
    found = stability(topic, [topic, (topic + 1) % 6, topic])
    assert found.comes_back == (3,) * 6
    assert not any(found.unstable)
    assert [str(score) for score in found.jaccard] == ["1.00 (1.00 to 1.00)"] * 6
    assert found.overall["ari"].value == found.overall["ami"].value == 1


def test_by_chance_nothing_comes_back(topic):
    rng = np.random.default_rng(0)
    found = stability(topic, [rng.permutation(topic) for _ in range(8)])
    assert all(found.unstable)
    assert found.comes_back == (0,) * 6
    assert abs(found.overall["ari"].value) < 0.02
    assert abs(found.overall["ami"].value) < 0.03


def test_the_topic_that_dissolves_is_flagged_alone(topic):
    rng = np.random.default_rng(1)
    others = [shaken(shaken(topic, 0.05, rng), 0.8, rng, of=3) for _ in range(12)]
    found = stability(topic, others)
    assert found.unstable == (False, False, False, True, False, False)
    assert found.comes_back[3] == 0
    assert all(score.low <= score.value <= score.high for score in found.jaccard)
    assert found.jaccard[3].high < min(score.low for score in found.jaccard[:3])


def test_it_counts_how_often_a_topic_comes_back(topic):
    merged = np.where(topic == 1, 0, topic)  # topic 0 is half of its partner: back, by a hair
    merged[topic == 0] = np.where(np.arange(50) < 49, 0, 2)
    found = stability(topic, [topic, merged, topic, merged, merged])
    assert found.comes_back[:2] == (2, 5)
    assert found.unstable[0]
    assert found.repeats == 5


def test_intervals_hold_the_mean_of_many_more_runs(topic):
    rng = np.random.default_rng(2)
    truth = np.mean([matched(topic, shaken(topic, rng.uniform(0, 0.6), rng)) for _ in range(300)])
    inside = 0
    for draw in range(25):
        others = [shaken(topic, rng.uniform(0, 0.6), rng) for _ in range(20)]
        score = stability(topic, others, "halves", draw).jaccard[0]
        inside += score.low <= truth <= score.high
    assert inside >= 20  # of 25, at 95% nominal and a percentile bootstrap over 20


def test_halves_are_compared_with_their_other_half_runs_all_with_all(topic):
    rng = np.random.default_rng(3)
    others = [shaken(topic, shake, rng) for shake in (0.1, 0.1, 0.2, 0.2, 0.3, 0.3)]
    halves, runs = stability(topic, others, "halves"), stability(topic, others, "runs")
    assert halves.over == "halves"
    assert halves.jaccard == runs.jaccard
    pairs = [agreement(one, another)[0] for one, another in zip(others[::2], others[1::2], strict=True)]
    assert halves.overall["ari"].value == pytest.approx(np.mean(pairs))
    everyone = [agreement(*pair)[0] for pair in combinations([topic, *others], 2)]
    assert runs.overall["ari"].value == pytest.approx(np.mean(everyone))
    for found in (halves, runs):
        assert found.overall["ami"].low <= found.overall["ami"].value <= found.overall["ami"].high


def test_one_repetition_tells_no_interval(topic):
    found = stability(topic, [topic])
    assert found.comes_back == (1,) * 6
    assert math.isnan(found.jaccard[0].low)
    assert math.isnan(found.overall["ari"].high)


PAIRS = st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5)), min_size=2, max_size=60)


@given(PAIRS)
def test_agreement_is_what_scikit_learn_says(pairs):
    one, another = np.array(pairs).T
    expected = adjusted_rand_score(one, another), adjusted_mutual_info_score(one, another)
    assert np.allclose(agreement(one, another), expected, atol=1e-9)
