"""The words that topics are described with."""
# ruff: noqa: RUF001 - letters of many scripts stand in the messages

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.discovery.words import term_splitter, word_splitter


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The waiting list never moves", ["waiting", "list", "moves"]),
        ("I'd say you're kind; they didn't and won\u2019t", ["say", "kind"]),
        ("It's my nurse\u2019s day, and Zo\u00eb's", ["nurse's", "day", "zo\u00eb's"]),
        ("[person 2] rang [handle] about 2 beds", ["rang", "beds"]),
        ("Phone [phone 1]: a person [person 2] on the link", ["phone", "person", "link"]),
        ("[link]", []),
        ("#DearMHP please listen to the ward\u2019s nurse", ["listen", "nurse"]),
        ("", []),
        ("अस्पताल में इलाज", ["अस्पताल", "में", "इलाज"]),
        ("İstanbul'da hastane DEĞİL", ["istanbul'da", "hastane", "değil"]),
        ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),
        ('דו״ח בי"ח', ["דו״ח", 'בי"ח']),
        ("col·laboració a·b", ["col·laboració"]),
        ("病院の待ち, 我 ok", ["病院", "院の", "の待", "待ち", "ok"]),
    ],
)
def test_words_are_those_that_tell_something(text, words):
    assert word_splitter(["#dearmhp", "ward\u2019s"])(text) == words


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("Thank you. Thank you!", []),
        ("the bedroom tax on a box-room", ["bedroom tax", "box room"]),
        ("pain is anxiety, anxiety pain", ["anxiety pain"]),
        ("never moves", []),
        ("waiting list waiting", ["waiting list", "list waiting"]),
        ("ward 3 round", []),
        ("病院の待ち時間", []),
        ("the ward [person 2] round", []),
    ],
)
def test_pairs_are_of_words_side_by_side(text, pairs):
    assert term_splitter()(text) == word_splitter()(text) + pairs


def test_of_what_stands_without_blanks_all_that_is_frequent_is_left_out():
    assert word_splitter(["#精神科"])("精神科の医") == ["科の", "の医"]


@given(st.text(), st.lists(st.text(max_size=5), max_size=3))
def test_terms_are_words_and_pairs_of_them_whatever_is_said(text, frequent):
    words, terms = word_splitter(frequent)(text), term_splitter(frequent)(text)
    assert terms[: len(words)] == words
    pairs = [tuple(pair.split(" ")) for pair in terms[len(words) :]]
    assert set(pairs) <= set(pairwise(words))
    assert term_splitter([*frequent, *words])(text) == []


@given(st.text(alphabet="abcs'\u2019 -nt", max_size=40))
def test_the_kind_of_apostrophe_makes_no_difference(text):
    assert term_splitter()(text) == term_splitter()(text.replace("\u2019", "'"))
