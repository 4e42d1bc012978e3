"""Dates as exports write them, to UTC."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import product
from zoneinfo import ZoneInfo

import polars as pl

from themeloom.corpus.drafts import RowError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?|\d{8}(?:T.*)?", re.ASCII)
_SECONDS = re.compile(r"\d{9,19}(?:\.\d*)?", re.ASCII)
_COMPACT = re.compile(r"(?:19|20)\d{10}(?:\d\d)?", re.ASCII)  # as milliseconds: of 1976, or from 2572 on
_WHOLE = re.compile(r"(\d{8,19})\.0*", re.ASCII)
_GREGORIAN = 1582  # its first year
_DAY = len("2013-08-10")
_WORDS = re.compile(r"[^\W\d_]{2,}")
_LONGEST = 64  # characters; no date is longer


def _colons(time_of_day: re.Match[str]) -> str:
    """Write 14.30 as 14:30."""
    return ":".join(filter(None, time_of_day.groups()))


_TIDY = (
    (re.compile(r"[\s,·]+"), " "),
    (re.compile(r"^(\d{4})[年년] ?(\d{1,2})[月월] ?(\d{1,2})[日일]", re.ASCII), r"\1-\2-\3"),
    (re.compile(r"^(\d{4})[./-] ?(\d{1,2})[./-] ?(\d{1,2})(?!\d)\.?", re.ASCII), r"\1-\2-\3"),
    (re.compile(r"^(\d{1,2})[./-] ?(\d{1,2})[./-] ?(\d{2,4})(?!\d)\.?", re.ASCII), r"\1/\2/\3"),
    (re.compile(r"^(\d{1,2})\. ", re.ASCII), r"\1 "),
    (re.compile(r"([a-z]{3})\.", re.IGNORECASE | re.ASCII), r"\1"),
    (re.compile(r"(\d (?:[01]?\d|2[0-3]))\.([0-5]\d)(?:\.([0-5]\d))?(?= |$)", re.ASCII), _colons),
    (re.compile(r"(:\d\d) Uhr$", re.ASCII), r"\1"),
    (re.compile(r"(\d) ?([ap])\.?m\b\.?", re.IGNORECASE | re.ASCII), r"\1 \2m"),
    (re.compile(r"([\dm]) ?(?:UTC|GMT|Z)$", re.ASCII), r"\1 +0000"),
    (re.compile(r"(:\d\d(?:\.\d+)?)([+-]\d)", re.ASCII), r"\1 \2"),
)

NUMBERED = {True: ("%d/%m/%Y", "%d/%m/%y"), False: ("%m/%d/%Y", "%m/%d/%y")}
NAMED = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%a %d %b %Y", "%a %b %d %Y")
TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
X_V1 = "%a %b %d %H:%M:%S %z %Y"

_NUMBER, _NAME = r" ?\d{1,2}", r"[^\d\s]*"
_SHAPES = {
    **dict.fromkeys(("%d", "%m", "%y", "%H", "%I", "%M", "%S"), _NUMBER),
    **dict.fromkeys(("%a", "%b", "%B", "%p"), _NAME),
    "%Y": r"\d{4}",
    "%f": r"\d{1,6}",
    "%z": r"(?:[+-][\d:.]+|Z)",
    " ": r"\s+",
}
"""Part of a form → what it cannot be without. strptime takes a hundred times as long to say no."""


class DateReader:
    """Reads the dates of one source.

    Accepted, next to date and datetime objects:

    - ISO 8601: ``2013-08-10``, ``20130810``, ``2013-08-10T08:25:03.000Z``, ``2013-08-10 08:25+01:00``;
      ``2013/8/10 8:25`` too;
    - the same in digits alone, to the minute or second: ``201308100825``, ``20130810082503``;
    - seconds, milli-, micro- or nanoseconds since 1970: ``1376123103``, ``1376123103000``;
    - days, months and years as numbers: ``10/08/2013``, ``10.8.13``, ``10-08-2013 08:25:03``, month first
      unless `day_first`;
    - months by their English names: ``10 Aug 2013``, ``August 10, 2013 8:25 AM``,
      ``Sat, 10 Aug 2013 08:25:03 GMT``, ``Sat Aug 10 08:25:03 +0000 2013``.

    Blanks, points and the signs of Chinese and Korean may stand between numbers: ``10. 3. 2013``,
    ``2013年8月10日``. A time of day may follow each (24 hours, ``14:30`` or ``14.30``, or AM and PM), and
    then UTC, GMT, Z or an offset such as ``+0100``. Two-digit years are those of 1969 to 2068.

    What has no time of day is that date in UTC, too, whatever the zone: no date becomes the day before. That
    goes for midnight as spreadsheets and Parquet keep a date.

    Parameters
    ----------
    zone
        Time zone of times that name none.
    day_first
        Whether 3/4/2013 is the third of April.
    """

    def __init__(self, zone: ZoneInfo, *, day_first: bool) -> None:
        self._zone = zone
        days = (*NUMBERED[day_first], *NAMED)
        self._forms = [X_V1, *("".join(parts) for parts in product(days, TIMES, ("", " %z")))]

    def __call__(self, value: object) -> datetime | None:
        """Return the date in UTC; None where there is none.

        Raises
        ------
        RowError
            If it is no possible date.
        """
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        try:
            found = self._read(value)
            if not isinstance(found, datetime):
                return datetime.combine(found, time(), UTC)
            return (found if found.tzinfo else found.replace(tzinfo=self._zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise RowError(f"the date is impossible or of no accepted form; {_cure(value)}") from None

    def _read(self, value: object) -> date:
        if isinstance(value, datetime):
            return value if value.tzinfo or value.time() != time() else value.date()
        if isinstance(value, date):
            return value
        if isinstance(value, float):
            return self._from_text(f"{value:.6f}")
        if isinstance(value, str | int) and not isinstance(value, bool):
            return self._from_text(str(value).strip())
        raise ValueError

    def _from_text(self, text: str) -> date:
        if len(text) > _LONGEST:
            raise ValueError
        if whole := _WHOLE.fullmatch(text):  # a column that has gaps is one of decimal numbers
            text = whole[1]
        if _COMPACT.fullmatch(text):
            return datetime.fromisoformat(f"{text[:8]}T{text[8:]}")
        if _SECONDS.fullmatch(text):
            return _since_1970(text)
        if _ISO.fullmatch(text):
            with suppress(ValueError):
                return (date if len(text) <= _DAY else datetime).fromisoformat(text)
        for pattern, tidy in _TIDY:
            text = pattern.sub(tidy, text)
        return self._by_form(text)

    def _by_form(self, text: str) -> date:
        for position, form in enumerate(self._forms):
            if not _shape(form).fullmatch(text):
                continue
            try:
                found = datetime.strptime(text, form)  # noqa: DTZ007  the caller sets the zone
            except ValueError:
                continue
            if position:  # a source writes all its dates alike: try this form first from now on
                self._forms.insert(0, self._forms.pop(position))
            return found if "%M" in form else found.date()
        raise ValueError


def _cure(value: object) -> str:
    if isinstance(value, str) and _WORDS.search(value):
        return (
            "correct it: write dates as 2013-08-10 or with English names of months, or leave "
            "columns.created_at out"
        )
    return "correct it, or set day_first or the column"


def calendar_note(sent: pl.Series, today: datetime) -> str:
    """Say that messages are of years which the Gregorian calendar has not, or not yet; empty if none is.

    Parameters
    ----------
    sent
        When messages were sent; null where unknown.
    today
        A year beyond it may be a clock that is fast.
    """
    years = sent.dt.year()
    odd = sorted(years.filter((years < _GREGORIAN) | (years > today.year + 1)))
    if not odd:
        return ""
    told = f"the year {odd[0]}" if odd[0] == odd[-1] else f"years from {odd[0]} to {odd[-1]}"
    return (
        f"{len(odd):,} of {len(sent):,} messages are of {told}: is their calendar another than the "
        "Gregorian one? Write dates in that, or leave columns.created_at out."
    )


@cache
def _shape(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"%\w| ", lambda part: _SHAPES[part[0]], form))


def _since_1970(digits: str) -> datetime:
    whole, _, fraction = digits.partition(".")
    microseconds = int(whole) * 1_000_000 + int(fraction[:6].ljust(6, "0"))
    while microseconds >= 10**17:  # beyond the year 5138: milliseconds, microseconds or nanoseconds
        microseconds //= 1000
    return _EPOCH + timedelta(microseconds=microseconds)
