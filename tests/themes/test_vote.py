"""Themes by all members of a topic: the classifier of messages and the topics' mean posterior."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from groups import grouped
from themeloom.config import ThemesConfig, ValidateConfig
from themeloom.records import Codebook, LabelledSample, Members, Theme
from themeloom.themes import _vote
from themeloom.themes._classifier import STRENGTH, fit_classifier, posterior_of
from themeloom.themes._vote import MemberVote
from themeloom.themes.mapping import assign_themes, learn_mapping, message_themes
from themeloom.themes.validation import MESSAGES, VOTE, cross_fit, cross_fitted_posteriors

VOTING = ThemesConfig(codebook="codebook.yaml", labels="labels.csv")
QUICK = ValidateConfig(folds=4, repeats=2, bootstrap=100)


def world(seed=0, spread=0.6, noise=20):
    """Six groups of messages on three themes; the topics are the groups, and 60 messages are labelled."""
    vectors, group = grouped(6, 40, noise=noise, spread=spread, seed=seed)
    theme = np.where(group >= 0, group % 3, 0)
    position = np.sort(np.random.default_rng(seed).choice(240, 60, replace=False))
    return Members(group, vectors), sample(position, theme[position]), theme


def sample(position, theme):
    return LabelledSample(position, theme, ("a",), theme[:, None])


def book(themes):
    return Codebook(tuple(Theme(f"t{key}", "name", "definition") for key in range(themes)))


@pytest.mark.parametrize("themes", [2, 4])
def test_the_classifier_is_scikit_learn_s(themes):
    rng = np.random.default_rng(themes)
    vectors = rng.normal(size=(80, 6)).astype(np.float32)
    theme = rng.integers(0, themes, 80)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000).fit(vectors, theme)
    fitted = fit_classifier(vectors, theme, themes, np.ones(80))
    assert np.allclose(posterior_of(vectors, fitted), model.predict_proba(vectors), atol=1e-4)


def test_themes_that_no_label_names_are_never_guessed():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(40, 6)).astype(np.float32)
    posterior = posterior_of(vectors, fit_classifier(vectors, rng.integers(0, 2, 40) * 2, 4, np.ones(40)))
    assert (posterior[:, [1, 3]] == 0).all()
    alone = posterior_of(vectors, fit_classifier(vectors, np.full(40, 3), 4, np.ones(40)))
    assert (alone.argmax(axis=1) == 3).all()


def test_a_weight_of_two_is_a_message_twice():
    rng = np.random.default_rng(2)
    vectors, theme = rng.normal(size=(30, 4)).astype(np.float32), rng.integers(0, 3, 30)
    weights = rng.integers(0, 3, 30).astype(float)
    weights[:3] = 1
    theme[:3] = [0, 1, 2]
    copies = np.repeat(np.arange(30), weights.astype(int))
    weighted = posterior_of(vectors, fit_classifier(vectors, theme, 3, weights))
    copied = posterior_of(vectors, fit_classifier(vectors[copies], theme[copies], 3, np.ones(len(copies))))
    assert np.allclose(weighted, copied, atol=5e-3)


def test_topics_and_messages_get_their_themes():
    members, labelled, theme = world()
    mapping = learn_mapping(labelled, members, 3, VOTING)
    assert mapping.theme.tolist() == [0, 1, 2, 0, 1, 2]
    assert np.allclose(mapping.posterior.sum(axis=1), 1)
    assert mapping.labels.sum() == 60
    of_topic, _ = assign_themes(members.topic, mapping)
    assert (of_topic[members.topic < 0] == -1).all()
    guess, probability = message_themes(members.topic, members.vectors, mapping)
    assert (guess[:240] == theme[:240]).mean() > 0.9
    assert ((probability > 1 / 3) & (probability <= 1)).all()


def test_labelled_members_count_as_they_are():
    members, labelled, _ = world()
    turned = sample(labelled.position, (labelled.theme + 1) % 3)
    everything = sample(np.arange(240), members.topic[:240] % 3)
    posterior = learn_mapping(everything, members, 3, VOTING).posterior
    assert np.allclose(posterior, np.eye(3)[[0, 1, 2, 0, 1, 2]])
    assert learn_mapping(turned, members, 3, VOTING).theme.tolist() == [1, 2, 0, 1, 2, 0]


def test_a_large_corpus_is_asked_in_part(monkeypatch):
    members, labelled, _ = world()
    whole = MemberVote(members, labelled.position, labelled.theme, 3, 0.3).fit()
    monkeypatch.setattr(_vote, "MOST", 100)
    part = MemberVote(members, labelled.position, labelled.theme, 3, 0.3)
    assert 100 <= len(part._asked) < 200
    assert set(labelled.position) <= set(part._asked)
    assert np.abs(part.fit().posterior - whole.posterior).max() < 0.15
    assert part.fit().theme.tolist() == whole.theme.tolist()


def test_both_levels_are_scored():
    members, labelled, _ = world()
    scores = cross_fit(labelled, members, book(3), VOTING, QUICK, 0)
    assert scores.overall["kappa"].value > 0.9
    assert scores.lines[MESSAGES]["kappa"].value > 0.8
    assert VOTE in scores.lines
    for score in (scores.overall["kappa"], scores.lines[MESSAGES]["kappa"]):
        assert score.low <= score.value <= score.high <= 1


def test_shuffled_labels_score_nothing():
    members, labelled, _ = world(seed=3)
    within = 0
    for seed in range(8):
        theme = np.random.default_rng(seed).permutation(labelled.theme)
        scores = cross_fit(sample(labelled.position, theme), members, book(3), VOTING, QUICK, seed)
        within += all(
            k.low <= 0 <= k.high for k in (scores.overall["kappa"], scores.lines[MESSAGES]["kappa"])
        )
    assert within >= 7


def test_posteriors_of_labelled_messages_know_nothing_of_their_labels():
    rng = np.random.default_rng(5)
    members = Members(np.zeros(200, np.int64), rng.normal(size=(200, 60)).astype(np.float32))
    theme = rng.integers(-1, 3, 80)  # chance alone; some messages without a label, as coders tie
    position = np.sort(rng.choice(200, 80, replace=False))
    labelled, rest = cross_fitted_posteriors(sample(position, theme), members, 3, QUICK, 0)
    assert labelled.shape == (80, 3)
    assert rest.shape == (120, 3)
    assert np.allclose(labelled.sum(axis=1), 1)
    assert np.allclose(rest.sum(axis=1), 1)
    known = theme >= 0
    assert (labelled[known].argmax(axis=1) == theme[known]).mean() < 0.5


def test_intervals_cover_the_kappa_on_all_other_messages():
    from sklearn.metrics import cohen_kappa_score

    covered = 0
    for seed in range(20):
        vectors, group = grouped(6, 150, spread=2.2, seed=seed)
        rng = np.random.default_rng(seed)
        theme = np.where(rng.random(900) < 0.7, group % 3, rng.integers(0, 3, 900))
        position = np.sort(rng.choice(900, 90, replace=False))
        members, labelled = Members(group, vectors), sample(position, theme[position])
        rest = np.setdiff1d(np.arange(900), position)
        guess = message_themes(group, vectors, learn_mapping(labelled, members, 3, VOTING))[0]
        truth = cohen_kappa_score(theme[rest], guess[rest])
        found = cross_fit(labelled, members, book(3), VOTING, QUICK, seed).lines[MESSAGES]["kappa"]
        covered += found.low <= truth <= found.high
    assert covered >= 17, covered


@given(st.integers(0, 2**16), st.permutations(range(4)))
def test_themes_can_be_renamed(seed, names):
    rng = np.random.default_rng(seed)
    members = Members(rng.integers(-1, 4, 30), rng.normal(size=(30, 3)).astype(np.float32))
    theme = rng.integers(0, 4, 12)
    there = learn_mapping(sample(np.arange(12), theme), members, 4, VOTING)
    renamed = learn_mapping(sample(np.arange(12), np.array(names)[theme]), members, 4, VOTING)
    assert np.allclose(there.posterior, renamed.posterior[:, names], atol=1e-3)
