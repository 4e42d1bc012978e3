"""What more labels narrow, by properties and against samples that are really drawn."""

import re
from functools import cache
from io import StringIO
from itertools import pairwise

import numpy as np
import pytest
from rich.console import Console

from themeloom.console.plans import show_plan
from themeloom.errors import LabelError
from themeloom.records import Codebook, LabelledSample, Theme
from themeloom.scored import Score
from themeloom.themes._scoring import kappa, per_theme
from themeloom.themes.outlook import Outlook
from themeloom.themes.plan import Level, Needed, labels_needed, plan

KEYS = ("a", "b", "c")
CODEBOOK = Codebook(tuple(Theme(key, key, key) for key in KEYS))
CONFUSION = np.array([[50.0, 15, 5, 4], [12, 60, 6, 2], [2, 5, 35, 4]])  # of 200 labels, 10 abstained
KAPPA = Score(0.58, 0.48, 0.68)
LABELS, SIZE = 200, 2000


@cache
def outlook(*, size=SIZE, ties=0, informative=True):
    rng = np.random.default_rng(0)
    predicted = rng.dirichlet(np.full(3, 0.3 if informative else 1e6), size)
    theme = (predicted.cumsum(axis=1) < rng.random((size, 1))).sum(axis=1).clip(max=2)
    drawn = np.sort(rng.choice(size, LABELS, replace=False))
    coded = np.where(np.arange(LABELS) < ties, -1, theme[drawn])
    sample = LabelledSample(drawn, coded, ("x",), coded[:, None], np.full(LABELS, LABELS / size))
    right = float((predicted.argmax(axis=1) == theme).mean())
    return Outlook(predicted, sample, random=True, accuracy=right, seed=3)


def planned(more, level=None, **given):
    return plan(outlook(), {"topics": level or Level(CONFUSION, LABELS, KAPPA)}, CODEBOOK, more, **given)


def width(score):
    return score.high - score.low


def test_now_is_what_the_run_says():
    scores = {key: {"recall": Score(0.6, 0.5, 0.72), "f1": Score(0.6, 0.4, 0.7)} for key in KEYS}
    kappa = Score(0.9, 0.6, 1.0)  # as many intervals are, longer below
    now, then = planned((600,), Level(CONFUSION, LABELS, kappa, scores)).steps
    assert (now.more, now.labels) == (0, LABELS)
    told, narrower = now.kappa["topics"], then.kappa["topics"]
    assert (told.value, told.low, told.high) == pytest.approx((0.9, 0.6, 1.0))
    assert 0.9 - narrower.low == pytest.approx(3 * (narrower.high - 0.9))
    assert [theme.recall for theme in now.themes] == pytest.approx([0.11] * 3)
    assert [theme.f1 for theme in now.themes] == pytest.approx([0.15] * 3)
    assert sum(theme.share for theme in now.themes) == pytest.approx(1)
    assert sum(theme.labels for theme in now.themes) == LABELS


def test_four_times_the_labels_halve_the_intervals_of_scores():
    now, then = planned((3 * LABELS,)).steps
    assert width(then.kappa["topics"]) == pytest.approx(width(now.kappa["topics"]) / 2, rel=0.08)
    for first, last in zip(now.themes, then.themes, strict=True):
        assert last.f1 == pytest.approx(first.f1 / 2, rel=0.1)
        assert last.recall == pytest.approx(first.recall / 2, rel=0.1)


def test_where_the_run_has_no_interval_chance_is_as_samples_show():
    """Deviations of figures over samples of 800 labels that are drawn with the probabilities as they are."""
    undefined = Score(0.58, float("nan"), float("nan"))
    (_, then) = planned((600,), Level(CONFUSION, LABELS, undefined)).steps
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(800, CONFUSION.ravel() / CONFUSION.sum(), 4000).reshape(-1, 3, 4).astype(float)
    assert width(then.kappa["topics"]) / 2 == pytest.approx(1.96 * kappa(drawn).std(), rel=0.06)
    figures = 1.96 * per_theme(drawn).std(axis=0)
    np.testing.assert_allclose([theme.recall for theme in then.themes], figures[1], rtol=0.06)
    np.testing.assert_allclose([theme.f1 for theme in then.themes], figures[2], rtol=0.06)


def test_a_mapping_that_was_never_wrong_is_not_taken_for_certain():
    perfect = Level(np.hstack([np.diag([20.0, 5, 15]), np.zeros((3, 1))]), 40, Score(1.0, 1.0, 1.0))
    now, then = planned((400,), perfect).steps
    assert now.kappa["topics"].high == 1.0
    assert 0 < width(then.kappa["topics"]) < width(now.kappa["topics"])


def test_a_theme_that_nobody_has_coded_cannot_be_scored():
    confusion = CONFUSION.copy()
    confusion[2] = 0
    steps = planned((50, 200), Level(confusion, LABELS, KAPPA)).steps
    assert [[np.isnan(theme.f1) for theme in step.themes] for step in steps] == [[False, False, True]] * 3
    assert all(np.isnan(step.themes[2].recall) for step in steps)
    seen = StringIO()
    show_plan(
        Console(file=seen, width=200),
        plan(outlook(), {"topics": Level(confusion, LABELS, KAPPA)}, CODEBOOK, (50,)),
    )
    told = seen.getvalue().partition("its F1")[2]
    assert re.search(r"│ c +│ +\d+% │ \d+ – +│ \d+ – +│", told), told  # noqa: RUF001
    assert "±" in told


def test_more_labels_never_widen_anything():
    steps = planned((50, 100, 200, 400, 800, 1600)).steps
    for first, last in pairwise(steps):
        assert width(last.kappa["topics"]) <= 1.02 * width(first.kappa["topics"])
        for before, after in zip(first.themes, last.themes, strict=True):
            for name in ("by_labels", "powered", "recall", "f1"):
                assert getattr(after, name) <= 1.03 * getattr(before, name)
            assert after.labels > before.labels


def test_every_level_has_its_kappa_and_the_first_the_themes():
    better = Level(CONFUSION + 100 * np.eye(3, 4), LABELS, Score(0.8, 0.75, 0.85))
    worse = Level(CONFUSION, LABELS, KAPPA)
    both = plan(outlook(), {"topics": worse, "messages": better}, CODEBOOK, (100,))
    assert list(both.steps[1].kappa) == ["topics", "messages"]
    assert both.steps[1].themes == planned((100,)).steps[1].themes
    assert both.steps[1].kappa["messages"].value == 0.8
    assert (both.communications, both.labels, both.left) == (SIZE, LABELS, SIZE - LABELS)


def test_a_number_needed_is_enough_and_a_tenth_less_is_not():
    found = planned((), half_width=0.03).needed
    for by_theme, method in ((found.by_labels, 0), (found.powered, 1)):
        for theme, key in enumerate(KEYS):
            number = by_theme[key]
            assert number > 0
            assert outlook().half_widths(number)[method][theme] <= 0.03 * 1.02
            assert outlook().half_widths(int(0.9 * number))[method][theme] > 0.03
    assert found.labels_for_all == max(found.by_labels.values())
    assert found.powered_for_all == max(found.powered.values()) < found.labels_for_all


def test_less_is_needed_for_less():
    numbers = [labels_needed(outlook(), half, CODEBOOK).labels_for_all for half in (0.01, 0.02, 0.04, 0.2)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] < SIZE - LABELS
    assert numbers[-1] == 0


def test_all_messages_are_needed_for_next_to_no_doubt():
    assert labels_needed(outlook(), 1e-6, CODEBOOK).labels_for_all == SIZE - LABELS


def test_what_ties_leave_open_cannot_be_reached():
    found = labels_needed(outlook(ties=60), 1e-3, CODEBOOK)
    assert set(found.by_labels.values()) == {None}
    assert found.labels_for_all is found.powered_for_all is None


def test_one_theme_out_of_reach_is_all_out_of_reach():
    assert Needed(0.1, {"a": 4, "b": None}, {"a": 4, "b": 3}).labels_for_all is None
    assert Needed(0.1, {"a": 4, "b": None}, {"a": 4, "b": 3}).powered_for_all == 4


def test_useless_predictions_spare_no_labels():
    found = labels_needed(outlook(informative=False), 0.03, CODEBOOK)
    assert found.powered_for_all == pytest.approx(found.labels_for_all, rel=0.03)


def test_the_same_plan_comes_again():
    assert planned((50, 100), half_width=0.04) == planned((50, 100), half_width=0.04)
    assert planned((50, 100)).steps[2] == planned((100,)).steps[1]


def test_more_than_are_left_is_refused():
    with pytest.raises(LabelError, match="1,801 more labels: 1,800 of 2,000 messages are not labelled yet"):
        planned((50, 1801))
