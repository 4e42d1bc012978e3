"""What messages of one theme are drawn together by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.discovery.contrast import contrastive_loss, likely_drawn, rate_at


def by_definition(vectors, theme, temperature):
    """The loss as Khosla et al. (2020) write it, equation 2, message by message."""
    losses = []
    for i in range(len(theme)):
        others = [a for a in range(len(theme)) if a != i]
        partners = [p for p in others if theme[p] == theme[i]]
        whole = sum(np.exp(vectors[i] @ vectors[a] / temperature) for a in others)
        if partners:
            told = [np.log(np.exp(vectors[i] @ vectors[p] / temperature) / whole) for p in partners]
            losses.append(-np.mean(told))
    return np.mean(losses) if losses else 0.0


def drawn(seed, messages):
    vectors = np.random.default_rng(seed).normal(size=(messages, 5))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=12), st.integers(0, 99), st.floats(0.05, 2))
def test_the_loss_is_that_of_the_paper(theme, seed, temperature):
    from torch import from_numpy

    vectors, theme = drawn(seed, len(theme)), np.array(theme)
    found = contrastive_loss(from_numpy(vectors), from_numpy(theme), temperature)
    assert found.item() == pytest.approx(by_definition(vectors, theme, temperature), rel=1e-6, abs=1e-9)


def test_where_each_message_has_a_theme_of_its_own_nothing_is_asked():
    from torch import from_numpy

    vectors = from_numpy(drawn(0, 4)).requires_grad_()
    loss = contrastive_loss(vectors, from_numpy(np.arange(4)), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert not vectors.grad.any()


def test_a_rare_theme_is_drawn_more_often_than_its_share_and_less_than_others():
    likely = likely_drawn(np.array([0] * 90 + [1] * 10))
    assert likely.sum() == pytest.approx(1)
    assert likely[-1] / likely[0] == pytest.approx(3)  # the root of 90 / 10
    assert 0.1 < likely[90:].sum() == pytest.approx(0.25)


@given(st.integers(1, 500))
def test_the_rate_rises_for_a_tenth_of_the_steps_and_falls_to_nearly_nothing(steps):
    shares = [rate_at(step, steps) for step in range(steps)]
    highest = int(np.argmax(shares))
    assert all(0 < share <= 1 for share in shares)
    assert highest <= max(0.1 * steps, 1)
    assert shares[:highest] == sorted(shares[:highest])
    assert shares[highest:] == sorted(shares[highest:], reverse=True)
    assert shares[-1] == pytest.approx(2 / (steps + 1))
