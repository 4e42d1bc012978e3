"""A model and a file of new messages become a file of topics and themes."""

from pathlib import Path

import polars as pl

from themeloom.atomic import whole_file
from themeloom.config import ColumnsConfig, IngestConfig, SourceConfig
from themeloom.corpus.ingest import read_sources
from themeloom.errors import OutputError
from themeloom.model import load
from themeloom.progress import NOBODY, Watcher


def assign_file(
    model: Path, file: Path, text: str = "text", id_column: str | None = None, watcher: Watcher = NOBODY
) -> pl.DataFrame:
    """Assign every message of a file.

    Parameters
    ----------
    model
        A folder under models/.
    file
        Messages, in any format that a source can have.
    text, id_column
        For tables: the columns of the message and of its id.
    watcher
        Who watches.

    Returns
    -------
    polars.DataFrame
        One row a message that could be read: source_id, line, and what `Model.assign` gives.
    """
    loaded = load(model)
    source = SourceConfig(path=str(file), columns=ColumnsConfig(text=text, id=id_column))
    with watcher.stage("ingest") as progress:
        rows = read_sources([source], IngestConfig(), progress).rows
    with watcher.stage("assign") as progress:
        assigned = loaded.assign(rows["text"].to_list(), progress=progress)
    return pl.concat([rows.select("source_id", "line"), assigned], how="horizontal")


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
