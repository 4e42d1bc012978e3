"""The report as a browser shows it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import hostile_record

from browsing import Visit
from builders import make_record
from themeloom.records import RunRecord
from themeloom.reporting import html, plots
from themeloom.reporting.summary import summarise

DRAWN = "figure[data-drawn]"
PLOT = "document.querySelector('.plot')"
HOSTILE_POINTS = f"""{PLOT}.data.flatMap((trace, i) =>
    trace.hovertext.flatMap((text, j) => text.includes("obeyed") ? [[i, j]] : []))"""
TOOLS = "[...document.querySelectorAll('.modebar-btn')].map(tool => tool.dataset.title)"
LEGEND = "[...document.querySelectorAll('.plot .legendtext')].map(entry => entry.textContent)"

Open = Callable[..., Visit]


def report(folder: Path, record: RunRecord) -> Path:
    path = folder / "report.html"
    html.write_report(summarise(record, paths={}, tracked={}), record, path)
    return path


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 400)])
def test_opens_quietly_and_fits(visit: Open, tmp_path: Path, scheme: str, width: int) -> None:
    seen = visit(
        report(tmp_path, make_record(200)), color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    seen.page.wait_for_selector(DRAWN)
    assert seen.problems == []
    assert seen.outside == []
    assert len(seen.requests) == 1
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.page.locator(".plot path.point").count() == 200
    paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(20, 24, 28)") == (scheme == "dark")


def test_switch_colours_the_map_by_theme_and_back(visit: Open, tmp_path: Path) -> None:
    record = make_record(200)
    seen = visit(report(tmp_path, record))
    seen.page.wait_for_selector(DRAWN)
    by_topic = seen.page.evaluate(LEGEND)
    themes = seen.page.get_by_role("button", name="Themes")
    themes.focus()
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_selector("button[aria-pressed=true]:text('Themes')")
    in_use = set(record.communications["theme"])
    assert set(seen.page.evaluate(LEGEND)) == in_use
    seen.page.get_by_role("button", name="Topics").click()
    seen.page.wait_for_selector("button[aria-pressed=true]:text('Topics')")
    assert seen.page.evaluate(LEGEND) == by_topic
    assert len(by_topic) == 6
    assert seen.problems == []


def test_offers_no_way_out_and_prints_its_messages(visit: Open, tmp_path: Path) -> None:
    seen = visit(report(tmp_path, make_record()))
    seen.page.wait_for_selector(DRAWN)
    tools = seen.page.evaluate(
        "[...document.querySelectorAll('.modebar-btn')].map(tool => tool.dataset.title)"
    )
    assert tools
    assert not [tool for tool in tools if "share" in tool.lower() or "cloud" in tool.lower()]
    asked = "fetch('https://host.example/').then(() => 'sent', () => 'refused')"
    assert seen.page.evaluate(asked) == "refused"
    assert seen.outside == []
    seen.page.emulate_media(media="print")
    assert seen.page.locator("nav").is_hidden()
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert seen.page.locator("#topic-0 blockquote").first.is_visible()


def test_hostile_texts_are_shown_and_not_obeyed(visit: Open, tmp_path: Path) -> None:
    seen = visit(report(tmp_path, hostile_record()))
    seen.page.wait_for_selector(DRAWN)
    seen.page.locator("#topic-0 summary").click()
    quoted = seen.page.locator("#topic-0").get_by_text("<script>window.obeyed = 1</script> <b>bold</b>")
    assert quoted.is_visible()
    labels = []
    for trace, point in seen.page.evaluate(HOSTILE_POINTS):
        seen.page.evaluate(f"Plotly.Fx.hover({PLOT}, [{{curveNumber: {trace}, pointNumber: {point}}}])")
        seen.page.wait_for_timeout(100)  # plotly lets 50 ms pass between two labels
        labels.append(seen.page.locator(".hovertext").first.text_content() or "")
    assert len(labels) == 3
    assert any("<script>window.obeyed = 1</script> <b>bold</b> &amp;" in label for label in labels)
    assert seen.page.locator(".hoverlayer a, .hoverlayer script, .hoverlayer img").count() == 0
    assert seen.page.evaluate("typeof window.obeyed") == "undefined"
    assert seen.problems == []
    assert seen.outside == []


@pytest.mark.parametrize("webgl", [True, False])
def test_many_points_are_drawn_with_and_without_webgl(
    visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, webgl: bool
) -> None:
    monkeypatch.setattr(plots, "SMOOTH_AS_SVG", 10)
    without = "HTMLCanvasElement.prototype.getContext = () => null"
    seen = visit(report(tmp_path, make_record(60)), before=None if webgl else without)
    seen.page.wait_for_selector(DRAWN)
    kinds = set(seen.page.evaluate(f"{PLOT}.data.map(trace => trace.type)"))
    assert kinds in ({"scatter"}, {"scattergl"})
    assert webgl or kinds == {"scatter"}
    assert seen.problems == []
