"""Each message counts once, and every raw row is accounted for."""
# ruff: noqa: RUF001 - full-width letters stand in the messages

import csv
import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.columns import OUTCOMES, ROWS, UNIQUE, UNREADABLE
from themeloom.config import RepeatsConfig
from themeloom.corpus.repeats import find_repeats
from themeloom.records import RawCorpus, UniqueCorpus

START = datetime(2020, 1, 1, tzinfo=UTC)
LONG = (
    "The nurse on nights sat with me for an hour and listened when nobody else on the ward would look at me"
)
DEMO = files("themeloom") / "data" / "dearmhp"


def corpus(rows, unreadable=()):
    return RawCorpus(
        pl.DataFrame(rows, schema=ROWS, orient="row"),
        pl.DataFrame(list(unreadable), schema=UNREADABLE, orient="row"),
    )


def row(
    number, author, text, *, source_id=None, repeat_of=None, at=None, author_id=None, file="a.csv", group=None
):
    created_at = START + timedelta(minutes=number) if at is None else at
    key = source_id or f"{number:03}"
    return (number, file, number + 1, key, author_id, author, created_at, text, None, group, repeat_of)


def messages(*said):
    return corpus([row(number, author, text) for number, (author, text) in enumerate(said)])


def repeats(raw, threshold=0.8):
    return find_repeats(raw, RepeatsConfig(near_duplicates=threshold))


def belongs(found: UniqueCorpus) -> dict[str, str]:
    return dict(found.outcomes.select("source_id", "kept_id").iter_rows())


def outcomes(found: UniqueCorpus) -> list[str]:
    return found.outcomes.sort("line")["outcome"].to_list()


def two(first, second):
    """What becomes of the second of two messages."""
    return outcomes(repeats(messages(first, second)))[1]


@pytest.fixture(scope="module")
def demo() -> RawCorpus:
    rows = []
    for line, text in enumerate((DEMO / "search-hashtag.jsonl").read_text("utf-8").splitlines(), 1):
        tweet = json.loads(text)
        retweeted = [ref["id"] for ref in tweet.get("referenced_tweets", ()) if ref["type"] == "retweeted"]
        author, at = tweet["author"]["username"].lower(), datetime.fromisoformat(tweet["created_at"])
        who = (tweet["id"], tweet["author_id"], author)
        said = (tweet["text"], tweet["lang"], None, retweeted[0] if retweeted else None)
        rows.append((len(rows), "search-hashtag.jsonl", line, *who, at, *said))
    with (DEMO / "search-phrase.csv").open(encoding="utf-8", newline="") as lines:
        for line, cells in enumerate(csv.DictReader(lines), 2):
            at = datetime.strptime(cells["date"], "%d/%m/%Y %H:%M").replace(tzinfo=UTC)
            who = (cells["tweet_id"], None, cells["screen_name"].lower())
            rows.append((len(rows), "search-phrase.csv", line, *who, at, cells["content"], None, None, None))
    return corpus(rows)


@pytest.fixture(scope="module")
def found(demo) -> UniqueCorpus:
    return repeats(demo)


def test_the_demonstration_study_flows_as_it_says(found):
    flow = found.flow
    assert (flow.identified, flow.ids, flow.unique) == (1195, 905, 515)
    assert flow.identified - flow.same_id - flow.retweets - flow.copies - flow.near_duplicates == flow.unique
    assert dict(found.messages.schema) == UNIQUE
    assert dict(found.outcomes.schema) == OUTCOMES
    assert found.messages["times_seen"].sum() == flow.ids


def test_labelled_messages_of_the_demonstration_study_stay_apart(found):
    with (DEMO / "labels.csv").open(encoding="utf-8", newline="") as lines:
        labelled = {cells["tweet_id"] for cells in csv.DictReader(lines)}
    assert len(labelled) == 200
    assert labelled <= set(found.messages["source_id"])


def test_native_retweets_belong_to_what_they_repeat(demo, found):
    kept = belongs(found)
    native = dict(demo.rows.drop_nulls("repeat_of").select("source_id", "repeat_of").iter_rows())
    assert len(native) == found.flow.retweets == 241
    assert {key: kept[key] for key in native} == {key: kept[original] for key, original in native.items()}


def test_the_order_of_rows_makes_no_difference(demo, found):
    shuffled = RawCorpus(demo.rows.sample(fraction=1, shuffle=True, seed=5), demo.unreadable)
    again = repeats(shuffled)
    assert again.messages.equals(found.messages)
    assert again.outcomes.equals(found.outcomes)


def test_kept_messages_repeat_nothing_among_themselves(found):
    assert_idempotent(found)


def assert_idempotent(found):
    kept = found.messages.with_row_index("row").with_columns(
        file=pl.lit("kept"), line=pl.col("row"), repeat_of=pl.lit(None)
    )
    rows = kept.select(pl.col(name).cast(kind) for name, kind in ROWS.items())
    again = repeats(RawCorpus(rows, pl.DataFrame(schema=UNREADABLE)))
    assert again.messages.select("source_id", "text").equals(found.messages.select("source_id", "text"))


@pytest.mark.parametrize(
    "copy",
    [
        LONG.upper(),
        f"  {LONG.replace(' ', '  ')} ",
        LONG + "!!",
        LONG + " ..",
        LONG + " #mh",
        "#ward #mh " + LONG,
        LONG + " http://t.co/Ab12",
        LONG.replace("ward", "#ward"),
        f"RT @ann: {LONG}",
        f"rt @Ann {LONG}",
        f"RT @bob: RT @ann: {LONG}",
        f"MT @ann: {LONG}",
        f'"@ann: {LONG}"',
        f"“@ann: {LONG}”",
        f"“@ann: {LONG}” yes this",
        f"“{LONG}” - @ann",
        f"@ann: {LONG}",
        f"{LONG} via @ann",
        f"{LONG} (via @ann)",
        f"{LONG} via @an...",
        f"So true! RT @ann: {LONG}",
        f"RT @ann: {LONG[:70]}…",
        f'"@ann: {LONG[:70]}...',
        f"RT @ann: {LONG[:70]}… https://t.co/x",
        f"{LONG[:90]}...",
        f"RT @ann: {LONG[:70]}",
        "ＲＴ　@ann: " + LONG,
    ],
)
def test_copies_are_repeats(copy):
    first = repeats(messages(("ann", LONG), ("zoe", copy)))
    assert first.flow.unique == 1
    assert first.messages.row(0, named=True)["text"] == LONG
    assert first.messages.row(0, named=True)["repeated_by"] == ["zoe"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("thank you", "thanks all"),
        ("Thank you Jo", "Thank you Flo"),
        ("insight (noun): agreeing with him", "insight, noun: agreeing with him"),
        ("Great blog http://t.co/a", "Great blog http://t.co/b"),
        ("http://t.co/a", "http://t.co/b"),
        ("I feel #happy", "I feel #sad"),
        ("thank you 😀", "thank you 😢"),
        ("off to see them :)", "off to see them :("),
        ("???", "!!!"),
        (f"1/2 {LONG}", f"2/2 {LONG}"),
        (LONG, LONG.replace("would look", "would not look")),
        (LONG.replace("nurse", "nurse Jo"), LONG.replace("nurse", "nurse Flo")),
        (LONG.replace("an hour", "2 hours"), LONG.replace("an hour", "3 hours")),
        (LONG.replace("an hour", "two hours"), LONG.replace("an hour", "three hours")),
        (LONG, f"I have said so for years to anyone who would listen RT @ann: {LONG}"),
        ("Thank you so much, all of you on ward 6", "Thank you..."),
        ("Read this http://t.co/x via @paper", "Look at that http://t.co/y via @paper"),
        ("先生、ありがとうございました", "先生、ありがとうございませんでした"),
        ("हिन्दी की किताब", "हिन्दू का कातिब"),
        ("RT @ann:", "RT @bob:"),
    ],
)
def test_different_messages_stay_apart(one, other):
    assert two(("ann", one), ("zoe", other)) == "kept"


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("Thank you!", "thank  you", "copy"),
        ("Ｔｈａｎｋ　ｙｏｕ", "thank you", "copy"),
        ("He said &quot;no&quot; &amp; left", "he said “no” & left", "copy"),
        ("ta duck x #ward", "ta duck x #ward #mh", "copy"),
        ("先生、 ありがとう", "先生、ありがとう。", "copy"),
        ("Read what I wrote of it http://t.co/a", "Read what I wrote of it http://t.co/b", "copy"),
        (LONG, LONG.replace("hour", "hours"), "near-duplicate"),
        (
            LONG,
            f"MT @ann: {LONG.replace('with', 'w/').replace('and', '&').replace('else ', '')}",
            "near-duplicate",
        ),
        (LONG * 20, LONG * 10 + " Edit: 2 typos. " + LONG * 10, "near-duplicate"),
    ],
)
def test_same_messages_are_joined(one, other, outcome):
    assert two(("ann", one), ("zoe", other)) == outcome


def test_few_words_gain_a_link_only_from_the_same_voice():
    assert two(("ann", "ta duck x"), ("ann", "ta duck x http://t.co/a")) == "copy"
    assert two(("ann", "ta duck x"), ("zoe", "ta duck x http://t.co/a")) == "kept"


def test_a_threshold_of_one_leaves_near_duplicates_alone():
    near = messages(("ann", LONG), ("zoe", LONG.replace("hour", "hours")))
    assert repeats(near).flow.near_duplicates == 1
    assert repeats(near, threshold=1.0).flow.near_duplicates == 0


def test_small_changes_do_not_chain():
    words = LONG.split()
    said = [
        ("ann", " ".join([word + "s" * (place < step) for place, word in enumerate(words)]))
        for step in range(12)
    ]
    found = repeats(messages(*said))
    assert found.flow.near_duplicates > 0
    assert found.flow.unique > 1


def test_a_short_opening_belongs_to_the_author_it_names_or_to_none():
    found = repeats(
        messages(
            ("ann", "Thank you so much, all of you"),
            ("bob", "Thank you for nothing, ward 6"),
            ("zoe", "RT @bob: Thank…"),
            ("zoe", "RT @kim: Thank…"),
        )
    )
    assert belongs(found) == {"000": "000", "001": "001", "002": "001", "003": "003"}
    assert found.messages["text"].to_list()[-1] == "Thank…"


def test_a_retweet_stands_in_for_a_missing_original():
    found = repeats(
        corpus(
            [
                row(0, "zoe", f"RT @ann: {LONG[:80]}…", repeat_of="99"),
                row(1, "bob", f"RT @ann: {LONG[:80]}…", repeat_of="99"),
                row(2, "kim", f"RT @zoe: RT @ann: {LONG[:50]}…", repeat_of="000"),
                row(3, "kim", f"RT @joe: {LONG[::-1]}"),
            ]
        )
    )
    assert outcomes(found) == ["kept", "retweet", "retweet", "kept"]
    assert found.messages["text"].to_list() == [LONG[:80] + "…", LONG[::-1]]
    assert found.messages["times_seen"].to_list() == [3, 1]
    assert found.messages["repeated_by"].to_list() == [["bob", "kim"], []]


def test_a_whole_copy_stands_in_before_a_cut_one():
    found = repeats(messages(("zoe", f"RT @ann: {LONG[:60]}…"), ("bob", f"RT @ann: {LONG}")))
    assert found.messages["text"].to_list() == [LONG]
    assert belongs(found) == {"000": "001", "001": "001"}


def test_circles_of_retweets_end():
    found = repeats(
        corpus([row(0, "a", "one two", repeat_of="001"), row(1, "b", "three four", repeat_of="000")])
    )
    assert outcomes(found) == ["kept", "retweet"]


def test_rows_of_one_id_fill_each_other_up():
    exact = START + timedelta(seconds=42)
    rows = [
        row(0, "ann", LONG[:50] + "…", source_id="7", at=exact),
        row(1, "ann", LONG, source_id="7", at=START, author_id="1", file="b.csv"),
    ]
    for order in (rows, rows[::-1]):
        found = repeats(corpus(order))
        kept = found.messages.row(0, named=True)
        assert (kept["text"], kept["created_at"], kept["author_id"]) == (LONG, exact, "1")
        assert found.outcomes.select("file", "outcome").rows() == [("a.csv", "same-id"), ("b.csv", "kept")]
        assert found.flow.same_id == 1
        assert found.messages["times_seen"].to_list() == [1]


def test_the_earliest_is_kept_and_unknown_times_come_last():
    rows = [
        (*row(0, "ann", LONG)[:6], None, *row(0, "ann", LONG)[7:]),
        row(1, "bob", LONG),
        row(2, None, LONG),
    ]
    found = repeats(corpus(rows))
    assert found.messages.select("source_id", "repeated_by", "times_seen").rows() == [("001", ["ann"], 3)]


def test_unreadable_rows_are_accounted_for():
    found = repeats(corpus([row(0, "ann", LONG)], [("a.csv", 9, None, "no text")]))
    assert found.outcomes.rows()[1] == ("a.csv", 9, None, "unreadable", None, "no text")
    assert (found.flow.identified, found.flow.unreadable, found.flow.unique) == (2, 1, 1)


def test_an_empty_corpus_is_no_fault():
    found = repeats(corpus([]))
    assert found.flow.unique == 0
    assert dict(found.messages.schema) == UNIQUE


def test_progress_comes_to_its_end(demo):
    class Watcher:
        total, done = 0, 0

        def begin(self, total, unit):
            assert unit == "messages"
            self.total = total

        def advance(self, steps=1):
            self.done += steps

    watcher = Watcher()
    find_repeats(demo, RepeatsConfig(), watcher)
    assert watcher.done == watcher.total > 0


WORDS = st.sampled_from(
    [
        "thank",
        "you",
        "all",
        "jo",
        "flo",
        "ward",
        "not",
        "nurse",
        "1/2",
        "http://t.co/a",
        "http://t.co/b",
        "#mh",
        ":)",
    ]
)
BODY = st.one_of(st.just(LONG), st.lists(WORDS, min_size=1, max_size=12).map(" ".join))
DRESS = st.sampled_from(
    ["{}", "RT @ann: {}", "MT @bob {}", "“@ann: {}”", "{} via @bob", "{}!", "so true RT @bob: {}"]
)
SAID = st.tuples(st.sampled_from(["ann", "bob", "zoe"]), st.builds(str.format, DRESS, BODY))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(said=st.lists(SAID, min_size=1, max_size=12), seed=st.integers(0, 2**16))
def test_whatever_is_said_every_row_has_its_place(said, seed):
    rows = messages(*said).rows
    found = repeats(corpus(rows.rows()))
    shuffled = rows.sample(fraction=1, shuffle=True, seed=seed)
    assert repeats(RawCorpus(shuffled, pl.DataFrame(schema=UNREADABLE))).outcomes.equals(found.outcomes)
    kept = set(found.messages["source_id"])
    assert found.outcomes.height == len(said)
    assert set(found.outcomes["kept_id"]) == kept
    assert set(found.outcomes.filter(pl.col("outcome") == "kept")["source_id"]) == kept
    assert found.messages["text"].str.strip_chars().str.len_chars().min() > 0
    assert_idempotent(found)


def test_many_messages_with_one_opening_take_no_square_time():
    said = [("zoe", f"RT @ann{number % 50}: Thank you…") for number in range(3000)]
    said += [
        (f"u{number}", f"thank you all {number} #tag{number} http://t.co/{number}") for number in range(3000)
    ]
    found = repeats(messages(*said))
    assert found.flow.unique == 3050


def test_a_message_is_of_the_group_of_its_original_and_where_an_id_has_none_in_one_file_of_that_in_another():
    rows = [
        row(0, "ann", LONG, group="before"),
        row(1, "bob", LONG, group="after"),
        row(2, "cat", "The bus was late again", source_id="x"),
        row(3, "cat", "The bus was late again", source_id="x", at=START, file="b.csv", group="after"),
    ]
    for order in (rows, rows[::-1]):
        found = repeats(corpus(order)).messages
        assert dict(found.select("source_id", "group").iter_rows()) == {"000": "before", "x": "after"}
