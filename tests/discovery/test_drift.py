"""Drift: the level of its tests where nothing drifts, their power where something does, published figures."""

import numpy as np
import pytest

from themeloom.discovery.drift import MISFIT, difference, fit_of, new_groups, share_of, two_samples


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def corpus(rng, number, centres, noise=0.25):
    """Messages around subjects, in as many dimensions as the centres have."""
    topic = rng.integers(len(centres), size=number)
    return unit(centres[topic] + noise * rng.normal(size=(number, centres.shape[1]))), topic


CENTRES = unit(np.random.default_rng(7).normal(size=(6, 24)))
ELSEWHERE = unit(np.random.default_rng(8).normal(size=(1, 24)))


def below(count, trials, level):
    """Whether so many rejections of so many are what a test of this level gives, but for 1 in 1,000 times."""
    from scipy.stats import binom

    return binom.ppf(0.0005, trials, level) <= count <= binom.ppf(0.9995, trials, level)


def test_without_drift_one_test_in_twenty_rejects():
    rng = np.random.default_rng(1)
    p = []
    for trial in range(200):
        (old, _), (new, _) = corpus(rng, 60, CENTRES), corpus(rng, 40, CENTRES)
        p.append(two_samples(old, new, trial, permutations=99)[1])
    assert below(sum(value <= 0.05 for value in p), 200, 0.05)
    assert below(sum(value <= 0.5 for value in p), 200, 0.5)


def test_without_drift_misfits_are_as_many_as_they_are_said_to_be():
    rng = np.random.default_rng(2)
    p, shares = [], []
    for trial in range(200):
        (old, _), (new, _) = corpus(rng, 300, CENTRES), corpus(rng, 100, CENTRES)
        fit = fit_of(new, old, trial)
        p.append(fit.p_misfits)
        shares.append(fit.share.value)
    assert abs(np.mean(shares) - MISFIT) < 0.01
    assert sum(value <= 0.05 for value in p) <= 20  # counts are few and whole: the test is below its level


@pytest.mark.parametrize(("drifted", "least"), [(0.3, 0.9), (0.1, 0.25)])
def test_messages_from_elsewhere_are_noticed(drifted, least):
    rng = np.random.default_rng(3)
    tests, misfits, caught = [], [], []
    for trial in range(30):
        (old, _), (new, _) = corpus(rng, 300, CENTRES), corpus(rng, 150, CENTRES)
        number = int(150 * drifted)
        new[:number] = corpus(rng, number, ELSEWHERE)[0]
        tests.append(two_samples(old, new, trial, permutations=99)[1] <= 0.05)
        fit = fit_of(new, old, trial)
        misfits.append(fit.p_misfits <= 0.05)
        caught.append(fit.misfits[:number].mean())
    assert np.mean(tests) >= least
    assert np.mean(misfits) >= 0.9
    assert np.mean(caught) >= 0.6


def test_other_shares_of_the_same_topics_are_drift_and_yet_fit():
    rng = np.random.default_rng(4)
    (old, _), (new, _) = corpus(rng, 300, CENTRES), corpus(rng, 150, CENTRES[:3])
    assert two_samples(old, new, 0)[1] <= 0.01
    assert fit_of(new, old, 0).p_misfits > 0.05


def test_groups_of_misfits_are_found_and_scattered_ones_are_none():
    rng = np.random.default_rng(5)
    old, topic = corpus(rng, 300, CENTRES)
    two = unit(rng.normal(size=(2, 24)))
    first, second = corpus(rng, 25, two[:1])[0], corpus(rng, 12, two[1:])[0]
    scattered = unit(rng.normal(size=(40, 24)))
    group = new_groups(np.concatenate([second, scattered, first]), old, topic, 10)
    assert (group[-25:] == 0).mean() > 0.8
    assert (group[:12] == 1).mean() > 0.8
    assert (group[12:52] == -1).mean() > 0.9
    assert set(new_groups(scattered, old, topic, 10)) == {-1}
    assert len(new_groups(scattered[:0], old, topic, 10)) == 0


def test_the_order_of_messages_does_not_matter_for_how_they_fit():
    rng = np.random.default_rng(6)
    (old, _), (new, _) = corpus(rng, 200, CENTRES), corpus(rng, 50, CENTRES)
    order = rng.permutation(50)
    assert np.allclose(fit_of(new, old, 0).p[order], fit_of(new[order], old, 0).p)


def test_newcombe_s_example():
    """Newcombe 1998, Statistics in Medicine 17:873, table II: 56/70 less 48/80, method 10."""
    found = difference(share_of(56, 70), share_of(48, 80))
    assert [round(value, 4) for value in (found.value, found.low, found.high)] == [0.2, 0.0524, 0.3339]
    none = share_of(0, 10)
    assert (none.low, round(none.high, 4)) == (0.0, 0.2775)
