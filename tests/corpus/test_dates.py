"""Dates beside those that tests of the readers go through: forms are told apart as strptime tells them."""
# ruff: noqa: RUF001 - dates of other languages

from datetime import UTC, date, datetime, time
from itertools import product
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.columns import UTC_TIME
from themeloom.corpus.dates import NAMED, NUMBERED, TIMES, X_V1, DateReader, _shape, calendar_note
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


ZONES = ["Europe/Berlin", "Asia/Tokyo", "America/New_York", "Pacific/Kiritimati"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "raw",
    [
        *(
            "2013-08-10",
            "20130810",
            "10/08/2013",
            "10.8.13",
            "10 Aug 2013",
            "2013年8月10日",
            date(2013, 8, 10),
        ),
        datetime(2013, 8, 10),  # noqa: DTZ001 - as spreadsheets have dates
    ],
)
def test_a_date_without_a_time_of_day_is_no_other_day_in_any_zone(raw, zone):
    assert DateReader(ZoneInfo(zone), day_first=True)(raw) == datetime(2013, 8, 10, tzinfo=UTC)


def test_a_time_of_day_is_of_the_zone_even_at_midnight():
    read = DateReader(ZoneInfo("Europe/Berlin"), day_first=True)
    night = datetime(2013, 8, 9, 22, tzinfo=UTC)
    texts = (
        "2013-08-10 00:00",
        "2013-08-10T00:00:00",
        "20130810T0000",
        "10.8.2013 00.00",
        "10.8.13 12:00 AM",
    )
    assert [read(one) for one in texts] == [night] * 5
    assert read(datetime(2013, 8, 10, tzinfo=ZoneInfo("Europe/Berlin"))) == night
    assert read("2013-08-10T00:00+02:00") == night


@pytest.mark.parametrize(
    ("raw", "time_of_day"),
    [
        *dict.fromkeys(
            ["10. 8. 2013", "10. 8. 2013.", "10.8.2013.", "2013. 8. 10.", "2013.08.10"], time()
        ).items(),
        *dict.fromkeys(
            ["2013年8月10日", "2013년 8월 10일", "10. August 2013", "10 Aug. 2013"], time()
        ).items(),
        *dict.fromkeys(
            ["10.08.2013 14:30 Uhr", "10/8/2013 14.30", "2013年08月10日 14:30"], time(14, 30)
        ).items(),
        *dict.fromkeys(["10. 8. 2013 14.30.15", "10. Aug. 2013, 14.30.15"], time(14, 30, 15)).items(),
    ],
)
def test_other_punctuation_is_read(raw, time_of_day):
    wanted = datetime.combine(date(2013, 8, 10), time_of_day, UTC)
    assert DateReader(ZoneInfo("UTC"), day_first=True)(raw) == wanted


@pytest.mark.parametrize("text", ["10 Mai 2013", "10 мая 2013", "2013 оны 8 сар", "民國一〇二年"])
def test_names_of_months_in_other_languages_are_told_as_that(text):
    with pytest.raises(RowError, match=r"or with English names of months, or leave columns\.created_at out"):
        DateReader(ZoneInfo("UTC"), day_first=True)(text)
    with pytest.raises(RowError, match="set day_first or the column"):
        DateReader(ZoneInfo("UTC"), day_first=False)("31/12/2013")


@pytest.mark.parametrize(
    ("years", "said"),
    [
        ([2013, None, 1790, 2027], ""),
        ([], ""),
        (
            [2013, 2567],
            "1 of 2 messages are of the year 2567: is their calendar another than the Gregorian one",
        ),
        ([1403, None, 2024, 2567], "2 of 4 messages are of years from 1403 to 2567: "),
    ],
)
def test_years_of_another_calendar_are_told(years, said):
    sent = [year and datetime(year, 5, 6, tzinfo=UTC) for year in years]
    note = calendar_note(pl.Series(sent, dtype=UTC_TIME), datetime(2026, 5, 6, tzinfo=UTC))
    assert note.startswith(said)
    assert bool(note) == bool(said)
