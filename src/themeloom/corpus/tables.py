"""Tables with a column mapping: CSV, TSV, JSON lines; and what tables of all formats have in common."""

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence

from themeloom.config import ColumnsConfig, SourceConfig
from themeloom.corpus.drafts import Draft, Found, RowError, by_name, composed
from themeloom.corpus.files import LONGEST_LINE, fault_of, lines
from themeloom.corpus.json_values import Values
from themeloom.errors import InputError
from themeloom.system.sheets import separator_of

_DELIMITERS = (",", ";", "\t", "|")
_SHOWN = 30
_HEADER, _HEADER_CHARACTERS = 100, 2**20  # lines and characters in which a header ends
_AGAIN, _AGAIN_EACH = 2**26, 4
"""Characters that are read anew after broken quotes: at most so many, and so many times the file's own."""


def mapped(columns: ColumnsConfig) -> list[str]:
    """Return the names of the columns that are asked for."""
    return [name for name in columns.model_dump().values() if name is not None]


def draft_of(row: dict[str, object], columns: ColumnsConfig) -> Draft:
    """Read one row of a table."""

    def value(name: str | None) -> object:
        found = row.get(name) if name is not None else None
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else found

    return Draft(
        id=value(columns.id),
        text=value(columns.text),
        created_at=value(columns.created_at),
        author=value(columns.author),
        lang=value(columns.lang),
        group=value(columns.group),
    )


def check_columns(present: Sequence[str], source: SourceConfig) -> None:
    """Check that each column that is asked for is there, once.

    Raises
    ------
    InputError
        One sentence for each column that is not; it names those that are.
    """
    shown = ", ".join(f"'{_on_one_line(name[:40])}'" for name in present[:_SHOWN]) + (
        ", …" if len(present) > _SHOWN else ""
    )
    faults = [
        f"{source.path}: has {'no' if name not in present else 'more than one'} column "
        f"'{_on_one_line(name)}' (its columns are {shown}); correct the source's columns."
        for name in dict.fromkeys(mapped(source.columns))
        if present.count(name) != 1
    ]
    if faults:
        raise InputError(*faults)


def _on_one_line(name: str) -> str:
    """Show the line ends in a name as they are written in the experiment file."""
    return name.replace("\n", "\\n")


def jsonl_drafts(values: Values, source: SourceConfig) -> Found:
    """Read JSON objects as rows.

    Raises
    ------
    InputError
        If a column that is asked for is in none of the objects.
    """
    seen: dict[str, None] = {}
    for line, value in values:
        if isinstance(value, dict):
            row = by_name(value)
            if len(seen) < 1000:
                seen.update(dict.fromkeys(row))
            yield line, draft_of(row, source.columns)
        else:
            yield line, value if isinstance(value, RowError) else RowError("not a JSON object")
    if seen:
        check_columns(list(seen), source)


class _Lines:
    """Physical lines, with a way back for those that a stray quote has swallowed."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._ahead = lines(text)
        self._back: deque[tuple[int, str]] = deque()
        self._again = _AGAIN  # characters that may still be read anew
        self._length = 0  # characters of `taken`
        self.taken: list[tuple[int, str]] = []

    def begin(self) -> None:
        """Begin a record."""
        self.taken.clear()
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._length > LONGEST_LINE:
            raise csv.Error("more than a record can hold")
        if self._back:
            line = self._back.popleft()
        else:
            line = next(self._ahead)
            self._again += _AGAIN_EACH * len(line[1])
        self.taken.append(line)
        self._length += len(line[1])
        return line[1]

    def put_back(self, keep: int = 1) -> bool:
        """Put lines back; false if too many were: quotes can be laid so that each record takes all lines."""
        again = sum(len(line) for _, line in self.taken[keep:])
        if again > self._again:
            return False
        self._again -= again
        self._back.extendleft(reversed(self.taken[keep:]))
        del self.taken[keep:]
        return True

    def look_ahead(self) -> list[str]:
        """Take as many lines more as a header may have, and give all that were taken."""
        while len(self.taken) < _HEADER and self._length < _HEADER_CHARACTERS and next(self, ""):
            pass
        return [line for _, line in self.taken]


def csv_drafts(text: io.TextIOBase, source: SourceConfig, *, tabs: bool) -> Found:
    """Read delimited text with a header; quoted fields may hold line ends, those of the header too.

    The delimiter (comma, semicolon, tab, bar) is the one that a first line ``sep=;`` names, else the one
    whose header has most of the columns that are asked for. A record with unbalanced quotes costs its first
    line only.

    Raises
    ------
    InputError
        If there is no header, or a column that is asked for is not in it.
    """
    at = _Lines(text)
    delimiter, header = _header(at, source, ("\t",) if tabs else _DELIMITERS)
    check_columns(header, source)
    reader = csv.reader(at, delimiter=delimiter, strict=True)
    while True:
        at.begin()
        try:
            fields, broken = _fields(at, reader, delimiter)
        except StopIteration:
            return
        if not fields and not broken:
            continue  # a blank line
        number = at.taken[0][0]
        if len(fields) == len(header):
            fault = next(filter(None, (fault_of(line) for _, line in at.taken)), None)
            yield number, fault or draft_of(dict(zip(header, fields, strict=True)), source.columns)
        else:
            reason = broken or (
                f"{len(fields)} column{'s' * (len(fields) != 1)} where the header has {len(header)}"
            )
            costs = "" if at.put_back() else f", which costs {len(at.taken):,} lines"
            yield number, RowError(reason + costs)


def _fields(at: _Lines, reader: Iterator[list[str]], delimiter: str) -> tuple[list[str], str]:
    """Read a record, and what is wrong with its quotes; then, where they are marks in the text, its line."""
    try:
        return next(reader), ""
    except csv.Error as error:
        fields = _unquoted(at.taken[0][1], delimiter) if at.put_back() else []
        most = csv.field_size_limit()
        return fields, f"broken quoting, or a cell of more than {most:,} characters ({error})"


def _unquoted(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line whose quotes are only marks in the text, as in TSV without quoting."""
    return line.rstrip("\r\n").split(delimiter) if delimiter == "\t" else []


def _header(at: _Lines, source: SourceConfig, delimiters: Sequence[str]) -> tuple[str, list[str]]:
    first = _first_line(at)
    if sign := separator_of(first):
        first, delimiters = _first_line(at), (sign,)
    wanted = set(mapped(source.columns))
    found = [_names([first], sign, strict=True) for sign in delimiters]
    if not all(names for _, names, _ in found):  # a quote is left open: the header goes on, or it is broken
        lines = at.look_ahead()
        found = [_names(lines, sign, strict=True) for sign in delimiters]
        found += [_names([first], sign, strict=False) for sign in delimiters]
    delimiter, names, length = max(found, key=lambda one: (len(wanted & set(one[1])), len(one[1])))
    for number, line in at.taken[:length]:
        if fault := fault_of(line):
            raise InputError(f"{source.path}:{number}: the header is {fault}.")
    at.put_back(max(length, 1))
    return delimiter, names


def _first_line(at: _Lines) -> str:
    at.begin()
    while (line := next(at, "")) and not line.strip():
        at.begin()
    return line


def _names(lines: list[str], delimiter: str, *, strict: bool) -> tuple[str, list[str], int]:
    """Read a header as separated by a sign; give that, the names, and of how many lines they are."""
    reader = csv.reader(lines, delimiter=delimiter, strict=strict)
    try:
        names = [composed(name).replace("\r\n", "\n") for name in next(reader, [])]
    except csv.Error:
        return delimiter, [], 1
    return delimiter, names, reader.line_num
