"""How many messages each topic had when."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from themeloom.records import RunRecord
from themeloom.reporting.contents import OverTime

MOST = 40
"""Periods to tell, at most: hours are summed to days, days to weeks, … until they are no more."""
_MOST_YEARS = 100

_UNITS = {
    "hour": "1h",
    "six_hours": "6h",
    "day": "1d",
    "week": "1w",
    "month": "1mo",
    "quarter": "1q",
    "year": "1y",
}
_HOUR, _MONTH = "%Y-%m-%d %H:00", "%Y-%m"
_WRITTEN = {"hour": _HOUR, "six_hours": _HOUR, "month": _MONTH, "quarter": _MONTH, "year": "%Y"}


def over_time(record: RunRecord) -> OverTime | None:
    """Count the messages of each topic in each period.

    Parameters
    ----------
    record
        The run.

    Returns
    -------
    OverTime or None
        Periods without any message between the first and the last are told too, unless these are more than a
        hundred years. None where no message has a time.
    """
    dated = record.communications.filter(pl.col("created_at").is_not_null()).select("created_at", "topic")
    if dated.is_empty():
        return None
    unit, starts = _periods(dated["created_at"])
    index = {start: place for place, start in enumerate(starts)}
    counts = [[0] * len(starts) for _ in record.discovery.topics]
    every = [0] * len(starts)
    found = dated.group_by(pl.col("created_at").dt.truncate(_UNITS[unit]), "topic").len()
    for start, topic, number in found.iter_rows():
        every[index[start]] += number
        if 0 <= topic < len(counts):
            counts[topic][index[start]] += number
    return OverTime(
        unit=unit,
        periods=tuple(f"{start:{_WRITTEN.get(unit, '%Y-%m-%d')}}" for start in starts),
        messages=tuple(every),
        topics=tuple(tuple(row) for row in counts),
        undated=len(record.communications) - len(dated),
    )


def _periods(times: pl.Series) -> tuple[str, list[datetime]]:
    first, last = _moment(times.min()), _moment(times.max())
    for unit, every in _UNITS.items():
        if unit == "hour" and last - first > timedelta(hours=MOST):
            continue  # a corpus may span decades
        ends = pl.Series([first, last], dtype=times.dtype).dt.truncate(every)
        starts = pl.datetime_range(ends[0], ends[1], every, eager=True)
        if len(starts) <= MOST or unit == "year":
            break
    if len(starts) > _MOST_YEARS:  # of another calendar, or one date in thousands is wrong
        starts = times.dt.truncate("1y").unique().sort()
    return unit, starts.to_list()


def _moment(value: Any) -> datetime:  # noqa: ANN401 - what polars calls the least of a column
    if not isinstance(value, datetime):
        raise TypeError(type(value))
    return value
