"""The catalogue: all that the report and the comparison say stands in it, and nothing else."""

import re
from pathlib import Path

import pytest

from themeloom.compared import STATES
from themeloom.reporting import texts
from themeloom.reporting.differences import meaning
from themeloom.themes._scoring import PER_THEME
from themeloom.themes.scores import FIGURES

HOME = Path(texts.__file__).parent
TEMPLATES = sorted((HOME / "templates").rglob("*.html"))
SPOKEN = ("alt", "aria-label", "placeholder", "title")


def _bare(template: str) -> str:
    """Take out what jinja fills in."""
    return re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", template, flags=re.DOTALL)


def _words(template: str) -> list[str]:
    """Find the words that a template says by itself."""
    bare = _bare(template)
    said = [found[1] for found in re.findall(rf'\b({"|".join(SPOKEN)})="([^"]*)"', bare)]
    outside = re.sub(r"<[^>]*>|&\w+;", " ", re.sub(r"<style>.*?</style>", "", bare, flags=re.DOTALL))
    return re.findall(r"[A-Za-z]{2,}", " ".join([outside, *said]))


@pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda path: path.relative_to(HOME / "templates").as_posix()
)
def test_templates_say_nothing_of_their_own(template: Path) -> None:
    assert _words(template.read_text(encoding="utf-8")) == []


def test_the_finder_of_words_finds_them() -> None:
    assert _words('<p title="Look {{ x }}">{{ t("a.b") }} here</p>') == ["here", "Look"]


def _source() -> str:
    files = [*HOME.glob("*.py"), *TEMPLATES, *(HOME / "templates").glob("*.js")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_text_that_is_asked_for_is_there() -> None:
    asked = re.findall(r"""\b(?:t|say|html|form)\(\s*f?["']([a-z]+\.[a-z0-9_-]+)["']\s*[,)]""", _source())
    assert len(asked) > 250
    assert set(asked) - texts.catalogue().keys() == set()
    counted = re.findall(r"""\b(?:n|counted)\([^"'\n]*["']([a-z]+)["']""", _source())
    assert {f"counted.{what}" for what in counted} - texts.catalogue().keys() == set()


def test_every_text_is_used() -> None:
    source = _source()
    whole = set(re.findall(r"""["']([a-z]+\.[a-z0-9_-]+)["']""", source))
    begun = set(re.findall(r"""["']([a-z]+\.[a-z0-9_]*)(?:["'] [~+]|\{)""", source)) - {"counted."}
    named = {f"counted.{word}" for word in re.findall(r"""["']([a-z]+)["']""", source)}
    unused = texts.catalogue().keys() - whole - named
    assert {key for key in unused if not key.startswith(tuple(begun))} == set()


@pytest.mark.parametrize("name", [*FIGURES, *PER_THEME])
def test_every_score_has_its_name_and_its_place_in_the_manual(name: str) -> None:
    spoken = texts.say(f"metric.{name}")
    page = (Path(__file__).resolve().parents[2] / "docs" / "themes-and-scores.md").read_text(encoding="utf-8")
    table = re.search(r"(?s)\| score \| what it is \|\n(.*?)\n\n", page)
    assert table is not None
    listed = {cell for row in re.findall(r"(?m)^\| (.*?) \|", table[1]) for cell in row.lower().split(", ")}
    assert {name.replace("_", " "), name.replace("_", "-"), spoken.lower()} & listed


def test_states_mean_on_the_page_what_they_mean_in_the_record() -> None:
    assert {state: meaning(state) for state in STATES} == STATES


def test_values_are_escaped_and_made_readable() -> None:
    assert texts.html("map.topic", topic="<b>\x00") == "topic &lt;b&gt;␀"
    assert texts.say("map.topic", topic="<b>") == "topic <b>"


def test_numbers_have_their_form() -> None:
    assert texts.counted(1, "topic") == "1 topic"
    assert texts.counted(1195, "row") == "1,195 rows"


def test_what_is_not_in_the_catalogue_is_a_fault() -> None:
    with pytest.raises(KeyError):
        texts.say("map.nowhere")
    with pytest.raises(KeyError):
        texts.say("map.topic")  # its field is not filled
