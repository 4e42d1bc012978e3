"""Messages in Parquet files."""

import io
from pathlib import Path

import polars as pl

from themeloom.config import SourceConfig
from themeloom.corpus.drafts import Found, by_name, composed
from themeloom.corpus.files import check_expansion
from themeloom.corpus.tables import check_columns, draft_of, mapped
from themeloom.errors import InputError
from themeloom.progress import UNWATCHED, Progress

_BATCH = 50_000
_AT_ONCE = 2**20  # bytes of texts that are taken out of a batch of Parquet together


def parquet_drafts(
    file: Path | io.BytesIO, source: SourceConfig, progress: Progress = UNWATCHED, size: int = 0
) -> Found:
    """Read a Parquet file of `size` bytes, a batch at a time; of these so many are told as rows are read.

    Raises
    ------
    InputError
        If it is no sound Parquet file, or a column that is asked for is not in it.
    """
    number = made = 0
    given = file.stat().st_size if isinstance(file, Path) else len(file.getvalue())
    try:
        table = pl.scan_parquet(file)
        present = table.collect_schema().names()
        check_columns([composed(name) for name in present], source)
        wanted = set(mapped(source.columns))
        frame = table.select(sorted(name for name in present if composed(name) in wanted))
        rows = table.select(pl.len()).collect().item()
        for batch in frame.collect_batches(chunk_size=_BATCH, maintain_order=True):
            total, longest = _sizes(batch)
            made += total
            check_expansion(made, given)  # rows can share one text of gigabytes until they are taken apart
            for row in batch.iter_rows(named=True, buffer_size=1 + _AT_ONCE // (1 + longest)):
                progress.advance(size * (number + 1) // rows - size * number // rows)
                number += 1
                yield number, draft_of(by_name(row), source.columns)
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        OSError,
        ValueError,
        OverflowError,
    ) as error:
        first = str(error).partition("\n")[0][:120]
        raise InputError(f"{source.path}: is not a sound Parquet file ({first}); export it anew.") from None


def _sizes(batch: pl.DataFrame) -> tuple[int, int]:
    """Tell the bytes that a batch becomes, and those of its longest text."""
    lengths = batch.select(pl.col(pl.String).str.len_bytes().cast(pl.Int64))
    total = sum(one or 0 for row in lengths.sum().rows() for one in row)
    longest = max((one or 0 for row in lengths.max().rows() for one in row), default=0)
    return int(batch.estimated_size()) + total, longest
