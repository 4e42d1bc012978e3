"""Whether messages seem to be English, told by its commonest words."""
# ruff: noqa: RUF001 - full-width characters stand in the messages

from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from themeloom.columns import UNIQUE
from themeloom.config import IngestConfig, RepeatsConfig
from themeloom.corpus import language
from themeloom.corpus.ingest import read_sources
from themeloom.corpus.language import language_note
from themeloom.corpus.repeats import find_repeats
from themeloom.experiment import read_experiment

ENGLISH = [
    "I waited two years and nobody rang",
    "you listened to me when it mattered",
    "#bored lol @some_one",
    "great",
    "my nurse was kind, her boss was not",
]
OTHERS = [
    "Ich will so etwas nicht in der Schule, was war das?",
    "Jeg har ventet på en tid hos lægen i seks måneder for at få hjælp",
    "Wat een dag was dat, we zijn er weer en ik was zo moe of niet",
    "O plano do governo no ano passado foi um desastre do começo ao fim",
    "No me llaman del hospital y llevo seis meses esperando, he dicho",
    "To jest bardzo trudne i nie wiem do kogo mam dzwonić",
    "Hat hónapja várok egy időpontra, és senki nem hív vissza, az is nagyon rossz",
    "どうしてオーブンはいつも小麦粉と難しいのですか！",
    "أنتظر منذ ستة أشهر ولا أحد يتصل بي",
]


def messages(texts: list[str], langs: list[str | None] | None = None) -> pl.DataFrame:
    rows = [
        dict.fromkeys(UNIQUE) | {"text": text, "lang": lang}
        for text, lang in zip(texts, langs or [None] * len(texts), strict=True)
    ]
    return pl.DataFrame(rows, schema=UNIQUE)


def note(texts: list[str], langs: list[str | None] | None = None) -> str:
    return language_note(messages(texts, langs), names=True, english=True)


@pytest.mark.parametrize("text", OTHERS)
def test_messages_of_other_languages_are_told(text: str) -> None:
    assert note([text]).startswith("1 of 1 messages seem not to be English")


def test_english_is_not_told() -> None:
    assert not note(ENGLISH)
    assert not note([])
    assert not note(["great", "so bored lol", "🐶 🐾 🦴 🐕 🐩 🦮", "@a @b @c @d @e #f http://x.org/y"])


@pytest.mark.parametrize("name", ["invented", "second", "traps", "traps-unseen"])
def test_invented_messages_in_english_are_not_told(name: str) -> None:
    file = Path(__file__).parents[1] / "data" / f"identifying-{name}.txt"
    assert not note(file.read_text(encoding="utf-8").splitlines())


def test_the_demonstration_is_not_told() -> None:
    config = read_experiment(Path(str(files("themeloom"))) / "data" / "dearmhp" / "experiment.toml")
    unique = find_repeats(read_sources(config.sources, IngestConfig()), RepeatsConfig())
    assert not language_note(unique.messages, names=True, english=True)


def test_a_notable_part_is_told_with_its_number_and_what_to_do() -> None:
    english = ["the waiting list is long this year"] * 36
    assert not note([*english, *OTHERS[:8]])
    told = note([*english, *OTHERS, "great"])
    assert told.startswith("9 of 45 messages seem not to be English: ")
    assert "Set anonymise.names = false, and list names in anonymise.mask." in told
    assert told.endswith("encoder.name.")


def test_of_a_large_corpus_some_are_looked_at_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "LOOKED_AT", 10)
    assert note([*OTHERS[:5], *["the waiting list is long this year"] * 15]).startswith(
        "3 of 10 messages seem"
    )


def test_the_language_that_a_column_names_counts_for_what_is_too_short_to_tell() -> None:
    short = ["Danke schön", "Gute Nacht", "thank you", "so sweet"]
    assert not note(short)
    assert note(short, ["de", "de", "de", "en-GB"]).startswith("2 of 4 messages")
    assert not note(ENGLISH[:2], ["de", "de"]), "words that are there count for more"


def test_only_what_follows_is_said() -> None:
    told = {
        (names, english): language_note(messages(OTHERS), names=names, english=english)
        for names in (True, False)
        for english in (True, False)
    }
    assert ["anonymise.names" in one for one in told.values()] == [True, True, False, False]
    assert ["encoder.name" in one for one in told.values()] == [True, False, True, False]
    assert not told[False, False]
