"""The hand-labelled sample: what coders said of which communication, and how far they agree."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from themeloom.config import ThemesConfig, ValidateConfig
from themeloom.errors import LabelError
from themeloom.records import Codebook, Doubles, Ints, LabelledSample, Score
from themeloom.themes._labelfile import LabelTable, read_table
from themeloom.themes._scoring import bootstrap, kappa, krippendorff_alpha, tables

SHOWN = 20  # faults of one kind that are told one by one
SHOWN_CODE = 30  # a longer text is no code, and may hold what nobody should see
ROUNDED_ID = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+|\d+\.0|\d{15}0{2,}")

Row = tuple[int, dict[str, str]]


def read_labels(
    config: ThemesConfig, codebook: Codebook, crosswalk: pl.DataFrame, doc_ids: Sequence[str]
) -> LabelledSample:
    """Read the label file.

    Each row names a message by source id or ``doc_id``; the source id of a repeat leads to the unique
    communication that it repeats. A message's label is its adjudicated one, else the code that most of
    its coders gave. Where coders tie and nobody adjudicated, there is no label (``theme`` is -1): such a
    message takes part in the agreement between coders, not in fitting or scoring. Rows without any
    code are not labelled yet and are passed over.

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

    Returns
    -------
    LabelledSample
        Sorted by position: the order of rows in the file makes no difference.

    Raises
    ------
    LabelError
        If the file is missing, empty or unreadable; lacks a column; labels an unknown message, or one
        twice; or holds a code that is not in the codebook. Every fault is named with its line.
    """
    table = read_table(Path(config.labels))
    columns = _columns(table, config)
    rows = [row for row in table.rows if any(row[1][column] for column in columns.codes)]
    positions = _positions([row[columns.key] for _, row in rows], crosswalk, doc_ids)
    faults = [
        *_at_most(list(table.faults)),
        *_id_faults(table.path, columns.key, rows, positions),
        *_code_faults(table.path, columns, rows, codebook),
    ]
    if not rows and not faults:
        faults = [f"{table.path}: holds no label; fill in the coders' columns."]
    if faults:
        raise LabelError(*faults)
    return _sample(columns, rows, positions, codebook)


def agreement(
    sample: LabelledSample, codebook: Codebook, config: ValidateConfig | None = None, seed: int = 0
) -> dict[str, Score]:
    """Agreement between the coders, on every message that two or more of them coded.

    Parameters
    ----------
    sample
        The labelled sample, messages on which coders tie included.
    codebook
        The codes.
    config
        How many bootstrap draws of messages stand behind each 95% interval.
    seed
        Seed of the bootstrap.

    Returns
    -------
    dict
        ``alpha``, Krippendorff's (2011) for nominal codes, any number of coders, missing codes
        allowed; with exactly two coders also ``kappa``, Cohen's (1960). Empty where no message was
        coded twice.
    """
    themes, draws = len(codebook.keys), (config or ValidateConfig()).bootstrap
    codes = sample.codes[(sample.codes >= 0).sum(axis=1) >= 2]
    if not len(codes):
        return {}
    scores = {}
    if len(sample.coders) == 2:

        def cohen(weights: Doubles) -> Doubles:
            return kappa(tables(codes[:, 0], codes[:, 1], weights, themes))[:, None]

        scores["kappa"] = bootstrap(cohen, len(codes), draws, seed)[0]

    def krippendorff(weights: Doubles) -> Doubles:
        return krippendorff_alpha(codes, weights, themes)[:, None]

    scores["alpha"] = bootstrap(krippendorff, len(codes), draws, seed)[0]
    return scores


@dataclass(frozen=True, slots=True)
class _Columns:
    key: str
    coders: tuple[str, ...]
    adjudicated: str | None
    named: bool  # whether the configuration names the coders

    @property
    def codes(self) -> tuple[str, ...]:
        return self.coders if self.adjudicated is None else (*self.coders, self.adjudicated)


def _columns(table: LabelTable, config: ThemesConfig) -> _Columns:
    key = config.key if config.key is not None else table.columns[0]
    asked = "adjudicated" in config.model_fields_set
    adjudicated = config.adjudicated if asked or config.adjudicated in table.columns else None
    others = tuple(column for column in table.columns if column not in (key, adjudicated))
    coders = config.coders if config.coders is not None else others
    columns = _Columns(key, coders, adjudicated, named=config.coders is not None)
    wanted = (key, *columns.codes)
    faults = [
        f"{table.path}:1: has no column '{name}' (it has: {', '.join(table.columns)}); "
        "correct the table [themes] of the experiment, or the header."
        for name in wanted
        if name not in table.columns
    ]
    if len(set(wanted)) < len(wanted):
        faults.append(
            f"{table.path}:1: one column is named for two purposes among key, coders and adjudicated; "
            "correct the table [themes] of the experiment."
        )
    if not columns.codes:
        faults.append(f"{table.path}:1: has no column of labels beside '{key}'; add a column a coder.")
    if faults:
        raise LabelError(*faults)
    return columns


def _positions(ids: list[str], crosswalk: pl.DataFrame, doc_ids: Sequence[str]) -> list[int]:
    """Where each id's communication is; -1 for unknown ids."""
    wanted = set(ids)
    labelled = pl.DataFrame({"source_id": sorted(wanted)}, schema={"source_id": pl.String})
    known = crosswalk.select("source_id", "doc_id").join(labelled, on="source_id", how="semi")
    doc_of = dict(known.iter_rows())
    wanted |= set(doc_of.values())
    place = {doc_id: position for position, doc_id in enumerate(doc_ids) if doc_id in wanted}
    return [place.get(one, place.get(doc_of.get(one, ""), -1)) for one in ids]


def _id_faults(path: Path, key: str, rows: list[Row], positions: list[int]) -> list[str]:
    """Unknown and repeated ids. Ids themselves are never told: a line is enough to find them."""
    unknown = [row for row, position in zip(rows, positions, strict=True) if position < 0]
    if len(unknown) == len(rows) > 1:
        return [
            f"{path}:{rows[0][0]}: none of the {len(rows)} ids in column '{key}' belongs to a message of "
            f"this corpus{_rounded(rows[0][1][key])}; name the column of ids by "
            "themes.key, or give the labels of this study."
        ]
    faults = [
        f"{path}:{line}: the id in column '{key}' belongs to no message of this corpus{_rounded(row[key])}; "
        "correct the id or remove the row."
        for line, row in unknown
    ]
    return _at_most(faults) + _at_most(_repeated(path, rows, positions))


def _rounded(given: str) -> str:
    if not given:
        return " (it is blank)"
    return (
        " (a spreadsheet seems to have rounded it: keep ids as text)" if ROUNDED_ID.fullmatch(given) else ""
    )


def _repeated(path: Path, rows: list[Row], positions: list[int]) -> list[str]:
    first: dict[int, int] = {}
    return [
        f"{path}:{line}: labels the same message as line {first[position]} (or a repeat of it); keep one row."
        for (line, _), position in zip(rows, positions, strict=True)
        if position >= 0 and first.setdefault(position, line) != line
    ]


def _code_faults(path: Path, columns: _Columns, rows: list[Row], codebook: Codebook) -> list[str]:
    faults = []
    for column in columns.codes:
        given = [(line, row[column]) for line, row in rows if row[column]]
        wrong = [(line, code) for line, code in given if code not in codebook.keys]
        if not columns.named and len(wrong) == len(given) and len({code for _, code in wrong}) > 1:
            faults.append(
                f"{path}:{wrong[0][0]}: column '{column}' holds no code of the codebook anywhere; "
                "name the coders' columns by themes.coders, or correct the codes."
            )
            continue
        faults += _at_most(
            [
                f"{path}:{line}: column '{column}' holds {_shown(code)}, which is no code of the codebook; "
                f"{_suggestion(code, codebook)}."
                for line, code in wrong
            ]
        )
    return faults


def _shown(code: str) -> str:
    return f"'{code}'" if len(code) <= SHOWN_CODE else f"a text of {len(code)} characters"


def _suggestion(code: str, codebook: Codebook) -> str:
    keys = {name.casefold(): theme.key for theme in codebook.themes for name in (theme.name, theme.key)}
    near = difflib.get_close_matches(code.casefold(), keys, n=1)
    if near:
        return f"use '{keys[near[0]]}' if that is meant"
    return f"use one of: {', '.join(codebook.keys)}"


def _at_most(faults: list[str]) -> list[str]:
    if len(faults) <= SHOWN:
        return faults
    place, _, what = faults[SHOWN].partition(": ")
    return [*faults[:SHOWN], f"{place}: {what} ({len(faults) - SHOWN - 1} more like this.)"]


def _sample(columns: _Columns, rows: list[Row], positions: list[int], codebook: Codebook) -> LabelledSample:
    index: Mapping[str, int] = {"": -1} | {key: code for code, key in enumerate(codebook.keys)}
    order = np.argsort(positions)
    codes = np.array([[index[row[c]] for c in columns.coders] for _, row in rows], np.int64)
    codes = codes.reshape(len(rows), len(columns.coders))[order]
    theme = _majority(codes, len(codebook.keys))
    if columns.adjudicated is not None:
        agreed = np.array([index[row[columns.adjudicated]] for _, row in rows], np.int64)[order]
        theme = np.where(agreed >= 0, agreed, theme)
    return LabelledSample(np.array(positions, np.int64)[order], theme, columns.coders, codes)


def _majority(codes: Ints, themes: int) -> Ints:
    """Find the most frequent code of each row; -1 where several are, or none is given."""
    counts = (codes[:, :, None] == np.arange(themes)).sum(axis=1)
    most = counts == counts.max(axis=1, keepdims=True)
    return np.where(most.sum(axis=1) == 1, counts.argmax(axis=1), -1)
