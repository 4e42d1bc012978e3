"""How much is masked of what identifies somebody, and of what does not, in lists of invented messages."""

import re
from pathlib import Path

import pytest

from themeloom.config import AnonymiseConfig
from themeloom.corpus.anonymise import mask_texts
from themeloom.corpus.recognise import recognise

DATA = Path(__file__).parents[1] / "data"
PLAIN = AnonymiseConfig()
MARK = re.compile(r"\{(\w+):([^}]*)\}")


def _marked(name: str) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """Read messages in which what identifies somebody is marked, as {person:Dr Smith}."""
    messages = []
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            continue
        text, marks, end = "", [], 0
        for match in MARK.finditer(line):
            text += line[end : match.start()]
            marks.append((len(text), len(text) + len(match[2]), match[1]))
            text, end = text + match[2], match.end()
        messages.append((text + line[end:], marks))
    return messages


def _measured(name: str) -> tuple[dict[str, tuple[int, int]], int, int]:
    """Count for each type what is masked whole, and of how many; and the messages that lost another word."""
    messages = _marked(name)
    hits: dict[str, list[bool]] = {}
    harmed = 0
    for (text, marks), spans in zip(messages, recognise([text for text, _ in messages], PLAIN), strict=True):
        letters = {at for at, letter in enumerate(text) if letter.isalnum()}
        covered = {at for span in spans for at in range(span.start, span.end)} & letters
        for start, end, kind in marks:
            hits.setdefault(kind, []).append(set(range(start, end)) & letters <= covered)
        harmed += bool(covered - {at for start, end, _ in marks for at in range(start, end)})
    return {kind: (sum(hit), len(hit)) for kind, hit in hits.items()}, harmed, len(messages)


@pytest.mark.parametrize("name", ["identifying-invented.txt", "identifying-second.txt"])
def test_most_names_of_invented_messages_are_masked_whole(name: str) -> None:
    found, _, _ = _measured(name)
    page = (DATA.parents[1] / "docs" / "privacy.md").read_text(encoding="utf-8")
    for kind, least in {"person": 0.9, "place": 0.8, "organisation": 0.8}.items():
        masked, of = found[kind]
        assert masked / of >= least, kind
        assert f"{masked} of {of}" in page, "tell in the manual what is measured"


def test_few_invented_messages_lose_a_word_that_identifies_nobody() -> None:
    _, harmed, of = _measured("identifying-invented.txt")
    assert harmed / of <= 0.03


@pytest.mark.parametrize("name", ["identifying-traps.txt", "identifying-traps-unseen.txt"])
def test_words_that_are_names_as_well_are_told_apart_most_of_the_time(name: str) -> None:
    found, harmed, of = _measured(name)
    page = (DATA.parents[1] / "docs" / "privacy.md").read_text(encoding="utf-8")
    assert found.keys() == {"person"}
    masked, persons = found["person"]
    assert masked / persons >= 0.79
    assert harmed / of <= 0.07
    for count in (f"| {masked} of {persons} (", f"| {harmed} of {of} |"):
        assert count in page, "tell in the manual what is measured"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Hope rang me", "[person] rang me"),
        ("Frank conversation needed", "Frank conversation needed"),
        ("Frank was kind", "[person] was kind"),
        (
            "Rose from the chair. Joy from the desk drove me",
            "Rose from the chair. [person] from the desk drove me",
        ),
        ("April told me, April is cruel", "[person] told me, April is cruel"),
        ("my mate April came in April", "my mate [person] came in April"),
        ("Will said so, will he come? Will you?", "[person] said so, will he come? Will you?"),
        ("the Bill came late", "the Bill came late"),
        ("I saw Dr B and nurse Q", "I saw [person] and [person]"),
        ("her name is Will", "her name is [person]"),
        ("Grace from the day unit rang", "[person] from the day unit rang"),
        ("I miss Tomasz and my sister Ines", "I miss [person] and my sister [person]"),
        ("we all miss Joy on nights", "we all miss [person] on nights"),
        ("Sister Tomasz and Miss Ines", "[person] and [person]"),
        ("we moved from bradford", "we moved from [place]"),
        ("she was in the Royal Sheffield", "she was in the [organisation]"),
        ("under Larchbeck NHS Trust", "under [organisation]"),
        ("at St Wilfa's Hospital again", "at [organisation] again"),
        ("dr I saw was kind. Hope is all. Reading helps", "dr I saw was kind. Hope is all. Reading helps"),
    ],
)
def test_what_stands_around_a_name_gives_it_away(text: str, masked: str) -> None:
    assert mask_texts([text], PLAIN) == [masked]
