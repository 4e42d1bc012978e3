"""The report as a browser shows it."""
# ruff: noqa: RUF001 - messages of other languages

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import MESSAGES, hostile_record
from playwright.sync_api import Browser, FloatRect, Page

from browsing import Visit
from builders import make_codebook, make_record
from themeloom.records import Codebook, RunRecord
from themeloom.reporting import html, points
from themeloom.reporting.quotes import Quotes
from themeloom.reporting.readable import readable
from themeloom.reporting.summary import summarise

PLOT = "document.querySelector('.plot')"
LEGEND = "[...document.querySelectorAll('#the-map .legend li button')].map(entry => entry.textContent.trim())"
DRAWN = f"{PLOT}.data.reduce((sum, trace) => sum + trace.x.length, 0)"

Open = Callable[..., Visit]


def write(folder: Path, record: RunRecord, quotes: Quotes | None = None) -> Path:
    path = folder / "report.html"
    html.write_report(summarise(record, paths={}, tracked={}, quotes=quotes), record, path)
    return path


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return make_record(200)


@pytest.fixture(scope="module")
def report(record: RunRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("report"), record)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("hostile"), hostile_record())


@pytest.fixture(scope="module")
def shared(browser: Browser, report: Path) -> Iterator[Visit]:
    """One page for all tests that leave it as they found it, or do not mind."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000}, reduced_motion="reduce")
    seen = Visit(context.new_page())
    seen.page.on("pageerror", lambda error: seen.problems.append(str(error)))
    seen.page.goto(report.resolve().as_uri())
    ready(seen)
    yield seen
    context.close()
    assert seen.problems == []


def ready(seen: Visit) -> Page:
    seen.page.wait_for_selector("#the-map[data-drawn]", state="attached")
    seen.page.wait_for_selector("figure[data-figure=coverage][data-drawn]", state="attached")
    return seen.page


def until(page: Page, expression: str, value: object) -> None:
    """Wait until something is so; the page's policy lets no string be watched from inside."""
    for _ in range(200):
        if page.evaluate(expression) == value:
            return
        page.wait_for_timeout(50)
    assert page.evaluate(expression) == value


def point_at(page: Page, place: int) -> None:
    """Do what plotly does when the pointer is over a message."""
    event = f"{{points: [{{customdata: {place}}}], event: {{clientX: 9, clientY: 9}}}}"
    page.evaluate(f"{PLOT}.emit('plotly_hover', {event})")


def search(page: Page, words: str) -> None:
    before = page.locator(".status").text_content()
    page.get_by_label("Search messages").fill(words)
    page.wait_for_selector(".chosen:not([hidden])")
    until(page, "document.querySelector('.status').textContent !== " + json.dumps(before), value=True)


def clear(page: Page) -> None:
    page.get_by_role("button", name="Clear the choice").click()
    page.wait_for_selector(".chosen[hidden]", state="attached")


def listed(page: Page) -> list[str]:
    return page.locator(".chosen blockquote").all_text_contents()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 400)])
def test_opens_quietly_fits_and_is_accessible(visit: Open, report: Path, scheme: str, width: int) -> None:
    seen = visit(report, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = ready(seen)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(DRAWN) == 200
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(20, 24, 28)") == (scheme == "dark")
    if scheme == "light":
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found: Any = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    assert seen.problems == []
    assert seen.outside == []
    assert len([url for url in seen.requests if url.startswith("file:")]) == 1


def test_switch_colours_the_map_by_theme_merged_topics_and_back(shared: Visit, record: RunRecord) -> None:
    page = shared.page
    by_topic = page.evaluate(LEGEND)
    assert len(by_topic) == 6
    page.get_by_role("button", name="Themes", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("button[aria-pressed=true]:text('Themes')")
    in_use = record.communications["theme"].value_counts()
    assert {entry[2:] for entry in page.evaluate(LEGEND)} == {f"{key} {n}" for key, n in in_use.iter_rows()}
    page.get_by_role("button", name="Merged topics").click()
    slider = page.get_by_label("Number of groups")
    slider.focus()
    slider.press("Home")
    slider.press("ArrowRight")
    assert page.locator("output[for=groups]").text_content() == "2 groups"
    assert len(page.evaluate(LEGEND)) == 3  # and no topic
    page.get_by_role("button", name="Topics", exact=True).click()
    assert page.evaluate(LEGEND) == by_topic
    assert shared.problems == []


def test_without_scripts_no_drawing_button_or_caption_is_left_over(visit: Open, report: Path) -> None:
    page = visit(report, java_script_enabled=False).page
    for dead in ("[data-save]", "[data-copy]", ".chart", ".plot", ".controls", ".tools", ".slider", ".how"):
        assert page.locator(dead).count() > 0
        assert page.locator(f"{dead}:visible").count() == 0, dead
    assert page.locator("figure noscript p:visible").count() == page.locator("figure").count()


def test_numbers_of_heat_maps_keep_apart_at_a_phone_s_width(visit: Open, report: Path) -> None:
    seen = visit(report, viewport={"width": 360, "height": 740})
    page = ready(seen)
    for name in ("confusion", "confusion_messages"):
        numbers = page.locator(f"figure[data-figure={name}] .heatmap-label")
        boxes = [box for each in numbers.all() if (box := each.bounding_box())]
        assert len(boxes) == 56
        assert not any(_meet(one, other) for at, one in enumerate(boxes) for other in boxes[:at])
    assert page.locator("figure[data-figure=confusion] .colorbar").count() == 0
    page.set_viewport_size({"width": 740, "height": 360})
    until(page, "document.querySelectorAll('figure[data-figure=confusion] .colorbar').length", 1)
    assert seen.problems == []


def _meet(one: FloatRect, other: FloatRect) -> bool:
    across = one["x"] < other["x"] + other["width"] and other["x"] < one["x"] + one["width"]
    return across and one["y"] < other["y"] + other["height"] and other["y"] < one["y"] + one["height"]


def test_slider_merges_the_nearest_topics_first(shared: Visit, record: RunRecord) -> None:
    page = shared.page
    summary = summarise(record, paths={}, tracked={})
    page.get_by_label("Number of groups").fill("4")
    page.locator(".merged summary").click()
    rows = [row.split("\t") for row in page.locator("#merged-groups tbody").inner_text().splitlines()]
    assert len(rows) == 4
    nearest = sorted((summary.merges[0].first, summary.merges[0].second))
    assert ", ".join(map(str, nearest)) in [row[1] for row in rows]
    assert sum(int(row[3]) for row in rows) == 197  # all that have a topic
    sizes = [int(row[3]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    page.get_by_label("Number of groups").fill("1")
    assert page.locator("#merged-groups tbody tr").count() == 1


def test_search_finds_messages_by_their_words(shared: Visit, record: RunRecord) -> None:
    page = shared.page
    wanted = record.communications.filter(record.communications["text"].str.contains("clinic"))["text"]
    search(page, " Clinic ")
    assert page.locator(".status").text_content() == f"{len(wanted)} of 200 messages are chosen."
    assert listed(page) == wanted.to_list()[:50]
    assert page.evaluate(DRAWN) == 200  # what was not found lies beneath, pale
    clear(page)
    assert "All 200 messages are shown" in (page.locator(".status").text_content() or "")
    only = record.communications["text"][0]
    assert record.communications["text"].str.contains(only, literal=True).sum() == 1
    search(page, only)
    assert page.locator(".status").text_content() == "1 of 200 messages is chosen."
    search(page, "e")
    page.get_by_role("button", name="Show more").click()
    assert len(listed(page)) == 100
    clear(page)
    assert shared.problems == []


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which a theme and a topic's words are Hebrew, and some messages Turkish and German."""
    hebrew, (first, *others) = "המתנה", make_codebook().themes
    record = make_record(200, codebook=Codebook((replace(first, key=hebrew, name=hebrew), *others)))
    texts = ["IŞIK ve ısı", "İlaç yok", "Zwei Ärzte", *record.communications["text"][3:]]
    topics = [replace(topic, words=(hebrew, *topic.words[1:])) for topic in record.discovery.topics]
    changed = replace(
        record,
        communications=record.communications.with_columns(pl.Series("text", texts)),
        discovery=replace(record.discovery, topics=tuple(topics)),
    )
    return write(tmp_path_factory.mktemp("translated"), changed)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("ışık", "IŞIK ve ısı"),
        ("ISIK", "IŞIK ve ısı"),
        ("ilaç", "İlaç yok"),
        ("a\u0308rzte", "Zwei Ärzte"),
        ("arzte", "Zwei Ärzte"),
    ],
)
def test_search_finds_words_whatever_their_accents(
    visit: Open, translated: Path, sought: str, found: str
) -> None:
    page = ready(visit(translated))
    search(page, sought)
    assert listed(page) == [found]


def test_names_from_right_to_left_do_not_turn_the_numbers_beside_them(visit: Open, translated: Path) -> None:
    seen = visit(translated)
    page = ready(seen)
    bare = """() => {
      const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
      const found = [];
      while (walk.nextNode()) {
        const { data, parentElement: within } = walk.currentNode;
        const apart = within.closest("bdi, [dir=auto], svg, script, style, .word, .checklist");
        if (/[א-ת]/.test(data) && !apart) found.push(`${within.tagName} ${data.trim().slice(0, 60)}`);
      }
      return found;
    }"""
    assert page.evaluate(bare) == []
    page.get_by_role("button", name="Themes", exact=True).click()
    assert page.evaluate(bare) == []
    assert seen.problems == []


def test_legend_hides_and_shows_groups(shared: Visit, record: RunRecord) -> None:
    page = shared.page
    first = page.locator("#the-map .legend li button").first
    first.press("Space")
    assert first.get_attribute("aria-pressed") == "false"
    size = record.discovery.topics[0].size
    until(page, DRAWN, 200 - size)
    page.get_by_role("button", name="Hide all").click()
    until(page, DRAWN, 0)
    page.get_by_role("button", name="Show all").click()
    until(page, DRAWN, 200)


def test_pointing_at_a_mark_shows_its_message(shared: Visit, record: RunRecord) -> None:
    page = shared.page
    plane = record.discovery.layout.plane.astype(float)
    apart = np.linalg.norm(plane[:, None] - plane[None], axis=2) + 99 * np.eye(len(plane))
    place = int(apart.min(axis=1).argmax())  # that which is loneliest
    x, y = plane[place]
    page.locator(".plot").scroll_into_view_if_needed()
    found = page.evaluate(
        f"""(() => {{ const {{ xaxis, yaxis }} = {PLOT}._fullLayout;
        const box = {PLOT}.getBoundingClientRect();
        return [box.x + xaxis._offset + xaxis.d2p({x}), box.y + yaxis._offset + yaxis.d2p({y})]; }})()"""
    )
    page.mouse.move(found[0] - 40, found[1])
    page.mouse.move(*found, steps=4)
    page.wait_for_selector(".tip:not([hidden])")
    assert page.locator(".tip blockquote").text_content() == record.communications["text"][place]
    page.mouse.move(0, 0)
    page.wait_for_selector(".tip[hidden]", state="attached")
    point_at(page, place)
    page.wait_for_selector(".tip:not([hidden])")
    page.mouse.wheel(0, 200)  # the pointer leaves without a word of plotly's
    page.wait_for_selector(".tip[hidden]", state="attached")


def test_lasso_lists_what_lies_in_it(shared: Visit, record: RunRecord) -> None:
    page = shared.page
    page.get_by_role("button", name="Lasso").click()
    page.locator(".plot").scroll_into_view_if_needed()
    box = page.locator(".plot").bounding_box()
    assert box is not None
    x, y, width, height = box["x"] + 12, box["y"] + 12, box["width"] / 2 - 12, box["height"] - 24
    page.mouse.move(x, y)
    page.mouse.down()
    for right, down in ((width, 0), (width, height), (0, height), (0, 0)):
        page.mouse.move(x + right, y + down, steps=6)
    page.mouse.up()
    page.wait_for_selector(".chosen:not([hidden])")
    low, high = page.evaluate(f"{PLOT}.layout.xaxis.range")
    left = record.discovery.layout.plane[:, 0] < (low + high) / 2
    said = page.locator(".status").text_content() or ""
    assert int(said.split()[0]) == pytest.approx(left.sum(), abs=2)
    texts = set(record.communications["text"].filter(left))
    assert np.mean([text in texts for text in listed(page)]) > 0.9
    clear(page)
    assert shared.problems == []


def test_topics_are_sorted_by_a_click(shared: Visit, record: RunRecord) -> None:
    page = shared.page
    order = "[...document.querySelectorAll('table.sortable > tbody')].map(body => Number(body.dataset.topic))"
    coherence = record.quality.npmi
    page.get_by_role("button", name="NPMI").click()
    known = [topic for topic in page.evaluate(order) if coherence[topic] == coherence[topic]]
    assert known == sorted(known, key=lambda topic: -coherence[topic])
    assert page.evaluate(order)[-1] == 4  # whose coherence cannot be told
    assert page.get_by_role("columnheader", name="NPMI").get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="NPMI").press("Enter")
    assert page.evaluate(order)[0] == 4
    page.get_by_role("button", name="Topic", exact=True).click()
    assert page.evaluate(order) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("format", ["svg", "png"])
def test_figures_are_saved(shared: Visit, tmp_path: Path, format: str) -> None:
    page = shared.page
    for figure in ("figure[data-figure=flow]", "#the-map"):
        with page.expect_download() as waiting:
            page.locator(f"{figure} [data-save={format}]").click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        begins = path.read_bytes()[:8]
        assert begins.startswith(b"<svg" if format == "svg" else b"\x89PNG")
        assert path.suffix == f".{format}"


def test_methods_and_checklist_are_saved(shared: Visit, tmp_path: Path) -> None:
    page = shared.page
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Save the references").click()
    waiting.value.save_as(tmp_path / "references.bib")
    assert "@article{umap," in (tmp_path / "references.bib").read_text()


def test_offers_no_way_out_and_prints_its_messages(visit: Open, report: Path, tmp_path: Path) -> None:
    seen = visit(report)
    page = ready(seen)
    asked = "fetch('https://host.example/').then(() => 'sent', () => 'refused')"
    assert page.evaluate(asked) == "refused"
    assert seen.outside == []
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator(".controls").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#topic-0 blockquote").first.is_visible()
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    pages = (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n")
    assert 5 <= pages <= 40


def test_print_holds_what_was_closed_and_is_not_made_smaller(visit: Open, report: Path) -> None:
    """Where one table is wider than the paper, Chromium prints the whole page smaller."""
    page = ready(visit(report))
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})
    within = "Object.assign(document.body.style, { width: '658px', margin: 0 })"  # the margins of A4
    page.evaluate(within)
    ends = "[...document.querySelectorAll('table')].map(table => table.getBoundingClientRect().right)"
    assert max(page.evaluate(ends)) <= 658
    for closed in ("details.parameters table", "table.checklist"):
        tables = page.locator(closed)
        assert tables.count() > 0
        assert all(table.is_visible() for table in tables.all())


def test_hostile_texts_are_shown_and_not_obeyed(visit: Open, hostile: Path) -> None:
    seen = visit(hostile)
    page = ready(seen)
    page.locator("#topic-0 summary").click()
    quoted = page.locator("#topic-0").get_by_text("<script>window.obeyed = 1</script> <b>bold</b>")
    assert quoted.is_visible()
    for place, message in enumerate(MESSAGES):
        point_at(page, place)
        said = page.locator(".tip blockquote").text_content() or ""
        assert said.rstrip("…") == readable(message)[:1200]
    search(page, "obeyed")
    assert listed(page) == [readable(message) for message in MESSAGES if "obeyed" in message]
    for tag in ("script", "img", "a", "b"):
        assert page.locator(f"#the-map blockquote {tag}").count() == 0
    assert page.evaluate("typeof window.obeyed") == "undefined"
    assert seen.problems == []
    assert seen.outside == []


def test_without_quotes_there_is_no_message_to_find(visit: Open, record: RunRecord, tmp_path: Path) -> None:
    seen = visit(write(tmp_path, record, "none"))
    page = ready(seen)
    assert page.locator("#the-map input[type=search]").count() == 0
    point_at(page, 0)
    assert page.locator(".tip blockquote").count() == 0
    topic = record.communications["topic"][0]
    assert f"topic {topic}" in (page.locator(".tip").text_content() or "")
    assert seen.problems == []


@pytest.mark.parametrize("webgl", [True, False])
def test_many_points_are_drawn_with_and_without_webgl(
    visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, webgl: bool
) -> None:
    monkeypatch.setattr(points, "SMOOTH_AS_SVG", 10)
    without = (
        "{ const { getContext } = HTMLCanvasElement.prototype; HTMLCanvasElement.prototype.getContext ="
        " function (kind, ...more) { return kind === '2d' ? getContext.call(this, kind, ...more) : null; } }"
    )
    seen = visit(write(tmp_path, make_record(60)), before=None if webgl else without)
    page = ready(seen)
    kinds = set(page.evaluate(f"{PLOT}.data.map(trace => trace.type)"))
    assert kinds in ({"scatter"}, {"scattergl"})
    assert webgl or kinds == {"scatter"}
    search(page, "clinic")
    assert seen.problems == []


def test_numbers_of_the_confusion_matrix_suit_their_cells_on_a_dark_page(visit: Open, report: Path) -> None:
    page = ready(visit(report, color_scheme="dark"))
    for name in ("confusion", "confusion_messages"):
        cells = f"[...document.querySelectorAll('[data-figure={name}] .heatmap-label text')]"
        colours = set(page.evaluate(f"{cells}.map(text => getComputedStyle(text).fill)"))
        assert "rgb(68, 68, 68)" in colours  # dark on pale cells, though the page's own ink is pale
        assert colours <= {"rgb(68, 68, 68)", "rgb(255, 255, 255)"}
