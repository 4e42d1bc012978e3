"""The page of a comparison, as text and as a browser shows it."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from test_html import Page

from browsing import Visit
from builders import make_record
from comparisons import make_run, wordy_run
from themeloom.compared import ComparisonRecord, PairedScores
from themeloom.history.comparable import comparable
from themeloom.history.compare import compare_runs
from themeloom.reporting import comparison, likeness_plots
from themeloom.scored import Score

DRAWN = "figure[data-figure]:not([data-drawn])"
HOSTILE = "<script>window.obeyed = 1</script>"
Open = Callable[..., Visit]


def three_runs() -> ComparisonRecord:
    """A run, itself with two topics in one, and the topics of a plain run."""
    first = comparable(make_record(200))
    other = make_run(
        [max(topic - 1, -1) for topic in first.membership["topic"]],
        "other",
        ids=list(first.membership["doc_id"]),
    )
    paired = [
        PairedScores(1, 66, {"topic level": {"kappa": Score(-0.2, -0.3, -0.1)}}, ""),
        PairedScores(2, 0, {}, "they keep nothing"),
    ]
    return compare_runs([first, other, wordy_run([["word", "visit"], ["letter"]], "plain")], paired)


def hostile_runs() -> ComparisonRecord:
    words = [[HOSTILE, "{{ 7 * 7 }}"], ["</script><img src=x onerror='window.obeyed = 2'>", "%{x}"]]
    topics = wordy_run(words, "x").topics
    runs = [
        replace(
            make_run([0] * 9 + [1] * 9, f"{HOSTILE} {name}"), topics=topics, config={"key": HOSTILE + name}
        )
        for name in "ab"
    ]
    return compare_runs(runs)


def text_of(record: ComparisonRecord) -> str:
    return Page(comparison.render_comparison(record, {})).text


def test_everything_is_on_the_page() -> None:
    record = three_runs()
    text = text_of(record)
    for run in record.runs:
        assert run.name in text
    told = "topic level, kappa ~0.20 (~0.30 to ~0.10)".replace("~", "\N{MINUS SIGN}")
    assert f"B less A on the same 66 labelled messages: {told}" in text
    assert "more than chance explains" in text
    assert "Each difference is judged by itself" in text
    assert "C less A: they keep nothing." in text
    assert record.runs[0].topics[0].label in text
    assert "The runs share no message" in text
    assert "moved to another theme" in text
    assert record.pairings[0].themes[0].moves[0].doc_id in text
    assert "nan" not in re.findall(r"\w+", text)
    for state, says in record.states.items():
        assert f"{state}{says}" in text


def test_runs_without_scores_or_differences_are_told_so() -> None:
    text = text_of(compare_runs([make_run([0, 1], "a"), make_run([0, 1], "b")]))
    assert "None of these runs has scores." in text
    assert "Nothing that is known of their configuration, data and versions." in text
    assert "No topic split, merged, vanished or appeared." in text


def test_topics_of_new_messages_are_on_the_page() -> None:
    text = text_of(compare_runs([make_run([0] * 9, "a"), make_run([0] * 9 + [1] * 4, "b")]))
    assert "Of messages that A has not: 1 " in text


def test_long_lists_of_moves_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "MOVES", 3)
    text = text_of(compare_runs([make_run([0] * 9, "a"), make_run([1] * 9, "b")]))
    assert "0002" in text
    assert "0003" not in text
    assert "6 more are not shown" in text
    monkeypatch.setattr(comparison, "MOVES", 8)
    text = text_of(compare_runs([make_run([0] * 9, "a"), make_run([1] * 9, "b")]))
    assert "1 more is not shown" in text


def test_streams_too_small_to_see_are_left_out_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    record = compare_runs([make_run([0] * 100 + [1] * 100), make_run([1] + [0] * 99 + [1] * 100, "b")])
    sankey = comparison.figures_of(record)["streams-1"].data[0]
    assert sorted(sankey.link.value) == [99, 100]
    page = comparison.render_comparison(record, comparison.figures_of(record))
    assert "1 of 3 streams is too small to be drawn" in page
    monkeypatch.setattr(likeness_plots, "MOST_STREAMS", 1)
    assert comparison.figures_of(record)["streams-1"].data[0].link.value == (100,)


def test_one_file_that_refers_to_nothing_else(tmp_path: Path) -> None:
    comparison.write_comparison(three_runs(), tmp_path / "new" / "page.html")
    text = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert len(text) < 8_000_000
    assert page.attributes("src") == []
    assert all(address.startswith(("#", "data:")) for address in page.attributes("href"))
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy


def test_hostile_words_stay_text() -> None:
    page = comparison.render_comparison(hostile_runs(), comparison.figures_of(hostile_runs()))
    assert HOSTILE not in page
    assert "onerror='window" not in re.sub(r"&#39;", "'", page).replace("&lt;img src=x onerror='window", "")
    assert HOSTILE not in comparison.comparison_fragment(hostile_runs())


@pytest.mark.parametrize(("scheme", "width"), [("light", 1366), ("dark", 420)])
def test_opens_quietly_draws_and_fits(visit: Open, tmp_path: Path, scheme: str, width: int) -> None:
    comparison.write_comparison(three_runs(), tmp_path / "page.html")
    seen = visit(tmp_path / "page.html", color_scheme=scheme, viewport={"width": width, "height": 800})
    seen.page.wait_for_function(f"document.querySelectorAll('{DRAWN}').length === 0")
    assert seen.problems == []
    assert seen.outside == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.page.locator(".sankey-link").count() == len(three_runs().pairings[0].streams)
    assert seen.page.locator(".likeness .heatmaplayer image").count() == 2
    assert seen.page.locator(".sankey-node").first.is_visible()


def test_at_a_phone_s_width_names_keep_apart_and_whole(visit: Open, tmp_path: Path) -> None:
    record = three_runs()
    comparison.write_comparison(record, tmp_path / "page.html")
    seen = visit(tmp_path / "page.html", viewport={"width": 360, "height": 740})
    seen.page.wait_for_function(f"document.querySelectorAll('{DRAWN}').length === 0")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
    boxes = [box for each in seen.page.locator(".node-label").all() if (box := each.bounding_box())]
    rows = [(one, other) for at, one in enumerate(boxes) for other in boxes[:at] if one["x"] != other["x"]]
    assert rows
    for one, other in rows:
        left, right = sorted((one, other), key=lambda box: box["x"])
        assert left["x"] + left["width"] < right["x"] or abs(left["y"] - right["y"]) > left["height"] / 2
    name = seen.page.locator("#runs tbody .run").first.bounding_box()
    assert name is not None
    assert name["width"] >= 11 * 16


def test_print_holds_the_columns_of_many_runs(visit: Open, tmp_path: Path) -> None:
    first = comparable(make_record(200))
    runs = [replace(first, name=f"waiting-lists-20261201-04134{at}-cded") for at in range(8)]
    comparison.write_comparison(compare_runs(runs), tmp_path / "page.html")
    page = visit(tmp_path / "page.html").page
    page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    box = re.search(rb"/MediaBox \[0 0 (\d+)[.\d]* (\d+)", (tmp_path / "page.pdf").read_bytes())
    assert box is not None
    assert int(box[1]) > int(box[2])
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1122, "height": 793})
    page.evaluate("Object.assign(document.body.style, { width: '986px', margin: 0 })")  # A4 on its side
    ends = "[...document.querySelectorAll('table')].map(table => table.getBoundingClientRect().right)"
    assert max(page.evaluate(ends)) <= 986
    assert page.locator("#scores table").first.locator("thead th").count() == 9


def test_without_scripts_the_page_says_why_nothing_is_drawn(visit: Open, tmp_path: Path) -> None:
    comparison.write_comparison(three_runs(), tmp_path / "page.html")
    page = visit(tmp_path / "page.html", java_script_enabled=False).page
    assert page.locator(".chart:visible").count() == 0
    assert page.locator("figure noscript p:visible").count() == page.locator("figure").count() > 0


def test_hostile_words_are_drawn_and_not_obeyed(visit: Open, tmp_path: Path) -> None:
    comparison.write_comparison(hostile_runs(), tmp_path / "page.html")
    seen = visit(tmp_path / "page.html")
    seen.page.wait_for_function(f"document.querySelectorAll('{DRAWN}').length === 0")
    assert "<script>" in seen.page.locator(".sankey-node").first.text_content()
    assert seen.page.evaluate("typeof window.obeyed") == "undefined"
    assert seen.problems == []
    assert seen.outside == []
