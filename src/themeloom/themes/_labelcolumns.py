"""The columns of a label file: which hold what, and what in them cannot be."""

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from themeloom.errors import LabelError
from themeloom.records import Codebook, Doubles
from themeloom.system.labelfile import LabelTable
from themeloom.system.sheets import NO_CODES, UNCLEAR

ADJUDICATED = "adjudicated"
MISSING = {"na", "n/a", "#n/a", "nan", "null"}  # what programs write into cells that hold nothing
ABSENT = MISSING | {"none", "-"}  # and people, where a codebook has no such code
NEAR = 4  # letters of a code that can be told to be nearly another one
NUMBER, WHOLE = re.compile(r"-?\d+\.\d+"), re.compile(r"(-?\d+)\.0+")
SHOWN = 20  # faults of one kind that are told one by one
SHOWN_CODE = 30  # a longer text is no code, and may hold what nobody should see

Row = tuple[int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what."""

    key: str
    coders: tuple[str, ...]
    adjudicated: str | None
    named: bool  # whether somebody named the coders

    @property
    def codes(self) -> tuple[str, ...]:
        """All columns that hold codes."""
        return self.coders if self.adjudicated is None else (*self.coders, self.adjudicated)


def columns_of(
    table: LabelTable,
    key: str | None,
    coders: Sequence[str] | None,
    adjudicated: str | None,
    others: Sequence[str] = (),
) -> Columns:
    """Find the columns; each that is not named (None) is where it is by default.

    Unnamed coders are all columns but the key, the adjudicated one, NO_CODES, `others`, and an index.
    """
    if key is None:
        key = table.columns[0]
    if adjudicated is None:
        adjudicated = _adjudicated(table)
    no_codes = {key, adjudicated, *others, *NO_CODES, *(() if table.columns[0] else ("",))}  # an index
    rest = [column for column in table.columns if column not in no_codes]
    columns = Columns(key, tuple(rest if coders is None else coders), adjudicated, coders is not None)
    wanted = (key, *columns.codes, *others)
    faults = [
        f"{table.path}:1: has no column '{name}' (it has: {', '.join(table.columns)}); "
        "correct the name that was asked for, or the header."
        for name in wanted
        if name not in table.columns
    ]
    if len(set(wanted)) < len(wanted):
        faults.append(
            f"{table.path}:1: one column is named for two purposes among key, coders, adjudicated and "
            "inclusion; name each column once."
        )
    if not columns.codes:
        faults.append(f"{table.path}:1: has no column of labels beside '{key}'; add a column a coder.")
    if faults:
        raise LabelError(*faults)
    return columns


def _adjudicated(table: LabelTable) -> str | None:
    """Find the column of agreed labels, however its name is spelt: as a coder it would agree with all."""
    found = [column for column in table.columns if column.strip().casefold() == ADJUDICATED]
    if len(found) > 1:
        names = " and ".join(f"'{column}'" for column in found)
        raise LabelError(
            f"{table.path}:1: the columns {names} are called alike; keep the one of agreed labels, or name "
            "it (themes.adjudicated, --adjudicated) and the coders' columns."
        )
    return found[0] if found else None


def codeless(codebook: Codebook | None) -> frozenset[str]:
    """Give the cells that hold no code: blank ones, and 'unclear', unless the codebook has such a code."""
    return frozenset({"", UNCLEAR} - set(codebook.keys if codebook else ()))


def whole_codes(columns: Columns, rows: list[Row], codebook: Codebook | None) -> list[Row]:
    """Take ``1.0`` for ``1``, as programs write a column of numbers in which cells are empty.

    With a codebook, where it has ``1`` and not ``1.0``; without one, where no code is a number like ``1.2``.
    """
    codes = {row[column] for _, row in rows for column in columns.codes}
    whole = {code: found[1] for code in codes if (found := WHOLE.fullmatch(code))}
    if codebook:
        known = set(codebook.keys)
        whole = {code: short for code, short in whole.items() if short in known and code not in known}
    elif any(NUMBER.fullmatch(code) for code in codes - set(whole)):
        return rows
    return [
        (line, row | {column: whole.get(row[column], row[column]) for column in columns.codes})
        for line, row in rows
    ]


def code_faults(path: Path, columns: Columns, rows: list[Row], codebook: Codebook) -> list[str]:
    """Tell codes that are not in the codebook."""
    faults, none = [], codeless(codebook)
    for column in columns.codes:
        given = [(line, row[column]) for line, row in rows if row[column] not in none]
        wrong = [(line, code) for line, code in given if code not in codebook.keys]
        absent = [(line, code) for line, code in wrong if code.casefold() in ABSENT]
        others = [(line, code) for line, code in wrong if code.casefold() not in ABSENT]
        if absent:
            line, code = absent[0]
            more = f" ({len(absent) - 1} more like this)" if len(absent) > 1 else ""
            faults.append(
                f"{path}:{line}: column '{column}' holds '{code}', which is no code of the codebook{more}; "
                "leave the cell empty where there is no code."
            )
        if not columns.named and len(wrong) == len(given) and _strange(others, codebook):
            faults.append(
                f"{path}:{others[0][0]}: column '{column}' holds no code of the codebook anywhere; "
                "name the coders' columns (themes.coders, --coders), or correct the codes."
            )
            continue
        faults += at_most(
            [
                f"{path}:{line}: column '{column}' holds {_shown(code)}, which is no code of the codebook; "
                f"{_suggestion(code, codebook)}."
                for line, code in others
            ]
        )
    return faults


def _strange(wrong: list[tuple[int, str]], codebook: Codebook) -> bool:
    """Whether a column without any code is hardly a coder's: several things, or one again and again."""
    codes = {code for _, code in wrong}
    return len(codes) > 1 or (len(wrong) > 2 and _meant(wrong[0][1], codebook) is None)


def probability_faults(path: Path, column: str, rows: list[Row]) -> list[str]:
    """Tell what is no probability; blank cells are unknown ones."""
    given = [(line, row[column]) for line, row in rows if row[column]]
    if len(given) > 1 and not any(0 < _number(cell) <= 1 for _, cell in given):
        return [
            f"{path}:{given[0][0]}: column '{column}' holds no probability (above 0, at most 1) anywhere, as "
            f"{_shown(given[0][1])} here; name the right column by themes.inclusion, or correct it."
        ]
    return at_most(
        [
            f"{path}:{line}: column '{column}' holds {_shown(cell)}, but a probability is above 0 and "
            "at most 1; correct it, or leave it blank if it is unknown."
            for line, cell in given
            if not 0 < _number(cell) <= 1
        ]
    )


def probabilities(column: str, rows: list[Row]) -> Doubles:
    """Read a column of probabilities; NaN where blank."""
    return np.array([_number(row[column]) for _, row in rows], np.float64)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _shown(code: str) -> str:
    return f"'{code}'" if len(code) <= SHOWN_CODE else f"a text of {len(code)} characters"


def _suggestion(code: str, codebook: Codebook) -> str:
    meant = _meant(code, codebook)
    return f"use one of: {', '.join(codebook.keys)}" if meant is None else f"use '{meant}' if that is meant"


def _meant(code: str, codebook: Codebook) -> str | None:
    """Find the code that is spelt nearly so; a short one is too near to many."""
    keys = {name.casefold(): theme.key for theme in codebook.themes for name in (theme.name, theme.key)}
    cutoff = 0.6 if len(code) >= NEAR else 1.0
    near = difflib.get_close_matches(code.casefold(), keys, n=1, cutoff=cutoff)
    return keys[near[0]] if near else None


def at_most(faults: list[str]) -> list[str]:
    """Shorten a list of faults of one kind."""
    if len(faults) <= SHOWN:
        return faults
    place, _, what = faults[SHOWN].partition(": ")
    return [*faults[:SHOWN], f"{place}: {what} ({len(faults) - SHOWN - 1} more like this.)"]


def odd_columns(path: Path, columns: Columns, rows: list[Row]) -> list[str]:
    """Tell what is hardly a code, where no codebook says: marks of no code, texts, a column like no other.

    Codes that are spelt in two ways are told, too: they would count as two.
    """
    given = {column: {row[column]: line for line, row in reversed(rows)} for column in columns.codes}
    faults = []
    for column, line_of in given.items():
        for none in codeless(None):
            line_of.pop(none, None)
        others = {_plain(code) for other in given if other != column for code in given[other]}
        absent = [code for code in line_of if code.casefold() in MISSING]
        texts = [code for code in line_of if len(code) > SHOWN_CODE]
        if absent:
            faults.append(
                f"{path}:{line_of[absent[0]]}: column '{column}' holds '{absent[0]}'; leave the cell empty "
                "where there is no code, or give a codebook that has this one."
            )
        elif texts and not columns.named:
            faults.append(
                f"{path}:{line_of[texts[0]]}: column '{column}' holds {_shown(texts[0])}, hardly a code; "
                "name the coders' columns by --coders, or give a codebook."
            )
        elif line_of and len(given) > 1 and not columns.named and others.isdisjoint(map(_plain, line_of)):
            faults.append(
                f"{path}:1: column '{column}' holds no code that any other column holds; "
                "name the coders' columns by --coders, or give a codebook."
            )
    return faults + at_most(_spelt_twice(path, given))


def _spelt_twice(path: Path, given: dict[str, dict[str, int]]) -> list[str]:
    """Tell codes that differ from an earlier one by capitals or spaces alone, each once."""
    first: dict[str, str] = {}
    found: dict[str, str] = {}
    for column, line_of in given.items():
        for code, line in sorted(line_of.items(), key=lambda one: one[1]):
            if (other := first.setdefault(_plain(code), code)) != code:
                told = (
                    f"column '{column}' holds {_shown(code)}, which is {_shown(other)} but for its spelling"
                )
                found.setdefault(code, f"{path}:{line}: {told}; spell each code in one way.")
    return list(found.values())


def _plain(code: str) -> str:
    return " ".join(code.casefold().split())


def key_faults(path: Path, key: str, rows: list[Row]) -> list[str]:
    """Tell blank and repeated ids of a file that is read without its messages."""
    ids = {row[key] for _, row in rows}
    if len(rows) > 2 and len(ids) <= len(rows) / 2:
        return [
            f"{path}:{rows[0][0]}: column '{key}' holds {len(ids)} different ids in {len(rows)} rows; name "
            "the column of ids by --key, and give one row a message and one column a coder."
        ]
    blank = [
        f"{path}:{line}: the id in column '{key}' is blank; give one." for line, row in rows if not row[key]
    ]
    first: dict[str, int] = {}
    again = [
        f"{path}:{line}: labels the same message as line {first[row[key]]}; keep one row."
        for line, row in rows
        if first.setdefault(row[key], line) != line
    ]
    return at_most(blank) + at_most([] if blank else again)


def once(
    path: Path, columns: Columns, rows: list[Row], positions: list[int], inclusion: Sequence[str]
) -> tuple[list[Row], list[int], list[str]]:
    """Take rows on a message and its repeats as one where they agree; tell where they do not, or ids do.

    Returns
    -------
    rows, positions
        The first row of each message, with the codes of all. Positions below 0 are unknown messages.
    faults
        Rows that do not agree with an earlier one, or have its id.
    """
    kept: dict[int, Row] = {}
    ids: set[str] = set()
    faults = []
    for place, ((line, row), position) in enumerate(zip(rows, positions, strict=True)):
        before, known = kept.setdefault(position if position >= 0 else -1 - place, (line, dict(row)))
        twice = position >= 0 and row[columns.key] in ids
        ids.add(row[columns.key])
        of = f"to the message of line {before} (or a repeat of it)"
        if any(row[column] and known[column] not in ("", row[column]) for column in columns.codes):
            faults.append(f"{path}:{line}: gives another code {of}; keep one row.")
        elif any(row[column] != known[column] for column in inclusion):
            faults.append(
                f"{path}:{line}: gives another probability {of}; keep one row, with the probability that the "
                "message was drawn."
            )
        elif twice:
            faults.append(f"{path}:{line}: gives a code again {of}, by the same id; keep one row.")
        known.update({column: row[column] for column in columns.codes if row[column]})
    return list(kept.values()), list(kept), faults


def raise_any(faults: list[str], path: Path, rows: list[Row]) -> None:
    """Raise what was found, or that there is nothing at all."""
    if not rows and not faults:
        faults = [f"{path}: holds no label; fill in the coders' columns."]
    if faults:
        raise LabelError(*faults)
