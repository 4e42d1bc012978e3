"""Where the ids of a label file lead, and what may have become of those that lead nowhere."""

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from themeloom.columns import MADE_ID
from themeloom.errors import LabelError
from themeloom.system.labelfile import LabelTable

ROUNDED_ID = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+|\d+\.0|\d{15}0{2,}")


def positions_of(ids: list[str], crosswalk: pl.DataFrame, doc_ids: Sequence[str]) -> list[int]:
    """Where each id's communication is; -1 for unknown ids. An apostrophe before it only says 'text'."""
    ids = [one.removeprefix("'") for one in ids]
    wanted = set(ids)
    labelled = pl.DataFrame({"source_id": sorted(wanted)}, schema={"source_id": pl.String})
    known = crosswalk.select("source_id", "doc_id").join(labelled, on="source_id", how="semi")
    doc_of = dict(known.iter_rows())
    wanted |= set(doc_of.values())
    place = {doc_id: position for position, doc_id in enumerate(doc_ids) if doc_id in wanted}
    return [place.get(one, place.get(doc_of.get(one, ""), -1)) for one in ids]


def check_index(table: LabelTable, key: str | None, crosswalk: pl.DataFrame, doc_ids: Sequence[str]) -> None:
    """Refuse a first column without name, as of an index that was written along, if another holds the ids."""
    if key is not None or table.columns[0]:
        return
    for column in table.columns[1:]:
        if min(positions_of([row[column] for _, row in table.rows], crosswalk, doc_ids), default=-1) >= 0:
            raise LabelError(
                f"{table.path}:1: the first column has no name, as an index that was written along; "
                f"'{column}' holds ids of this study: set themes.key = \"{column}\"."
            )


def zeros_lost(
    path: Path, key: str, unknown: Sequence[tuple[int, dict[str, str]]], known: pl.Series
) -> str | None:
    """Tell of unknown ids most of which would be known with zeros in front."""
    if not unknown:
        return None
    shortened = set(known.filter(known.str.contains(r"^0\d+$")).str.strip_chars_start("0"))
    lines = [line for line, row in unknown if row[key].removeprefix("'") in shortened]
    if 2 * len(lines) <= len(unknown):
        return None
    return (
        f"{path}:{lines[0]}: {len(lines)} of the {len(unknown)} ids in column '{key}' that belong to no "
        "message would belong to one with zeros in front, which a spreadsheet takes off; put them back, and "
        "keep ids as text."
    )


def rounded(given: str) -> str:
    """Say what may have become of an id; empty where nothing can be seen."""
    if not given:
        return " (it is blank)"
    return (
        " (a spreadsheet seems to have rounded it: keep ids as text)" if ROUNDED_ID.fullmatch(given) else ""
    )


def ids_wanted(crosswalk: pl.DataFrame) -> str:
    """Say which column is to be named where no id of a label file leads to a message."""
    if len(crosswalk) and crosswalk["source_id"].str.starts_with(MADE_ID).all():
        return "the sources name no column of ids, so that ids were made from the content: set columns.id"
    return "name the column of ids by themes.key"
