"""Identifying strings that have a form."""
# ruff: noqa: RUF001 - letters of many scripts stand in the messages

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.corpus.patterns import find_patterns


def found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_patterns(text)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("handle", "@somebody_99"),
        ("handle", "@me@social.example.org"),
        ("handle", "@somebody.bsky.social"),
        ("handle", "some_body"),
        ("handle", "u/some-body77"),
        ("handle", "/u/some_body"),
        ("handle", "U/Somebody"),
        ("link", "https://example.org/a?b=c#d"),
        ("link", "http://t.co/AbC123"),
        ("link", "www.example.org"),
        ("link", "blog.example.org/x"),
        ("link", "example.com"),
        ("link", "bit.ly/2x"),
        ("email", "first.last+tag@mail.example.co.uk"),
        ("email", "somebody [at] example.org"),
        ("phone", "01632 960417"),
        ("phone", "01632960417"),
        ("phone", "(01632) 960 417"),
        ("phone", "01632-960-417"),
        ("phone", "07700 900 362"),
        ("phone", "07700900362"),
        ("phone", "020 7946 0018"),
        ("phone", "0808 157 0123"),
        ("phone", "+44 7700 900362"),
        ("phone", "+44 (0)20 7946 0018"),
        ("phone", "0044 1632 960417"),
        ("phone", "+1 415-555-2671"),
        ("phone", "(415) 555-2671"),
        ("phone", "07700\u2011900\u2011123"),
        ("phone", "020\u20117946\u20110958"),
        ("phone", "07700\u2013900\u2013123"),
        ("phone", "07700\u2212900\u2212123"),
        ("phone", "07700\u202f900\u2009123"),
        ("phone", "+44\u00a07700\u2007900123"),
        ("phone", "(415)\u00a0555\u20112671"),
        ("number", "943 476 5919"),
        ("number", "943\u2011476\u20115919"),
        ("number", "943\u2013476\u20135919"),
        ("number", "943\u00a0476\u00a05919"),
        ("number", "943.476.5919"),
        ("number", "9 4 3 4 7 6 5 9 1 9"),
        ("number", "9-4-3-4-7-6-5-9-1-9"),
        ("number", "4111\u20111111\u20111111\u20111111"),
        ("number", "078\u201105\u20111120"),
        ("number", "QQ\u00a012\u00a034\u00a056\u00a0C"),
        ("number", "9434765919"),
        ("number", "QQ 12 34 56 C"),
        ("number", "4111 1111 1111 1111"),
        ("number", "078-05-1120"),
        ("postcode", "LS1 4AP"),
        ("postcode", "SY8\u00a01ZZ"),
        ("postcode", "sw1a 1aa"),
        ("postcode", "M28 0AB"),
    ],
)
def test_each_form_is_found_whole(kind: str, value: str) -> None:
    assert found(f"please write to {value}, or do not") == [(kind, value)]
    assert found(value) == [(kind, value)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("handle", "@राम_कुमार"),
        ("email", "राम@उदाहरण.भारत"),
        ("number", "DE89 3704 0044 0532 0130 00"),
        ("number", "GB29NWBK60161331926819"),
        ("number", "12345678Z"),
        ("number", "X1234567-L"),
    ],
)
def test_what_other_countries_write_is_found_in_any_message(kind: str, value: str) -> None:
    assert found(f"please write to {value}, or do not") == [(kind, value)]


@pytest.mark.parametrize(
    "value",
    ["06 12 34 56 78", "06.12.34.56.78", "612 345 678", "612 34 56 78", "532 123 45 67", "138 1234 5678",
     "06-12345678", "08-123 45 67", "347 1234567"],
)  # fmt: skip
def test_telephones_of_other_countries_are_found_unless_the_message_is_english(value: str) -> None:
    assert found(f"tel {value}") == [("phone", value)]
    assert found(f"por favor me llama mañana al {value}, gracias") == [("phone", value)]
    assert found(f"there were about {value} of them when we counted") == []


@pytest.mark.parametrize(
    "text",
    [
        "GB28NWBK60161331926819",
        "12345678A",
        "500 600 700",
        "612 345 000",
        "le 05 10 2024 12 30",
        "150 2019 2020",
    ],
)
def test_rows_of_figures_and_numbers_without_their_check_stay(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("before", "kind", "value", "after"),
    [
        ("电话", "number", "13812345678", ""),
        ("电话", "phone", "+8613812345678", "。"),
        ("โทร", "phone", "0812345678", "นะ"),
        ("連絡先", "phone", "090-1234-5678", "まで"),
        ("카톡은", "phone", "010-1234-5678", "로"),
        ("谢谢", "handle", "@zhangsan", "的回复"),
        ("回复", "handle", "@张三", "：好"),
        ("ל", "handle", "@dani", " תודה"),
        ("看这里", "link", "https://t.cn/abcd", "吧"),
        ("看这里", "link", "www.weibo.com/u/12345", "吧"),
        ("Привет", "link", "https://vk.com/id1", " "),
        ("邮箱", "email", "zhangsan@example.com", "谢谢"),
        ("微信", "handle", "zhang_san88", ""),
    ],
)
def test_what_is_written_against_other_words_is_found_alone(
    before: str, kind: str, value: str, after: str
) -> None:
    assert found(f"{before}{value}{after}") == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "it is 5 @ most, see you @ 7 or @7pm",
        "so good.So very good.It is. e.g. this, i.e. that, 9 p.m. in the U.S.",
        "on 12/03/2014 at 10:30, 1994-2013, 24/7, 1/2",
        "ring 999, 111 or 116 123",
        "section 37/41 and form F20, 140km, b4 u go, gr8 4us, w8 4us",
        "it took 1,200,000 pounds and 0 10 20 30 people",
        "#hashtag and #another_one",
        "w/o and/or n/a, see u/s, r/somewhere, 40 u/day, he told me what u/they did",
        "[person 3] and [link 1] and [handle]",
        "price: 4567 8901",
        "0 1 2 3 4 5 6 7 8 9, 9 8 7 6 5 4 3 2 1 0 and 3 1 4 1 5 9 2 6 5 3",
        "1994\u20132013, 12\u201314 weeks, 1.5\u20132.5, 2.10.2014\u20133.11.2014",
    ],
)
def test_what_identifies_nobody_is_left(text: str) -> None:
    assert found(text) == []


def test_an_invalid_check_digit_is_no_health_number() -> None:
    assert found("943 476 5918") == [("phone", "943 476 5918")]
    assert found("code 943-476-59") == []


def test_a_dash_of_the_sentence_is_no_part_of_a_number() -> None:
    assert found("mine is 943 476 5919\u2014yes\u20149434765919") == [
        ("number", "943 476 5919"),
        ("number", "9434765919"),
    ]
    assert found("answers: 1 9 4 3 4 7 6 5 9 1 9, then 9 4 3 4 7 6 5 9 1 9 2") == []


def test_a_reference_that_is_named_is_a_number() -> None:
    assert found("my hospital no: 44 1208 7 is lost") == [("number", "44 1208 7")]
    assert found("patient id A123456") == [("number", "A123456")]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("born ", "14/03/1971"),
        ("I was born on Sunday ", "14 March 1971"),
        ("born on the ", "14th of March, 1971"),
        ("DOB: ", "14.03.1971"),
        ("d.o.b. ", "1971-03-14"),
        ("date of birth: ", "14\u201303\u20131971"),
        ("my dob is ", "14/03/71"),
        ("my birthday is on ", "July 24th"),
        ("MRN ", "00123456"),
        ("sort code: ", "12-34-56"),
        ("case number ", "4471"),
        ("my claim number is ", "4471"),
        ("claim ", "4471"),
        ("patient: ", "1984"),
        ("from ", "192.168.13.7"),
    ],
)
def test_what_a_number_is_named_as_makes_it_one(said: str, value: str) -> None:
    assert found(f"{said}{value}, I think") == [("number", value)]
    assert found(f"{said}{value}.") == [("number", value)]


@pytest.mark.parametrize(
    "text",
    [
        "it was 14/03/1971 and the 14 March, born in 1971, born 2/3 weeks early, born 10 pounds",
        "claim 1200 a month, the case 2014 was, hospital 1989, patient 1200 times, staff 1500 people",
        "version 1.2.3.4 of 12.10.2014.5 on 8.8.8 and 300.400.1.1",
    ],
)
def test_dates_and_numbers_that_are_named_as_nothing_stay(text: str) -> None:
    assert found(text) == []


def test_punctuation_of_the_sentence_stays() -> None:
    text = "see (http://example.org/a_(b)), or http://example.org/c. Ask @me's @you. Mail a@example.org!"
    assert found(text) == [
        ("link", "http://example.org/a_(b)"),
        ("link", "http://example.org/c"),
        ("handle", "@me"),
        ("handle", "@you"),
        ("email", "a@example.org"),
    ]


@given(st.text(max_size=200))
def test_spans_are_in_order_and_apart(text: str) -> None:
    spans = find_patterns(text)
    assert all(span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))


def seconds(task, text):
    start = time.thread_time()
    task(text)
    return time.thread_time() - start


@pytest.mark.parametrize(
    "piece",
    ["a", "a.", "1", "1 ", "0", "0 0", "0\u2011", "@", "@a", "@a.", "a@", "a@a.", "u/", "http://", "www.",
     "(", ")", "_", "a_", "-", "+", "+1", " ", "A1 ", "QQ", "943 476 ", "[at]", "a [", "ref ", "dob ", "1.",
     "[person", "\u2019", "\U0001f600", "医", "医1", "医@", "@医", "DE89 ", "06 12 "],
)  # fmt: skip
def test_a_hundred_thousand_characters_take_under_a_second(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    find_patterns(text)  # imports
    # Of this thread alone, and the best of three: a neighbour's load makes some slower, and none quicker.
    assert min(seconds(find_patterns, text) for _ in range(3)) < 1
