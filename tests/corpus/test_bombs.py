"""Files made to fill the memory or to take for ever: read within bounds, or refused."""

import gzip
import io
import resource
import time
import zipfile

import openpyxl
import polars as pl
import pytest
import zstandard

from themeloom.config import ColumnsConfig, IngestConfig, SourceConfig
from themeloom.corpus import files, tables
from themeloom.corpus.ingest import read_sources
from themeloom.errors import InputError


def read(path, content, form="auto", **columns):
    """Read a file; tell its corpus, seconds of this thread, and by how many MiB the peak of memory rose."""
    path.write_bytes(content)
    source = SourceConfig(path=str(path), format=form, columns=ColumnsConfig(text="text", **columns))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.thread_time()
    try:
        found = read_sources((source,), IngestConfig())
    except InputError as error:
        found = str(error)
    taken = time.thread_time() - start
    return found, taken, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def workbook(**parts):
    book = openpyxl.Workbook()
    book.active.append(["text", "sent"])
    book.active.append(["a word", 41496.5])
    buffer, out = io.BytesIO(), io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, parts.get(name.rpartition("/")[2].partition(".")[0], lambda c: c)(content))
    return out.getvalue()


def test_quotes_that_let_each_record_take_all_lines_cost_no_more_than_once(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_AGAIN", 2**16)
    found, _, _ = read(tmp_path / "x", b"text\n" + b'a","\n' * 5_000 + b"fine\n", "csv")
    assert "costs" in found or "broken quoting" in found
    sound, _, _ = read(tmp_path / "y", b'text\n"open\nfirst\nsecond\n', "csv")
    assert sound.rows["text"].to_list() == ["first", "second"]
    assert sound.unreadable["line"].to_list() == [2]


def test_the_time_for_broken_quotes_is_linear(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_AGAIN", 2**16)
    short, long = (
        min(read(tmp_path / "x", b"text\n" + b'a","\n' * count, "csv")[1] for _ in range(3))
        for count in (5_000, 40_000)
    )
    assert long < 24 * short


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_compressed_bomb_is_not_read_on(tmp_path, monkeypatch, compress):
    monkeypatch.setattr(files, "_HARMLESS", 2**22)
    found, _, grown = read(tmp_path / "x", compress(b"text\n" + b"a" * 2**26), "csv")
    rest = found if isinstance(found, str) else found.unreadable["reason"].to_list()[-1]
    assert "expands more than 200 times" in rest
    assert grown < 150


def test_a_parquet_file_of_many_equal_rows_is_not_read_on(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_HARMLESS", 2**22)
    buffer = io.BytesIO()
    pl.DataFrame({"text": ["the same word, again and again"] * 2_000_000}).write_parquet(buffer)
    assert len(buffer.getvalue()) < 20_000
    found, _, grown = read(tmp_path / "x", buffer.getvalue())
    assert "expands more than 200 times" in (
        found if isinstance(found, str) else found.unreadable["reason"][-1]
    )
    assert grown < 300


def test_a_long_text_that_all_rows_share_does_not_fill_the_memory(tmp_path):
    buffer = io.BytesIO()
    pl.DataFrame({"text": ["x" * 2_000_000] * 120 + ["a word"]}).write_parquet(buffer)
    found, _, grown = read(tmp_path / "x", buffer.getvalue())
    told = found if isinstance(found, str) else "|".join(found.unreadable["reason"].unique())
    assert "more than 1,000,000 characters" in told or "expands more than" in told
    assert grown < 150


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path):
    rows = b"<row/>" * 12_000_000 + b"</sheetData>"
    bomb = workbook(sheet1=lambda content: content.replace(b"</sheetData>", rows))
    found, taken, grown = read(tmp_path / "x", bomb)
    assert "unpacks to more than 200 times its size; save it anew, or export CSV" in found
    assert taken < 1
    assert grown < 100


ENTITIES = b"<!DOCTYPE x [<!ENTITY a '" + b"ha" * 500 + b"'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (98 + step, b"&%c;" % (97 + step) * 20) for step in range(8)
) + b"]>"  # fmt: skip


@pytest.mark.parametrize("part", ["sheet1", "workbook", "styles"])
def test_entities_in_a_workbook_expand_to_nothing(tmp_path, part):
    def laugh(content):
        start = content.index(b"<", content.find(b"?>") + 1)
        body = content[start:].replace(b"a word", b"&i;").replace(b"<v>", b"<v>&i;", 1)
        return ENTITIES + body

    found, taken, grown = read(tmp_path / "x", workbook(**{part: laugh}))
    assert isinstance(found, str) or "haha" * 1000 not in found.rows["text"][0]
    assert taken < 5
    assert grown < 300


@pytest.mark.parametrize("cell", ["1e999", "-1e999", "NaN", "1e400"])
def test_a_date_that_is_no_number_is_no_crash(tmp_path, cell):
    odd = workbook(sheet1=lambda content: content.replace(b"41496.5", cell.encode()))
    found, _, _ = read(tmp_path / "x", odd, created_at="sent")
    assert "sound XLSX workbook" in found or "can be read" in found


@pytest.mark.parametrize(
    "content",
    [
        b'{"text":' + b'{"a":' * 200_000,
        b"[" * 2**20,
        b'{"kind":"Listing","data":{"children":[' * 320 + b"]}}" * 320,
        b"1," * 2**19,
        b'{"text": "a' * 2**17,
        b'{"id": ' + b"9" * 2**20 + b"}",
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "reddit", "auto"])
def test_json_made_to_be_hard_is_refused_soon(tmp_path, content, form):
    found, taken, grown = read(tmp_path / "x", content, form)
    assert isinstance(found, str)
    assert taken < 20
    assert grown < 600


def test_a_line_of_a_hundred_million_characters_is_set_aside(tmp_path):
    found, taken, grown = read(tmp_path / "x", b"text\nfirst\n" + b"a" * 100_000_000 + b"\nlast\n", "csv")
    assert found.rows["text"].to_list() == ["first", "last"]
    assert found.unreadable["line"].to_list() == [3]
    assert taken < 20
    assert grown < 700
