"""Dates beside those that tests of the readers go through: forms are told apart as strptime tells them."""

from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.corpus.dates import NAMED, NUMBERED, TIMES, X_V1, DateReader, _shape
from themeloom.corpus.drafts import RowError

DAYS = [day for days in (*NUMBERED.values(), NAMED) for day in days]
FORMS = [X_V1, *("".join(parts) for parts in product(DAYS, TIMES, ("", " %z")))]
PIECES = [
    "",
    "1",
    "07",
    "99",
    "2013",
    "/",
    "-",
    ":",
    " ",
    "  ",
    ".5",
    "Aug",
    "MAY",
    "Sat",
    "pm",
    "+01:30",
    "Z",
    "٣",
]
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def is_read(text, form):
    try:
        datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return False
    return True


@given(MOMENTS, st.sampled_from(FORMS))
def test_what_is_written_in_a_form_has_its_shape(moment, form):
    text = moment.strftime(form)
    assert is_read(text, form)
    assert _shape(form).fullmatch(text)


@given(MOMENTS, st.sampled_from(FORMS), st.data())
def test_what_strptime_reads_no_shape_refuses(moment, form, data):
    text = moment.strftime(form)
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    spoilt = text[:start] + data.draw(st.sampled_from(PIECES)) + text[min(end, start + 3) :]
    assert _shape(form).fullmatch(spoilt) or not is_read(spoilt, form)


@pytest.mark.parametrize("text", ["1/ 5/2013", "Sat Aug  3 08:25:03 +0000 2013", "10 AUG 2013 8:25 am"])
def test_forms_that_are_seldom(text):
    assert DateReader(ZoneInfo("UTC"), day_first=False)(text)


@pytest.mark.parametrize(
    "text", ["31/31/2013", "10 Augustus 2013", "some day", "2013-13-10", "5 May 13 8:61"]
)
def test_no_possible_date_is_said(text):
    with pytest.raises(RowError, match="impossible or of no accepted form"):
        DateReader(ZoneInfo("UTC"), day_first=True)(text)
