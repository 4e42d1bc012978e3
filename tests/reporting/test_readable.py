import html
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from themeloom.reporting.readable import hover, readable


@given(st.text(alphabet=st.characters()))
def test_nothing_that_a_terminal_or_browser_obeys_is_left(text: str) -> None:
    shown = readable(text)
    left = {char for char in shown if unicodedata.category(char) in {"Cc", "Cs"}}
    assert left <= set("\t\n\r")
    assert not any(unicodedata.bidirectional(char) in {"LRO", "RLO", "LRE", "RLE", "PDF"} for char in shown)
    shown.encode("utf-8")


def test_overrides_and_nulls_are_shown_as_what_they_are() -> None:
    assert readable("a\u202eb\x00c\ud800") == "a⟨U+202E⟩b␀c�"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "Café, naïve, 日本, مرحبا, 👩‍👩‍👧\nnew line"
    assert readable(text) == text


@given(st.text(alphabet="<>&;b/ a#x\n"))
def test_hover_text_has_no_tag_of_its_own(text: str) -> None:
    lines = hover(text).split("<br>")
    assert not any("<" in line or ">" in line for line in lines)
    assert all(len(html.unescape(line)) <= 60 for line in lines)
    assert " ".join(" ".join(html.unescape(line) for line in lines).split()).replace(" ", "") == "".join(
        text.split()
    )


def test_hover_text_is_cut_where_it_is_too_long() -> None:
    lines = hover("word " * 5_000).split("<br>")
    assert sum(len(line) for line in lines) <= 361
    assert lines[-1].endswith("…")
