"""What the encoder reads of a message."""
# ruff: noqa: RUF001 - letters of many scripts stand in the messages

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.discovery.encoder_text import embedded_text, frequent_terms


def test_function_words_are_never_frequent_terms():
    assert frequent_terms(["the ward", "the bed", "the queue"], 0.7) == ()


@pytest.mark.parametrize(
    "text",
    [
        "#arzt Ich habe nicht verstanden, was der Arzt und die Schwester gesagt haben",
        "#arzt मेरी माँ का इलाज अस्पताल में हुआ और डॉक्टर अच्छा नहीं था",
        "#arzt у меня не было врача и мне никто не помог",
    ],
)
def test_of_other_languages_hashtags_alone_are_left_out(text):
    """Their grammar is unknown: what stands in nearly every message there is as a rule what carries it."""
    assert frequent_terms([text] * 9, 0.7) == ("#arzt",)
    assert embedded_text(text, ["#arzt"]) == text.removeprefix("#arzt ")
    english = ["#arzt the doctor said that I have to wait and nobody rang"] * 9
    assert {"#arzt", "doctor"} < set(frequent_terms(english, 0.7))


@pytest.mark.parametrize("word", ["किताब", "İSTANBUL", "می\u200cخواهم", "שָׁלוֹם"])
def test_a_term_is_a_whole_word_in_all_scripts(word):
    (term,) = frequent_terms([word], 0.7)
    assert embedded_text(f"a {word} b {word[0]}", [term]) == f"a b {word[0]}"


@given(st.text(max_size=200))
def test_reading_twice_changes_nothing(text):
    once = embedded_text(text, ())
    assert embedded_text(once, ()) == once


def test_handles_do_not_reach_the_encoder():
    assert embedded_text("thanks [handle 3] and [handle]", ()) == "thanks and"


@given(st.integers(1, 10**9 - 1), st.sampled_from(["person", "place", "link", "organisation"]))
def test_numbers_of_placeholders_do_not_reach_the_encoder(number, kind):
    assert embedded_text(f"thanks [{kind} {number}]!", ()) == embedded_text(f"thanks [{kind}]!", ())
