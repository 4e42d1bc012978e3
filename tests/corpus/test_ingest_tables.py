"""Tables with a column mapping."""
# ruff: noqa: DTZ001  files hold dates without a zone

import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime
from unicodedata import normalize
from xml.sax.saxutils import escape

import openpyxl
import polars as pl
import pytest

from themeloom.config import ColumnsConfig, IngestConfig, SourceConfig
from themeloom.corpus.ingest import read_sources
from themeloom.errors import InputError

COLUMNS = ColumnsConfig(text="content", id="tweet_id", created_at="date", author="who")
ID = "366000031296528431"


def read(tmp_path, content, name="table.csv", columns=COLUMNS, **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_sources([SourceConfig(path=str(path), columns=columns, **options)], IngestConfig())


def refused(tmp_path, *args, **options):
    with pytest.raises(InputError) as caught:
        read(tmp_path, *args, **options)
    assert caught.value.faults
    return str(caught.value)


def texts(corpus):
    return corpus.rows["text"].to_list()


def aside(corpus):
    return corpus.unreadable.select("line", "reason").rows()


def workbook(*rows, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, lines in {"first": rows, **sheets}.items():
        sheet = book.create_sheet(name)
        for row in lines:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_parts(content, name, change):
    """Give a workbook with one of its parts changed."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(changed, "w") as target:
        for part in source.namelist():
            target.writestr(part, change(source.read(part)) if part.endswith(name) else source.read(part))
    return changed.getvalue()


def zipped(*names):
    """Give an archive of such parts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name in names:
            target.writestr(name, "window.YTD.tweets.part0 = []")
    return made.getvalue()


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    ("told", "sign"), [("auto", ","), ("auto", ";"), ("auto", "\t"), ("csv", ";"), ("tsv", "\t")]
)
def test_delimiters_and_byte_order_marks(tmp_path, bom, told, sign):
    lines = ["tweet_id,who,date,content", f'{ID},@Flint,10/08/2013 08:25,"a, b; c"', "2,,,d"]
    content = "\r\n".join(
        line.replace(", b", "@ b").replace(",", sign).replace("@ b", ", b") for line in lines
    )
    corpus = read(tmp_path, bom + content.encode(), format=told, day_first=True)
    first, second = corpus.rows.to_dicts()
    assert first["text"] == "a, b; c"
    assert (first["source_id"], first["author"]) == (ID, "flint")
    assert first["created_at"] == datetime(2013, 8, 10, 8, 25, tzinfo=UTC)
    assert (second["author"], second["created_at"]) == (None, None)
    assert corpus.unreadable.is_empty()


def test_quoted_line_ends_and_the_numbers_of_lines(tmp_path):
    content = 'tweet_id,who,date,content\n1,a,,"one\ntwo ""quoted""\r\nthree"\n\n2,b,,four\n'
    corpus = read(tmp_path, content)
    assert texts(corpus) == ['one\ntwo "quoted"\nthree', "four"]
    assert corpus.rows["line"].to_list() == [2, 6]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("sign", [",", ";"])
def test_line_ends_in_the_header(tmp_path, end, sign):
    lines = ['id,"what', 'do you think",text,author', "1,a,one,ann", '2,b,"two', 'lines",ben', "3,c,three"]
    content = end.join(lines).replace(",", sign)
    corpus = read(tmp_path, content, columns=ColumnsConfig(id="id"))
    assert texts(corpus) == ["one", "two\nlines"]
    assert corpus.rows["line"].to_list() == [3, 4]
    assert aside(corpus) == [(6, "3 columns where the header has 4")]
    named = read(tmp_path, content, columns=ColumnsConfig(text="what\ndo you think"))
    assert texts(named) == ["a", "b"]
    said = refused(tmp_path, content, columns=ColumnsConfig(text="words"))
    assert said.endswith(r"(its columns are 'id', 'what\ndo you think', 'text', 'author'); correct the "
                         "source's columns.")  # fmt: skip


def test_a_header_with_a_quote_that_is_never_closed(tmp_path):
    assert texts(read(tmp_path, 'tweet_id,who,date,"content\n1,a,,one\n2,a,,"two"\n')) == ["one", "two"]
    assert texts(read(tmp_path, 'text,"note\none,a\ntwo,b\n', columns=ColumnsConfig())) == ["one", "two"]


def test_a_header_whose_second_line_is_no_text_is_told_with_it(tmp_path):
    said = refused(tmp_path, b'tweet_id,who,date,content,"a\nb\xe9"\n1,a,,one,x\n')
    assert "table.csv:2: the header is not valid UTF-8" in said


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;;"])
def test_a_first_line_that_names_the_separator(tmp_path, first):
    content = f"\ufeff{first}\r\ntweet_id;who;date;content\r\n1;a;;one, and, two, and, three\r\n"
    corpus = read(tmp_path, content)
    assert texts(corpus) == ["one, and, two, and, three"]
    assert corpus.rows["line"].to_list() == [3]
    assert texts(read(tmp_path, content.replace(";", "\t"))) == ["one, and, two, and, three"]
    assert texts(read(tmp_path, content.replace(";", "^"))) == ["one, and, two, and, three"]


def test_rows_that_cannot_be_read_are_set_aside(tmp_path):
    content = (
        b"tweet_id,who,date,content\n"
        b"1,a,,good\n"
        b"2,a,,too,many\n"
        b"3,a\n"
        b"4,a,,caf\xe9\n"
        b"5,a,,   \n"
        b"6,a,31/02/2013,no such day\n"
        b"3.66E+17,a,,rounded\n"
        b'7,a,,"stray "quote" inside"\n'
        b"8,a,,good too\n"
        b'9,a,,"never closed\n'
        b"10,a,,swallowed no more\n"
    )
    corpus = read(tmp_path, content, day_first=True)
    assert texts(corpus) == ["good", "good too", "swallowed no more"]
    reasons = aside(corpus)
    assert [line for line, _ in reasons] == [3, 4, 5, 6, 7, 8, 9, 11]
    for (_, reason), start in zip(
        reasons,
        ["5 columns where", "2 columns where", "not valid UTF-8", "no text", "the date is impossible",
         "the id was rounded", "broken quoting", "broken quoting"],
        strict=True,
    ):  # fmt: skip
        assert reason.startswith(start)
    assert corpus.unreadable["source_id"].to_list() == [None, None, None, "5", "6", None, None, None]
    prefixed = read(tmp_path, content, day_first=True, id_prefix="b-").unreadable["source_id"]
    assert prefixed.drop_nulls().to_list() == ["b-5", "b-6"]


def test_the_reason_never_quotes_the_row(tmp_path):
    private = "Zebedee"
    rows = [f"{private}," * 3 + private, f'"{private}"x,1,2,3', private]
    content = "\n".join(["tweet_id,who,date,content", "1,a,,ok", *rows])
    assert private not in "".join(read(tmp_path, content).unreadable["reason"])


def test_strict_names_file_and_line(tmp_path):
    (tmp_path / "a.csv").write_text("text\nfine\n\nx,y\n")
    (tmp_path / "b.jsonl").write_text('{"text": "fine"}\n{"text": \n')
    sources = [SourceConfig(path=str(tmp_path / name)) for name in ("a.csv", "b.jsonl")]
    assert len(read_sources(sources, IngestConfig()).unreadable) == 2
    with pytest.raises(InputError) as caught:
        read_sources(sources, IngestConfig(strict=True))
    first, second = caught.value.faults
    assert first.startswith(f"{tmp_path / 'a.csv'}:4: 2 columns where the header has 1")
    assert second.startswith(f"{tmp_path / 'b.jsonl'}:2: broken JSON")


def test_tsv_whose_quotes_are_part_of_the_text(tmp_path):
    corpus = read(
        tmp_path, 'tweet_id\twho\tdate\tcontent\n1\ta\t\t"well" she said\n2\ta\t\t"quoted"\n', format="tsv"
    )
    assert texts(corpus) == ['"well" she said', "quoted"]


def test_a_missing_column_names_those_that_are_there(tmp_path):
    message = refused(tmp_path, "id,text\n1,a\n")
    assert message.count("\n") == 3  # one sentence a column
    assert "has no column 'content' (its columns are 'id', 'text'); correct the source's columns." in message
    assert "more than one column 'content'" in refused(
        tmp_path, "tweet_id,who,date,content,content\n1,a,,b,c\n"
    )
    assert "has no column 'who'" in refused(
        tmp_path, json.dumps({"tweet_id": "1", "content": "a", "date": None}), format="jsonl"
    )


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [(ID, ID), (f'"=""{ID}"""', ID), (f"'{ID}", ID), ("12.0", "12"), ("1e5", "1e5"), ("cbk12e", "cbk12e")],
)
def test_ids_stay_text(tmp_path, raw, wanted):
    assert read(tmp_path, f"tweet_id,who,date,content\n{raw},a,,b\n").rows["source_id"].to_list() == [wanted]


@pytest.mark.parametrize(
    "raw", ["3.66E+17", "3.66000031296528e+17", '"3,66E+17"', "3E+17", "366000031296528431.0"]
)
def test_ids_that_a_spreadsheet_rounded_are_set_aside(tmp_path, raw):
    corpus = read(tmp_path, f"tweet_id,who,date,content\n{raw},a,,b\n1,a,,c\n")
    assert aside(corpus) == [
        (2, "the id was rounded by a spreadsheet, its last digits are lost; export ids as text")
    ]


def test_ids_from_content_do_not_depend_on_the_place(tmp_path):
    columns = ColumnsConfig(text="content", author="who")
    lines = ["a,Hello", "b,Hello", "a,Bye"]
    ids = [
        dict(zip(zip(found["author"], found["text"], strict=True), found["source_id"], strict=True))
        for order in (lines, lines[::-1])
        for found in [read(tmp_path, "\n".join(["who,content", *order]), columns=columns).rows]
    ]
    assert ids[0] == ids[1]
    assert len(set(ids[0].values())) == 3
    assert read(tmp_path, "tweet_id,who,date,content\n,a,,x\n").rows["source_id"][0].startswith("content-")


def test_jsonl_tables(tmp_path):
    rows = [
        {"tweet_id": int(ID), "who": "A", "date": "2013-08-10", "content": "one", "more": {"deep": 1}},
        {"tweet_id": "2", "who": "B", "date": 1376123103, "content": "two"},
        {"tweet_id": "3", "who": "B", "content": 5},
        {"tweet_id": 3.66e17, "who": "B", "content": "x"},
    ]
    corpus = read(tmp_path, "\n".join(map(json.dumps, rows)), name="t.jsonl")
    assert corpus.rows["source_id"].to_list() == [ID, "2"]
    assert corpus.rows["created_at"].to_list() == [
        datetime(2013, 8, 10, tzinfo=UTC),
        datetime(2013, 8, 10, 8, 25, 3, tzinfo=UTC),
    ]
    assert [line for line, _ in aside(corpus)] == [3, 4]


def test_a_json_table_without_a_mapping_reads_the_text_column(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"text": "one", "label": 1}, {"text": "two", "label": 2}], indent=1))
    assert texts(read_sources([SourceConfig(path=str(path))], IngestConfig())) == ["one", "two"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_parquet(tmp_path, pack):
    frame = pl.DataFrame(
        {
            "tweet_id": [int(ID), 2, 3],
            "who": ["@A", None, "c"],
            "date": [datetime(2013, 8, 10, 9, 25, 3), None, datetime(2013, 12, 10)],
            "content": ["one", "two", None],
            "unused": [[1], [2], [3]],
        }
    )
    file = io.BytesIO()
    frame.write_parquet(file)
    corpus = read(tmp_path, pack(file.getvalue()), name="t.bin", timezone="Europe/London")
    assert corpus.rows["source_id"].to_list() == [ID, "2"]
    assert corpus.rows["author"].to_list() == ["a", None]
    assert corpus.rows["created_at"][0] == datetime(2013, 8, 10, 8, 25, 3, tzinfo=UTC)
    assert corpus.unreadable.rows() == [("t.bin", 3, "3", "no text")]


@pytest.mark.parametrize("kind", [pl.Date, pl.Datetime("ms", "Europe/London"), pl.Datetime("ns"), pl.String])
def test_parquet_dates_of_every_type(tmp_path, kind):
    frame = pl.DataFrame({"text": ["a"], "at": [date(2013, 12, 10)]}).with_columns(pl.col("at").cast(kind))
    frame.write_parquet(tmp_path / "t.parquet")
    source = SourceConfig(path=str(tmp_path / "t.parquet"), columns=ColumnsConfig(created_at="at"))
    assert read_sources([source], IngestConfig()).rows["created_at"].to_list() == [
        datetime(2013, 12, 10, tzinfo=UTC)
    ]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_xlsx_keeps_every_digit_and_reads_dates(tmp_path, pack):
    content = workbook(
        ["tweet_id", "who", "date", "content"],
        [777, "@A", datetime(2013, 8, 10, 8, 25), "one\ntwo"],
        [None, None, None, None],
        [ID[:-1] + "2", "b", "10/08/2013 08:25", "three"],
        ["x", "b", 41496.5, "four"],
        [3.66e17, "b", None, "five"],
        ["y", "b", None, None],
    )
    content = with_parts(
        content, "sheet1.xml", lambda part: part.replace(b"<v>777</v>", f"<v>{ID}</v>".encode())
    )
    corpus = read(tmp_path, pack(content), name="t.xlsx", day_first=True)
    assert corpus.rows["source_id"].to_list() == [ID, ID[:-1] + "2", "x"]
    assert corpus.rows["line"].to_list() == [2, 4, 5]
    assert corpus.rows["created_at"].to_list() == [
        *[datetime(2013, 8, 10, 8, 25, tzinfo=UTC)] * 2,
        datetime(2013, 8, 10, 12, 0, tzinfo=UTC),
    ]
    assert [line for line, _ in aside(corpus)] == [6, 7]


def test_xlsx_sheets(tmp_path):
    content = workbook(["content"], ["a"], other=[["content"], ["b"]], blank=[])
    columns = ColumnsConfig(text="content")
    assert texts(read(tmp_path, content, columns=columns)) == ["a"]
    assert texts(read(tmp_path, content, columns=columns, sheet="other")) == ["b"]
    assert "has no sheet 'Q' (it has 'first', 'other', 'blank')" in refused(tmp_path, content, sheet="Q")
    assert "the sheet is empty" in refused(tmp_path, content, columns=columns, sheet="blank")
    both = [
        SourceConfig(path=str(tmp_path / "table.csv"), columns=columns, sheet=sheet)
        for sheet in ("first", "other")
    ]
    assert read_sources(both, IngestConfig()).rows["file"].to_list() == [
        "table.csv (first)",
        "table.csv (other)",
    ]


def test_xlsx_with_entities_that_grow_is_refused(tmp_path):
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    sheet = (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "{escape("ha" * 50)}">{laughs}]>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
        '<c r="A1" t="inlineStr"><is><t>&l11;</t></is></c></row></sheetData></worksheet>'
    )
    bad = with_parts(workbook(["content"], ["a"]), "sheet1.xml", lambda _: sheet.encode())
    assert "not a sound XLSX workbook" in refused(tmp_path, bad)


@pytest.mark.parametrize("number", [2**20 + 1, 10**30])
def test_an_xlsx_row_beyond_the_end_of_sheets_is_refused_and_not_waited_for(tmp_path, number):
    content = workbook(["content"], ["a"], ["b"])
    bad = with_parts(
        content, "sheet1.xml", lambda part: part.replace(b'<row r="3"', f'<row r="{number}"'.encode())
    )
    assert "has a row beyond 1,048,576, where sheets end; save it anew" in refused(
        tmp_path, bad, columns=ColumnsConfig(text="content")
    )


def test_an_xlsx_with_rows_left_out_is_read(tmp_path):
    content = workbook(["content"], ["a"], ["b"])
    gap = with_parts(content, "sheet1.xml", lambda part: part.replace(b'<row r="3"', b'<row r="3000"'))
    corpus = read(tmp_path, gap, columns=ColumnsConfig(text="content"))
    assert list(zip(corpus.rows["line"], texts(corpus), strict=True)) == [(2, "a"), (3000, "b")]


def test_an_xlsx_date_beyond_all_dates_costs_its_row(tmp_path):
    content = workbook(
        ["tweet_id", "who", "date", "content"], ["1", "a", datetime(2013, 8, 10), "x"], ["2", "a", None, "y"]
    )
    bad = with_parts(content, "sheet1.xml", lambda part: part.replace(b"<v>41496</v>", b"<v>99999999999</v>"))
    corpus = read(tmp_path, bad)
    assert texts(corpus) == ["y"]
    assert aside(corpus)[0][0] == 2


@pytest.mark.parametrize(
    ("content", "told", "says"),
    [
        (b"PAR1" + b"x" * 50 + b"PAR1", "auto", "not a sound Parquet file"),
        (b"PK\x03\x04" + b"x" * 50, "auto", "not a sound XLSX workbook"),
        (b"PK\x03\x04" + b"x" * 50, "csv", "is not csv, its content is XLSX"),
        (zipped("data/tweets.js"), "auto", "is a ZIP, but no XLSX workbook; unpack it and name a file in it"),
        (zipped("data/tweets.js"), "x-archive", "its content is XLSX (or another ZIP, to be unpacked)"),
        (zipped("mimetype", "content.xml"), "xlsx", "or export XLSX or CSV"),
        (zipped("[Content_Types].xml", "word/document.xml"), "auto", "is a ZIP, but no XLSX workbook"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "auto", "not a sound XLSX workbook"),
        (b"PAR1" + b"x" * 50, "xlsx", "is not xlsx, its content is Parquet"),
        (b"content\na\n", "parquet", "is not parquet, its content is text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200), "csv", "is no UTF-8 text"),
        ("content\na\n".encode("utf-16"), "auto", "is no UTF-8 text"),
        (b'{"content": "a"}\n', "csv", "has no column"),
        (b"", "auto", "is empty"),
        (gzip.compress(b"", mtime=0), "auto", "is empty once decompressed"),
        (b"\n\n \n", "csv", "has no column"),
        (b"tweet_id,who,date,content\n", "auto", "holds no messages"),
        (b"caf\xe9,b\n1,2\n", "csv", "the header is not valid UTF-8"),
    ],
)
def test_files_that_are_not_what_they_say(tmp_path, content, told, says):
    message = refused(tmp_path, content, format=told)
    assert says in message
    assert message.startswith(str(tmp_path / "table.csv"))


def test_a_cell_as_long_as_a_book_is_set_aside_with_the_reason(tmp_path):
    content = f"tweet_id,who,date,content\n1,a,,good\n2,a,,{'word ' * 30_000}\n3,a,,good too\n"
    corpus = read(tmp_path, content)
    assert texts(corpus) == ["good", "good too"]
    [(line, reason)] = aside(corpus)
    assert line == 3
    assert "a cell of more than 131,072 characters" in reason


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "xlsx"])
def test_names_are_the_same_whether_their_letters_and_marks_are_apart_or_not(tmp_path, form):
    row = {"größe": "Zu groß", "schlüssel": "ä-1", "verfasserin": "José"}
    apart = {normalize("NFD", name): normalize("NFD", cell) for name, cell in row.items()}
    frame, file = pl.DataFrame([apart]), io.BytesIO()
    match form:
        case "csv":
            frame.write_csv(file)
        case "jsonl":
            file.write(json.dumps(apart).encode())  # as escapes
        case "parquet":
            frame.write_parquet(file)
        case "xlsx":
            file.write(workbook(list(apart), list(apart.values())))
    columns = ColumnsConfig(text="größe", id=normalize("NFD", "schlüssel"), author="verfasserin")
    corpus = read(tmp_path, file.getvalue(), columns=columns)
    assert corpus.rows.select("source_id", "author", "text").rows() == [("ä-1", "josé", "Zu groß")]


def test_groups_are_read_from_a_column_and_else_are_those_of_their_file(tmp_path):
    content = 'text,role\none,Staff \ntwo,\nthree,"R\u0065\u0301seau"\nfour,2.0\n'
    columns = ColumnsConfig(group="role")
    assert read(tmp_path, content, columns=columns).rows["group"].to_list() == ["Staff", None, "Réseau", "2"]
    of_file = read(tmp_path, content, columns=columns, group="site A").rows["group"].to_list()
    assert of_file == ["Staff", "site A", "Réseau", "2"]
    assert read(tmp_path, content, columns=ColumnsConfig()).rows["group"].to_list() == [None] * 4
    assert "has no column 'site'" in refused(tmp_path, content, columns=ColumnsConfig(group="site"))


def test_what_is_true_or_false_of_a_message_is_a_group(tmp_path):
    lines = '{"text": "one", "patient": true}\n{"text": "two", "patient": false}\n{"text": "three"}\n'
    corpus = read(tmp_path, lines, "t.jsonl", columns=ColumnsConfig(group="patient"))
    assert corpus.rows["group"].to_list() == ["true", "false", None]


def test_groups_of_a_workbook_are_named_as_their_cells_are_written(tmp_path):
    at = datetime(2024, 3, 1, tzinfo=UTC).replace(tzinfo=None)
    rows = [
        ("text", "wave"),
        ("one", at),
        ("two", at.replace(hour=9)),
        ("three", 2),
        ("four", True),
        ("five", None),
    ]
    corpus = read(tmp_path, workbook(*rows), "t.xlsx", columns=ColumnsConfig(group="wave"))
    assert corpus.rows["group"].to_list() == ["2024-03-01", "2024-03-01 09:00:00", "2", "true", None]
