"""Masking a study, and masking new messages in the same way."""
# ruff: noqa: RUF001 - letters of many scripts stand in the messages

import ast
import csv
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from themeloom.columns import ASIDE, COMMUNICATIONS, OUTCOMES, UNIQUE
from themeloom.config import AnonymiseConfig
from themeloom.corpus import anonymise as stage
from themeloom.corpus.anonymise import anonymise, mask_texts, strip_numbers
from themeloom.corpus.recognise import RULES, fingerprint, recognise
from themeloom.corpus.vault import Vault
from themeloom.records import Flow, UniqueCorpus

PLAIN = AnonymiseConfig()
SAMPLE = Path(__file__).parents[1] / "data" / "identifying-sample.jsonl"
START = datetime(2020, 1, 1, tzinfo=UTC)

pieces = st.sampled_from(
    ["Dr Smith", "Trudy", "trudy", "[person 3]", "[person", "3]", "]", "[", "@some_one", "http://example.org/a",
     "in", "Larchbeck", "01632 960417", "a@example.org", "Ward", "The", "cried", "I", ".", "!", "#tag",
     "LS1 4AP", "\n", "THANKS", "943 476 5919", "St", "J.", "[link]", "é", "\U0001f600"]
)  # fmt: skip
messages = st.one_of(
    st.lists(pieces, max_size=12).map(" ".join),
    st.lists(pieces, max_size=6).map("".join),
    st.text(max_size=60),
)


def unique(*texts: str, author: str | None = "somebody", author_id: str | None = "5") -> UniqueCorpus:
    count = len(texts)
    ids = [str(1000 + at) for at in range(count)]
    rows = {
        "source_id": ids,
        "author_id": [author_id] * count,
        "author": [author] * count,
        "created_at": [START + timedelta(hours=at) for at in range(count)],
        "text": list(texts),
        "lang": ["en"] * count,
        "group": ["ward"] * count,
        "times_seen": [1] * count,
        "repeated_by": [["zoe", "adam"]] * count,
    }
    outcomes = [("a.csv", at, source_id, "kept", source_id, None) for at, source_id in enumerate(ids)]
    outcomes += [("a.csv", 97, "7", "retweet", "1000", None), ("a.csv", 98, "1000", "same-id", "1000", None)]
    outcomes += [
        ("a.csv", 99, None, "unreadable", None, "broken"),
        ("a.csv", 100, "8", "unreadable", None, "broken"),
    ]
    return UniqueCorpus(
        pl.DataFrame(rows, schema=UNIQUE),
        pl.DataFrame(outcomes, schema=OUTCOMES, orient="row"),
        Flow(count + 4, 2, 1, 1, 0, 0, count),
    )


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "private", "study")


def test_the_same_entity_has_the_same_number(vault: Vault) -> None:
    corpus = anonymise(
        unique(
            "Thanks Dr Tremlow and @Some_One, ring 07700 900362",
            "Then Siobhan came, and TREMLOW's secretary. @some_one knows",
            "I like Prof. Tremlow, on +44 7700 900 362",
        ),
        PLAIN,
        vault,
    )
    assert corpus.texts == [
        "Thanks [person 1] and [handle 1], ring [phone 1]",
        "Then [person 2] came, and TREMLOW's secretary. [handle 1] knows",
        "I like [person 1], on [phone 1]",
    ]
    assert corpus.masked == {"person": 2, "handle": 1, "phone": 1}
    kept = pl.read_parquet(vault.folder / "placeholders.parquet")
    assert ("[person 1]", "Prof. Tremlow") in kept.rows()


def test_numbers_in_the_digits_of_all_scripts_are_told_apart(vault: Vault) -> None:
    said = ("फ़ोन ९८७६५४३२१०", "فون ٠٥٠١٢٣٤٥٦٧ و ٠٥٠٩٩٩٩٩٩٩", "फ़ोन 9876543210", "電話 ０５０１２３４５６７")
    corpus = anonymise(unique(*said), AnonymiseConfig(names=False), vault)
    assert corpus.texts == [
        "फ़ोन [number 1]",
        "فون [number 2] و [number 3]",
        "फ़ोन [number 1]",
        "電話 [number 2]",
    ]


@pytest.mark.parametrize(
    ("listed", "text", "masked"),
    [
        ("İpek", "İpek, ipek ve İPEK geldi", "[person], [person] ve [person] geldi"),
        ("Ju\u0308lia", "Jülia und Ju\u0308lia", "[person] und [person]"),
        ("Jülia", "JU\u0308LIA kam", "[person] kam"),
        ("राम", "रामी रामू और राम", "रामी रामू और [person]"),
        ("สมชาย", "คุณสมชายมา", "คุณ[person]มา"),
        ("Anna", "我叫Anna很好, Annas", "我叫[person]很好, Annas"),
    ],
)
def test_listed_words_are_found_whole_in_all_scripts(listed: str, text: str, masked: str) -> None:
    assert mask_texts([text], AnonymiseConfig(names=False, mask=(listed,))) == [masked]


def test_numbers_do_not_depend_on_the_order_of_rows(vault: Vault) -> None:
    corpus = unique("I saw Siobhan", "I saw Ibrahim", "I saw Siobhan and Wanjiru")
    straight = anonymise(corpus, PLAIN, vault).communications
    turned = UniqueCorpus(corpus.messages.reverse(), corpus.outcomes.reverse(), corpus.flow)
    assert anonymise(turned, PLAIN, vault).communications.reverse().equals(straight)


def test_a_number_that_was_given_stays(vault: Vault) -> None:
    """What kept models and labelled messages hold goes on to stand for the same people."""
    whole = unique("I saw Ibrahim", "I saw Siobhan", "with WANJIRU and #SiobhanTremlow", "as [person 1] said")
    later = UniqueCorpus(whole.messages.tail(3), whole.outcomes, whole.flow)
    first = anonymise(later, PLAIN, vault)
    kept = pl.read_parquet(vault.folder / "placeholders.parquet").rows()
    assert first.texts[0] == "I saw [person 1]"
    with_an_earlier_row = anonymise(whole, PLAIN, vault)
    assert with_an_earlier_row.texts == ["I saw [person 5]", *first.texts]
    assert with_an_earlier_row.masked == {"person": 5}
    now = pl.read_parquet(vault.folder / "placeholders.parquet").rows()
    assert now == [*kept, ("[person 5]", "Ibrahim")]
    assert anonymise(later, PLAIN, vault).texts == first.texts
    assert anonymise(later, PLAIN, vault).masked == first.masked == {"person": 4}
    assert pl.read_parquet(vault.folder / "placeholders.parquet").rows() == now


def test_a_number_stands_for_one_person_whoever_numbers_at_once(vault: Vault) -> None:
    names = ("Siobhan", "Ibrahim", "Wanjiru", "Trudy")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: anonymise(unique(f"I saw {name}"), PLAIN, vault), names * 2))
    kept = pl.read_parquet(vault.folder / "placeholders.parquet").rows()
    assert sorted(kept) == [(f"[person {at}]", name) for at, (_, name) in enumerate(sorted(kept), start=1)]
    assert {name for _, name in kept} == set(names)


def test_a_typed_placeholder_is_nobody_elses(vault: Vault) -> None:
    corpus = anonymise(unique("I met Siobhan", "as [person 1] said, [person]"), PLAIN, vault)
    assert corpus.texts == ["I met [person 1]", "as [person 2] said, [person 3]"]


def test_ids_and_authors_are_pseudonyms(vault: Vault) -> None:
    corpus = anonymise(unique("one", "two", author="flint"), PLAIN, vault)
    table = corpus.communications
    assert table.schema == pl.Schema(COMMUNICATIONS)
    assert table["doc_id"].to_list() == [vault.doc_id("1000"), vault.doc_id("1001")]
    assert table["author"].to_list() == [vault.pseudonym("flint")] * 2
    assert table["group"].to_list() == ["ward"] * 2
    assert table["repeated_by"][0].to_list() == sorted([vault.pseudonym("adam"), vault.pseudonym("zoe")])
    by_id, unknown = unique("one", author=None), unique("one", author=None, author_id=None)
    assert anonymise(by_id, PLAIN, vault).communications["author"].to_list() == [vault.pseudonym("5")]
    assert anonymise(unknown, PLAIN, vault).communications["author"].to_list() == [None]


def test_the_crosswalk_covers_repeats_and_leaves_out_the_unreadable(vault: Vault) -> None:
    corpus = anonymise(unique("one", "two"), PLAIN, vault)
    first, second = vault.doc_id("1000"), vault.doc_id("1001")
    assert corpus.crosswalk.rows() == [("1000", first), ("1001", second), ("7", first)]
    assert dict(corpus.aside.schema) == ASIDE
    assert corpus.aside.rows() == [
        ("a.csv", 99, None, "broken", None),
        ("a.csv", 100, "8", "broken", vault.doc_id("8")),
    ]
    assert pl.read_parquet(vault.folder / "crosswalk.parquet").equals(corpus.crosswalk)


def test_a_handle_has_one_number_whatever_stands_before_it(vault: Vault) -> None:
    corpus = anonymise(unique("Thanks u/Some_One", "as /u/some_one said", "@some_one knows"), PLAIN, vault)
    assert corpus.texts == ["Thanks [handle 1]", "as [handle 1] said", "[handle 1] knows"]


def test_a_hashtag_and_capitals_are_of_the_same_person(vault: Vault) -> None:
    corpus = anonymise(
        unique("I met Katherine Tremlow", "KATHERINE TREMLOW", "#KatherineTremlow"), PLAIN, vault
    )
    assert corpus.texts == ["I met [person 1]", "[person 1]", "[person 1]"]


def test_an_empty_corpus_stays_empty(vault: Vault) -> None:
    corpus = anonymise(unique(), PLAIN, vault)
    assert corpus.communications.schema == pl.Schema(COMMUNICATIONS)
    assert corpus.texts == []
    assert corpus.masked == {}


def test_a_second_run_needs_no_recognition(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = "I met Siobhan in Larchbeck", "nobody"
    first = anonymise(unique(*texts), PLAIN, vault)
    asked: list[str] = []
    monkeypatch.setattr(stage, "recognise_all", lambda new, *rest: asked.extend(new) or recognise(new, *rest))
    assert anonymise(unique(*texts), PLAIN, vault).communications.equals(first.communications)
    assert asked == []
    anonymise(unique(*texts, "I met Ibrahim"), PLAIN, vault)
    assert asked == ["I met Ibrahim"]
    anonymise(unique(*texts), AnonymiseConfig(keep=("siobhan",)), vault)
    assert asked == ["I met Ibrahim", *texts]
    assert anonymise(unique(*texts), AnonymiseConfig(names=False), vault).texts == [*texts]
    assert anonymise(unique(*texts), PLAIN, vault).texts == first.texts


def test_what_was_found_hangs_on_all_that_is_asked() -> None:
    class More(AnonymiseConfig):
        more: bool = False

    asked = More(), More(more=True), More(names=False), More(keep=("a",)), More(mask=("a",))
    assert len({fingerprint(one) for one in asked}) == len(asked)


def test_names_are_in_the_vault_only(vault: Vault, tmp_path: Path) -> None:
    corpus = anonymise(
        unique("Siobhan at @some_one wrote siobhan@example.org", author="flintnotes"), PLAIN, vault
    )
    seen = json.dumps([repr(corpus.communications.rows()), corpus.masked])
    assert not re.search(r"siobhan|some_one|flintnotes|example\.org|1000", seen, re.IGNORECASE)
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {vault.folder}


def test_handles_without_an_at_are_masked_on_request() -> None:
    text = "as flintnotes and kettle said to @flintnotes"
    assert mask_texts([text], PLAIN, handles=["@FlintNotes", "kettle"]) == [
        "as [handle] and kettle said to [handle]"
    ]


def test_progress_counts_every_message(vault: Vault) -> None:
    class Watcher:
        total, done = 0, 0

        def begin(self, total: int | None, unit: str) -> None:
            assert unit == "messages"
            self.total, self.done = total or 0, 0

        def advance(self, steps: int = 1) -> None:
            self.done += steps

    watcher = Watcher()
    for texts in (("I met Siobhan", "two", "two"), ("I met Siobhan", "three", "two")):
        anonymise(unique(*texts), PLAIN, vault, watcher)
        assert watcher.done == watcher.total == 3
    mask_texts(["a", "b"], PLAIN, progress=watcher)
    assert watcher.done == watcher.total == 2


@settings(deadline=None, max_examples=60)
@given(st.lists(messages, min_size=1, max_size=4))
@example(["[[person] 3]"])
@example(["[person @someone 3]"])
@example(["Dr Smith[person 3]Dr Smith"])
def test_new_messages_are_masked_as_training_messages_are(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    vault = Vault.open(tmp_path_factory.mktemp("private"), "study")
    trained = anonymise(unique(*texts), PLAIN, vault).texts
    masked = mask_texts(texts, PLAIN)
    assert [strip_numbers(text) for text in trained] == masked
    assert [mask_texts([text], PLAIN)[0] for text in texts] == masked
    by_form = AnonymiseConfig(names=False, mask=("trudy",))
    again = anonymise(unique(*texts), by_form, vault).texts
    assert [strip_numbers(text) for text in again] == mask_texts(texts, by_form)


@settings(deadline=None, max_examples=80)
@given(messages)
def test_masking_twice_changes_nothing(text: str) -> None:
    masked = mask_texts([text], PLAIN)
    assert mask_texts(masked, PLAIN) == masked


@settings(deadline=None, max_examples=60)
@given(
    st.lists(messages, max_size=3),
    st.sampled_from(
        [
            "@quillon_x",
            "https://quillon.example.org/x",
            "quillon@example.org",
            "www.quillon.org",
            "@quillon@a.org",
        ]
    ),
)
def test_no_handle_link_or_address_survives(around: list[str], value: str) -> None:
    text = " ".join([*around, value, *around])
    assert "quillon" not in mask_texts([text], PLAIN)[0]


def test_a_long_text_is_read_in_pieces() -> None:
    text = "I met Siobhan in Larchbeck today. " * 1000
    assert mask_texts([text], PLAIN) == ["I met [person] in [place] today. " * 1000]


def _demo_texts() -> dict[str, str]:
    study = files("themeloom") / "data" / "dearmhp"
    lines = (study / "search-hashtag.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {tweet["id"]: tweet["text"] for tweet in map(json.loads, lines)}
    rows = csv.DictReader((study / "search-phrase.csv").read_text(encoding="utf-8").splitlines())
    return {row["tweet_id"]: row["content"] for row in rows} | texts


def test_the_identifying_strings_of_the_demonstration_study_are_masked() -> None:
    texts = _demo_texts()
    sample = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    raw = [texts[entry["tweet_id"]] for entry in sample]
    masked, spans = mask_texts(raw, PLAIN), recognise(raw, PLAIN)
    hits: dict[str, list[bool]] = {}
    harmed = 0
    for entry, before, after, found in zip(sample, raw, masked, spans, strict=True):
        rest = before
        for item in entry["identifying"]:
            hits.setdefault(item["type"], []).append(item["value"] not in after)
            rest = rest.replace(item["value"], " " * len(item["value"]))
        harmed += any(re.search(r"\w", rest[span.start : span.end]) for span in found)
    recall = {kind: sum(hit) / len(hit) for kind, hit in hits.items()}
    assert {kind: recall[kind] for kind in ("handle", "url", "email", "phone")} == dict.fromkeys(
        ("handle", "url", "email", "phone"), 1.0
    )
    assert recall["person"] >= 0.9
    assert recall["place"] >= 0.8
    assert recall["org"] >= 0.8
    assert harmed / len(sample) <= 0.03
    page = (Path(__file__).resolve().parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
    for kind, hit in hits.items():
        name = {"url": "link", "org": "organisation"}.get(kind, kind)
        assert f"| {name} | {sum(hit)} | {len(hit)} |" in page, "tell in the manual what is measured"


def test_spans_found_by_other_rules_are_not_used_again():
    room = Path(stage.__file__).parent
    known, new = set(), {"recognise"}
    while new:  # every file of the room that finding leans on counts as a rule
        name = new.pop()
        known.add(f"{name}.py")
        tree = ast.parse((room / f"{name}.py").read_text(encoding="utf-8"))
        named = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        new |= {m.rpartition(".")[2] for m in named if m.startswith("themeloom.corpus.")} - {
            file.removesuffix(".py") for file in known
        }
    assert known | {"words.txt", "../english.py", "../letters.py", "../placeholders.py"} == set(RULES)
