"""Rows on their way into tables."""

import polars as pl

from themeloom.columns import ROWS, UNREADABLE
from themeloom.records import RawCorpus

_BATCH = 50_000
_READ = {name: kind for name, kind in ROWS.items() if name != "row"}


class Gathered:
    """What was read and set aside since the last time that it was taken."""

    def __init__(self) -> None:
        self._begin()

    def add(self, row: tuple[object, ...]) -> None:
        """Take in a row that could be read: ROWS, without `row`."""
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self._pack()

    def set_aside(self, file: str, line: int, source_id: str | None, reason: str) -> None:
        """Take in a row that could not."""
        self._aside.append((file, line, source_id, reason))
        if len(self._aside) >= _BATCH:
            self._pack()

    def taken(self) -> RawCorpus:
        """Give all of it, and begin anew."""
        self._pack()
        rows = pl.concat(self._frames).with_row_index("row").cast({"row": pl.Int64})
        corpus = RawCorpus(rows, pl.concat(self._aside_frames))
        self._begin()
        return corpus

    def _begin(self) -> None:
        self._rows: list[tuple[object, ...]] = []
        self._frames = [pl.DataFrame(schema=_READ)]
        self._aside: list[tuple[object, ...]] = []
        self._aside_frames = [pl.DataFrame(schema=UNREADABLE)]

    def _pack(self) -> None:
        self._frames.append(pl.DataFrame(self._rows, schema=_READ, orient="row"))
        self._aside_frames.append(pl.DataFrame(self._aside, schema=UNREADABLE, orient="row"))
        self._rows, self._aside = [], []
