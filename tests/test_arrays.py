"""Texts and labels as people have them in memory."""

from enum import Enum, IntEnum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.arrays import as_labels, as_texts, as_themes
from themeloom.errors import InputError, LabelError


@pytest.mark.parametrize(
    "y",
    [
        ["a", None, "b", None],
        ["a", "", "b", " "],
        ["a", np.nan, "b", -1],
        np.array(["a", "", "b", ""]),
        np.array(["a", None, "b", np.nan], dtype=object),
        pd.Series(["a", None, "b", pd.NA]),
        pd.Series(["a", None, "b", None], dtype="category"),
        pl.Series(["a", None, "b", None]),
    ],
)
def test_a_missing_label_is_missing_however_it_is_written(y):
    assert as_labels(y, 4) == ["a", None, "b", None]


@pytest.mark.filterwarnings("ignore:y. -1 is taken as no label")
@pytest.mark.parametrize(
    "y",
    [
        [0, -1, 2, -1],
        np.array([0, -1, 2, -1]),
        np.array([0, np.nan, 2, np.nan]),
        pd.Series([0, None, 2, None]),
        pd.Series([0, None, 2, None], dtype="Int64"),
        pl.Series([0, None, 2, -1]),
    ],
)
def test_numbers_stay_whole(y):
    labels = as_labels(y, 4)
    assert labels == [0, None, 2, None]
    assert [type(label) for label in labels] == [int, type(None)] * 2


@pytest.mark.parametrize("y", [[-1, 0, 1, -1], np.array([-1.0, 0, 1, -1]), pd.Series([-1, 0, 1, -1])])
def test_minus_one_beside_other_numbers_is_told_as_no_label(y):
    with pytest.warns(
        UserWarning, match=r"y: -1 is taken as no label \(2 messages\); name the theme otherwise"
    ):
        assert as_labels(y, 4) == [None, 0, 1, None]


def test_truth_values_are_themes():
    assert as_labels(np.array([True, False]), 2) == [True, False]
    assert as_themes([True, False]).tolist() == [False, True]


class Named(str, Enum):  # noqa: UP042 (a StrEnum's text is its value anyhow)
    WAITING = "waiting"


class Numbered(IntEnum):
    WAITING = 3


def test_of_an_enumeration_what_is_written_counts():
    assert as_labels([Named.WAITING, "waiting", Numbered.WAITING, 3], 4) == ["waiting", "waiting", 3, 3]
    assert as_themes(as_labels([Named.WAITING, "waiting"], 2)).tolist() == ["waiting"]
    assert as_themes(as_labels([Numbered.WAITING, 3], 2)).tolist() == [3]
    assert as_texts([Named.WAITING]) == ["waiting"]
    assert type(as_texts([Named.WAITING])[0]) is str


def test_without_labels_nothing_is_labelled():
    assert as_labels(None, 2) == [None, None]


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (["a", "b"], "y: has 2 entries for 3 texts; give one for each"),
        ("abc", "y: is a single text"),
        ({"a": 1, "b": 2, "c": 3}, "y: is a dict; give a list or an array of labels"),
        (pd.DataFrame({"a": [1], "b": [2], "c": [3]}), "y: is a table; give one of its columns"),
        (5, "y: is 5; give a list or an array of labels"),
        (["a", 0.5, "b"], r"y\[1\]: is 0.5; give a theme as text or whole number"),
        ([["a"], "a", "b"], r"y\[0\]: is \['a'\]; give a theme"),
        (np.array([["a"], ["b"], ["c"]]), r"y\[0\]: is a ndarray; give|y\[0\]: is array\("),
        (np.array(["a", np.nan, "b"]), r"y\[1\]: is the text 'nan'"),
        (np.array(["a", -1, "b"]), r"y\[1\]: is the text '-1'"),
    ],
)
def test_what_is_no_label_is_refused(y, sentence):
    with pytest.raises(LabelError, match=sentence):
        as_labels(y, 3)


def test_text_and_numbers_are_not_mixed():
    with pytest.raises(LabelError, match=r"different types \(int, str\); write all in the same way"):
        as_themes(["a", 1])


def test_themes_are_sorted():
    assert as_themes([3, 1, 3, 2]).tolist() == [1, 2, 3]
    assert as_themes(["b", "a"]).tolist() == ["a", "b"]


@pytest.mark.parametrize("kind", [list, tuple, iter, np.array, pd.Series, pl.Series])
def test_texts_become_plain_strings(kind):
    texts = as_texts(kind(["one", "two"]))
    assert texts == ["one", "two"]
    assert {type(text) for text in texts} == {str}


@given(st.text(), st.text(st.characters(categories=["Cs"]), max_size=2), st.text())
def test_half_an_emoji_is_left_out_as_it_is_of_files(before, broken, after):
    told = as_texts([before + broken + after, "\ud83d\ude00"], blank=True)
    told[0].encode()
    assert told[0].startswith(before)
    assert told[0].endswith(after)
    assert told[1] == "\U0001f600"


def test_blank_texts_are_taken_where_they_are_asked_for():
    assert as_texts(["one", "", " "], blank=True) == ["one", "", " "]
    with pytest.raises(InputError, match=r"texts\[1\]: is None, not text"):
        as_texts(["one", None], blank=True)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ("one", "texts: is a single text; give a list"),
        (["one", None], r"texts\[1\]: is None, not text"),
        (["one", float("nan")], r"texts\[1\]: is nan, not text"),
        (["one", ""], r"texts\[1\]: is '', without a word; leave it out"),
        (["one", " \u3000\n"], r"texts\[1\]: is .*, without a word; leave it out"),
        (["one", "\ud83d"], r"texts\[1\]: is '', without a word; leave it out"),
        (b"one", "texts: is a single text; give a list"),
        (None, "texts: is None; give a list or an array of texts"),
        (np.array("one"), "texts: is array.'one'.*; give a list or an array of texts"),
        ({"text": ["one"]}, "texts: is a dict; give a list or an array of texts"),
        (
            pd.DataFrame({"text": ["one"]}),
            r"texts: is a table; give one of its columns, such as df\['text'\]",
        ),
        (pl.DataFrame({"text": ["one"]}), "texts: is a table"),
        (pa.table({"text": ["one"]}), "texts: is a table"),
        (np.zeros((2, 30)), r"texts\[0\]: is a ndarray, not text"),
    ],
)
def test_what_is_no_text_is_refused(texts, sentence):
    with pytest.raises(InputError, match=sentence):
        as_texts(texts)
