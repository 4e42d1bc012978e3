"""What can be seen of a message without reading it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.discovery.surface import surface


def changed(text, other):
    """In which features two texts differ."""
    one, two = surface([text, other])
    return set(np.flatnonzero(one != two).tolist())


@settings(max_examples=40)
@given(st.lists(st.text(max_size=80), max_size=6))
def test_features_are_between_0_and_1_and_each_text_s_own(texts):
    found = surface(texts)
    assert found.dtype == np.float32
    assert found.shape == (len(texts), surface(["any"]).shape[1])
    assert ((found >= 0) & (found <= 1)).all()
    for text, row in zip(texts, found, strict=True):
        np.testing.assert_array_equal(surface([text])[0], row)


MARKS = {
    "a link": "see [link]",
    "a numbered link": "see [link 12]",
    "a handle": "see [handle 3]",
    "a hashtag": "see #this",
    "a question": "see?",
    "an exclamation": "see!",
    "a number": "see 4",
    "a quotation": "see \u201cthis\u201d",
    "an ellipsis": "see\u2026",
    "capitals": "SEE",
    "I": "see me",
    "you": "see you",
    "an emoji": "see \U0001f600",
}


@pytest.mark.parametrize("mark", MARKS)
def test_each_mark_is_seen(mark):
    nothing = surface(["see it"])[0]
    assert (nothing[:-1] == 0).all()
    assert (surface([MARKS[mark]])[0, :-1] > 0).any()


def test_marks_are_told_from_each_other():
    texts = [MARKS[mark] for mark in MARKS if mark != "a numbered link"]
    seen = surface(texts)[:, :-1] > 0
    assert len(np.unique(seen, axis=0)) == len(texts)


def test_more_marks_count_more_until_they_are_many():
    once, twice, many, more = surface(["so!", "so!!", "so!!!!", "so!!!!!!!!!"])
    assert (once != twice).any()
    np.testing.assert_array_equal(many, more)


def test_length_counts_words():
    short, long, longer = surface(["a b", "a b c d", "word " * 5000])[:, -1]
    assert 0 < short < long < longer <= 1


def test_words_make_no_difference():
    assert changed("the cat sat", "the dog ran") == set()
    assert changed("the cat sat", "the cat sat?") != set()


def test_of_no_texts_there_are_no_features():
    assert surface([]).shape == (0, surface(["a"]).shape[1])
