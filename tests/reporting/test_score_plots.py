from dataclasses import replace

import numpy as np
import pytest

from builders import make_record
from themeloom.reporting import score_plots
from themeloom.scored import Score


def test_confusion_shades_are_shares_of_a_row() -> None:
    record = make_record()
    scores = replace(record.scores, confusion=np.vstack([np.zeros((1, 8)), record.scores.confusion[1:]]))
    heat = score_plots.confusion(scores, record.codebook).data[0]
    assert np.asarray(heat.z).sum(axis=1) == pytest.approx([0, 1, 1, 1, 1, 1, 1])
    assert heat.x[-1] == "no theme given"
    assert list(heat.y) == list(record.codebook.keys)


def test_reliability_and_coverage_show_what_was_measured() -> None:
    scores = make_record().scores
    even, bins = score_plots.reliability(scores).data
    assert list(even.x) == list(even.y) == [0, 1]
    assert list(bins.x) == scores.calibration["confidence"].to_list()
    assert list(bins.y) == scores.calibration["accuracy"].to_list()
    right, kappa = score_plots.coverage(scores).data
    assert list(right.x) == list(kappa.x) == scores.coverage["coverage"].to_list()
    assert list(right.y) == scores.coverage["accuracy"].to_list()


def test_prevalence_shows_estimates_with_intervals_beside_counts() -> None:
    record = make_record()
    estimated, counted = score_plots.prevalence(record).data
    found = record.scores.prevalence["communications/prediction-powered"]
    for at, key in enumerate(record.codebook.keys):
        assert estimated.x[at] == found[key].value
        assert estimated.x[at] + estimated.error_x.array[at] == pytest.approx(found[key].high)
        assert estimated.x[at] - estimated.error_x.arrayminus[at] == pytest.approx(found[key].low)
    assert sum(counted.x) == pytest.approx(1)
    without = replace(record, scores=replace(record.scores, prevalence={}))
    assert len(score_plots.prevalence(without).data) == 1


def test_groups_are_drawn_where_their_shares_are_known() -> None:
    record = make_record()
    drawn = score_plots.by_group(record).data
    assert [one.name for one in drawn] == ["carers", "patients"]
    for one in drawn:
        known = record.scores.groups.filter(group=one.name)
        assert list(one.x) == known["share"].to_list()
        assert list(np.add(one.x, one.error_x.array)) == pytest.approx(known["high"].to_list())
        assert list(np.subtract(one.x, one.error_x.arrayminus)) == pytest.approx(known["low"].to_list())
        assert [round(place) for place in one.y] == list(range(len(record.codebook.keys)))
    none = replace(record, scores=replace(record.scores, groups=record.scores.groups.clear()))
    assert not score_plots.by_group(none).data


def test_lines_show_what_is_defined() -> None:
    scores = make_record().scores
    nothing = Score(float("nan"), float("nan"), float("nan"))
    scores = replace(scores, lines={**scores.lines, "coders": {"kappa": nothing}})
    (drawn,) = score_plots.lines(scores).data
    assert drawn.y[:2] == ("topic level", "message level")
    assert "coders" not in drawn.y
    assert drawn.x[0] == scores.overall["kappa"].value
