"""Raw exports, of whatever format, to one table of rows.

Formats are told by the content of a file, never by its name: X API v2 and v1.1 objects and pages, the X
archive, Reddit, Mastodon and Bluesky JSON, and tables (CSV, TSV, JSON lines, Parquet, XLSX) with a column
mapping; each plain, .gz or .zst. Rows that cannot be read are set aside with file, line and reason.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from themeloom.config import IngestConfig, SourceConfig
from themeloom.corpus.clashes import check_ids
from themeloom.corpus.dates import DateReader
from themeloom.corpus.drafts import Draft, Found, RowError, content_id, identifier, word
from themeloom.corpus.files import head_of, is_compressed, kind_of, open_bytes, open_text, text_of
from themeloom.corpus.formats import FORMATS, detect, read_item, unfold
from themeloom.corpus.gathered import Gathered
from themeloom.corpus.json_values import Values, json_values
from themeloom.corpus.parquet import parquet_drafts
from themeloom.corpus.repair import repaired
from themeloom.corpus.tables import csv_drafts, jsonl_drafts, mapped
from themeloom.corpus.xlsx import xlsx_drafts
from themeloom.errors import InputError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import RawCorpus

_SAMPLE = 200  # values by which a format is told
_LONGEST = 1_000_000  # characters
TABLES = ("parquet", "xlsx")  # that are no text
_UNKNOWN_LANGUAGES = frozenset({"und", "qme", "qht", "qct", "qst", "qam", "zxx"})  # as X marks them


def read_sources(
    sources: Sequence[SourceConfig], config: IngestConfig, progress: Progress = UNWATCHED
) -> RawCorpus:
    """Read all sources of a study.

    Parameters
    ----------
    sources
        The files, with their formats and column mappings.
    config
        Whether to stop at the first row that cannot be read.
    progress
        Told how many bytes there are and how many were read.

    Returns
    -------
    RawCorpus
        The rows in the order of the files (text repaired, dates in UTC), and those set aside.

    Raises
    ------
    InputError
        For each file that is missing, empty, of another format than it says, without a column that is
        asked for or without a single row that can be read; all of them at once. In strict mode for
        each file's first row that cannot be read. Also if ids clash, within a table or between files.
    """
    progress.begin(sum(_size(source) for source in sources), "bytes")
    gathered = Gathered()
    faults: list[str] = []
    names = _names(sources)
    for file, source in zip(names, sources, strict=True):
        try:
            for _ in _read_source(file, source, gathered, config, progress):
                pass
        except InputError as error:
            faults.extend(error.faults)
    if faults:
        raise InputError(*faults)
    corpus = gathered.taken()
    named = (file for file, source in zip(names, sources, strict=True) if source.columns.id is not None)
    check_ids(corpus.rows, tuple(named))
    return corpus


def read_parts(
    source: SourceConfig, config: IngestConfig, rows: int, progress: Progress = UNWATCHED
) -> Iterator[RawCorpus]:
    """Read one source so many rows at a time: memory does not grow with the file.

    Parameters
    ----------
    source, config, progress
        As for `read_sources`.
    rows
        How many rows a part has, those set aside among them; the last may have less.

    Raises
    ------
    InputError
        As `read_sources`; where no row can be read, when all have been looked at.
    """
    progress.begin(_size(source), "bytes")
    gathered = Gathered()
    seen = 0
    for seen, _ in enumerate(_read_source(_names([source])[0], source, gathered, config, progress), start=1):
        if seen % rows == 0:
            yield gathered.taken()
    if seen % rows:
        yield gathered.taken()


def _read_source(
    file: str, source: SourceConfig, gathered: Gathered, config: IngestConfig, progress: Progress
) -> Iterator[None]:
    """Gather the rows of a source; stop after each, whether it could be read or not."""
    read_date = DateReader(ZoneInfo(source.timezone), day_first=source.day_first)
    reasons: Counter[str] = Counter()
    good = 0
    for line, found in _found(source, progress):
        try:
            row = _row(found, read_date, source)
        except RowError as fault:
            reason = str(fault)
            if config.strict:
                raise InputError(
                    f"{source.path}:{line}: {reason}; mend the row, or do without strict."
                ) from None
            gathered.set_aside(file, line, _id_of(found, source.id_prefix), reason)
            reasons[reason] += 1
        else:
            good += 1
            gathered.add((file, line, *row))
        yield
    if not good:
        raise InputError(_nothing_read(source, reasons))


def _nothing_read(source: SourceConfig, reasons: Counter[str]) -> str:
    if not reasons:
        return f"{source.path}: holds no messages; give a file that does."
    reason, count = reasons.most_common(1)[0]
    return (
        f"{source.path}: none of its {reasons.total():,} rows can be read ({count:,} of them: {reason}); "
        "check the file, its format and its columns."
    )


def _row(
    found: Draft | RowError, read_date: Callable[[object], datetime | None], source: SourceConfig
) -> tuple[object, ...]:
    if isinstance(found, RowError):
        raise found
    source_id, repeat_of = identifier(found.id), identifier(found.repeat_of)
    if not isinstance(found.text, str):
        raise RowError("no text" if found.text is None else "the text is no text but another type of value")
    if len(found.text) > _LONGEST:
        raise RowError(f"a text of more than {_LONGEST:,} characters, which is no message")
    text = repaired(found.text)
    if not text.strip():
        raise RowError("no text")
    created_at = read_date(found.created_at)
    author = (word(found.author) or "").lstrip("@").lower() or None
    lang, prefix = word(found.lang), source.id_prefix
    return (
        prefix + source_id
        if source_id
        else content_id(text, author, created_at.isoformat() if created_at else ""),
        identifier(found.author_id),
        author,
        created_at,
        text,
        None if lang in _UNKNOWN_LANGUAGES else lang,
        _category(found.group) or _category(source.group),
        prefix + repeat_of if repeat_of else None,
    )


def _category(value: object) -> str | None:
    """Name a group as its cell is written."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return str(value).removesuffix(" 00:00:00")
    return identifier(value)


def _id_of(found: Draft | RowError, prefix: str) -> str | None:
    try:
        source_id = None if isinstance(found, RowError) else identifier(found.id)
    except RowError:
        return None
    return prefix + source_id if source_id else None


def _found(source: SourceConfig, progress: Progress) -> Found:
    """Choose the reader of a source and give what it finds.

    Data that is damaged from some place on ends the file there, as a row that cannot be read.
    """
    path = Path(source.path)
    head = head_of(path)
    name = _format_of(source, head)
    line = 0
    try:
        if name in TABLES:
            yield from _table(path, name, source, progress)
            return
        with open_text(path, progress) as text:
            reader = _text_reader(text, text_of(head), name, source)
            for line, found in reader:
                yield line, found
    except RowError as damage:
        yield line + 1, damage
    except OSError as error:
        raise InputError(f"{path}: cannot be read on ({error.strerror or error}); copy it anew.") from None


def _table(path: Path, name: str, source: SourceConfig, progress: Progress) -> Found:
    file: Path | io.BytesIO = path
    if is_compressed(path):
        with open_bytes(path) as stream:
            file = io.BytesIO(stream.read())
    if name == "parquet":
        yield from parquet_drafts(file, source, progress, path.stat().st_size)
    else:
        yield from xlsx_drafts(file, source)
        progress.advance(path.stat().st_size)


def _text_reader(text: io.TextIOBase, head: str, name: str, source: SourceConfig) -> Found:
    if name in {"csv", "tsv"}:
        return csv_drafts(text, source, tabs=name == "tsv")
    values = json_values(text, head)
    return jsonl_drafts(values, source) if name == "jsonl" else _platform(values, name)


def _platform(values: Values, name: str) -> Found:
    form = FORMATS[name]
    for line, value in values:
        if isinstance(value, RowError):
            yield line, value
            continue
        for item in unfold(value):
            yield line, read_item(item, form, name)


def _format_of(source: SourceConfig, head: bytes) -> str:
    """Return the format that a source says it has, checked, or the one that it looks like."""
    kind = kind_of(head)
    told = source.format
    if kind == "other":
        raise InputError(f"{source.path}: is no UTF-8 text, Parquet or XLSX file; export it as one of these.")
    if kind in TABLES or told in TABLES:
        if told not in {"auto", kind}:
            found = {"parquet": "Parquet", "xlsx": "XLSX (or another ZIP, to be unpacked)"}.get(kind, "text")
            raise InputError(
                f"{source.path}: is not {told}, its content is {found}; correct the format or leave it out."
            )
        return kind
    if told != "auto":
        return told
    return _detected(source, text_of(head), looks_json=kind == "json")


def _detected(source: SourceConfig, head: str, *, looks_json: bool) -> str:
    with open_text(Path(source.path)) if looks_json else io.StringIO(head) as text:
        items = _first_objects(text, head)
    if not items:
        return "jsonl" if looks_json and not _has_columns(source, head) else "csv"
    if "columns" in source.model_fields_set:
        return "jsonl"
    return detect(items) or "jsonl"


def _first_objects(text: io.TextIOBase, head: str) -> list[object]:
    """Return the first JSON objects of a text: a single page may be longer than its head."""
    items: list[object] = []
    with suppress(RowError):
        values = (value for _, value in json_values(text, head) if isinstance(value, dict))
        items.extend(islice((item for value in values for item in unfold(value)), _SAMPLE))
    return items


def _has_columns(source: SourceConfig, head: str) -> bool:
    first = head.lstrip().partition("\n")[0]
    return all(name in first for name in mapped(source.columns))


def _size(source: SourceConfig) -> int:
    try:
        return Path(source.path).stat().st_size
    except (OSError, ValueError):
        return 0


def _names(sources: Sequence[SourceConfig]) -> list[str]:
    """Name each source by its file; where names clash, by its sheet, its number or its folder too."""
    paths = [Path(source.path) for source in sources]
    names = [_told_apart(path, set(paths) - {path}) for path in paths]
    return [
        f"{name} ({source.sheet or number})" if names.count(name) > 1 else name
        for number, (name, source) in enumerate(zip(names, sources, strict=True), start=1)
    ]


def _told_apart(path: Path, others: set[Path]) -> str:
    """Return the name of a file with as many of its folders as tell it from the others."""
    for count in range(1, len(path.parts)):
        if all(other.parts[-count:] != path.parts[-count:] for other in others):
            return "/".join(path.parts[-count:])
    return str(path)
