import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask
from sklearn.metrics import (
    balanced_accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    recall_score,
)

from learners import FOLDS, Gaussians, Topics, cross_fitted
from themeloom.columns import CALIBRATION
from themeloom.members import HeldOut
from themeloom.themes.scores import COMPARED, FIGURES, calibration, difference, score

NONE = np.zeros((0, 0, 0))
DRAWS = 100


def line(coded, predicted, group=None, posterior=NONE):
    coded, predicted = np.asarray(coded), np.atleast_2d(predicted)
    group = np.arange(len(coded)) if group is None else np.asarray(group)
    return HeldOut(coded, predicted, posterior, group)


def values(lines, themes):
    return {name: one.value for name, one in score(lines, themes, 2, 0).overall.items()}


def random_line(seed, messages=60, themes=3, repeats=2, authors=40):
    generator = np.random.default_rng(seed)
    coded = generator.integers(themes, size=messages)
    posterior = generator.dirichlet(np.ones(themes), (repeats, messages))
    posterior[:, np.arange(messages), coded] += 0.3
    posterior /= posterior.sum(axis=-1, keepdims=True)
    predicted = np.where(posterior.max(axis=-1) > 0.45, posterior.argmax(axis=-1), -1)
    return HeldOut(coded, predicted, posterior, generator.integers(authors, size=messages))


@st.composite
def lines(draw):
    themes, messages, repeats = draw(st.integers(2, 6)), draw(st.integers(2, 40)), draw(st.integers(1, 3))
    codes = st.lists(st.integers(0, themes - 1), min_size=messages, max_size=messages)
    said = st.lists(st.integers(-1, themes - 1), min_size=messages, max_size=messages)
    predicted = draw(st.lists(said, min_size=repeats, max_size=repeats))
    group = draw(st.lists(st.integers(0, 20), min_size=messages, max_size=messages))
    posterior = np.random.default_rng(messages).dirichlet(np.ones(themes), (repeats, messages))
    return line(draw(codes), predicted, group, posterior), themes


@settings(deadline=None, max_examples=40)
@given(lines())
def test_figures_are_those_of_scikit_learn(drawn):
    heldout, themes = drawn
    coded, present = heldout.coded, np.unique(heldout.coded)
    shown = np.where(heldout.predicted < 0, themes, heldout.predicted)
    found = score(heldout, themes, 2, 0)

    def mean(figure, **options):
        each = [figure(coded, one, labels=present, average="macro", **options) for one in shown]
        return pytest.approx(np.mean(each))

    assert found.overall["macro_f1"].value == mean(f1_score, zero_division=0)
    assert found.overall["balanced_accuracy"].value == mean(recall_score)
    assert found.overall["accuracy"].value == pytest.approx((heldout.predicted == coded).mean())
    assert found.overall["coverage"].value == pytest.approx((heldout.predicted >= 0).mean())
    if len(present) > 1:
        kappas = [cohen_kappa_score(coded, one, labels=range(themes + 1)) for one in shown]
        assert found.overall["kappa"].value == pytest.approx(np.mean(kappas))
    each = [
        precision_recall_fscore_support(coded, one, labels=range(themes), zero_division=0) for one in shown
    ]
    expected = np.mean([figures[:3] for figures in each], axis=0)
    for theme, figures in enumerate(found.per_theme):
        assert list(figures) == ["precision", "recall", "f1"]
        here = [one.value for one in figures.values()]
        np.testing.assert_allclose(here, expected[:, theme] if theme in present else [np.nan] * 3)
    tables = [confusion_matrix(coded, one, labels=range(themes + 1))[:-1] for one in shown]
    np.testing.assert_allclose(found.confusion, np.mean(tables, axis=0))


def test_balanced_accuracy_is_that_of_scikit_learn():
    heldout = random_line(0, repeats=1)
    answers = replace(heldout, predicted=heldout.posterior.argmax(axis=-1))
    expected = balanced_accuracy_score(answers.coded, answers.predicted[0])
    assert values(answers, 3)["balanced_accuracy"] == pytest.approx(expected)


def test_alpha_is_that_of_nltk_with_abstaining_as_a_code():
    heldout = random_line(1, repeats=1)
    assert (heldout.predicted < 0).any()
    said = [("coded", n, int(one)) for n, one in enumerate(heldout.coded)]
    said += [("said", n, int(one)) for n, one in enumerate(heldout.predicted[0])]
    assert values(heldout, 3)["alpha"] == pytest.approx(AnnotationTask(data=said).alpha())


def test_krippendorffs_two_observers_of_nominal_data():
    """Krippendorff (2011), section B: 12 units, alpha = 0.692."""
    meg, owen = (["abcde".index(code) for code in codes] for codes in ("aabbdcccedda", "babbbccceddd"))
    found = values(line(meg, owen), 5)
    assert found["alpha"] == pytest.approx(0.692, abs=0.0005)


def test_gwets_two_raters():
    """Gwet's (2002) table of 125 subjects, of whom nearly all have the trait."""
    coded, said = np.repeat([0, 0, 1, 1], [118, 5, 2, 0]), np.repeat([0, 1, 0, 1], [118, 5, 2, 0])
    found = values(line(coded, said), 2)
    assert found["ac1"] == pytest.approx(0.9408, abs=5e-5)
    assert found["kappa"] == pytest.approx(-0.0234, abs=5e-5)


def test_ac1_counts_abstaining_as_a_code_of_lines_that_abstain():
    """Chance is told from shares 1/2, 3/8 and 1/8, of three codes."""
    by_chance = (0.5 * 0.5 + 0.375 * 0.625 + 0.125 * 0.875) / 2
    found = values(line([0, 0, 1, 1], [0, 0, 1, -1]), 2)
    assert found["ac1"] == pytest.approx((0.75 - by_chance) / (1 - by_chance))


def test_messages_that_nobody_coded_count_in_coverage_alone():
    heldout = random_line(2)
    more = HeldOut(
        np.append(heldout.coded, [-1] * 20),
        np.hstack([heldout.predicted, np.full((2, 20), -1)]),
        np.concatenate([heldout.posterior, np.full((2, 20, 3), 1 / 3)], axis=1),
        np.append(heldout.group, np.arange(20)),
    )
    expected = values(heldout, 3)
    assert values(more, 3) == pytest.approx(expected | {"coverage": expected["coverage"] * 60 / 80})


def test_pairs_are_averaged():
    one, other = random_line(3), random_line(4, messages=30)
    figures = [values(each, 3) for each in (one, other)]
    both = values([one, other], 3)
    assert both == pytest.approx({name: np.mean([each[name] for each in figures]) for name in FIGURES})


def test_relabelled_themes_change_nothing_but_their_order():
    heldout, new = random_line(5, themes=4), np.array([2, 0, 3, 1])
    posterior = heldout.posterior[..., np.argsort(new)]
    predicted = np.where(heldout.predicted < 0, -1, new[heldout.predicted])
    renamed = HeldOut(new[heldout.coded], predicted, posterior, heldout.group)
    found, again = score(heldout, 4, DRAWS, 0), score(renamed, 4, DRAWS, 0)
    for name in FIGURES:
        close(again.overall[name], found.overall[name])
    for theme, figures in enumerate(found.per_theme):
        for name, one in figures.items():
            close(again.per_theme[new[theme]][name], one)


def close(one, other):
    np.testing.assert_allclose(
        (one.value, one.low, one.high), (other.value, other.low, other.high), atol=1e-9
    )


@settings(deadline=None, max_examples=25)
@given(lines(), st.integers(0, 99))
def test_order_of_messages_and_numbers_of_authors_change_nothing(drawn, seed):
    heldout, themes = drawn
    order = np.random.default_rng(seed).permutation(len(heldout.coded))
    shuffled = HeldOut(
        heldout.coded[order],
        heldout.predicted[:, order],
        heldout.posterior[:, order],
        heldout.group[order] * 7 + 3,
    )
    found, again = score(heldout, themes, DRAWS, 0), score(shuffled, themes, DRAWS, 0)
    for name in FIGURES:
        close(again.overall[name], found.overall[name])


@settings(deadline=None, max_examples=25)
@given(lines(), st.sampled_from([None, 2, 5]))
def test_figures_and_ends_stay_within_what_is_possible(drawn, folds):
    heldout, themes = drawn
    found = score(heldout, themes, DRAWS, 0, folds=folds)
    of_themes = [one for figures in found.per_theme for one in figures.values()]
    for name, one in [*found.overall.items(), *(("", one) for one in of_themes)]:
        least = -1 if name in {"kappa", "alpha", "ac1"} else 0
        for number in (one.value, one.low, one.high):
            assert np.isnan(number) or least <= number <= 1
        assert not one.low > one.high


def test_intervals_are_wider_where_authors_wrote_several_messages():
    """Nine copies of a message by one author are worth one."""
    one = random_line(6, messages=60, authors=10**9)
    nine = HeldOut(
        *(np.repeat(each, 9, axis=-1) for each in (one.coded, one.predicted)),
        np.repeat(one.posterior, 9, axis=1),
        np.repeat(one.group, 9),
    )
    alone = replace(nine, group=np.arange(540))
    widths = [
        found.high - found.low
        for found in (score(each, 3, 1000, 0).overall["accuracy"] for each in (one, nine, alone))
    ]
    assert widths[1] == pytest.approx(widths[0])
    assert widths[2] == pytest.approx(widths[0] / 3, rel=0.15)


def test_folds_widen_by_the_correction_of_nadeau_and_bengio():
    heldout = random_line(7, messages=300)
    fixed, wide = (score(heldout, 3, 500, 0, folds=folds).overall["kappa"] for folds in (None, 5))
    assert wide.value == fixed.value
    assert wide.value - wide.low == pytest.approx(1.5 * (fixed.value - fixed.low))
    assert wide.high - wide.value == pytest.approx(1.5 * (fixed.high - fixed.value))


def test_a_line_that_always_answers_has_no_doubt_of_it():
    found = score(line([0, 1, 0, 1], [0, 1, 1, 1]), 2, DRAWS, 0).overall
    assert found["coverage"].value == 1
    assert np.isnan([found["coverage"].low, found["coverage"].high]).all()
    assert np.isnan(found["ece"].value)


def test_a_constant_has_no_kappa_and_no_doubt_of_it():
    found = score(line([0, 1, 0, 1], [0, 0, 0, 0]), 2, DRAWS, 0).overall["kappa"]
    assert found.value == 0
    assert np.isnan([found.low, found.high]).all()


def test_calibration_error_by_hand():
    """Thirty messages, two bins: 0.6 sure and 5 of 15 right; 0.9 sure and 12 of 15 right."""
    right = np.repeat([1, 0, 1, 0], [5, 10, 12, 3])
    top = np.repeat([0.6, 0.9], 15)
    heldout = line(1 - right, np.zeros(30, int), posterior=np.stack([top, 1 - top], axis=1)[None])
    expected = (abs(15 * 0.6 - 5) + abs(15 * 0.9 - 12)) / 30
    assert values(heldout, 2)["ece"] == pytest.approx(expected)
    table = calibration(heldout)
    assert table.schema == CALIBRATION
    np.testing.assert_allclose(table.rows(), [(0, 15, 0.6, 1 / 3), (1, 15, 0.9, 0.8)])


def test_calibration_holds_each_message_once_a_repeat():
    heldout = random_line(8, messages=400, repeats=3)
    table = calibration(heldout)
    top = heldout.posterior.max(axis=-1)
    right = heldout.posterior.argmax(axis=-1) == heldout.coded
    sizes = table["messages"].to_numpy()
    assert 2 <= len(table) <= 10
    assert table["bin"].to_list() == list(range(len(table)))
    assert sizes.sum() == pytest.approx(400)
    assert sizes @ table["confidence"].to_numpy() == pytest.approx(top.mean() * 400)
    assert sizes @ table["accuracy"].to_numpy() == pytest.approx(right.mean() * 400)
    assert table["accuracy"].is_sorted()
    np.testing.assert_allclose(sizes, 400 / len(table), atol=1)


def test_no_posterior_no_calibration():
    table = calibration(line([0, 1], [0, 1]))
    assert table.is_empty()
    assert dict(table.schema) == CALIBRATION


def test_difference_is_that_of_the_values():
    first, second = random_line(9), random_line(10)
    second = replace(second, coded=first.coded, group=first.group)
    found = difference(first, second, 3, 300, 0)
    assert tuple(found) == COMPARED
    one, other = values(first, 3), values(second, 3)
    assert {name: each.value for name, each in found.items()} == pytest.approx(
        {name: one[name] - other[name] for name in COMPARED}
    )
    close(negated(difference(second, first, 3, 300, 0)["accuracy"]), found["accuracy"])


def negated(one):
    return type(one)(-one.value, -one.high, -one.low)


def test_paired_difference_is_surer_than_its_parts():
    """Two lines that differ on few messages: the pairing takes out what they share."""
    generator = np.random.default_rng(11)
    coded = generator.integers(3, size=300)
    first = np.where(generator.random(300) < 0.6, coded, (coded + 1) % 3)
    second = np.where((generator.random(300) < 0.1) & (first == coded), (coded + 2) % 3, first)
    found = difference(line(coded, first), line(coded, second), 3, 1000, 0)["accuracy"]
    alone = score(line(coded, first), 3, 1000, 0).overall["accuracy"]
    assert 0 < found.low < found.value < found.high
    assert found.high - found.low < 0.7 * (alone.high - alone.low)
    wide = difference(line(coded, first), line(coded, second), 3, 1000, 0, folds=5)["accuracy"]
    assert wide.value - wide.low == pytest.approx(1.5 * (found.value - found.low))


def test_nothing_differs_from_itself():
    heldout = random_line(12)
    for one in difference(heldout, heldout, 3, DRAWS, 0).values():
        assert one.value == 0
        assert not one.low > 0
        assert not one.high < 0


@pytest.mark.parametrize("kind", [Gaussians, Topics])
def test_intervals_hold_what_the_line_is_worth_when_it_has_learned_from_all_labels(kind):
    """With predictions held fixed, too seldom: some 85 times of 100; widened, often enough."""
    generator = np.random.default_rng(13)
    worlds = 60
    fixed, wide = ({"kappa": 0, "accuracy": 0, "macro_f1": 0} for _ in range(2))
    for seed in range(worlds):
        world = kind(generator)
        messages, theme = world.draw(150)
        posterior = cross_fitted(world, messages, theme, 2)
        heldout = line(theme, posterior.argmax(axis=-1), posterior=posterior)
        new, truth = world.draw(5000)
        said = world.learn(messages, theme)(new).argmax(axis=1)
        worth = {
            "kappa": cohen_kappa_score(truth, said),
            "accuracy": (truth == said).mean(),
            "macro_f1": f1_score(truth, said, average="macro"),
        }
        for held, folds in ((fixed, None), (wide, FOLDS)):
            found = score(heldout, 4, 200, seed, folds=folds).overall
            for name, known in worth.items():
                held[name] += found[name].low <= known <= found[name].high
    assert min(wide.values()) >= 0.9 * worlds, wide
    assert max(fixed.values()) < min(wide.values())


def test_calibration_error_of_posteriors_as_sure_as_right():
    """What chance adds to the error of a perfect posterior stays small, and its interval reaches 0."""
    generator = np.random.default_rng(14)
    found = []
    for seed in range(40):
        posterior = generator.dirichlet(np.ones(3), (1, 200))
        coded = (generator.random((200, 1)) > posterior[0].cumsum(axis=1)[:, :-1]).sum(axis=1)
        found.append(
            score(line(coded, posterior.argmax(axis=-1), posterior=posterior), 3, 300, seed).overall["ece"]
        )
    assert np.mean([one.value for one in found]) < 0.06
    assert np.mean([one.low == 0 for one in found]) >= 0.9


def test_known_overconfidence_is_found():
    generator = np.random.default_rng(15)
    held = 0
    for seed in range(60):
        right = generator.random(200) < 0.6
        sure = generator.uniform(0.7, 0.9, 200)
        posterior = np.stack([sure, 1 - sure], axis=1)[None]
        heldout = line(np.where(right, 0, 1), np.zeros(200, int), posterior=posterior)
        found = score(heldout, 2, 300, seed).overall["ece"]
        held += found.low <= 0.2 <= found.high
    assert held >= 53


def test_intervals_are_quick():
    heldout = random_line(16, messages=5000, themes=25, repeats=10, authors=4000)
    start = time.process_time()
    score(heldout, 25, 1000, 0, folds=5)
    assert time.process_time() - start < 12
