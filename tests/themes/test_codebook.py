import unicodedata
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.errors import CodebookError
from themeloom.records import Theme
from themeloom.themes.codebook import read_codebook

DEMO = Path(str(files("themeloom"))) / "data" / "dearmhp" / "codebook.yaml"
GOOD = """\
themes:
  - key: a
    name: First
    definition: The first.
  - key: b
    name: Second
    definition: The second.
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "codebook.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> tuple[str, ...]:
    path = written(folder, text)
    with pytest.raises(CodebookError) as raised:
        read_codebook(path)
    assert all(fault.startswith(str(path)) for fault in raised.value.faults)
    assert all("Traceback" not in fault and "\n" not in fault for fault in raised.value.faults)
    return tuple(fault.removeprefix(str(path)) for fault in raised.value.faults)


def test_demo_is_read_as_yaml_has_it():
    table = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    codebook = read_codebook(DEMO)
    assert codebook.keys == tuple(e["key"] for e in table["themes"] + table["residual"])
    for theme, entry in zip(codebook.themes, table["themes"] + table["residual"], strict=True):
        assert theme.name == entry["name"]
        assert theme.definition == entry["definition"]
        assert theme.include == tuple(entry.get("include", ()))
        assert theme.exclude == tuple(entry.get("exclude", ()))
        assert theme.residual == (entry in table["residual"])


def test_several_names_and_definitions(tmp_path):
    text = """\
themes:
  - key: a
    name: First
    names: [Primary, Prime]
    definitions: [The first., What comes before all others.]
    include: one thing
  - {key: b, name: Second, definition: The second., exclude: [x, y]}
residual: []
"""
    first, second = read_codebook(written(tmp_path, text)).themes
    assert first == Theme(
        "a",
        "First",
        "The first.",
        include=("one thing",),
        other_names=("Primary", "Prime"),
        other_definitions=("What comes before all others.",),
    )
    assert second == Theme("b", "Second", "The second.", exclude=("x", "y"))


def test_codes_are_text_as_written(tmp_path):
    text = GOOD.replace("key: a", "key: no").replace("key: b", "key: 007")
    assert read_codebook(written(tmp_path, text)).keys == ("no", "007")


def test_byte_order_mark_and_empty_residual(tmp_path):
    assert read_codebook(written(tmp_path, "\ufeff" + GOOD + "residual:\n")).keys == ("a", "b")


def test_all_faults_at_once_by_line(tmp_path):
    text = """\
themes:
  - key: a
    name: First
    definition: The first.
    colour: red
  - key: a
    name: {en: Again}
    definition:
  - name: Third
residual:
  - just text
extra: 1
"""
    found = faults(tmp_path, text)
    assert [fault.split(": ")[0] for fault in found] == [":5", ":7", ":8", ":6", ":9", ":9", ":11", ":12"]
    for fault, words in zip(
        found,
        [
            "unknown key 'colour'",
            "'name' must be text",
            "'definition' must be text or a list of texts, not nothing",
            "key 'a' is taken on line 2",
            "no 'key'",
            "no 'definition'",
            "an entry must have",
            "unknown key 'extra'",
        ],
        strict=True,
    ):
        assert words in fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("themes: [\n", ":2: is not valid YAML"),
        ("themes:\n\t- key: a\n", ":2: is not valid YAML"),
        ("a: 1\n---\nb: 2\n", ":2: is not valid YAML"),
        ("\x00", "is not valid YAML"),
        ("[" * 1500, "is not valid YAML"),
        ("- key: a\n", ":1: is no codebook"),
        ("plain words", ":1: is no codebook"),
        ("themes: text\n", ":1: 'themes' must be a list"),
        ("themes: {a: 1}\n", ":1: 'themes' must be a list"),
        ("study: x\n", "has 0 theme(s)"),
        ("themes: []\n", "has 0 theme(s)"),
        (GOOD + "themes: []\n", ":8: 'themes' is given twice"),
        (GOOD + "? [a, b]\n: 1\n", "unknown key"),
        (GOOD.replace("name: Second", "name: ''"), ":6: 'name' must be text"),
        (GOOD.replace("name: Second", "name: [[Second]]"), ":6: 'name' must be text"),
        (GOOD.replace("name: Second", "names: []"), ":6: 'names' is an empty list"),
        (GOOD.replace("name: Second", "name: Second\n    name: Again"), ":7: 'name' is given twice"),
        (GOOD.replace("key: b", "key: [b, c]"), "several keys"),
        (GOOD.replace("key: b", "key: A"), ":5: key 'A' is 'a' but for capitals, which is taken on line 2"),
        (GOOD.replace("name: Second", "name: first"), ":5: the name 'first' is taken on line 2"),
        (
            GOOD.replace("key: b", "key: \u201cb\u201d"),
            ":5: key '\u201cb\u201d' has a word processor's quotes",
        ),
    ],
)
def test_one_fault(tmp_path, text, words):
    assert any(words in fault for fault in faults(tmp_path, text))


def test_one_theme_is_too_few_even_beside_residuals(tmp_path):
    one = GOOD[: GOOD.index("  - key: b")]
    residual = "residual:\n  - {key: r, name: Rest, definition: All else.}\n"
    assert faults(tmp_path, one + residual) == (": has 1 theme(s); list at least two under 'themes:'.",)


def test_missing_unreadable_and_not_text(tmp_path):
    with pytest.raises(CodebookError, match="there is no such codebook"):
        read_codebook(tmp_path / "none.yaml")
    with pytest.raises(CodebookError, match="cannot be read"):
        read_codebook(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("themes: é".encode("latin-1"))
    with pytest.raises(CodebookError, match="cannot be read as UTF-8"):
        read_codebook(tmp_path / "latin.yaml")


def test_tags_build_nothing(tmp_path):
    made = tmp_path / "made"
    text = GOOD.replace("name: First", f"name: !!python/object/apply:os.mkdir [{made}]")
    read_codebook(written(tmp_path, text))
    assert not made.exists()


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["themes", "residual", "key", "name", "definition"]), inner)
    ),
    max_leaves=15,
)


@settings(max_examples=75, deadline=None)
@given(tree=TREES)
def test_any_tree_is_read_or_refused_in_sentences(tmp_path_factory, tree):
    path = written(tmp_path_factory.mktemp("codebook"), yaml.safe_dump(tree))
    try:
        codebook = read_codebook(path)
    except CodebookError as error:
        codebook = None
        told = error.faults
    assert codebook.themes if codebook else all(fault.startswith(str(path)) for fault in told)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "note: &n x\nsource: *n\n", r"the alias '\*n' is not followed; write out what it stands for"),
        ("themes: &a [*a, *a]\n", r"the alias '\*a' is not followed"),
        (GOOD + 'note: "\\ud800"\n', "a character that no file can hold, written as an escape"),
        (GOOD + 'note: "\\0"\n', "a character that no file can hold, written as an escape"),
        (GOOD + "# " + "x" * 2**20, "is larger than 1024 KiB"),
        ("themes: [" + "a," * 2000 + "]", "more faults like these"),
        ("[" * 100_000, "is not valid YAML"),
    ],
)
def test_what_is_short_and_stands_for_much_is_refused(tmp_path, text, said):
    with pytest.raises(CodebookError, match=said) as found:
        read_codebook(written(tmp_path, text))
    assert len(str(found.value)) < 20_000


def test_letters_and_their_marks_are_one_however_they_were_typed(tmp_path):
    apart = unicodedata.normalize("NFD", "größe")
    read = read_codebook(written(tmp_path, GOOD.replace("key: a", f"key: {apart}")))
    assert read.keys == ("größe", "b")
    both = GOOD.replace("key: a", f"key: {apart}").replace("key: b", "key: größe")
    assert faults(tmp_path, both) == (":5: key 'größe' is taken on line 2; give each its own key.",)
