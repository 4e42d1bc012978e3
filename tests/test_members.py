"""Raw and adapted vectors side by side."""

import numpy as np
import pytest

from themeloom.members import INFORMED, Messages, informed_vectors, side_by_side


def unit(seed, dimensions=5):
    vectors = np.random.default_rng(seed).normal(size=(20, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


RAW, ADAPTED = unit(0), unit(1, 7)


@pytest.mark.parametrize("weight", [0.5, 1.0, 2.0])
def test_similarity_is_the_weighted_mean_of_both(weight):
    both = side_by_side(RAW, ADAPTED, weight)
    assert both.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=1e-6)
    mean = (RAW @ RAW.T + weight * ADAPTED @ ADAPTED.T) / (1 + weight)
    np.testing.assert_allclose(both @ both.T, mean, atol=1e-6)


def test_without_adapted_vectors_there_are_the_raw_ones():
    assert side_by_side(RAW, ADAPTED[:, :0]) is RAW
    assert informed_vectors(RAW, ADAPTED[:, :0]) is RAW


def test_labels_inform_topics_by_adapted_vectors_that_count_more():
    np.testing.assert_array_equal(informed_vectors(RAW, ADAPTED), side_by_side(RAW, ADAPTED, INFORMED))
    assert INFORMED > 1


def test_messages_have_both_and_each_counts_as_much():
    messages = Messages(np.zeros(20, np.int64), RAW, ADAPTED, RAW, np.arange(20))
    np.testing.assert_array_equal(messages.both, side_by_side(RAW, ADAPTED))
    np.testing.assert_array_equal(messages.rows(np.arange(3)).both, messages.both[:3])
