"""A long job in pieces: each is done once, kept beside the result, and joined with the others at the end."""

import shutil
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import polars as pl

from themeloom.errors import OutputError
from themeloom.studies.targets import check_ending
from themeloom.system.atomic import behind_links, whole_file
from themeloom.system.cache import digest
from themeloom.system.locks import alone
from themeloom.system.sheets import as_csv

ENDINGS = (".csv", ".parquet")


class Pieces:
    """The folder of finished pieces, ``.NAME.pieces`` beside the result.

    A piece is named by its number and a digest of all that it depends on: what a job that was killed had
    finished is found by the next one, and what another job left is not taken for it.

    Parameters
    ----------
    out
        The result, .csv or .parquet.
    job
        JSON-like: what all pieces depend on, beside what is in them.

    Raises
    ------
    OutputError
        If the result ends in another way, or the folder cannot be made.
    """

    def __init__(self, out: Path, job: object) -> None:
        check_ending(out, ENDINGS)
        self._out, self._job = out, job
        real = behind_links(out)  # two links to one file are one result
        self.folder = real.with_name(f".{real.name}.pieces")
        self.lock = real.with_name(f".{real.name}.lock")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.folder}: cannot be made ({error.strerror or error}); "
                "choose a folder that you may write to."
            ) from error

    def alone(self) -> AbstractContextManager[None]:
        """Let no other process write the same result meanwhile: it would remove this one's pieces.

        Raises
        ------
        OutputError
            If one does.
        """
        return alone(
            self.lock,
            f"{self._out}: another process writes it already; wait for it to end, give another name, or stop "
            "it: what it has finished is not done again.",
        )

    def place(self, number: int, content: object) -> Path:
        """Return where the piece with this number, made of this JSON-like content, is kept."""
        return self.folder / f"{number:09d}-{digest(self._job, content)[:32]}.parquet"

    def leave(self) -> None:
        """Remove the folder if there is nothing in it."""
        with suppress(OSError):
            self.folder.rmdir()

    def join(self, pieces: Sequence[Path]) -> int:
        """Write the result from its pieces, in their order, and remove these; return the rows.

        Raises
        ------
        OutputError
            If it cannot be written; the pieces stay.
        """
        with whole_file(self._out) as draft:
            if self._out.suffix.lower() == ".csv":
                _write_csv(draft, map(_read, pieces))
            else:
                _scan(pieces).sink_parquet(draft, maintain_order=True)
        rows = int(_scan(pieces).select(pl.len()).collect().item())
        shutil.rmtree(self.folder)
        return rows


def keep(piece: Path, table: pl.DataFrame) -> None:
    """Write a piece: whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with whole_file(piece) as draft:
        table.write_parquet(draft)


def write(table: pl.DataFrame, out: Path) -> None:
    """Write a table as CSV (which spreadsheets take for text alone) or Parquet, by the file's ending.

    Raises
    ------
    OutputError
        If the ending is another one, or the file cannot be written.
    """
    check_ending(out, ENDINGS)
    with whole_file(out) as draft:
        if out.suffix.lower() == ".csv":
            _write_csv(draft, [table.fill_nan(None)])  # what is not defined is an empty cell
        else:
            table.write_parquet(draft)


def _write_csv(path: Path, tables: Iterable[pl.DataFrame]) -> None:
    with path.open("wb") as file:
        for number, table in enumerate(tables):
            file.write(as_csv(table, header=number == 0))


def _read(piece: Path) -> pl.DataFrame:
    return pl.read_parquet(piece, glob=False, hive_partitioning=False)


def _scan(pieces: Sequence[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(list(pieces), glob=False, hive_partitioning=False)
