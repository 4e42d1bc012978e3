"""The normal form of a message's words."""
# ruff: noqa: RUF001 - typographic and full-width characters stand in the messages

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.corpus import wording as module
from themeloom.corpus.meaning import differs_in_meaning
from themeloom.corpus.wording import wording


@pytest.mark.parametrize(
    ("text", "core"),
    [
        ("  Hello,   WORLD!! ", "hello world"),
        ("#one #two Hello #big world #three http://t.co/x", "hello big world"),
        ("don’t / don't", "dont dont"),
        ("1/2 of F20.0", "1/2 of f20 0"),
        ("Ｆｕｌｌ　width", "full width"),
        ("हिन्दी में", "हिन्दी में"),
        ("こんにちは 世界", "こんにちは世界"),
        ("well :) then", "well :) then"),
        ("thing:other", "thing other"),
        ("no words #left…", "no words"),
        ("http://t.co/x", ""),
    ],
)
def test_dress_is_taken_off(text, core):
    assert wording(text).core == core


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("on and on…", True),
        ("on and on...”", True),
        ("on… https://t.co/x", True),
        ("on ..", False),
        ("on…ward", False),
    ],
)
def test_an_ellipsis_at_the_end_is_a_cut(text, cut):
    assert wording(text).cut is cut


@given(st.text())
def test_any_text_has_a_normal_form_of_its_own(text):
    words = wording(text)
    assert words.core or words.tags or words.links
    assert wording(f"  {text}\n").core == words.core


@pytest.mark.parametrize(
    ("text", "other", "differs"),
    [
        ("see you at 9", "see you at 10", True),
        ("it was fine", "it was not fine", True),
        ("i dont know", "i do not know", False),
        ("two of us", "three of us", True),
        ("we love Jo here", "we love Flo here", True),
        ("we love Jo here", "we love here", False),
        ("in a MentalHealth ward", "in a Mental Health ward", False),
        ("the nice nurse", "the kind nurse", False),
        ("the fire was a sin", "the ice was a help", False),
        ("врач был добр", "врач не был добр", True),
        ("ο γιατρός ήταν καλός", "ο γιατρός δεν ήταν καλός", True),
        ("הרופא היה נחמד", "הרופא לא היה נחמד", True),
        ("كان الطبيب لطيفا", "لم يكن الطبيب لطيفا", True),
        ("डॉक्टर अच्छा था", "डॉक्टर अच्छा नहीं था", True),
        ("doktor iyi", "doktor iyi DEĞİL", True),
        ("byl jsem tam", "nebyl jsem tam", True),
        ("我对服务满意", "我对服务不满意", True),
        ("หมอใจดี", "หมอไม่ใจดี", True),
        ("좋았어요", "좋지 않았어요", True),
        ("es waren drei Stunden", "es waren acht Stunden", True),
        ("等了三个小时", "等了八个小时", True),
        ("salí del hospital y esperé sin ayuda", "salí del hospital y esperé con ayuda", True),
        ("у нас была Анна", "у нас была Ольга", True),
        ("z nami była Łucja", "z nami była Świetlana", True),
        ("врач был добр", "врач был мил", False),
        ("医生很好", "医生真好", False),
    ],
)
def test_numbers_negations_and_names_make_another_message(text, other, differs):
    assert differs_in_meaning(wording(text).core, wording(other).core, text, other) is differs


@given(
    st.lists(st.text(st.sampled_from("ab'’:(#1 …é") | st.characters(), max_size=6), max_size=14).map(" ".join)
)
def test_many_words_are_split_as_few_are(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MANY_WORDS", 10**6)  # none are many
        slowly = wording(text)
    assert wording(text) == replace(slowly, pointed=slowly.pointed if slowly.size < module.MANY_WORDS else "")
