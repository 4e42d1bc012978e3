"""Everything that was coded, written for other programs."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from themeloom.labelling import codebooks, labelstudio, refi
from themeloom.labelling.collected import Collected, Said
from themeloom.labelling.store import Store
from themeloom.system.sheets import UNCLEAR, as_sheet

LONG: dict[str, Any] = {
    "doc_id": pl.String,
    "text": pl.String,
    "coder": pl.String,
    "code": pl.String,
    "second": pl.String,
    "unclear": pl.Boolean,
    "note": pl.String,
    "assisted": pl.Boolean,
    "adjudicated": pl.Boolean,  # a decision, not what a coder said
    "codebook_version": pl.Int64,
    "seconds": pl.Float64,
    "at": pl.String,
    "batch": pl.Int64,
    "design": pl.String,
    "inclusion_probability": pl.Float64,
}
"""Columns of the long table: one row for what one coder says of one message now."""


@dataclass(frozen=True)
class Format:
    """One way to write it all."""

    file: str
    what: str
    media: str
    write: Callable[[Collected], bytes]


def everything(store: Store) -> Collected:
    """Collect the sample, what is said of it now, and the newest codebook."""
    fields = ("coder", "doc_id", "code", "second", "unclear", "note", "assisted", "codebook", "seconds", "at")
    codes = store.read("SELECT * FROM current_codes ORDER BY coder, doc_id")
    decisions = store.read("SELECT * FROM current_decisions ORDER BY doc_id")
    found = [[Said(**{name: row[name] for name in fields}) for row in rows] for rows in (codes, decisions)]
    study = store.read("SELECT value FROM study WHERE key = 'study'")[0]["value"]
    messages = tuple(dict(row) for row in store.messages())
    return Collected(study, messages, codebooks.newest(store)[1], tuple(found[0]), tuple(found[1]))


def label_table(found: Collected, *, assisted: bool = True) -> pl.DataFrame:
    """Make a label file: a row a message, a column a coder, and the adjudicated code.

    Parameters
    ----------
    found
        All codes.
    assisted
        Whether codes count that were made with the model's guess in sight.

    Returns
    -------
    polars.DataFrame
        ``doc_id``, ``inclusion_probability``, the coders, ``adjudicated``. Where no code can be given, a cell
        says 'unclear'.
    """
    said = {(one.doc_id, one.coder): _cell(one) for one in found.codes if assisted or not one.assisted}
    decided = {one.doc_id: _cell(one) for one in found.decisions}
    doc_ids = [message["doc_id"] for message in found.messages]
    columns = {coder: [said.get((doc_id, coder)) for doc_id in doc_ids] for coder in found.coders}
    return pl.DataFrame(
        {
            "doc_id": doc_ids,
            "inclusion_probability": [message["inclusion"] for message in found.messages],
            **columns,
            "adjudicated": [decided.get(doc_id) for doc_id in doc_ids],
        },
        schema={
            "doc_id": pl.String,
            "inclusion_probability": pl.Float64,
            **dict.fromkeys([*columns, "adjudicated"], pl.String),
        },
    )


def _cell(said: Said) -> str | None:
    return UNCLEAR if said.unclear else said.code


def long_table(found: Collected) -> pl.DataFrame:
    """Make a table of all that is known of each code and each decision: ``LONG``."""
    by_id = {message["doc_id"]: message for message in found.messages}
    rows = []
    for said, adjudicated in [(one, False) for one in found.codes] + [(one, True) for one in found.decisions]:
        message = by_id[said.doc_id]
        rows.append(
            (
                said.doc_id,
                message["text"],
                said.coder,
                said.code,
                said.second,
                bool(said.unclear),
                said.note,
                bool(said.assisted),
                adjudicated,
                said.codebook,
                said.seconds,
                said.at,
                message["batch"],
                message["design"],
                message["inclusion"],
            )
        )
    return pl.DataFrame(rows, schema=LONG, orient="row")


def _parquet(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


CSV, PARQUET = "text/csv; charset=utf-8", "application/vnd.apache.parquet"

FORMATS = (
    Format(
        "labels.csv",
        "A row a message, a column a coder: a label file.",
        CSV,
        lambda found: as_sheet(label_table(found)),
    ),
    Format("labels.parquet", "The same, as Parquet.", PARQUET, lambda found: _parquet(label_table(found))),
    Format(
        "codes.csv",
        "A row a code, with notes, second codes, times, versions of the codebook, and decisions.",
        CSV,
        lambda found: as_sheet(long_table(found)),
    ),
    Format("codes.parquet", "The same, as Parquet.", PARQUET, lambda found: _parquet(long_table(found))),
    Format(
        "label-studio.json",
        "Tasks with annotations, for Label Studio.",
        "application/json",
        labelstudio.write,
    ),
    Format(
        "project.qdpx",
        "A REFI-QDA project, for QualCoder, NVivo, MAXQDA and ATLAS.ti.",
        "application/octet-stream",
        refi.write,
    ),
)
