"""Posteriors pooled and calibrated, in worlds where the true posterior is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import approx_fprime

from themeloom.members import HeldOut
from themeloom.themes import _pool
from themeloom.themes._pool import fit_weights, log_loss, log_parts, pooled
from themeloom.themes.scores import score

THEMES = 4
EVEN = np.full(THEMES, 1 / THEMES)


def truth(messages, seed=0, shares=EVEN):
    """True posteriors, and themes drawn from them."""
    rng = np.random.default_rng(seed)
    posterior = rng.dirichlet(3 * shares, messages)
    steps = posterior.cumsum(axis=1)[:, :-1]
    return posterior, (rng.random((messages, 1)) > steps).sum(axis=1)


def powered(posterior, power):
    """The same, surer or less sure of itself."""
    raised = posterior**power
    return raised / raised.sum(axis=1, keepdims=True)


def calibration_error(posterior, theme):
    line = HeldOut(theme, posterior.argmax(axis=1)[None], posterior[None], np.arange(len(theme)))
    return score(line, THEMES, 100, 0).overall["ece"].value


@st.composite
def pools(draw):
    parts, messages, themes = draw(st.integers(1, 4)), draw(st.integers(1, 12)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    said = [
        rng.dirichlet(np.full(themes, draw(st.sampled_from([0.01, 1.0, 50.0]))), messages)
        for _ in range(parts)
    ]
    theme = draw(arrays(np.int64, messages, elements=st.integers(0, themes - 1)))
    return log_parts(said, rng.dirichlet(np.ones(themes))), theme


@settings(deadline=None)
@given(pools(), st.integers(0, 99))
def test_rows_are_probabilities_whatever_the_weights(drawn, seed):
    parts, theme = drawn
    assert np.isfinite(parts).all()
    weights = np.random.default_rng(seed).exponential(5, len(parts))
    posterior = pooled(parts, weights)
    assert posterior.shape == parts.shape[1:]
    assert (posterior >= 0).all()
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    assert log_loss(parts, theme, weights) >= 0


@settings(deadline=None, max_examples=40)
@given(pools(), st.sampled_from([0.0, 0.3, 1.0, 4.0]))
def test_weights_are_the_best_there_are(drawn, start):
    """No weight is negative, and none could be moved to make labels likelier without leaving the start."""
    parts, theme = drawn
    begun = np.full(len(parts), start)
    weights = fit_weights(parts, theme, begun)

    def cost(tried):
        return _pool.TRUST * ((tried - begun) ** 2).sum() + len(theme) * log_loss(parts, theme, tried)

    assert (weights >= 0).all()
    assert cost(weights) <= cost(begun) + 1e-9
    slope = approx_fprime(weights, cost, 1e-6)
    scale = 0.02 * (1 + np.abs(parts).max())
    assert (slope > -scale).all()
    assert (np.abs(slope[weights > 1e-6]) < scale).all()


@settings(deadline=None, max_examples=30)
@given(pools())
def test_the_order_of_parts_makes_no_difference(drawn):
    parts, theme = drawn
    start = np.linspace(0.2, 1, len(parts))
    order = np.arange(len(parts))[::-1]
    weights = fit_weights(parts, theme, start)
    np.testing.assert_allclose(fit_weights(parts[order], theme, start[order]), weights[order], atol=0.02)


def test_without_labels_weights_stay_where_they_start():
    parts = log_parts([np.zeros((0, THEMES))], EVEN)
    np.testing.assert_allclose(fit_weights(parts, np.zeros(0, np.int64), np.array([0.7, 0.3])), [0.7, 0.3])


@pytest.mark.parametrize("power", [0.3, 1.0, 3.0])
def test_a_part_too_sure_or_too_unsure_is_calibrated(power):
    posterior, theme = truth(4000)
    others, other_theme = truth(4000, seed=1)
    start = np.array([1.8, 0.3])
    weights = fit_weights(log_parts([powered(posterior, power)], EVEN), theme, start)
    said = powered(others, power)
    assert weights[0] * power == pytest.approx(1, abs=0.1)
    assert calibration_error(pooled(log_parts([said], EVEN), weights), other_theme) < 0.03
    if power != 1:
        assert calibration_error(said, other_theme) > 0.1


def test_what_weighed_themes_evenly_is_given_back_their_shares():
    shares = np.array([0.6, 0.2, 0.15, 0.05])
    posterior, theme = truth(4000, shares=shares)
    even = posterior / shares
    parts = log_parts([even / even.sum(axis=1, keepdims=True)], shares)
    weights = fit_weights(parts, theme, np.array([1.8, 0.0]))
    np.testing.assert_allclose(weights, 1, atol=0.15)
    np.testing.assert_allclose(pooled(parts, weights), posterior, atol=0.05)


def test_a_part_that_knows_nothing_counts_next_to_nothing():
    posterior, theme = truth(2000)
    noise = np.random.default_rng(2).dirichlet(np.ones(THEMES), 2000)
    weights = fit_weights(log_parts([posterior, noise], EVEN), theme, np.array([0.9, 0.9, 0.3]))
    assert weights[1] < 0.1 * weights[0]
    assert weights[0] == pytest.approx(1, abs=0.1)


def test_of_two_that_say_the_same_each_is_half_believed():
    posterior, theme = truth(2000)
    weights = fit_weights(log_parts([posterior, posterior], EVEN), theme, np.array([0.9, 0.9, 0.3]))
    assert weights[0] == pytest.approx(weights[1], abs=1e-3)
    assert weights[:2].sum() == pytest.approx(1, abs=0.1)


def test_two_that_know_different_things_are_better_than_either():
    rng = np.random.default_rng(3)
    first, second = rng.dirichlet(np.ones(THEMES), (2, 3000))
    both = powered(first * second, 1)
    theme = (rng.random((3000, 1)) > both.cumsum(axis=1)[:, :-1]).sum(axis=1)
    parts = log_parts([first, second], EVEN)
    weights = fit_weights(parts, theme, np.array([0.5, 0.5, 0.3]))
    np.testing.assert_allclose(weights[:2], 1, atol=0.1)
    alone = min(log_loss(parts, theme, np.eye(3)[part]) for part in (0, 1))
    assert log_loss(parts, theme, weights) < alone - 0.1
