"""Shares of themes by group against known truth: what intervals cover, and when nothing is told."""

import numpy as np
import pytest

from themeloom.columns import GROUPS
from themeloom.records import Codebook, Theme
from themeloom.themes._estimates import Estimate
from themeloom.themes.by_group import shares_by_group

CODEBOOK = Codebook(tuple(Theme(key, key, key) for key in "abc"))
SHARES = ((0.5, 0.3, 0.2), (0.2, 0.4, 0.4), (0.5, 0.3, 0.2))
NAMES = ("patients", "carers", "staff")
SIZE, LABELS, DRAWS = 1500, 200, 200
SHARE, DIFFERENCE = ("share", "low", "high"), ("difference", "difference_low", "difference_high")


class Corpus:
    """Messages of known groups and themes, with predictions of them."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.group = rng.choice(3, SIZE, p=(0.6, 0.3, 0.1))
        self.theme = np.array([rng.choice(3, p=SHARES[group]) for group in self.group])
        right = np.where(rng.random(SIZE) < 0.7, self.theme, rng.choice(3, SIZE))
        self.predicted = 0.6 * np.eye(3)[right] + 0.4 * rng.dirichlet(np.ones(3), SIZE)

    def share(self, inside):
        return np.bincount(self.theme[inside], minlength=3) / inside.sum()

    def truth(self):
        """(groups, themes): shares, and how far they are from those of all others."""
        own = np.array([self.share(self.group == at) for at in range(3)])
        return own, own - [self.share(self.group != at) for at in range(3)]

    def estimate(self, drawn, theme=None, group=None):
        rest = np.setdiff1d(np.arange(SIZE), drawn)
        theme, group = (
            given if given is not None else own for given, own in ((theme, self.theme), (group, self.group))
        )
        return shares_by_group(
            theme[drawn],
            np.full(len(drawn), len(drawn) / SIZE),
            self.predicted[drawn],
            self.predicted[rest],
            group[np.append(drawn, rest)],
            NAMES,
            CODEBOOK,
        )


def figures(found, columns):
    return found.select(columns).to_numpy().reshape(len(NAMES), len(CODEBOOK.keys), 3)


@pytest.fixture(scope="module")
def corpus():
    return Corpus()


@pytest.fixture(scope="module")
def drawn(corpus):
    rng = np.random.default_rng(1)
    return [corpus.estimate(rng.choice(SIZE, LABELS, replace=False)) for _ in range(DRAWS)]


@pytest.mark.parametrize("columns", [SHARE, DIFFERENCE])
def test_intervals_hold_the_truth(corpus, drawn, columns):
    truth = corpus.truth()[columns == DIFFERENCE]
    found = np.array([figures(one, columns) for one in drawn])
    covered = (found[..., 1] <= truth) & (truth <= found[..., 2])
    assert covered.mean(axis=0).min() >= 0.93
    assert np.abs(found[..., 0].mean(axis=0) - truth).max() < 0.015


def test_a_difference_that_is_there_is_found_and_one_that_is_not_is_not(drawn):
    found = np.array([figures(one, DIFFERENCE) for one in drawn])
    apart = ((found[..., 1] > 0) | (found[..., 2] < 0)).mean(axis=0)
    assert apart[1, 0] > 0.9, "carers say 'a' less often"
    assert apart[2].max() < 0.05, "staff are too few to tell"
    shuffled = Corpus()
    shuffled.theme = np.random.default_rng(2).permutation(shuffled.theme)
    shuffled.predicted = np.random.default_rng(3).dirichlet(np.ones(3), SIZE)
    rng = np.random.default_rng(4)
    none = [
        figures(shuffled.estimate(rng.choice(SIZE, LABELS, replace=False)), DIFFERENCE) for _ in range(100)
    ]
    assert np.mean([(one[..., 1] > 0) | (one[..., 2] < 0) for one in none]) < 0.07


def test_predictions_that_follow_the_themes_make_it_surer(corpus):
    drawn = np.random.default_rng(5).choice(SIZE, LABELS, replace=False)
    blind = Corpus()
    blind.predicted = np.full_like(corpus.predicted, 1 / 3)
    alone, powered = (figures(one.estimate(drawn), SHARE) for one in (blind, corpus))
    assert ((powered[..., 2] - powered[..., 1]) < (alone[..., 2] - alone[..., 1])).mean() > 0.8


def test_of_a_group_with_fewer_than_two_labels_nothing_is_told(corpus):
    staff = np.flatnonzero(corpus.group == 2)
    drawn = np.append(np.flatnonzero(corpus.group != 2)[:LABELS], staff[0])
    found = corpus.estimate(drawn)
    assert dict(found.schema) == GROUPS
    assert found["labels"].unique(maintain_order=True).to_list()[-1] == 1
    assert found.filter(group="staff")["communications"].to_list() == [len(staff)] * 3
    assert found.filter(group="staff").select(*SHARE, *DIFFERENCE).null_count().sum_horizontal().item() == 18
    assert not found.filter(group="carers").select(*SHARE, *DIFFERENCE).null_count().sum_horizontal().item()


def test_messages_of_an_unknown_group_change_nothing(corpus):
    drawn = np.random.default_rng(6).choice(SIZE, LABELS, replace=False)
    unknown = np.where(corpus.group == 2, -1, corpus.group)
    found = corpus.estimate(drawn, group=unknown)
    other = corpus.estimate(drawn, np.where(corpus.group == 2, 0, corpus.theme), unknown)
    assert found.filter(group="patients").equals(other.filter(group="patients"))
    assert found.filter(group="staff")["labels"].to_list() == [0, 0, 0]


def test_messages_that_nobody_could_label_are_like_the_others(corpus):
    drawn = np.random.default_rng(7).choice(SIZE, LABELS, replace=False)
    tied = np.where(np.arange(SIZE) % 5 == 0, -1, corpus.theme)
    found, whole = corpus.estimate(drawn, tied), corpus.estimate(drawn)
    assert (found["labels"] < whole["labels"]).all()
    apart = figures(found, SHARE)[:2, :, 0] - figures(whole, SHARE)[:2, :, 0]
    assert 0 < np.abs(apart).max() < 0.12, "of the two groups with many labels"


def test_a_group_is_asked_for_of_each_message(corpus):
    few = (corpus.theme[:9], np.full(9, 0.5), corpus.predicted[:9], corpus.predicted[9:18])
    with pytest.raises(ValueError, match="a value for each message"):
        shares_by_group(*few, corpus.group[:9], NAMES, CODEBOOK)


def test_the_difference_of_two_shares_as_newcombe_published_it():
    """Newcombe 1998, table II, method 10: 56 of 70 less 48 of 80, from Wilson's intervals."""

    def wilson(count, size):
        z, share = 1.959964, count / size
        middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
        half = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
        return Estimate(*(np.array([value]) for value in (share, middle - half, middle + half)))

    found = wilson(56, 70).less(wilson(48, 80))
    assert [found.share[0], found.low[0], found.high[0]] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)
    small = wilson(9, 10).less(wilson(3, 10))
    assert [small.low[0], small.high[0]] == pytest.approx([0.1705, 0.8090], abs=5e-5)
