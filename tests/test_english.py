"""Whether texts are English."""

import pytest

from themeloom import english
from themeloom.english import is_foreign, mostly_foreign

ENGLISH, GERMAN = "I waited two years and nobody rang", "ich warte schon seit zwei Jahren auf einen Brief"


@pytest.mark.parametrize(
    ("text", "lang", "foreign"),
    [
        (ENGLISH, None, False),
        (ENGLISH, "de", False),
        (GERMAN, None, True),
        ("どうしてオーブンはいつも難しいのですか", None, True),
        ("Danke schön", None, None),
        ("Danke schön", "de", True),
        ("very good", "de", False),
        ("", "de", None),
    ],
)
def test_a_text_is_told_by_the_commonest_words(text: str, lang: str | None, foreign: bool | None) -> None:
    assert is_foreign(text, lang) is foreign


def test_words_are_counted_whole_whatever_marks_are_in_them() -> None:
    assert is_foreign("अस्पताल में इलाज बहुत") is None, "four words"
    assert is_foreign("अस्पताल में इलाज बहुत लंबा") is True


def test_of_texts_that_can_be_told_most_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not mostly_foreign([])
    assert not mostly_foreign(["Danke"] * 9)
    assert not mostly_foreign([ENGLISH, GERMAN])
    assert mostly_foreign([ENGLISH, GERMAN, GERMAN, "Danke"])
    monkeypatch.setattr(english, "LOOKED_AT", 2)
    assert mostly_foreign([GERMAN, ENGLISH, GERMAN, ENGLISH]), "every second one is looked at"
