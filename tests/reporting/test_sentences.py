from dataclasses import replace

import pytest

from builders import make_record
from themeloom.reporting.contents import Conformal, Confusion, Count, Difference
from themeloom.reporting.sentences import comparison, comparisons, origin, sets_told, sparse_told, validation
from themeloom.reporting.summary import summarise
from themeloom.scored import Score

NAN = float("nan")


def difference(value, low, high, level="message level", line="logistic regression"):
    return Difference(level, line, {"kappa": Score(value, low, high)})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (difference(0.26, 0.15, 0.39), "0.26 above that of logistic regression (0.15 to 0.39), more than"),
        (
            difference(0.05, -0.05, 0.16),
            "0.05 above that of logistic regression (\N{MINUS SIGN}0.05 to 0.16), which chance",
        ),
        (
            difference(0.13, -0.002, 0.26),
            "0.13 above that of logistic regression (0.00 to 0.26), which chance",
        ),
        (difference(-0.2, -0.34, -0.06), "0.20 below that of logistic regression (0.06 to 0.34), more than"),
        (
            difference(-0.02, -0.1, 0.05),
            "0.02 below that of logistic regression (\N{MINUS SIGN}0.05 to 0.10), which chance",
        ),
        (difference(0.3, NAN, NAN), "0.30 above that of logistic regression"),
        (difference(-0.004, -0.1, 0.05), "equal to that of logistic regression (\N{MINUS SIGN}0.05 to 0.10)"),
        (difference(0.0, NAN, NAN), "equal to that of logistic regression"),
    ],
)
def test_differences_are_told_with_side_interval_and_verdict(found, said):
    assert comparison(found).startswith(said)


def test_what_is_not_defined_is_not_told():
    assert comparison(difference(NAN, NAN, NAN)) == ""
    assert comparison(Difference("message level", "coders", {})) == ""
    assert comparisons([difference(NAN, NAN, NAN)], "message level") == ""
    assert comparisons([difference(0.2, 0.1, 0.3)], "topic level") == ""


def test_a_level_is_compared_in_one_sentence():
    all_of_them = [
        difference(0.3, 0.2, 0.4, line="plain BERTopic"),
        difference(0.1, -0.1, 0.2),
        difference(0.9, 0.8, 1.0, level="topic level"),
        difference(0.9, 0.8, 1.0, line="majority class"),
    ]
    assert comparisons(all_of_them, "message level") == (
        "Message level: kappa is 0.10 above that of logistic regression (\N{MINUS SIGN}0.10 to 0.20), "
        "which chance may explain; 0.30 above that of plain BERTopic (0.20 to 0.40), more than chance "
        "explains."
    )


def test_validation_says_how_labels_were_kept_apart():
    scores = replace(summarise(make_record(), paths={}, tracked={}).scores, labels=200, folds=5)
    cross_fitted = "200 labels, each predicted without itself (5 folds"
    assert validation(replace(scores, repeats=1, held_out=0.0)) == f"{cross_fitted})"
    assert validation(replace(scores, repeats=3, held_out=0.0)) == f"{cross_fitted}, drawn 3 times)"
    assert validation(replace(scores, labels=1, held_out=0.3)) == (
        "1 label set aside, of which nothing was learned"
    )


def test_themes_of_no_label_or_one_are_named():
    scores = replace(summarise(make_record(), paths={}, tracked={}).scores, held_out=0.0)
    counts = tuple((float(number), 0.0, 0.0) for number in (5, 1, 0))
    sparse = replace(scores, message_confusion=Confusion(("a", "b", "c"), ("a", "b", None), counts))
    assert sparse_told(sparse).startswith(
        "No label is of the theme c: how well it is found cannot be told. Only "
    )
    aside = sparse_told(replace(sparse, held_out=0.3))
    assert "Only one label that was set aside is of the theme b: its scores hang on that one" in aside
    enough = Confusion(("a",), ("a", None), ((2.0, 0.0),))
    assert sparse_told(replace(scores, message_confusion=enough)) == ""


def test_sets_are_told_with_those_left_to_people():
    found = Conformal(0.3, Count(399, 0.9975), Count(1, 0.0025))
    said = ">99% of the messages have one theme at 90% confidence; "
    lists = "('themeloom undecided' lists them)."
    assert sets_told(found) == f"{said}1 without a label is undecided {lists}"
    assert (
        sets_told(replace(found, undecided=Count(2, 0.005)))
        == f"{said}2 without a label are undecided {lists}"
    )
    assert sets_told(replace(found, undecided=Count(0, 0))) == f"{said}none without a label is undecided."


def test_informed_topics_are_called_so():
    summary = summarise(make_record(), paths={}, tracked={})
    assert origin(replace(summary, informed=False)) == "No label had a say in these topics."
    assert origin(replace(summary, informed=True)).startswith("Labels informed these topics")
