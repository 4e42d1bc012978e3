"""What axe-core says of every page, in light and dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from coding import Server, sit_down

PAGES = ("code", "", "guide", "agreement", "adjudicate", "checks", "exports", "audit", "enter")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("accessible"), 4) as started:
        started.start()
        for name, shift in (("Uma", 0), ("Vic", 1)):
            cookie = started.enter(started.link, name)
            for place in range(4):
                key = ("power", "support", "thanks")[(place + shift * (place % 3 == 0)) % 3]
                assert started.code(cookie, f"{place:016x}", key, note="so", second="meta")[0] == 200
        yield started


def violations(page, rules):
    # axe is put in by the browser's own tools, around the page's policy
    found = Axe().run(page, options=rules).response["violations"]
    return {one["id"]: [node["html"][:120] for node in one["nodes"]] for one in found}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit, server, scheme):
    rules = {} if scheme == "light" else {"runOnly": ["color-contrast"]}  # what the scheme can change
    page = sit_down(visit, server, "Xia", color_scheme=scheme).page
    page.keyboard.press("g")
    page.click("summary")
    page.wait_for_timeout(300)  # the message fades in
    found = {"code": violations(page, rules)}
    page.goto(server.address)
    page.fill("#name", "Uma")
    page.press("#name", "Enter")
    page.wait_for_url(f"{server.address}/code")
    page.wait_for_selector("#done:not([hidden])")
    for name in PAGES if scheme == "light" else ("agreement", "adjudicate"):
        if name != "code":
            page.goto(f"{server.address}/{name}")
        found[name or "overview"] = violations(page, rules)
    assert "disputed" in page.goto(f"{server.address}/adjudicate").text()  # not pages without content
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_a_coder_can_go_by_tab_alone(visit, server):
    page = sit_down(visit, server, "Yan").page
    names = []
    for _ in range(30):
        page.keyboard.press("Tab")
        names.append(page.evaluate("() => document.activeElement.id || document.activeElement.className"))
    order = [
        name
        for name in dict.fromkeys(names)
        if name in {"skip", "note", "unclear", "search", "take", "second"}
    ]
    assert order == ["skip", "note", "unclear", "search", "take", "second"]


def test_a_screen_reader_is_told_of_the_next_message(visit, server):
    page = sit_down(visit, server, "Zed").page
    said = page.inner_text("#live")
    page.keyboard.press("1")
    page.wait_for_function("said => document.getElementById('live').textContent !== said", arg=said)
    assert page.inner_text("#live").startswith("Message 2: ")
    assert page.get_attribute("#live", "role") == "status"
    label = page.locator("li[data-key=power] .second").get_attribute("aria-label")
    assert label == "Balance of power between professional and service user as second code"
