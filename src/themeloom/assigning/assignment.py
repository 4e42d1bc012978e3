"""A model and a file of new messages, of whatever size, become a file of topics and themes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import polars as pl

from themeloom.assigning.piecework import ENDINGS, Pieces, keep
from themeloom.columns import UNREADABLE
from themeloom.config import ColumnsConfig, IngestConfig, SourceConfig
from themeloom.corpus.files import LOST
from themeloom.corpus.ingest import read_parts
from themeloom.errors import ThemeloomError
from themeloom.model import Model
from themeloom.progress import NOBODY, UNWATCHED, Progress, Watcher
from themeloom.studies.targets import Kind
from themeloom.system.provenance import versions

PART = 4_096
"""Rows that are read, placed and written at a time."""
TOLD = 1_000
"""Rows set aside that are remembered one by one; of more, only their number."""
WRITTEN = Kind(ENDINGS, ("source_id", "line", "topic", "membership", "topic_theme", "theme"))
"""A file of assigned messages."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How messages are to be assigned."""

    masked: bool = False  # whether they are masked already
    probabilities: bool = False  # whether each theme's is given too


PLAIN = Asked()
"""Raw messages, and no more than what they are given."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a file, and where what becomes of them is kept."""

    rows: pl.DataFrame  # source_id, line, text
    place: Path


@dataclass(slots=True)
class Aside:
    """What could not be read."""

    count: int = 0
    told: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNREADABLE))

    def add(self, unreadable: pl.DataFrame) -> None:
        """Count rows, and remember them while they are few, and any that stands for the rest of a file."""
        self.count += len(unreadable)
        room = max(TOLD - len(self.told), 0)
        others = unreadable[room:].filter(pl.col("reason").is_in(LOST))
        self.told = pl.concat([self.told, unreadable[:room], others])


@dataclass(frozen=True, slots=True)
class Assigned:
    """What became of a file."""

    rows: int
    found: int  # of these, how many an earlier job had assigned before it was stopped
    unreadable: int
    told: pl.DataFrame  # UNREADABLE: the first of those, and what stands for the rest of a file


class Engine(Protocol):
    """Assigns the parts of a file."""

    def assign(self, parts: Iterator[Part], progress: Progress) -> None:
        """Make the piece of every part; `progress` is told of messages, after `begin` for each part."""


@dataclass(frozen=True, slots=True)
class Here:
    """Assigns part after part in this process."""

    model: Model
    asked: Asked

    def assign(self, parts: Iterator[Part], progress: Progress) -> None:
        """Make the piece of every part."""
        for part in parts:
            keep(part.place, assign_rows(self.model, part.rows, self.asked, progress))


def assign_file(  # noqa: PLR0913 (what, whence, whither, how)
    model: Model,
    file: Path,
    out: Path,
    columns: ColumnsConfig | None = None,
    asked: Asked = PLAIN,
    *,
    engine: Engine | None = None,
    watcher: Watcher = NOBODY,
) -> Assigned:
    """Assign every message of a file.

    The file is read, and the result written, in parts of `PART` rows, so that memory does not grow with it.
    What a job that was stopped had finished is found by the next one of the same model, file and result.

    Parameters
    ----------
    model
        A loaded model.
    file
        Messages, in any format that a source can have.
    out
        The result, .csv or .parquet: one row a message that could be read, in the order of the file:
        source_id, line, and what `Model.assign` gives.
    columns
        For tables: which column holds what.
    asked
        How messages are to be assigned.
    engine
        Who does it; by default this process.
    watcher
        Who watches.

    Raises
    ------
    InputError
        If the file cannot be read.
    OutputError
        If the result cannot be written, or another process writes it.
    """
    record = model.record
    job = [record.run, record.digests, versions(), model.encoder, asked.masked, asked.probabilities]
    pieces, source = Pieces(out, job), SourceConfig(path=str(file), columns=columns or ColumnsConfig())
    walk = _Walk(pieces, source)
    with pieces.alone():
        try:
            with watcher.stage("assign") as progress:
                paced = Paced(progress)
                (engine or Here(model, asked)).assign(walk.parts(paced), paced)
            rows = pieces.join(walk.places)
        except ThemeloomError:
            pieces.leave()
            raise
    return Assigned(rows, walk.found, walk.aside.count, walk.aside.told)


def assign_rows(
    model: Model, rows: pl.DataFrame, asked: Asked, progress: Progress = UNWATCHED
) -> pl.DataFrame:
    """Assign messages (source_id, line, text) and say for each which it is."""
    assigned = model.assign(
        rows["text"].to_list(), masked=asked.masked, probabilities=asked.probabilities, progress=progress
    )
    return pl.concat([rows.select("source_id", "line"), assigned], how="horizontal")


@dataclass(slots=True)
class _Walk:
    """Goes through a file once, and gives what no earlier job has done."""

    pieces: Pieces
    source: SourceConfig
    aside: Aside = field(default_factory=Aside)
    places: list[Path] = field(default_factory=list)
    found: int = 0

    def parts(self, paced: "Paced") -> Iterator[Part]:
        for number, part in enumerate(read_parts(self.source, IngestConfig(), PART, paced.reading)):
            self.aside.add(part.unreadable)
            rows = part.rows.select("source_id", "line", "text")
            if not len(rows):
                continue
            place = self.pieces.place(number, [rows[name].to_list() for name in rows.columns])
            self.places.append(place)
            if place.is_file():
                self.found += len(rows)
                paced.skip()
            else:
                yield Part(rows, place)


class Paced:
    """Tells of the bytes of a part as its messages are assigned, not when it is read: reading is quick.

    Parameters
    ----------
    progress
        Told of bytes.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bytes = self._messages = 0
        self.reading = _Reading(progress, self._read)

    def begin(self, total: int | None, unit: str) -> None:  # noqa: ARG002
        """Say how many messages the part has that are to be assigned."""
        self._messages = total or 0

    def advance(self, steps: int = 1) -> None:
        """Say that so many messages are assigned."""
        share = self._bytes * steps // max(self._messages, steps)
        self._messages -= steps
        self._bytes -= share
        self._progress.advance(share)

    def skip(self) -> None:
        """Say that the part was there already."""
        self._progress.advance(self._bytes)
        self._bytes = 0

    def _read(self, count: int) -> None:
        self._bytes += count


@dataclass(frozen=True, slots=True)
class _Reading:
    """Who watches the file being read."""

    progress: Progress
    read: Callable[[int], None]

    def begin(self, total: int | None, unit: str) -> None:
        self.progress.begin(total, unit)

    def advance(self, steps: int = 1) -> None:
        self.read(steps)
