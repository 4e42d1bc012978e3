"""Letters of all scripts."""
# ruff: noqa: RUF001 - letters of many scripts stand in the messages

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.letters import LETTER, MARKS, UNSPACED, in_pairs, is_clause, lowered, parted

SPACED = st.text(st.characters(max_codepoint=0x58F) | st.sampled_from("“”’…–👍🏽 \u0301"))
"""Latin, Greek, Cyrillic and Armenian, and what people set beside them."""


@pytest.mark.parametrize(
    "word",
    ["अस्पताल", "தமிழ்", "שָׁלוֹם", "الْمُسْتَشْفَى", "می\u200cخواهم", "דו״ח", "cafe\u0301", "โรงพยาบาล", "𞤀𞤣𞤤𞤢𞤥𞤆𞤵𞤤𞤢𞥄𞤪"],
)
def test_a_word_is_one_in_all_scripts(word: str) -> None:
    assert re.findall(f"{LETTER}+", f"({word})") == [word]


def test_marks_are_those_that_unicode_has_below_the_private_letters() -> None:
    mark = re.compile(f"[{MARKS}]")
    told = {code for code in range(0x300, 0xAC00) if mark.match(chr(code))}
    assert told == {code for code in range(0x300, 0xAC00) if unicodedata.category(chr(code))[0] == "M"}
    assert not mark.search("a\ufe0f👍🏽9")


def test_the_turkish_i_is_one_letter_in_lower_case() -> None:
    assert lowered("İSTANBUL I") == "istanbul i"


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("电话13812345678吧", "电　13812345678　"),
        ("谢谢@zhangsan的回复", "谢　@zhangsan　回复"),
        ("回复@张三：好", "回　@张三：好"),
        ("邮箱张三@例子.中国", "邮箱张三@例子.中国"),
        ("카톡은010-1234-5678로", "카톡　010-1234-5678　"),
        ("ל@dani ו@ali", "　@dani 　@ali"),
        ("例子.中国/路径", "例子.中国/路径"),
        ("٠٥٠١٢٣", "٠٥٠١٢٣"),
    ],
)
def test_letters_that_touch_a_number_or_name_are_parted_from_it(text: str, bounds: str) -> None:
    assert parted(text) == bounds


@given(st.text(st.sampled_from("a1@_.+( 医โที٣ל카é\u0e31") | st.characters()))
def test_parting_moves_nothing_and_takes_letters_alone(text: str) -> None:
    bounds = parted(text)
    assert len(bounds) == len(text)
    assert all(
        now == was or (now == "\u3000" and not was.isascii()) for now, was in zip(bounds, text, strict=True)
    )


@given(SPACED)
def test_texts_with_blanks_between_words_stay_what_they_are(text: str) -> None:
    assert parted(text) == in_pairs(text) == text
    assert not is_clause(text)


@given(st.text(st.sampled_from("病院の待ち時間。 aโรง\u0e31")))
def test_no_more_than_two_signs_stand_together(text: str) -> None:
    pairs = in_pairs(text)
    assert not is_clause(pairs)
    assert set(UNSPACED.findall(pairs)) == set(UNSPACED.findall(text))


def test_marks_stay_with_their_letter_in_pairs() -> None:
    assert in_pairs("病院の") == "/病院/院の/"
    assert in_pairs("ดีมาก") == "/ดีม/มา/าก/"
    assert in_pairs("我 ok") == "/我/ ok"
    assert is_clause("病院の")
    assert not is_clause("病院")
