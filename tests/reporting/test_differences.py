"""Sentences of a comparison."""

import math

import pytest

from comparisons import make_run, wordy_run
from themeloom.compared import PairedScores, ScoreLine
from themeloom.history.compare import compare_runs
from themeloom.reporting import differences
from themeloom.scored import Score


def pairing_of(first, second):
    return compare_runs([first, second]).pairings[0]


def test_runs_have_letters():
    assert [differences.letter(place) for place in (0, 1, 25, 26)] == ["A", "B", "Z", "R27"]


def test_fates_and_changes_are_told():
    pairing = pairing_of(make_run([0] * 10 + [1] * 10), make_run([0] * 10 + [2] * 6 + [3] * 4, "b"))
    assert differences.fates(pairing) == "A to B: of 2 topics, 1 same, 1 split; 0 appeared in B."
    assert differences.changes(pairing) == ["1 split into 2 (60%), 3 (40%)"]
    assert differences.basis(pairing) == "matched by membership (Jaccard) in 20 shared messages"
    back = pairing_of(make_run([0] * 10 + [2] * 6 + [3] * 4), make_run([0] * 10 + [1] * 10, "b"))
    assert differences.changes(back) == ["2, 3 merged into 1 (of which they are 100%)"]


def test_topics_of_messages_that_are_new_are_told():
    more = make_run([0] * 10 + [1] * 10 + [2] * 5, "b")
    pairing = pairing_of(make_run([0] * 10 + [1] * 10), more)
    assert differences.fates(pairing) == (
        "A to B: of 2 topics, 2 same; 0 appeared in B; 1 holds only messages that A has not."
    )
    assert differences.changes(pairing) == ["2 holds only messages that A has not"]


def test_runs_without_topics_or_messages_are_told_of():
    pairing = pairing_of(wordy_run([], "a"), wordy_run([["a"]], "b"))
    assert differences.fates(pairing) == "A to B: of 0 topics, none; 1 appeared in B."
    assert differences.changes(pairing) == ["0 appeared"]
    assert differences.basis(pairing) == "matched by words (RBO), as no message is shared"


@pytest.mark.parametrize(
    ("first", "other", "said"),
    [
        (0.424, 0.436, "+0.012, intervals overlap"),  # 0.42 and 0.44
        (0.4151, 0.4149, "\N{MINUS SIGN}0.0002, intervals overlap"),  # 0.42 and 0.41
        (0.42, 0.42, "+0.00, intervals overlap"),
        (0.1, 0.9, "+0.80, intervals apart"),
    ],
)
def test_a_difference_is_that_of_the_scores_as_they_are_shown(first, other, said):
    scores = tuple(Score(value, value - 0.2, value + 0.2) for value in (first, other))
    line = ScoreLine("topic level", None, "kappa", scores, (None, other - first), (None, other - first > 0.5))
    assert differences.apart(line, 1) == said
    assert differences.apart(line, 0) == ""


def test_few_moves_are_not_none():
    first = make_run([0] * 300)
    moved = differences.moved(pairing_of(first, make_run([0] * 299 + [1], "b")).themes[0])
    assert moved == "Message level: 1 of 300 shared messages moved to another theme (<1%)."


def test_what_is_left_out_is_counted():
    assert differences.unshown(1).startswith("1 rarer move is not shown; --json")
    assert differences.unshown(1200).startswith("1,200 rarer moves are not shown; --json")


def test_moves_are_counted_at_each_level():
    pairing = pairing_of(make_run([0, 0, 0, 1]), make_run([0, 0, 0, 0], "b"))
    own, topics = map(differences.moved, pairing.themes)
    assert own == "Message level: 1 of 4 shared messages moved to another theme (25%)."
    assert topics == "Topic level: 1 of 4 shared messages moved to a topic of another theme (25%)."


def test_labels_that_only_one_run_has_are_told():
    paired = PairedScores(1, 50, {"message level": {"kappa": Score(0.1, 0.05, 0.2)}}, "", 1200)
    assert differences.paired(paired).endswith(
        "explains. Labels that not both runs have alike: 1,200. Each run\N{RIGHT SINGLE QUOTATION MARK}s own "
        "scores, and so the differences beside them, go over these, too."
    )


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (Score(0.1, 0.05, 0.2), "kappa +0.10 (+0.05 to +0.20), more than chance explains"),
        (Score(-0.1, -0.2, -0.05), "more than chance explains"),
        (Score(0.1, -0.05, 0.2), "(\N{MINUS SIGN}0.05 to +0.20), which chance may explain"),
        (Score(0.1, -0.004, 0.2), "(+0.00 to +0.20), which chance may explain"),
        (Score(0.04, 0.004, 0.1), "kappa +0.04 (+0.004 to +0.100), more than chance explains"),
        (Score(-0.04, -0.1, -0.0002), "to \N{MINUS SIGN}0.0002), more than chance explains"),
        (Score(0.1, math.nan, math.nan), "kappa +0.10 (no interval)"),
        (Score(0.0, math.nan, math.nan), "message level, the same predictions."),
    ],
)
def test_paired_differences_are_weighed(score, said):
    found = differences.paired(PairedScores(1, 50, {"message level": {"kappa": score}}, ""))
    assert found.startswith("B less A on the same 50 labelled messages: message level, ")
    assert said in found
