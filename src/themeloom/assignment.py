"""A model and a file of new messages become a file of topics and themes."""

from pathlib import Path

import polars as pl

from themeloom.atomic import whole_file
from themeloom.config import ColumnsConfig, IngestConfig, SourceConfig
from themeloom.corpus.ingest import read_sources
from themeloom.errors import OutputError
from themeloom.model import Model
from themeloom.progress import NOBODY, Watcher


def assign_file(
    model: Model,
    file: Path,
    columns: ColumnsConfig | None = None,
    watcher: Watcher = NOBODY,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Assign every message of a file.

    Parameters
    ----------
    model
        A loaded model.
    file
        Messages, in any format that a source can have.
    columns
        For tables: which column holds what.
    watcher
        Who watches.

    Returns
    -------
    assigned
        One row a message that could be read: source_id, line, and what `Model.assign` gives.
    unreadable
        One row a row that could not: file, line, source_id, reason.
    """
    source = SourceConfig(path=str(file), columns=columns or ColumnsConfig())
    with watcher.stage("ingest") as progress:
        read = read_sources([source], IngestConfig(), progress)
    with watcher.stage("assign") as progress:
        assigned = model.assign(read.rows["text"].to_list(), progress=progress)
    table = pl.concat([read.rows.select("source_id", "line"), assigned], how="horizontal")
    return table, read.unreadable


def write(table: pl.DataFrame, out: Path) -> None:
    """Write a table as CSV or Parquet, by the file's ending.

    Raises
    ------
    OutputError
        If the ending is another one, or the file cannot be written.
    """
    if out.suffix not in {".csv", ".parquet"}:
        raise OutputError(f"{out}: ends in '{out.suffix}', which cannot be written; use .csv or .parquet.")
    with whole_file(out) as draft:
        if out.suffix == ".csv":
            table.write_csv(draft)
        else:
            table.write_parquet(draft)
