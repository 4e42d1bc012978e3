"""The hand-labelled sample: what coders said of which communication."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from themeloom.columns import ASIDE
from themeloom.config import ThemesConfig
from themeloom.errors import LabelError
from themeloom.records import Codebook, Doubles, Ints, LabelledSample, Theme
from themeloom.system.labelfile import LabelTable, read_table
from themeloom.system.sheets import UNCLEAR
from themeloom.themes._labelcolumns import (
    Columns,
    Row,
    at_most,
    code_faults,
    codeless,
    columns_of,
    key_faults,
    odd_columns,
    once,
    probabilities,
    probability_faults,
    raise_any,
    whole_codes,
)
from themeloom.themes._labelids import check_index, ids_wanted, positions_of, rounded, zeros_lost


def read_labels(
    config: ThemesConfig,
    codebook: Codebook,
    crosswalk: pl.DataFrame,
    doc_ids: Sequence[str],
    aside: pl.DataFrame | None = None,
) -> LabelledSample:
    """Read the label file.

    Each row names a message by source id or ``doc_id``; the source id of a repeat leads to the unique
    communication that it repeats. A message's label is its adjudicated one, else the code that most of
    its coders gave. 'unclear' (unless the codebook has such a code) says that no code can be given: it
    counts for the label like a code, and not for agreement. Where coders tie and nobody adjudicated, or a
    message is unclear, there is no label (``theme`` is -1): it takes part in the agreement between coders,
    not in fitting or scoring. Rows without any code are not labelled yet and are passed over; rows that
    label repeats of one message by the same codes count once.

    Inclusion probabilities are those of the column ``config.inclusion``; with ``config.sample = "random"``,
    each is the number of labelled messages by that of all; else they are unknown.

    Parameters
    ----------
    config
        Where the file is and which columns are what.
    codebook
        The codes that labels may have.
    crosswalk
        Columns ``source_id`` (every id, repeats too) and ``doc_id``.
    doc_ids
        The communications' ids, in order.
    aside
        Rows of the sources that could not be read (ASIDE): a label of such a message is told as that.

    Returns
    -------
    LabelledSample
        Sorted by position: the order of rows in the file makes no difference.

    Raises
    ------
    LabelError
        If the file is missing, empty or unreadable; lacks a column; labels an unknown message, or one
        twice by different codes; or holds a code that is not in the codebook. Every fault is named with its
        line.
    """
    table = read_table(Path(config.labels))
    check_index(table, config.key, crosswalk, doc_ids)
    asked = "adjudicated" in config.model_fields_set
    inclusion = () if config.inclusion is None else (config.inclusion,)
    adjudicated = config.adjudicated if asked else None
    columns = columns_of(table, config.key, config.coders, adjudicated, inclusion)
    rows = whole_codes(columns, _coded(table, columns, codebook), codebook)
    positions = positions_of([row[columns.key] for _, row in rows], crosswalk, doc_ids)
    kept, places, unlike = once(table.path, columns, rows, positions, inclusion)
    faults = [
        *at_most(list(table.faults)),
        *_id_faults(table.path, columns.key, rows, positions, crosswalk, aside),
        *at_most(unlike),
        *code_faults(table.path, columns, rows, codebook),
        *(fault for column in inclusion for fault in probability_faults(table.path, column, rows)),
        *_design_faults(config, table.path, rows),
    ]
    raise_any(faults, table.path, rows)
    drawn = _inclusion(config, kept, len(doc_ids))
    sample = replace(_sample(columns, kept, places, codebook), again=len(rows) - len(kept))
    return sample if drawn is None else replace(sample, inclusion=drawn[np.argsort(places)])


def read_listed(
    config: ThemesConfig,
    crosswalk: pl.DataFrame,
    doc_ids: Sequence[str],
    aside: pl.DataFrame | None = None,
) -> list[str]:
    """Tell which communications the label file lists, coded or not: each once, as `read_rows` has them."""
    return list(dict.fromkeys(read_rows(config, crosswalk, doc_ids, aside)))


def read_rows(
    config: ThemesConfig,
    crosswalk: pl.DataFrame,
    doc_ids: Sequence[str],
    aside: pl.DataFrame | None = None,
) -> list[str]:
    """Tell which communication each row of the label file lists, coded or not.

    Parameters
    ----------
    config
        Where the file is, and which column is the key. There may be no file yet.
    crosswalk, doc_ids, aside
        As for `read_labels`.

    Returns
    -------
    list of str
        The ``doc_id`` of each row.

    Raises
    ------
    LabelError
        If the file is there but unreadable, lacks the key, or lists an unknown message.
    """
    if not Path(config.labels).exists():
        return []
    table = read_table(Path(config.labels))
    check_index(table, config.key, crosswalk, doc_ids)
    key = table.columns[0] if config.key is None else config.key
    if key not in table.columns:
        raise LabelError(f"{table.path}:1: has no column '{key}'; correct themes.key, or the header.")
    rows = list(table.rows)
    positions = positions_of([row[key] for _, row in rows], crosswalk, doc_ids)
    faults = [*at_most(list(table.faults)), *_id_faults(table.path, key, rows, positions, crosswalk, aside)]
    raise_any(faults, table.path, rows)
    return [doc_ids[position] for position in positions]


def read_codes(
    path: str | Path,
    codebook: Codebook | None = None,
    *,
    key: str | None = None,
    coders: Sequence[str] | None = None,
    adjudicated: str | None = None,
) -> tuple[LabelledSample, Codebook]:
    """Read a label file alone, without the messages that it labels.

    Parameters
    ----------
    path
        The label file.
    codebook
        The codes that coders may give; without one, those found in the file are taken.
    key
        Column of the message's id; by default the first.
    coders
        Columns of the coders; by default all but the key, the adjudicated one, and those beside codes in
        sheets and exports (``text``, ``inclusion_probability``, ``design``, ``batch``).
    adjudicated
        Column of the agreed label; by default 'adjudicated', where the file has it.

    Returns
    -------
    LabelledSample
        Positions are the file's labelled rows, in order.
    Codebook
        The one given, or one of the codes found, sorted.

    Raises
    ------
    LabelError
        If the file is missing, empty or unreadable; lacks a column; names a message twice; or holds
        what is no code. Every fault is named with its line.
    """
    table = read_table(Path(path))
    columns = columns_of(table, key, coders, adjudicated)
    rows = whole_codes(columns, _coded(table, columns, codebook), codebook)
    faults = [*at_most(list(table.faults)), *key_faults(table.path, columns.key, rows)]
    if codebook is None:
        faults += odd_columns(table.path, columns, rows)
        codes = sorted({row[column] for _, row in rows for column in columns.codes} - codeless(None))
        codebook = Codebook(tuple(Theme(code, code, "") for code in codes))
    else:
        faults += code_faults(table.path, columns, rows, codebook)
    raise_any(faults, table.path, rows)
    return _sample(columns, rows, list(range(len(rows))), codebook), codebook


def _coded(table: LabelTable, columns: Columns, codebook: Codebook | None) -> list[Row]:
    """Pass over rows to which nobody has given a code."""
    none = codeless(codebook)
    return [row for row in table.rows if any(row[1][column] not in none for column in columns.codes)]


def _design_faults(config: ThemesConfig, path: Path, rows: list[Row]) -> list[str]:
    """Tell of messages that their sheet says were chosen, where all are said to be drawn at random."""
    chosen = [line for line, row in rows if row.get("design") == "uncertain"]
    if config.sample != "random" or not chosen:
        return []
    return [
        f"{path}:{chosen[0]}: {len(chosen)} labelled message(s) were chosen as 'uncertain', so that the "
        "labels are no random sample; instead of themes.sample, set themes.inclusion = "
        "'inclusion_probability': shares of themes are then estimated from the others."
    ]


def _inclusion(config: ThemesConfig, rows: list[Row], communications: int) -> Doubles | None:
    """With which probability each row's message was drawn."""
    if config.sample == "random":
        return np.full(len(rows), len(rows) / communications)
    return None if config.inclusion is None else probabilities(config.inclusion, rows)


def _id_faults(
    path: Path,
    key: str,
    rows: list[Row],
    positions: list[int],
    crosswalk: pl.DataFrame,
    aside: pl.DataFrame | None,
) -> list[str]:
    """Tell unknown ids. Ids themselves are never told: a line is enough to find them."""
    unknown = [row for row, position in zip(rows, positions, strict=True) if position < 0]
    if fault := zeros_lost(path, key, unknown, crosswalk["source_id"]):
        return [fault]
    aside = pl.DataFrame(schema=ASIDE) if aside is None or aside.is_empty() else aside
    reasons = _set_aside({row[key].removeprefix("'") for _, row in unknown}, aside)
    if len(unknown) == len(rows) > 1 and not reasons:
        return [
            f"{path}:{rows[0][0]}: none of the {len(rows)} ids in column '{key}' belongs to a message of "
            f"this corpus{rounded(rows[0][1][key])}; {ids_wanted(crosswalk)}, "
            "or give the labels of this study.",
            *_unread(path, aside),
        ]
    lost, strange = [], []
    for line, row in unknown:
        if reason := reasons.get(row[key].removeprefix("'")):
            lost.append(
                f"{path}:{line}: the message that the id in column '{key}' belongs to was set aside "
                f"({reason}); mend the source, and keep the label."
            )
        else:
            strange.append(
                f"{path}:{line}: the id in column '{key}' belongs to no message of this "
                f"corpus{rounded(row[key])}; correct the id or remove the row."
            )
    told = at_most(strange) + (_unread(path, aside) if strange else [])
    return at_most(lost) + told


def _set_aside(ids: set[str], aside: pl.DataFrame) -> dict[str, str]:
    """Say of the ids whose messages could not be read where these stand, and why."""
    found: dict[str, str] = {}
    for name in ("source_id", "doc_id") if ids else ():
        rows = aside.filter(pl.col(name).is_in(sorted(ids))).select(name, "file", "line", "reason")
        for one, file, line, reason in rows.iter_rows():
            found.setdefault(one, f"{file}:{line}: {reason}")
    return found


def _unread(path: Path, aside: pl.DataFrame) -> list[str]:
    """Tell of rows whose ids nobody knows, as these may be the ones that labels name."""
    rows = aside.filter(pl.col("source_id").is_null())
    if rows.is_empty():
        return []
    reason = rows.group_by("reason").len().sort("len", "reason", descending=[True, False])["reason"][0]
    return [
        f"{path}: {len(rows):,} rows of the sources could not be read, and what ids they have is not known "
        f"(most often: {reason}); they may be those of unknown ids, so mend the sources before any label is "
        "removed."
    ]


def _sample(columns: Columns, rows: list[Row], positions: list[int], codebook: Codebook) -> LabelledSample:
    unclear = len(codebook.keys)  # counts like one more theme, and comes to none
    index: Mapping[str, int] = {"": -1, UNCLEAR: unclear} | {key: i for i, key in enumerate(codebook.keys)}
    order = np.argsort(positions)
    codes = np.array([[index[row[c]] for c in columns.coders] for _, row in rows], np.int64)
    codes = codes.reshape(len(rows), len(columns.coders))[order]
    theme, adjudicated = _majority(codes, unclear + 1), 0
    if columns.adjudicated is not None:
        agreed = np.array([index[row[columns.adjudicated]] for _, row in rows], np.int64)[order]
        theme = np.where(agreed >= 0, agreed, theme)
        adjudicated = int(((agreed >= 0) & (agreed != unclear)).sum())
    theme, codes = (np.where(given == unclear, -1, given) for given in (theme, codes))
    place = np.array(positions, np.int64)[order]
    return LabelledSample(place, theme, columns.coders, codes, adjudicated=adjudicated)


def _majority(codes: Ints, themes: int) -> Ints:
    """Find the most frequent code of each row; -1 where several are, or none is given."""
    counts = (codes[:, :, None] == np.arange(themes)).sum(axis=1)
    most = counts == counts.max(axis=1, keepdims=True)
    return np.where(most.sum(axis=1) == 1, counts.argmax(axis=1), -1)
