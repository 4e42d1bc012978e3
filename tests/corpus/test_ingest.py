"""Ingest as a whole: the demonstration study, faults, hostile input, order."""
# ruff: noqa: RUF001  the signs that people type

import json
from collections import Counter
from datetime import UTC, datetime
from importlib.resources import files
from typing import get_args
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from themeloom.columns import ROWS, UNREADABLE
from themeloom.config import ColumnsConfig, IngestConfig, SourceConfig
from themeloom.config.corpus import SourceFormat
from themeloom.corpus import files as source_files
from themeloom.corpus import ingest
from themeloom.corpus import json_values as values_module
from themeloom.corpus.dates import DateReader
from themeloom.corpus.drafts import RowError
from themeloom.corpus.formats import FORMATS
from themeloom.corpus.ingest import read_sources
from themeloom.corpus.repair import repaired
from themeloom.errors import InputError

DEMO = files("themeloom") / "data" / "dearmhp"
PHRASE_COLUMNS = ColumnsConfig(text="content", id="tweet_id", created_at="date", author="screen_name")
TOLD = get_args(SourceFormat)


class Watcher:
    def __init__(self):
        self.total, self.done = 0, 0

    def begin(self, total, unit):
        assert unit == "bytes"
        self.total = total

    def advance(self, steps=1):
        self.done += steps


def test_every_format_that_a_source_may_have_is_read():
    assert sorted(TOLD) == sorted(["auto", "csv", "tsv", "jsonl", *ingest.TABLES, *FORMATS])


def demo_sources():
    return [
        SourceConfig(path=str(DEMO / "search-hashtag.jsonl")),
        SourceConfig(path=str(DEMO / "search-phrase.csv"), columns=PHRASE_COLUMNS, day_first=True),
    ]


def written(tmp_path, content, name="export.jsonl", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return SourceConfig(path=str(path), **options)


def read(*sources):
    return read_sources(sources, IngestConfig())


def test_the_demonstration_study():
    watcher = Watcher()
    corpus = read_sources(demo_sources(), IngestConfig(strict=True), watcher)
    assert Counter(corpus.rows["file"]) == {"search-hashtag.jsonl": 773, "search-phrase.csv": 422}
    assert corpus.rows["source_id"].n_unique() == 905
    assert corpus.rows["row"].to_list() == list(range(1195))
    assert corpus.unreadable.is_empty()
    assert dict(corpus.rows.schema) == ROWS
    assert dict(corpus.unreadable.schema) == UNREADABLE
    assert watcher.done == watcher.total > 0


def test_the_same_message_has_the_same_minute_in_both_searches():
    rows = read(*demo_sources()).rows
    minutes = rows.group_by("source_id").agg(pl.col("created_at").dt.truncate("1m").n_unique())
    assert minutes["created_at"].max() == 1


def test_all_faults_are_told_at_once(tmp_path):
    sources = [
        SourceConfig(path=str(tmp_path / "gone.csv")),
        SourceConfig(path=str(tmp_path)),
        written(tmp_path, b"", "empty.csv"),
        written(tmp_path, "a,b\n1,2\n", "columns.csv"),
        written(tmp_path, '{"id": \n{"te\n', "broken.jsonl"),
        written(tmp_path, "text\nfine\n", "fine.csv"),
    ]
    with pytest.raises(InputError) as caught:
        read(*sources)
    for fault, says in zip(
        caught.value.faults,
        [
            "gone.csv: there is no such file",
            "cannot be read",
            "empty.csv: is empty",
            "columns.csv: has no column 'text' (its columns are 'a', 'b')",
            "broken.jsonl: none of its 2 rows can be read",
        ],
        strict=True,
    ):
        assert says in fault
        assert "\n" not in fault


def test_sources_of_one_name_are_told_apart(tmp_path):
    for folder in ("a/x", "b/x"):
        (tmp_path / folder).mkdir(parents=True)
    one = written(tmp_path / "a/x", "text\none\n", "t.csv")
    two = written(tmp_path / "b/x", "text\ntwo\n", "t.csv")
    three = written(tmp_path, "text\nthree\n", "u.csv")
    names = read(one, two, three, three).rows["file"].to_list()
    assert names == [
        "a/x/t.csv",
        "b/x/t.csv",
        "u.csv (3)",
        "u.csv (4)",
    ]


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("donâ€™t you dare", "don’t you dare"),
        ("l&#39;été &lt;3 &amp;amp; <3", "l'été <3 & <3"),
        ("cafe\u0301", "café"),
        ("“curly”  two\tspaces ﬁ ", "“curly”  two\tspaces ﬁ "),
        ("a\r\nb", "a\nb"),
        ("x\x00y\ud800z \udc00", "xyz "),
        ("\ud83d\ude00", "😀"),
        ("\u202eright to left\u202c", "\u202eright to left\u202c"),
    ],
)
def test_text_is_repaired_and_otherwise_left_alone(tmp_path, raw, wanted):
    corpus = read(
        written(tmp_path, json.dumps({"id": "1\ud800", "text": raw, "author": {"username": "@\x00A\udfff"}}))
    )
    assert corpus.rows["text"].to_list() == [wanted]
    assert corpus.rows.select("source_id", "author").row(0) == ("1", "a")


@given(st.text())
@example("\x9bß\r\x80")  # the carriage return hides mojibake from a single look
@example("\x9bß&#13;\x80")
@settings(max_examples=150)
def test_repair_gives_storable_text_and_repairing_again_changes_nothing(text):
    once = repaired(text)
    once.encode()
    assert "\x00" not in once
    assert repaired(once) == once


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("2013-08-10T08:25:03.000Z", "2013-08-10 08:25:03"),
        ("2013-08-10T08:25:03+01:00", "2013-08-10 07:25:03"),
        ("2013-08-10 08:25:03 UTC", "2013-08-10 08:25:03"),
        ("2013-08-10 08:25:03.5 +0100", "2013-08-10 07:25:03.5"),
        ("2013-08-10", "2013-08-10"),
        ("2013/8/10 8:25", "2013-08-10 08:25"),
        ("20130810", "2013-08-10"),
        (20130810, "2013-08-10"),
        ("20130810.0", "2013-08-10"),
        ("20130810082503", "2013-08-10 08:25:03"),
        (20130810082503, "2013-08-10 08:25:03"),
        (20130810082503.0, "2013-08-10 08:25:03"),
        ("201308100825", "2013-08-10 08:25"),
        (201308100825.0, "2013-08-10 08:25"),
        ("1376123103", "2013-08-10 08:25:03"),
        (1376123103.0, "2013-08-10 08:25:03"),
        ("1376123103.25", "2013-08-10 08:25:03.25"),
        (1376123103000, "2013-08-10 08:25:03"),
        (1376123103000000, "2013-08-10 08:25:03"),
        (1376123103000000000, "2013-08-10 08:25:03"),
        ("10/08/2013 08:25", "2013-08-10 08:25"),
        ("10/8/13 8:25:03", "2013-08-10 08:25:03"),
        ("10.08.2013", "2013-08-10"),
        ("10-08-2013, 8:25 pm", "2013-08-10 20:25"),
        ("10/08/2013 08:25+01:00", "2013-08-10 07:25"),
        ("Sat Aug 10 08:25:03 +0000 2013", "2013-08-10 08:25:03"),
        ("Sat, 10 Aug 2013 08:25:03 GMT", "2013-08-10 08:25:03"),
        ("10 August 2013", "2013-08-10"),
        ("Aug 10, 2013 · 8:25 AM UTC", "2013-08-10 08:25"),
        (datetime(2013, 8, 10, 8, 25, tzinfo=ZoneInfo("Europe/London")), "2013-08-10 07:25"),
    ],
)
def test_dates(raw, wanted):
    read_date = DateReader(ZoneInfo("UTC"), day_first=True)
    assert read_date(raw) == datetime.fromisoformat(wanted).replace(tzinfo=UTC)
    assert read_date(raw) == datetime.fromisoformat(wanted).replace(tzinfo=UTC)  # whichever form came before


def test_dates_that_name_no_zone_are_of_the_sources_zone():
    read_date = DateReader(ZoneInfo("Europe/London"), day_first=False)
    assert read_date("8/10/2013 09:25") == datetime(2013, 8, 10, 8, 25, tzinfo=UTC)
    assert read_date("2013-12-10 09:25") == datetime(2013, 12, 10, 9, 25, tzinfo=UTC)
    assert read_date("2013-12-10 09:25Z") == datetime(2013, 12, 10, 9, 25, tzinfo=UTC)
    assert read_date("20130810092503") == datetime(2013, 8, 10, 8, 25, 3, tzinfo=UTC)
    assert read_date("1376123103") == datetime(2013, 8, 10, 8, 25, 3, tzinfo=UTC)
    assert [read_date(empty) for empty in (None, "", "  ")] == [None] * 3


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "13/08/2013",
            "2013-02-30",
            "20130230082503",
            "201308102525",
            "yesterday",
            "2013",
            "9" * 400,
            "0001-01-01T00:00+14:00",
            "08/10/2013 25:00",
        ),
        *(True, [], {}, float("inf"), float("nan"), 10**30, -1),
    ],
)
def test_impossible_dates(raw):
    with pytest.raises(RowError, match="date is impossible"):
        DateReader(ZoneInfo("UTC"), day_first=False)(raw)


@given(st.one_of(st.text(max_size=70), st.integers(), st.floats(), st.datetimes(timezones=st.timezones())))
def test_any_date_is_read_in_utc_or_refused(raw):
    try:
        found = DateReader(ZoneInfo("UTC"), day_first=True)(raw)
    except RowError:
        return
    assert found is None or found.tzinfo is UTC


BROKEN_LINES = [
    (b'{"id": "1", "text": "cut of', "broken JSON"),
    (b'{"id": "1", "text": "x"}}', "broken JSON"),
    (b'{"id": "1", "text": "caf\xe9"}', "not valid UTF-8"),
    (b'{"id": "1"}', "not an object of the format"),
    (b'{"id": "1", "text": ""}', "no text"),
    (b'{"id": "1", "text": null}', "no text"),
    (b'{"id": "1", "text": 7}', "the text is no text"),
    (b'{"id": "1", "text": "' + b"x" * 1_000_001 + b'"}', "a text of more than"),
    (b'{"id": "1", "text": "x", "created_at": "2013-02-30T00:00:00Z"}', "the date is impossible"),
    (b'{"id": 3.66e+17, "text": "x"}', "the id was rounded"),
    (b'{"a":' * 100_000, "broken JSON"),
    (b'{"id": "1", "text": "x", "n": ' + b"9" * 5000 + b"}", "broken JSON"),
    (b"[1]", "not a JSON object"),
    (b"nothing of the kind", "broken JSON"),
]


@pytest.mark.parametrize(("line", "reason"), BROKEN_LINES)
@pytest.mark.parametrize("place", [0, 1])
def test_a_broken_line_costs_itself_only(tmp_path, line, reason, place):
    good = [b'{"id": "10", "text": "before"}', b'{"id": "11", "text": "after"}']
    good.insert(place, line)
    corpus = read(written(tmp_path, b"\n".join(good), format="x-v2"))
    if line == b"[1]" and place == 0:  # an array that opens a file is taken apart
        assert len(corpus.rows) == 2
        return
    assert corpus.rows["text"].to_list() == ["before", "after"]
    assert corpus.unreadable["line"].to_list() == [place + 1]
    assert corpus.unreadable["reason"][0].startswith(reason)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "spoil", [('"spoiled"', "spoiled"), ('"spoiled"', '"spoiled'), ('"spoiled"', '"spoiled", ,')]
)
def test_a_broken_element_of_an_array_costs_itself_only(tmp_path, indent, spoil):
    tweets = [{"id": str(n), "text": "spoiled" if n == 2 else "fine", "n": [{"a": 1}]} for n in range(5)]
    lines = ",\n".join(json.dumps(tweet, indent=indent) for tweet in tweets)
    corpus = read(written(tmp_path, f"[\n{lines}\n]".replace(*spoil)))
    assert corpus.rows["source_id"].to_list() == ["0", "1", "3", "4"]
    assert len(corpus.unreadable) == 1


def test_a_broken_element_of_an_array_on_one_line(tmp_path):
    corpus = read(written(tmp_path, '[{"id": "1", "text": oh, "x": {}}, {"id": "2", "text": "fine"}]'))
    assert corpus.rows["source_id"].to_list() == ["2"]
    assert corpus.unreadable["line"].to_list() == [1]


def test_an_array_much_longer_than_what_is_held_at_once(tmp_path):
    tweets = [{"id": str(n), "text": f"message {n} " + "y" * 500} for n in range(4000)]
    corpus = read(written(tmp_path, json.dumps(tweets, indent=2, ensure_ascii=False)))
    assert corpus.rows["source_id"].to_list() == [str(n) for n in range(4000)]
    assert corpus.rows["line"].to_list() == [2 + 4 * n for n in range(4000)]


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv"])
def test_gigantic_lines_are_set_aside(tmp_path, monkeypatch, name):
    monkeypatch.setattr(source_files, "LONGEST_LINE", 1000)
    monkeypatch.setattr(values_module, "LONGEST_LINE", 1000)
    row = '{{"text": "{}"}}\n' if name == "t.jsonl" else "{}\n"
    head = "" if name == "t.jsonl" else "text\n"
    content = head + "".join(row.format(text) for text in ("before", "x" * 5000, "after"))
    corpus = read(written(tmp_path, content, name))
    assert corpus.rows["text"].to_list() == ["before", "after"]
    assert "more than 1,000 characters" in corpus.unreadable["reason"][0]
    assert corpus.rows["line"][-1] == corpus.unreadable["line"][0] + 1


PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            *(
                b"{",
                b"}",
                b"[",
                b"]",
                b'"',
                b",",
                b"\n",
                b"\r\n",
                b"\t",
                b":",
                b"\\",
                b"\x00",
                b"\xff",
                b"\xef\xbb\xbf",
            ),
            *(b"text", b'"text"', b'{"id": "1", "text": "x"}', b'{"data": ', b'"includes": ', b'{"tweet": '),
            *(b'"user": {', b'"full_text": 1', b'"created_at": "2013"', b"\\ud800", b"text,id\n", b"1e999"),
            b"window.YTD.tweets.part0 = ",
            b'{"kind": "Listing", "data": 3}',
            b'{"post": {"record": {"text": 3, "createdAt": []}}}',
            b'{"account": {}, "content": "<p", "reblog": 1}',
            b'{"body": [], "subreddit": {}, "created_utc": "x"}',
        ]
    ),
)
START = st.sampled_from(
    [b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"PK\x03\x04", b"\x50\x2a\x4d\x18", b"text\n"]
)


@given(START, st.lists(PIECES, max_size=30), st.sampled_from(TOLD))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(tmp_path, start, pieces, told):
    source = written(tmp_path, start + b"".join(pieces), format=told)
    try:
        corpus = read(source)
    except InputError as error:
        said = [str(tmp_path) in fault and "\n" not in fault for fault in error.faults]
        assert all(said), error  # noqa: PT017  either end is right
    else:
        assert len(corpus.rows) > 0
        assert corpus.rows["text"].str.strip_chars().str.len_chars().min() > 0


KEYS = [
    "id", "id_str", "text", "full_text", "user", "screen_name", "author", "username",
    "retweeted_status", "extended_tweet", "created_at", "lang", "data", "includes", "users", "tweets",
    "meta", "result_count", "referenced_tweets", "type", "note_tweet", "tweet", "kind", "children",
    "body", "title", "selftext", "subreddit", "created_utc", "crosspost_parent", "content", "account",
    "acct", "reblog", "post", "record", "reason", "by", "uri", "value", "commit", "rkey", "langs",
    "createdAt", "$type", "statuses", "feed",
]  # fmt: skip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=12,
)


@given(st.lists(JSON, min_size=1, max_size=4), st.sampled_from(sorted({*TOLD} - {*ingest.TABLES})))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_objects_of_any_shape_are_read_or_refused(tmp_path, values, told):
    content = "\n".join(map(json.dumps, [*values, {"id": "1", "text": "sound"}]))
    try:
        corpus = read(written(tmp_path, content, format=told))
    except InputError:
        return
    corpus.rows.write_parquet(tmp_path / "rows.parquet")  # nothing in it that cannot be stored


@given(st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_rows_changes_nothing_but_their_places(tmp_path, random):
    header, *lines = (DEMO / "search-phrase.csv").read_text().splitlines()
    lines = lines[:80]
    shuffled = random.sample(lines, len(lines))
    columns = PHRASE_COLUMNS.model_copy(update={"id": None})
    first, second = (
        read(written(tmp_path, "\n".join([header, *order]), "t.csv", columns=columns, day_first=True)).rows
        for order in (lines, shuffled)
    )
    places = ("row", "line")
    assert sorted(first.drop(places).rows()) == sorted(second.drop(places).rows())
