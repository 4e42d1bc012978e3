"""Each platform's export, in the shapes that it really has."""

import gzip
import json
from datetime import UTC, datetime

import pytest
import zstandard

from themeloom.config import IngestConfig, SourceConfig
from themeloom.corpus import files
from themeloom.corpus.ingest import read_sources
from themeloom.errors import InputError

WHEN = datetime(2013, 8, 10, 8, 25, 3, tzinfo=UTC)
ID = "366000031296528431"

V2 = {
    "id": ID,
    "text": "Ask me what helps &amp; wait",
    "created_at": "2013-08-10T08:25:03.000Z",
    "author_id": "509226649",
    "lang": "en",
    "edit_history_tweet_ids": [ID],
}
V2_PAGE = {
    "data": [
        V2,
        {
            "id": "366000031296528432",
            "text": "RT @FlintNotes: Ask me what helps, and wait for the answer however long it ta…",
            "created_at": "2013-08-10T08:26:03.000Z",
            "author_id": "2",
            "lang": "und",
            "referenced_tweets": [{"type": "retweeted", "id": "77"}],
        },
        {"id": "3", "text": "Yes", "author_id": "2", "referenced_tweets": [{"type": "quoted", "id": "77"}]},
        {"id": "4", "text": "cut", "author_id": "2", "note_tweet": {"text": "cut no more, all of it"}},
    ],
    "includes": {
        "users": [{"id": "509226649", "username": "FlintNotes", "name": "F"}, {"id": "2", "username": "B_2"}],
        "tweets": [{"id": "77", "text": "Ask me what helps, and wait for the answer however long it takes."}],
    },
    "meta": {"result_count": 4, "next_token": "x"},
    "__twarc": {"version": "2.14.0"},
}
V1_USER = {"id": 509226649, "id_str": "509226649", "screen_name": "FlintNotes"}
V1 = {
    "created_at": "Sat Aug 10 08:25:03 +0000 2013",
    "id": int(ID),
    "id_str": ID,
    "full_text": "Ask me what helps &amp; wait",
    "user": V1_USER,
    "lang": "en",
    "truncated": False,
}
V1_RETWEET = {
    "created_at": "Sat Aug 10 08:26:03 +0000 2013",
    "id": 366000031296528432,
    "text": "RT @FlintNotes: Ask me what helps, and wait for the answer however long it ta…",
    "user": {"id": 2, "screen_name": "B_2"},
    "retweeted_status": {
        **V1,
        "text": "Ask me what…",
        "extended_tweet": {"full_text": "Ask me what helps, and wait for the answer however long it takes."},
    },
}
V1_EXTENDED = {
    "created_at": "Sat Aug 10 08:25:03 +0000 2013",
    "id_str": "5",
    "text": "the first…",
    "truncated": True,
    "extended_tweet": {"full_text": "the first words and the last"},
    "user": V1_USER,
}


def read(tmp_path, content, name="export.json", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_sources([SourceConfig(path=str(path), **options)], IngestConfig())


def jsonl(*values):
    return "\n".join(json.dumps(value) for value in values)


def rows(corpus):
    return corpus.rows.to_dicts()


def check_first(row, **others):
    wanted = {
        "row": 0,
        "source_id": ID,
        "author_id": "509226649",
        "author": "flintnotes",
        "created_at": WHEN,
        "text": "Ask me what helps & wait",
        "lang": "en",
        "repeat_of": None,
    }
    assert {key: row[key] for key in wanted} == wanted | others


@pytest.mark.parametrize("told", ["auto", "x-v2"])
@pytest.mark.parametrize(
    "lay_out", [jsonl, lambda *values: json.dumps(values), lambda *v: json.dumps(v, indent=2)]
)
def test_x_v2_objects_as_lines_and_as_arrays(tmp_path, told, lay_out):
    second = {"id": "2", "text": "plain"}
    corpus = read(tmp_path, lay_out(V2, second), format=told)
    check_first(rows(corpus)[0], author=None)
    assert corpus.rows["source_id"].to_list() == [ID, "2"]
    assert corpus.unreadable.is_empty()


@pytest.mark.parametrize(
    "lay_out",
    [
        jsonl,
        lambda *values: json.dumps(values),
        lambda *values: "\n".join(json.dumps(value, indent=4) for value in values),
        lambda *values: json.dumps(values[0], indent=1),
    ],
)
def test_x_v2_pages_know_their_authors_and_what_was_retweeted(tmp_path, lay_out):
    empty = {"meta": {"result_count": 0}}
    corpus = read(tmp_path, lay_out(V2_PAGE, empty))
    first, retweet, quote, note = rows(corpus)
    check_first(first)
    assert retweet["repeat_of"] == "77"
    assert retweet["author"] == "b_2"
    assert retweet["lang"] is None
    assert (
        retweet["text"] == "RT @FlintNotes: Ask me what helps, and wait for the answer however long it takes."
    )
    assert quote["repeat_of"] is None
    assert note["text"] == "cut no more, all of it"
    assert corpus.unreadable.is_empty()


def test_a_page_that_is_longer_than_any_head(tmp_path):
    page = {"data": [{**V2, "id": str(n), "text": f"{n} " * 500} for n in range(1000)], "includes": {}}
    corpus = read(tmp_path, jsonl(page, page))
    assert len(corpus.rows) == 2000
    assert corpus.rows["line"].unique().to_list() == [1, 2]


def test_twarc2_flattened_lines_carry_their_author_and_what_they_refer_to(tmp_path):
    flat = {
        **V2_PAGE["data"][1],
        "author": {"id": "2", "username": "B_2", "public_metrics": {}},
        "referenced_tweets": [{"type": "retweeted", "id": "77", "text": "Ask me what helps, always."}],
    }
    corpus = read(tmp_path, jsonl({**V2, "author": {"id": "509226649", "username": "FlintNotes"}}, flat))
    first, retweet = rows(corpus)
    check_first(first)
    assert (retweet["repeat_of"], retweet["author"]) == ("77", "b_2")
    assert retweet["text"] == "RT @FlintNotes: Ask me what helps, always."


def test_x_v2_stream_objects_hold_one_tweet_each(tmp_path):
    event = {"data": V2, "includes": V2_PAGE["includes"], "matching_rules": [{"id": "1", "tag": ""}]}
    check_first(rows(read(tmp_path, jsonl(event)))[0])


@pytest.mark.parametrize("told", ["auto", "x-v1"])
@pytest.mark.parametrize("lay_out", [jsonl, lambda *v: json.dumps({"statuses": v, "search_metadata": {}})])
def test_x_v1_objects(tmp_path, told, lay_out):
    first, retweet, extended = rows(read(tmp_path, lay_out(V1, V1_RETWEET, V1_EXTENDED), format=told))
    check_first(first)
    assert retweet["source_id"] == "366000031296528432"  # from a number, to the last digit
    assert retweet["author_id"] == "2"
    assert retweet["repeat_of"] == ID
    assert (
        retweet["text"] == "RT @FlintNotes: Ask me what helps, and wait for the answer however long it takes."
    )
    assert extended["text"] == "the first words and the last"


@pytest.mark.parametrize("told", ["auto", "x-archive"])
@pytest.mark.parametrize("name", ["tweets", "tweet"])
def test_the_x_archive(tmp_path, told, name):
    own = {key: value for key, value in V1.items() if key != "user"}
    content = f"window.YTD.{name}.part0 = " + json.dumps(
        [{"tweet": own}, {"tweet": {**own, "id_str": "2"}}], indent=2
    )
    corpus = read(tmp_path, content, name="tweets.js", format=told)
    first, second = rows(corpus)
    check_first(first, author=None, author_id=None)
    assert second["source_id"] == "2"
    assert [first["line"], second["line"]] == [2, 12]
    assert corpus.unreadable.is_empty()


SUBMISSION = {
    "id": "1k2abc",
    "name": "t3_1k2abc",
    "subreddit": "nhs",
    "title": "Waiting &amp; waiting",
    "selftext": "Eight months now.",
    "author": "Plover_Wool",
    "author_fullname": "t2_9",
    "created_utc": 1376123103,
    "is_self": True,
}
COMMENT = {
    "id": "cbk12",
    "link_id": "t3_1k2abc",
    "parent_id": "t3_1k2abc",
    "subreddit": "nhs",
    "body": "Same here",
    "author": "[deleted]",
    "created_utc": "1376123103",
}


@pytest.mark.parametrize("told", ["auto", "reddit"])
def test_reddit_submissions_and_comments(tmp_path, told):
    crosspost = {**SUBMISSION, "id": "2", "selftext": "[removed]", "crosspost_parent": "t3_1k2abc"}
    gone = [
        {**COMMENT, "body": "[deleted]"},
        {**SUBMISSION, "title": "[deleted by user]", "selftext": "[removed]"},
    ]
    corpus = read(tmp_path, jsonl(SUBMISSION, COMMENT, crosspost, *gone), format=told)
    post, comment, cross = rows(corpus)
    assert post["text"] == "Waiting & waiting\n\nEight months now."
    assert (post["source_id"], post["author"], post["author_id"]) == ("1k2abc", "plover_wool", "t2_9")
    assert post["created_at"] == comment["created_at"] == WHEN
    assert (comment["text"], comment["author"]) == ("Same here", None)
    assert (cross["text"], cross["repeat_of"]) == ("Waiting & waiting", "1k2abc")
    assert corpus.unreadable.rows() == [
        ("export.json", 4, "cbk12", "no text"),
        ("export.json", 5, "1k2abc", "no text"),
    ]


def test_a_reddit_listing(tmp_path):
    listing = {
        "kind": "Listing",
        "data": {"children": [{"kind": "t3", "data": SUBMISSION}, {"kind": "t1", "data": COMMENT}]},
    }
    assert read(tmp_path, jsonl(listing)).rows["source_id"].to_list() == ["1k2abc", "cbk12"]


STATUS = {
    "id": "112",
    "created_at": "2013-08-10T08:25:03.000Z",
    "uri": "https://example.social/users/x/statuses/112",
    "language": "en",
    "content": '<p>Hello <span class="h-card"><a href="https://example.social/@moss" class="u-url mention">'
    "@<span>moss</span></a></span><br />see&nbsp;"
    '<a href="https://example.org/a-page"><span class="invisible">https://</span>'
    '<span class="ellipsis">example.org/</span><span class="invisible">a-page</span></a></p>'
    "<p>1 &lt; 2 &amp; it&#39;s so</p>",
    "account": {"id": "9", "acct": "Flint@example.social", "username": "Flint"},
    "reblog": None,
}


@pytest.mark.parametrize("told", ["auto", "mastodon"])
@pytest.mark.parametrize("lay_out", [jsonl, lambda *v: json.dumps(v), lambda *v: json.dumps({"statuses": v})])
def test_mastodon_statuses(tmp_path, told, lay_out):
    boost = {**STATUS, "id": "113", "content": "", "account": {"id": "10", "acct": "b"}, "reblog": STATUS}
    first, second = rows(read(tmp_path, lay_out(STATUS, boost), format=told))
    assert first["text"] == "Hello @moss\nsee\u00a0https://example.org/a-page\n\n1 < 2 & it's so"
    assert (first["source_id"], first["author"], first["author_id"]) == ("112", "flint@example.social", "9")
    assert (first["created_at"], first["lang"], first["repeat_of"]) == (WHEN, "en", None)
    assert (second["source_id"], second["author"], second["repeat_of"]) == ("113", "b", "112")
    assert second["text"] == first["text"]


URI = "at://did:plc:abc/app.bsky.feed.post/3kxyz"
RECORD = {
    "$type": "app.bsky.feed.post",
    "text": "Ask me first",
    "createdAt": "2013-08-10T08:25:03.000Z",
    "langs": ["en"],
}
POST = {
    "uri": URI,
    "cid": "bafy",
    "author": {"did": "did:plc:abc", "handle": "Flint.bsky.social"},
    "record": RECORD,
    "indexedAt": "2013-08-10T08:25:04.000Z",
}


@pytest.mark.parametrize("told", ["auto", "bluesky"])
@pytest.mark.parametrize(
    "lay_out",
    [
        jsonl,
        lambda post: json.dumps({"posts": [post], "cursor": "c"}, indent=2),
        lambda post: json.dumps({"feed": [{"post": post}], "cursor": "c"}),
    ],
)
def test_bluesky_post_views_and_feeds(tmp_path, told, lay_out):
    (row,) = rows(read(tmp_path, lay_out(POST), format=told))
    assert (row["source_id"], row["text"], row["created_at"]) == (URI, "Ask me first", WHEN)
    assert (row["author"], row["author_id"], row["lang"]) == ("flint.bsky.social", "did:plc:abc", "en")


def test_a_bluesky_repost_repeats_the_post(tmp_path):
    reason = {
        "$type": "app.bsky.feed.defs#reasonRepost",
        "by": {"did": "did:plc:def", "handle": "moss.example"},
        "indexedAt": "2013-08-11T08:25:03.000Z",
    }
    original, repost = rows(
        read(tmp_path, json.dumps({"feed": [{"post": POST}, {"post": POST, "reason": reason}]}))
    )
    assert repost["source_id"] != original["source_id"] == URI
    assert (repost["repeat_of"], repost["author"]) == (URI, "moss.example")
    assert repost["created_at"] == datetime(2013, 8, 11, 8, 25, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "item",
    [
        {"uri": URI, "cid": "bafy", "value": RECORD},
        {
            "did": "did:plc:abc",
            "kind": "commit",
            "commit": {
                "operation": "create",
                "collection": "app.bsky.feed.post",
                "rkey": "3kxyz",
                "record": RECORD,
            },
        },
    ],
)
def test_bluesky_records_and_stream_events(tmp_path, item):
    (row,) = rows(read(tmp_path, jsonl(item)))
    assert (row["source_id"], row["author_id"], row["text"]) == (URI, "did:plc:abc", "Ask me first")


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        zstandard.compress,
        lambda data: gzip.compress(data[:40]) + gzip.compress(data[40:]) + b"\0" * 100,
        lambda data: (
            b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstandard.compress(data[:9]) + zstandard.compress(data[9:])
        ),
    ],
)
def test_compression_is_told_by_content(tmp_path, pack):
    check_first(rows(read(tmp_path, pack(jsonl(V2).encode()), name="export.txt"))[0], author=None)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_what_stands_before_damage_is_kept(tmp_path, pack):
    content = "\n".join(json.dumps({**V2, "id": str(n * 7919 % 10007)}) for n in range(5000))
    packed = pack(content.encode())
    corpus = read(tmp_path, packed[: len(packed) // 2])
    assert 500 < len(corpus.rows) < 5000
    assert corpus.unreadable["reason"][-1] == "the compressed data is cut off; what follows is lost"
    spoiled = packed[: len(packed) // 2] + b"\0\xff" * 2000 + packed[len(packed) // 2 :]
    assert "compressed data" in read(tmp_path, spoiled).unreadable["reason"][-1]


def test_a_decompression_bomb_is_not_read_on(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_HARMLESS", 2**22)
    monkeypatch.setattr(files, "_PIECE", 64)
    line = (jsonl({**V2, "text": "x" * 10_000}) + "\n").encode()
    bomb = zstandard.compress(line * 4000)
    corpus = read(tmp_path, bomb)
    assert len(corpus.rows) < 4000
    assert "expands more than 200 times" in corpus.unreadable["reason"][-1]


@pytest.mark.parametrize("told", ["x-v1", "reddit", "mastodon", "bluesky"])
def test_objects_of_another_format_are_refused(tmp_path, told):
    with pytest.raises(InputError, match=f"none of its 1 rows.*not an object of the format {told}"):
        read(tmp_path, jsonl(V2), format=told)


def test_a_mixed_file_sets_strangers_aside(tmp_path):
    corpus = read(tmp_path, jsonl(V2, {"delete": {"status": {"id": 1}}}, [1, 2], 3, "x"))
    assert len(corpus.rows) == 1
    assert corpus.unreadable["line"].to_list() == [2, 3, 4, 5]
    assert corpus.unreadable["reason"].to_list() == [
        "not an object of the format x-v2",
        *["not a JSON object"] * 3,
    ]
