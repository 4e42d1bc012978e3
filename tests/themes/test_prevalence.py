"""Prevalence against known truth: what intervals cover, what predictions add, what is refused."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from builders import make_codebook
from themeloom.errors import LabelError
from themeloom.records import Codebook, Theme
from themeloom.themes.prevalence import prevalence

SHARES = (0.4, 0.3, 0.2, 0.08, 0.02)
CODEBOOK = Codebook(tuple(Theme(key, key, key) for key in "abcde"))
DRAWS = 500
LOW, SHARE, HIGH = range(3)


class Corpus:
    """Messages of known themes, with predictions of them."""

    def __init__(self, size=600, noise=1.0, seed=0, *, most_repeated=1):
        rng = np.random.default_rng(seed)
        self.theme = rng.choice(len(SHARES), size, p=SHARES)
        self.coded = np.eye(len(SHARES))[self.theme]
        seen = np.exp(3 * self.coded / noise + rng.gumbel(size=self.coded.shape))
        self.predicted = seen / seen.sum(axis=1, keepdims=True)
        self.weights = rng.integers(1, most_repeated + 1, size).astype(float)

    def truth(self, weighting="communications"):
        weights = np.ones(len(self.theme)) if weighting == "communications" else self.weights
        return weights @ self.coded / weights.sum()

    def estimate(self, drawn, inclusion):
        rest = np.setdiff1d(np.arange(len(self.theme)), drawn)
        order = np.append(drawn, rest)
        return prevalence(
            self.theme[drawn],
            inclusion,
            self.predicted[drawn],
            self.predicted[rest],
            self.weights[order],
            CODEBOOK,
        )

    def random(self, rng, n):
        return self.estimate(rng.choice(len(self.theme), n, replace=False), np.full(n, n / len(self.theme)))


def rows(found, method, weighting="communications"):
    table = found.table.filter(method=method, weighting=weighting)
    assert table["theme"].to_list() == list(CODEBOOK.keys)
    return table.select("low", "share", "high").to_numpy().T


def samples(corpus, n, draw=Corpus.random):
    """Draw samples, and estimate from each."""
    rng = np.random.default_rng(1)
    return [draw(corpus, rng, n) for _ in range(DRAWS)]


def simulated(corpus, n, weighting="communications", draw=Corpus.random):
    """Draw samples; give (draws, 3, themes) from labels and with predictions."""
    return arranged(samples(corpus, n, draw), weighting)


def arranged(found, weighting):
    return [
        np.array([rows(one, method, weighting) for one in found])
        for method in ("labels", "prediction-powered")
    ]


def coverage(drawn, truth):
    return ((drawn[:, LOW] <= truth + 1e-12) & (truth <= drawn[:, HIGH] + 1e-12)).mean(axis=0)


def width(drawn):
    return (drawn[:, HIGH] - drawn[:, LOW]).mean(axis=0)


@pytest.fixture(scope="module")
def repeated():
    """A corpus with repeated messages, and what is estimated from its samples for both weightings."""
    corpus = Corpus(most_repeated=4)
    return corpus, samples(corpus, 200)


@pytest.mark.parametrize("weighting", ["communications", "messages"])
def test_intervals_cover_the_truth_and_good_predictions_narrow_them(repeated, weighting):
    corpus, found = repeated
    labels, powered = arranged(found, weighting)
    truth = corpus.truth(weighting)
    for drawn in (labels, powered):
        assert coverage(drawn, truth).min() >= 0.93
        np.testing.assert_allclose(drawn[:, SHARE].mean(axis=0), truth, atol=0.005)
    assert (width(powered)[:4] < 0.85 * width(labels)[:4]).all()


@pytest.mark.parametrize("noise", [1e9, -1.0], ids=["useless", "misleading"])
def test_bad_predictions_do_no_harm(noise):
    corpus = Corpus(noise=noise)
    labels, powered = simulated(corpus, 150)
    assert coverage(powered, corpus.truth()).min() >= 0.93
    assert (width(powered) <= 1.005 * width(labels)).all()


@pytest.mark.parametrize(
    ("size", "themes", "labels", "right"),
    [(400, 4, 20, 1.0), (400, 4, 20, 0.9), (900, 25, 100, 0.95)],
    ids=["perfect", "good", "many themes"],
)
def test_few_labels_of_a_theme_do_not_make_its_share_too_low(size, themes, labels, right):
    """Whether predictions count must not hang on how many labels of a theme the sample happens to hold."""
    rng, codebook = np.random.default_rng(3), Codebook(tuple(Theme(f"t{i}", "", "") for i in range(themes)))
    found, truth = [], []
    for _ in range(300):
        theme = rng.integers(0, themes, size)
        seen = np.where(rng.random(size) < right, theme, rng.integers(0, themes, size))
        predicted = np.full((size, themes), 0.1 / themes) + 0.9 * np.eye(themes)[seen]
        inclusion = np.full(labels, labels / size)  # messages are in no order
        table = prevalence(theme[:labels], inclusion, predicted[:labels], predicted[labels:], None, codebook)
        powered = table.table.filter(method="prediction-powered", weighting="communications")
        found.append(powered.select("low", "share", "high").to_numpy().T)
        truth.append(np.bincount(theme, minlength=themes) / size)
    drawn = np.array(found)
    assert drawn[:, SHARE].sum(axis=1).mean() == pytest.approx(1, abs=0.02)
    assert coverage(drawn, np.array(truth)).min() >= 0.93


def test_perfect_predictions_are_not_taken_for_certain():
    corpus = Corpus()
    corpus.predicted = corpus.coded
    found = corpus.random(np.random.default_rng(0), 200)
    low, share, high = rows(found, "prediction-powered")
    np.testing.assert_allclose(share, corpus.truth())
    assert (high - low > 0.01).all()  # up to 3 in 200 may be wrong for all that is known


def test_small_samples_of_large_corpora_are_covered():
    corpus = Corpus(size=4000, noise=1.5)
    for drawn in simulated(corpus, 60):
        assert coverage(drawn, corpus.truth()).min() >= 0.93


def test_a_few_messages_that_are_repeated_much_are_covered():
    corpus = Corpus()
    corpus.weights[::50] = 30
    for drawn in simulated(corpus, 150, "messages"):
        assert coverage(drawn, corpus.truth("messages")).min() >= 0.93


def test_unequal_inclusion_is_weighed():
    """A design that seeks out the rare themes is as right as a random one."""
    corpus = Corpus()
    rare = np.flatnonzero(corpus.theme >= 2)
    common = np.flatnonzero(corpus.theme < 2)

    def draw(corpus, rng, n):
        halves = [rng.choice(part, n // 2, replace=False) for part in (rare, common)]
        inclusion = [np.full(n // 2, n / 2 / len(part)) for part in (rare, common)]
        return corpus.estimate(np.concatenate(halves), np.concatenate(inclusion))

    for drawn in simulated(corpus, 150, draw=draw):
        np.testing.assert_allclose(drawn[:, SHARE].mean(axis=0), corpus.truth(), atol=0.01)
        assert coverage(drawn, corpus.truth()).min() >= 0.93


def test_predictions_learnt_from_the_labels_by_cross_fitting_are_covered():
    """Each label is predicted by folds without it; the rest by the mean over the folds' models."""
    rng = np.random.default_rng(2)
    corpus = Corpus(size=500)
    topic = np.where(rng.random(500) < 0.7, corpus.theme, rng.integers(0, 5, 500)) * 3 + rng.integers(
        0, 3, 500
    )

    def learnt(places):
        counts = np.zeros((15, len(SHARES)))
        np.add.at(counts, (topic[places], corpus.theme[places]), 1)
        return (counts + 0.2) / (counts + 0.2).sum(axis=1, keepdims=True)

    def draw(corpus, rng, n):
        drawn = rng.choice(500, n, replace=False)
        folds = np.arange(n) % 5
        models = np.array([learnt(drawn[folds != fold]) for fold in range(5)])
        corpus.predicted = models.mean(axis=0)[topic]
        corpus.predicted[drawn] = models[folds, topic[drawn]]
        return corpus.estimate(drawn, np.full(n, n / 500))

    labels, powered = simulated(corpus, 150, draw=draw)
    assert coverage(powered, corpus.truth()).min() >= 0.93
    np.testing.assert_allclose(powered[:, SHARE].mean(axis=0), corpus.truth(), atol=0.005)
    assert (width(powered)[:3] < width(labels)[:3]).all()


def test_labels_alone_are_the_textbook_estimate():
    """Cochran (1977): the variance of a share under simple random sampling, as a binomial's sample size."""
    corpus = Corpus()
    low, share, high = rows(corpus.estimate(np.arange(200), np.full(200, 1 / 3)), "labels")
    expected = corpus.coded[:200].mean(axis=0)
    np.testing.assert_allclose(share, expected)
    size = 199 / (1 - 1 / 3) * (1.959964 / 1.9719565) ** 2  # normal by Student's t for 199 degrees of freedom
    np.testing.assert_allclose(low, stats.beta.ppf(0.025, expected * size, (1 - expected) * size + 1), 1e-5)
    np.testing.assert_allclose(high, stats.beta.ppf(0.975, expected * size + 1, (1 - expected) * size), 1e-5)


def test_prediction_powered_is_the_formula():
    """PPI++ (2023): λ mean(f, rest) + mean(y - λ f, labelled), λ = cov(y, f) / ((1 + n/N) var f)."""
    corpus = Corpus(noise=2.0)
    n, rest = 200, 400
    share = rows(corpus.estimate(np.arange(n), np.full(n, 1 / 3)), "prediction-powered")[SHARE]
    for theme in range(len(SHARES)):
        y, f, unlabelled = corpus.coded[:n, theme], corpus.predicted[:n, theme], corpus.predicted[n:, theme]
        slope = np.cov(y, f)[0, 1] / f.var(ddof=1)
        assert 0 < slope < 1
        factor = slope / (1 + n / rest)
        assert share[theme] == pytest.approx(factor * unlabelled.mean() + (y - factor * f).mean())


def test_a_corpus_that_is_wholly_labelled_has_no_doubt():
    corpus = Corpus(size=100, most_repeated=3)
    found = corpus.estimate(np.arange(100), np.ones(100))
    for weighting in ("communications", "messages"):
        for method in ("labels", "prediction-powered"):
            for figures in rows(found, method, weighting):
                np.testing.assert_allclose(figures, corpus.truth(weighting), atol=1e-9)


def test_the_mapping_counts_most_probable_themes_and_claims_no_interval():
    corpus = Corpus(noise=2.0, most_repeated=3)
    found = corpus.estimate(np.arange(100), np.full(100, 1 / 6))
    low, share, high = rows(found, "mapping", "messages")
    chosen = np.eye(5)[corpus.predicted.argmax(axis=1)]
    np.testing.assert_allclose(share, corpus.weights @ chosen / corpus.weights.sum())
    assert np.isnan(low.astype(float)).all()
    assert np.isnan(high.astype(float)).all()


def test_messages_that_stand_for_themselves_are_part_of_the_corpus():
    """Labels chosen on purpose (probability 1), then a random sample of the others."""
    corpus = Corpus()
    chosen = np.flatnonzero(corpus.theme == 4)[:6]
    others = np.setdiff1d(np.arange(600), chosen)

    def draw(corpus, rng, n):
        drawn = rng.choice(others, n, replace=False)
        inclusion = np.append(np.ones(len(chosen)), np.full(n, n / len(others)))
        return corpus.estimate(np.append(chosen, drawn), inclusion)

    labels, powered = simulated(corpus, 150, draw=draw)
    for drawn in (labels, powered):
        np.testing.assert_allclose(drawn[:, SHARE].mean(axis=0), corpus.truth(), atol=0.005)
        assert coverage(drawn, corpus.truth()).min() >= 0.93


def test_messages_without_a_label_are_taken_to_be_like_the_others():
    corpus = Corpus()
    theme, inclusion = corpus.theme[:200].copy(), np.full(200, 1 / 3)
    theme[::10] = -1
    found = prevalence(theme, inclusion, corpus.predicted[:200], corpus.predicted[200:], None, CODEBOOK)
    assert found.labels == 180
    assert found.communications == 600
    decided = np.flatnonzero(theme >= 0)
    same = corpus.estimate(decided, np.full(180, 180 / 600))
    np.testing.assert_allclose(rows(found, "labels"), rows(same, "labels"))
    np.testing.assert_allclose(rows(found, "prediction-powered"), rows(same, "prediction-powered"))


@settings(deadline=None, max_examples=40)
@given(
    labels=st.lists(st.integers(0, 6), min_size=2, max_size=30),
    rest=st.integers(0, 40),
    seed=st.integers(0, 2**32 - 1),
    spread=st.floats(0, 1),
)
def test_shares_are_shares(labels, rest, seed, spread):
    codebook, rng = make_codebook(), np.random.default_rng(seed)
    n = len(labels)
    predicted = rng.dirichlet(np.full(7, 0.05 + spread), n + rest)
    inclusion = n / (n + rest) * rng.uniform(0.9, 1, n)
    weights = rng.integers(1, 50, n + rest).astype(float)
    found = prevalence(np.array(labels), inclusion, predicted[:n], predicted[n:], weights, codebook)
    table = found.table
    assert len(table) == 2 * 3 * 7
    sums = table.group_by("weighting", "method").agg(pl.col("share").sum())
    for method in ("labels", "mapping"):
        np.testing.assert_allclose(sums.filter(method=method)["share"], 1)
    assert table["share"].is_between(0, 1 + 1e-12).all()
    bounded = table.drop_nulls()
    assert len(bounded) == 2 * 2 * 7
    assert bounded["low"].is_between(0, bounded["share"]).all()
    assert bounded["high"].is_between(bounded["share"], 1 + 1e-12).all()


SPOILT = {
    "unknown": (lambda p: np.where(np.arange(len(p)) < 3, np.nan, p), "3 of 100 messages is unknown"),
    "zero": (lambda p: np.where(np.arange(len(p)) < 2, 0, p), "2 of 100 messages"),
    "above one": (lambda p: p * 7, "100 of 100 messages"),
    "another corpus": (np.ones_like, "stand for 100 messages, but the corpus has 600"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_is_no_probability_sample_is_refused(case):
    spoil, said = SPOILT[case]
    with pytest.raises(LabelError, match=said):
        Corpus().estimate(np.arange(100), spoil(np.full(100, 1 / 6)))


def test_fewer_than_two_labels_are_refused():
    with pytest.raises(LabelError, match="fewer than two"):
        Corpus().estimate(np.arange(1), np.full(1, 1 / 600))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"predicted_rest": np.ones((3, 4))}, "all the input array dimensions|column a theme"),
        ({"predicted_rest": np.full((3, 5), np.nan)}, "finite"),
        ({"inclusion": np.ones(3)}, "each message drawn"),
        ({"labels": np.array([0, 5])}, "indices"),
        ({"weights": np.ones(4)}, "weights"),
        ({"weights": np.zeros(5)}, "weights"),
    ],
)
def test_arrays_that_do_not_fit_are_a_programming_error(change, said):
    sound = {
        "labels": np.array([0, 1]),
        "inclusion": np.full(2, 0.4),
        "predicted_labelled": np.full((2, 5), 0.2),
        "predicted_rest": np.full((3, 5), 0.2),
        "weights": None,
        "codebook": CODEBOOK,
    }
    with pytest.raises(ValueError, match=said):
        prevalence(**{**sound, **change})
