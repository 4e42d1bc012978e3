"""The labelling page in a real browser: coded by keyboard, killed and started again, offline, read by axe."""
# ruff: noqa: RUF001 - messages of other languages

import os
import re
import signal
import sqlite3
from dataclasses import replace

import polars as pl
import pytest
from markupsafe import escape

from builders import make_codebook
from coding import Server, code_all, message_of, press, sit_down
from coding_server import HOSTILE, STUDY, invented, label_file
from themeloom.columns import AGREEMENT
from themeloom.labelling import codebooks
from themeloom.labelling.store import PATIENCE, Store
from themeloom.records import Codebook

FIRST = "0" * 16
BOOK = make_codebook()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("page"), 25, "Zoe") as started:
        yield started.start()


@pytest.fixture
def events(server):
    """Ask the label file, as another program would."""

    def ask(query, *values):
        connection = sqlite3.connect(label_file(server.root))
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    return ask


def codes_of(events, coder):
    return dict(events("SELECT doc_id, code FROM current_codes WHERE coder = ?", coder))


def test_a_batch_is_coded_by_keyboard_without_a_reload(visit, server, events):
    seen = sit_down(visit, server, "Ana")
    seen.page.evaluate("window.stayed = true")
    asked = len(seen.requests)
    assert code_all(seen.page, lambda doc_id: str(1 + int(doc_id, 16) % 4)) == 25
    assert seen.page.evaluate("window.stayed")
    assert len(events("SELECT 1 FROM events WHERE coder = 'Ana' AND kind = 'code'")) == 25
    keys = ["diagnosis", "power", "relationship", "support"]
    assert codes_of(events, "Ana") == {f"{n:016x}": keys[n % 4] for n in range(25)}
    assert all(url.startswith(server.address) for url in seen.requests)
    assert len(seen.requests) - asked == 2 * 25 - 5  # a code each, and each message but those there already
    assert seen.problems == []


def test_after_twenty_comes_a_pause(visit, server):
    seen = sit_down(visit, server, "Pia")
    assert code_all(seen.page, lambda _: "1", most=20) == 20
    assert seen.page.inner_text("#paused") == "20 of 25 coded"
    assert "seconds each" in seen.page.inner_text("#pause-pace")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_selector("#work:not([hidden])")
    assert seen.page.inner_text("#place") == "20 of 25 coded"


def test_each_coder_has_an_order_of_their_own_and_keeps_it(server):
    orders = {}
    for name in ("Ida", "Jon"):
        cookie = server.enter(server.link, name)
        state = server.ask("/api/state", cookie=cookie)[2]
        orders[name] = re.findall(r'"order":\[(.*?)\]', state)[0]
        assert server.ask("/api/state", cookie=server.enter(server.link, name))[2] == state
    assert orders["Ida"] != orders["Jon"]
    assert sorted(orders["Ida"].split(",")) == sorted(orders["Jon"].split(","))


def test_notes_second_codes_unclear_skip_back_and_undo(visit, server, events):
    page = sit_down(visit, server, "Ben").page
    first = message_of(page)
    page.keyboard.press("n")
    page.keyboard.type("say 3 of them / u")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Digit2")
    assert page.get_attribute("li[data-key=power] .second", "aria-pressed") == "true"
    press(page, "1")
    row = events(
        "SELECT code, second, note, unclear, codebook, seconds > 0 FROM current_codes WHERE coder = 'Ben'"
    )
    assert row == [("diagnosis", "power", "say 3 of them / u", 0, 1, 1)]
    second = message_of(page)
    press(page, "u")
    assert events("SELECT code, unclear FROM current_codes WHERE doc_id = ? AND coder = 'Ben'", second) == [
        (None, 1)
    ]
    press(page, "z")
    assert message_of(page) == second
    assert second not in codes_of(events, "Ben")
    press(page, "b")
    assert message_of(page) == first
    assert page.input_value("#note") == "say 3 of them / u"
    assert "You said: The impact of diagnosis" in page.inner_text("#given")
    page.keyboard.press("f")
    page.wait_for_function("one => document.body.dataset.doc === one", arg=second)
    press(page, "s")
    page.wait_for_function("() => !Object.keys(localStorage).length")
    skipped = events("SELECT doc_id FROM events WHERE kind = 'skip' AND coder = 'Ben'")
    assert skipped == [(second,)]
    page.reload()
    page.wait_for_selector("#work:not([hidden])")
    assert message_of(page) not in {first, second}
    assert code_all(page, lambda _: "4", most=23) == 23 or page.is_visible("#pause")


def write_note(page, note):
    page.keyboard.press("n")
    page.keyboard.press("Control+a")
    page.keyboard.type(note)


def test_a_note_is_there_still_when_the_message_comes_again(visit, server, events):
    page = sit_down(visit, server, "Oda").page
    first = message_of(page)
    write_note(page, "once more")
    assert page.inner_text("#kept") == "Kept in this browser until you give a code."
    page.keyboard.press("Escape")
    press(page, "f")
    assert page.input_value("#note") == page.inner_text("#kept") == ""
    press(page, "b")
    assert page.input_value("#note") == "once more"
    write_note(page, "twice, closed while writing")
    page.reload()
    page.wait_for_selector("#work:not([hidden])")
    assert page.input_value("#note") == "twice, closed while writing"
    other = another_comes(page, server, "Pal")  # in the same browser
    while message_of(other) != first:
        press(other, "f")
    assert other.input_value("#note") == ""
    other.close()
    another_comes(page, server, "Oda").close()
    page.reload()
    page.wait_for_selector("#work:not([hidden])")
    press(page, "s")
    page.wait_for_function("() => Object.keys(localStorage).length === 1")
    while message_of(page) != first:
        press(page, "f")
    assert page.input_value("#note") == "twice, closed while writing"
    press(page, "1")
    noted = "SELECT doc_id, code, note FROM current_codes WHERE coder = 'Oda'"
    assert events(noted) == [(first, "diagnosis", "twice, closed while writing")]
    assert page.evaluate("() => Object.keys(localStorage).length") == 0


def test_a_note_to_a_message_that_is_coded_is_kept_with_its_code(visit, server, events):
    page = sit_down(visit, server, "Quin").page
    doc_id = message_of(page)
    page.keyboard.press("Shift+Digit2")
    press(page, "1")
    query = "SELECT code, second, codebook, seconds, note FROM {} WHERE coder = 'Quin' AND doc_id = ?"
    [(*said, none)] = events(query.format("current_codes"), doc_id)
    assert none is None
    other = message_of(page)

    def has(note, times):
        page.wait_for_function("() => !Object.keys(localStorage).length")
        assert events(query.format("current_codes"), doc_id) == [(*said, note)]
        assert len(events(query.format("events") + " AND kind = 'code'", doc_id)) == times

    press(page, "b")
    write_note(page, "added later")
    assert page.inner_text("#kept") == "Kept when you leave the note."
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.getElementById('kept').textContent === 'Kept with your code.'")
    has("added later", 2)
    write_note(page, "by the mouse")
    page.click("#codes")
    has("by the mouse", 3)
    write_note(page, "closed while writing")
    page.reload()
    page.wait_for_selector("#work:not([hidden])")
    has("closed while writing", 4)
    assert message_of(page) == other
    press(page, "b")
    page.keyboard.press("n")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Escape")
    has(None, 5)
    page.keyboard.press("z")  # takes the last note back, not the code
    page.wait_for_function("() => document.getElementById('note').value === 'closed while writing'")
    has("closed while writing", 5)
    page.route("**/api/code", lambda route: route.abort())
    write_note(page, "far from the network")
    page.keyboard.press("Escape")
    press(page, "f")
    page.wait_for_function("() => !document.getElementById('unsent').hidden")
    page.unroute("**/api/code")
    has("far from the network", 6)


def test_a_note_outlives_the_code_that_is_taken_back(visit, server, events):
    page = sit_down(visit, server, "Rob").page
    doc_id = message_of(page)
    write_note(page, "of a wrong code")
    page.keyboard.press("Escape")
    press(page, "1")
    press(page, "z")
    assert message_of(page) == doc_id
    assert page.input_value("#note") == "of a wrong code"
    press(page, "2")
    noted = "SELECT doc_id, code, note FROM current_codes WHERE coder = 'Rob'"
    assert events(noted) == [(doc_id, "power", "of a wrong code")]


def test_the_codebook_is_searched_and_taken_by_enter(visit, server, events):
    page = sit_down(visit, server, "Cleo").page
    doc_id = message_of(page)
    page.keyboard.press("/")
    page.keyboard.type("waiting lists")
    assert page.locator("#codes li:visible").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_function("one => document.body.dataset.doc !== one", arg=doc_id)
    assert codes_of(events, "Cleo") == {doc_id: "support"}
    assert page.locator("#codes li:visible").count() == 7


def test_keys_give_the_codes_that_are_shown(visit, server, events):
    page = sit_down(visit, server, "Cato").page
    doc_id = message_of(page)
    page.keyboard.press("/")
    page.keyboard.type("waiting lists")
    page.click("#text")  # leaves the box, and the codes as they were found
    shown = page.locator("#codes li:visible kbd").inner_text()
    hidden = "1" if shown != "1" else "2"
    page.keyboard.press(hidden)
    page.wait_for_selector("#fault:not([hidden])")
    assert page.inner_text("#fault") == f"Code {hidden} is hidden by the search: empty its box first."
    assert (message_of(page), codes_of(events, "Cato")) == (doc_id, {})
    press(page, shown)
    assert codes_of(events, "Cato") == {doc_id: "support"}
    assert page.locator("#codes li:visible").count() == 7
    assert page.input_value("#search") == ""
    assert page.is_hidden("#fault")


@pytest.mark.parametrize(
    "letters",
    [
        {"u": "\u05d5", "z": "\u05d6", "n": "\u05de"},  # Hebrew
        {"u": "\u0433", "z": "\u044f", "n": "\u0442"},  # Russian
        {"u": "\u0941", "z": "\u0964", "n": "\u0928"},  # Hindi: a mark, a stroke and a letter
    ],
)
def test_letters_of_other_scripts_are_the_keys_in_their_place(visit, server, events, letters):
    page = sit_down(visit, server, f"Kim {letters['u'].encode('unicode_escape').decode()[2:]}").page
    coder = page.inner_text(".who b")
    doc_id = message_of(page)

    def hit(letter):
        event = {"key": letters[letter], "code": f"Key{letter.upper()}", "bubbles": True}
        page.evaluate("one => document.body.dispatchEvent(new KeyboardEvent('keydown', one))", event)

    hit("u")
    page.wait_for_function("one => document.body.dataset.doc !== one", arg=doc_id)
    unclear = "SELECT doc_id FROM current_codes WHERE coder = ? AND unclear"
    page.wait_for_function("() => !Object.keys(localStorage).length")
    assert events(unclear, coder) == [(doc_id,)]
    hit("z")
    page.wait_for_function("one => document.body.dataset.doc === one", arg=doc_id)
    hit("n")
    assert page.evaluate("document.activeElement.id") == "note"


@pytest.mark.parametrize(
    ("name", "sought"),
    [
        ("Ärzte und Pflege", "arzte"),
        ("Ärzte und Pflege", "a\u0308rzte"),
        ("IŞIK ve ısı", "ışık"),
        ("IŞIK ve ısı", "ISIK"),
        ("İlaç", "ilac"),
    ],
)
def test_the_codebook_is_searched_whatever_the_accents(visit, coding_server, tmp_path, name, sought):
    server = coding_server(tmp_path, 1)
    with Store.open(label_file(tmp_path), STUDY) as store:
        codebooks.take_in(store, Codebook((replace(BOOK.themes[0], name=name), *BOOK.themes[1:])), "Zoe", "")
    page = sit_down(visit, server, "Cleo").page
    page.fill("#search", sought)
    assert page.locator("#codes li:visible bdi").all_inner_texts() == [name]


def test_single_keys_can_be_turned_off(visit, server):
    page = sit_down(visit, server, "Dan").page
    page.click("summary")
    page.uncheck("#keys")
    doc_id = message_of(page)
    page.keyboard.press("1")
    page.wait_for_timeout(150)
    assert message_of(page) == doc_id
    assert page.inner_text("#place") == "0 of 25 coded"


def test_the_guess_is_hidden_until_asked_for_and_marks_the_code(visit, server, events):
    page = sit_down(visit, server, "Eve").page
    assert "model says" not in page.inner_text("body")
    blind = message_of(page)
    press(page, "2")
    helped = message_of(page)
    page.keyboard.press("g")
    page.wait_for_function("() => document.getElementById('guess').textContent.includes('62 in 100')")
    press(page, "2")
    assisted = dict(events("SELECT doc_id, assisted FROM current_codes WHERE coder = 'Eve'"))
    assert assisted == {blind: 0, helped: 1}


def test_text_is_shown_as_text_and_placeholders_as_chips(visit, server):
    cookie = server.enter(server.link, "Finn")
    order = re.findall(r'"order":\[(.*?)\]', server.ask("/api/state", cookie=cookie)[2])[0]
    place = [one.strip('"') for one in order.split(",")].index(FIRST)
    seen = sit_down(visit, server, "Finn")
    for _ in range(place):
        seen.page.keyboard.press("f")
    seen.page.wait_for_function("one => document.body.dataset.doc === one", arg=FIRST)
    assert seen.page.inner_text("#text") == HOSTILE.replace("[person 1]", "person 1")
    assert seen.page.inner_text("#text .chip") == "person 1"
    assert seen.page.inner_text("#chips") == "person"
    assert "A made-up study" in seen.page.title()
    assert seen.problems == []


def test_the_server_may_be_killed_between_codes(visit, server, events):
    page = sit_down(visit, server, "Gus").page
    code_all(page, lambda _: "1", most=5)
    server.kill()
    press(page, "2")  # kept in the page
    press(page, "2")
    page.wait_for_function("() => !document.getElementById('unsent').hidden")
    assert "2 codes are kept in this browser" in page.inner_text("#unsent")
    assert len(codes_of(events, "Gus")) == 5
    server.start()
    page.wait_for_function("() => document.getElementById('unsent').hidden", timeout=20_000)
    assert sorted(codes_of(events, "Gus").values()) == ["diagnosis"] * 5 + ["power"] * 2
    assert code_all(page, lambda _: "3") == 18
    assert len(events("SELECT 1 FROM events WHERE coder = 'Gus' AND kind = 'code'")) == 25


IMPATIENT = """
    const asked = AbortSignal.timeout;
    AbortSignal.timeout = (patience) => {
        window.patience = patience;
        return asked.call(AbortSignal, 400);
    };
"""


def test_a_server_that_does_not_answer_holds_nobody_up(visit, server, events):
    page = sit_down(visit, server, "Jon", before=IMPATIENT).page
    code_all(page, lambda _: "1", most=3)
    assert page.evaluate("window.patience") == 15_000 > 1_000 * PATIENCE
    os.kill(server.pid, signal.SIGSTOP)
    try:
        press(page, "2")
        page.wait_for_function("() => !document.getElementById('unsent').hidden")
        assert "1 code is kept in this browser" in page.inner_text("#unsent")
        press(page, "2")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    page.wait_for_function("() => document.getElementById('unsent').hidden", timeout=20_000)
    assert sorted(codes_of(events, "Jon").values()) == ["diagnosis"] * 3 + ["power"] * 2
    assert len(events("SELECT 1 FROM events WHERE coder = 'Jon' AND kind = 'code'")) == 5


def test_what_was_kept_in_the_browser_outlives_the_page(visit, server, events):
    seen = sit_down(visit, server, "Hal")
    code_all(seen.page, lambda _: "1", most=2)
    seen.page.route("**/api/code", lambda route: route.abort())
    press(seen.page, "4")
    seen.page.wait_for_function("() => !document.getElementById('unsent').hidden")
    seen.page.unroute("**/api/code")
    seen.page.goto(f"{server.address}/code")
    seen.page.wait_for_selector("#work:not([hidden])")
    seen.page.wait_for_function("() => !Object.keys(localStorage).length")
    assert sorted(codes_of(events, "Hal").values()) == ["diagnosis", "diagnosis", "support"]


def test_an_answer_that_got_lost_makes_no_second_code(visit, server, events):
    page = sit_down(visit, server, "Ivo").page
    lost = []

    def lose(route):
        lost.append(route.fetch())
        route.abort()

    page.route("**/api/code", lose, times=1)
    press(page, "1")
    page.wait_for_function("() => !Object.keys(localStorage).length", timeout=10_000)
    assert lost[0].status == 200
    assert len(events("SELECT 1 FROM events WHERE coder = 'Ivo' AND kind = 'code'")) == 1


def test_a_changed_codebook_reaches_who_is_coding(visit, coding_server, tmp_path):
    server = coding_server(tmp_path, 5)
    page = sit_down(visit, server, "Ana").page
    press(page, "1")
    with Store.open(label_file(tmp_path), STUDY) as store:
        first = replace(BOOK.themes[0], name="Diagnosis, and what it does")
        codebooks.take_in(store, Codebook((first, *BOOK.themes[1:])), "Ana", "clearer")
    press(page, "1")
    page.wait_for_function("() => document.body.innerText.includes('version 2 counts from now on')")
    assert "Diagnosis, and what it does" in page.inner_text("#codes")
    press(page, "1")
    with Store.open(label_file(tmp_path), STUDY) as store:
        assert [row[0] for row in store.read("SELECT codebook FROM current_codes ORDER BY id")] == [1, 1, 2]


def test_a_codebook_that_was_not_changed_is_no_new_version(visit, server, events):
    seen = visit(server.link)
    seen.page.wait_for_url(f"{server.address}/")
    seen.page.goto(f"{server.address}/guide")
    seen.page.fill("#why", "clearer")
    seen.page.click("text=Take it in as a new version")
    seen.page.wait_for_selector(".fault")
    assert "is as it was; change it first" in seen.page.inner_text(".fault")
    assert events("SELECT COUNT(*) FROM codebooks") == [(1,)]


def test_a_link_is_made_on_the_overview_and_shown_once(visit, server):
    server.enter(server.link, "Lia")
    seen = visit(server.link)
    seen.page.wait_for_url(f"{server.address}/")
    seen.page.click("tr:has(th:text-is('Lia')) button")
    link = seen.page.wait_for_selector("tr:has(th:text-is('Lia')) code").inner_text()
    other = sit_down(visit, server, "Lia", link)
    assert "You code as Lia" in other.page.inner_text("header")
    seen.page.reload()
    assert link not in seen.page.content()


def test_a_personal_link_leads_to_one_coder_and_no_further(visit, server):
    seen = sit_down(visit, server, "Zoe", server.links["Zoe"])
    assert "You code as Zoe" in seen.page.inner_text("header")
    for page in ("adjudicate", "exports", "audit", "exports/codes.csv"):
        seen.page.goto(f"{server.address}/{page}")
        assert "Only whoever started the server may see this, by the link" in seen.page.inner_text("main")


def another_comes(page, server, name):
    """Somebody else chooses a name in the same browser, in a tab of their own."""
    other = page.context.new_page()
    other.goto(server.address)
    other.fill("#name", name)
    other.press("#name", "Enter")
    other.wait_for_url(f"{server.address}/code")
    other.wait_for_selector("#work:not([hidden]), #done:not([hidden])")
    return other


def test_a_tab_left_open_codes_for_nobody_but_its_own_coder(visit, server, events):
    page = sit_down(visit, server, "Kai").page
    press(page, "1")
    another_comes(page, server, "Lou").close()
    unsent = message_of(page)
    press(page, "2")
    page.wait_for_function("() => !document.getElementById('unsent').hidden")
    told = "This browser now codes as Lou; load the page again."
    kept = "1 code of Kai is kept in this browser, and sent when Kai codes here again."
    assert page.inner_text("#unsent") == f"{told} {kept}"
    assert page.inner_text("#wait") == told
    page.keyboard.press("3")  # no more is taken
    assert len(codes_of(events, "Kai")) == 1
    other = page.context.new_page()
    other.goto(f"{server.address}/code")
    other.wait_for_selector("#work:not([hidden])")
    assert other.evaluate("() => Object.keys(localStorage).length") == 1  # Kai's, and Lou sends it not
    assert codes_of(events, "Lou") == {}
    another_comes(page, server, "Kai").close()
    page.wait_for_selector("#work:not([hidden])")
    page.wait_for_function("() => !Object.keys(localStorage).length")
    assert codes_of(events, "Kai")[unsent] == "power"
    assert codes_of(events, "Lou") == {}
    assert not page.is_visible("#unsent")
    press(page, "3")
    assert len(codes_of(events, "Kai")) == 3


def test_what_waits_for_the_network_is_sent_under_its_own_name(visit, server, events):
    page = sit_down(visit, server, "Mae").page
    page.route("**/api/code", lambda route: route.abort())
    press(page, "4")
    page.wait_for_function("() => !document.getElementById('unsent').hidden")
    other = another_comes(page, server, "Ned")
    page.unroute("**/api/code")
    page.wait_for_function("() => document.getElementById('unsent').textContent.includes('codes as Ned')")
    press(other, "1")
    assert codes_of(events, "Mae") == {}
    assert list(codes_of(events, "Ned").values()) == ["diagnosis"]
    back = another_comes(page, server, "Mae")
    back.wait_for_function("() => !Object.keys(localStorage).length")
    assert list(codes_of(events, "Mae").values()) == ["support"]
    assert list(codes_of(events, "Ned").values()) == ["diagnosis"]


def test_decisions_of_a_tab_left_open_are_nobody_elses(visit, coding_server, tmp_path):
    server = coding_server(tmp_path, 2)
    for name, code in (("Ana", "power"), ("Ben", "support")):
        cookie = server.enter(server.link, name)
        for place in range(2):
            assert server.code(cookie, f"{place:016x}", code)[0] == 200
    page = visit(server.link).page
    page.wait_for_url(f"{server.address}/")
    another_comes(page, server, "Ana").close()
    page.goto(f"{server.address}/adjudicate")
    another_comes(page, server, "Ben").close()
    card = page.locator("form.decide").first
    card.locator("select").select_option("power")
    card.locator("[name=why]").fill("as Ana says")
    card.locator("button").click()
    page.wait_for_selector(".fault")
    assert page.inner_text(".fault") == "This browser now codes as Ben; load the page again."
    assert card.locator("[name=why]").input_value() == "as Ana says"
    with Store.open(label_file(tmp_path), STUDY) as store:
        assert store.read("SELECT coder FROM current_decisions") == []


def test_after_a_decision_one_goes_on_with_the_next_message(visit, coding_server, tmp_path):
    """By keyboard alone: view and focus are where the next one is, and what was decided is said."""
    server = coding_server(tmp_path, 12)
    for name, code in (("Ana", "power"), ("Ben", "support")):
        cookie = server.enter(server.link, name)
        for place in range(12):
            assert server.code(cookie, f"{place:016x}", code)[0] == 200
    page = visit(server.link).page
    page.wait_for_url(f"{server.address}/")
    another_comes(page, server, "Ana").close()
    page.goto(f"{server.address}/adjudicate")
    place = page.get_by_role("article", name="Message 7 of 12")
    assert page.get_by_role("button", name="Decide Message 7 of 12").count() == 1
    assert page.get_by_role("textbox", name="Why Message 7 of 12").count() == 1
    page.get_by_role("combobox", name="Decision Message 7 of 12").focus()
    coming = [page.locator("article").nth(number).get_attribute("id") for number in (7, 8)]
    for number, doc_id in enumerate(coming):
        page.keyboard.press("ArrowDown")  # the first code
        page.keyboard.press("Tab")
        page.keyboard.type("so")
        page.keyboard.press("Enter")
        page.wait_for_function("one => document.querySelector('#next + article')?.id === one", arg=doc_id)
        said = page.get_by_role("status").and_(page.locator("#next"))
        assert (
            said.inner_text()
            == "Decided: Balance of power between professional and service user. The next message is below."
        )
        assert page.evaluate("document.activeElement.id") == "next"
        assert page.evaluate("scrollY") > 500
        place = page.get_by_role("article", name=f"Message 7 of {11 - number}")
        assert place.get_attribute("id") == doc_id
        assert place.locator("select").is_visible()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == doc_id.replace("d-", "code-")


ARABIC = 'انتظرت 6 أشهر في waiting list ثم قال لي "no beds". شكرا!'


def directions(page, *places):
    """Tell which way the text runs in each of these elements."""
    look = "places => places.map(one => getComputedStyle(document.querySelector(one)).direction)"
    return dict(zip(places, page.evaluate(look, list(places)), strict=True))


def test_what_is_written_from_right_to_left_is_shown_so(visit, coding_server, tmp_path):
    server = coding_server(tmp_path, 0)
    theme = replace(BOOK.themes[0], name="ميزان القوة", definition=ARABIC, other_definitions=(ARABIC,))
    theme = replace(theme, other_names=("القوة",), include=("القوة",), exclude=("القوة",))
    texts = pl.Series("text", [f"[person 1] {ARABIC}", "It was all in English."])
    with Store.open(label_file(tmp_path), STUDY) as store:
        codebooks.take_in(store, Codebook((theme, *BOOK.themes[1:])), "نور", ARABIC)
        store.add_messages(invented(2).with_columns(texts), "test")
    for name, code in (("نور", theme.key), ("ليلى", "support")):
        cookie = server.enter(server.link, name)
        for place in range(2):
            assert server.code(cookie, f"{place:016x}", code, note=ARABIC, second="power")[0] == 200

    page = sit_down(visit, server, "سامي").page
    while "انتظرت" not in page.inner_text("#text"):
        press(page, "f")
    page.fill("#note", ARABIC)
    entry = f"li[data-key={theme.key}]"
    seen = [".who b", "#text", "#note", f"{entry} .take bdi", f"{entry} dd", f"{entry} dd:last-child"]
    assert set(directions(page, *seen).values()) == {"rtl"}
    assert directions(page, "#text .chip") == {"#text .chip": "ltr"}
    page.keyboard.press("Escape")
    press(page, "1")
    assert directions(page, "#text") == {"#text": "ltr"}
    press(page, "1")
    page.click("#look-back")
    page.wait_for_selector("#work:not([hidden])")
    assert directions(page, "#given bdi") == {"#given bdi": "rtl"}

    another_comes(page, server, "نور").close()
    first, second = (f"#d-{place:016x}" for place in range(2))
    page.goto(f"{server.address}/adjudicate")
    sides = [f"{first} {one}" for one in ("blockquote", ".sides b", ".sides .muted", "option[dir]")]
    assert set(directions(page, *sides).values()) == {"rtl"}
    assert directions(page, f"{second} blockquote", f"{first} .chip", "label") == {
        f"{second} blockquote": "ltr",
        f"{first} .chip": "ltr",
        "label": "ltr",
    }
    page.select_option(f"{first} select", theme.key)
    page.fill(f"{first} [name=why]", ARABIC)
    assert directions(page, f"{first} [name=why]") == {f"{first} [name=why]": "rtl"}
    page.click(f"{first} button")
    page.wait_for_selector("h2:text('Decided')")
    decided = f"{first} > p > "
    told = [f"{decided}b", f"{decided}bdi", f"{decided}bdi:last-child"]
    assert set(directions(page, *told).values()) == {"rtl"}

    for name, places in {
        "": ["h1 bdi", "th[scope=row]"],
        "agreement": ["blockquote", "caption bdi", ".sides .muted", "main > p bdi"],
        "guide": [
            "h2 bdi",
            "dl.meaning dd",
            "dl.meaning dd:last-child",
            "td:nth-child(3)",
            "td:nth-child(4)",
        ],
        "audit": ["td:nth-child(3)"],
    }.items():
        page.goto(f"{server.address}/{name}")
        assert set(directions(page, *places).values()) == {"rtl"}, name


def test_further_names_and_definitions_of_a_theme_reach_coders(visit, coding_server, tmp_path):
    server = coding_server(tmp_path, 2)
    theme = replace(
        BOOK.themes[0],
        other_names=("Labels", "Being named"),
        other_definitions=("What a name does to people.",),
    )
    with Store.open(label_file(tmp_path), STUDY) as store:
        codebooks.take_in(store, Codebook((theme, *BOOK.themes[1:])), "Ana", "more words")
    page = sit_down(visit, server, "Ana").page
    shown = page.inner_text(f"li[data-key={theme.key}]")
    assert f"{theme.definition}\nWhat a name does to people.\nAlso called\nLabels, Being named\n" in shown
    assert page.locator("#codes dt:text('Also called')").count() == 1  # not where there are none
    page.fill("#search", "does to people")
    assert page.locator("#codes li:visible").count() == 1
    page.goto(f"{server.address}/guide")
    shown = page.inner_text("section.card >> nth=0")
    assert f"{theme.definition}\nWhat a name does to people.\nAlso called\nLabels, Being named\n" in shown
    assert page.locator("dt:text('Also called')").count() == 1


def test_one_is_no_plural(coding_server, tmp_path):
    server = coding_server(tmp_path, 1)
    doc_id = "0" * 16
    cookies = [server.enter(server.link, name) for name in ("Ana", "Ben", "Cem")]
    server.ask(f"/api/guess/{doc_id}", cookie=cookies[0])
    for cookie, code in zip(cookies, ("power", "support", None), strict=True):
        if code is None:
            told = "has 1 message left, and would see the codes of others; finish it first"
            assert told in server.ask("/exports", cookie=cookie)[2]
        assert server.code(cookie, doc_id, code, unclear=code is None)[0] == 200
    assert "<p>1 message; 1 coded by two or more.</p>" in server.ask("/", cookie=cookies[0])[2]
    assert "<p>1 message is disputed and" in server.ask("/adjudicate", cookie=cookies[0])[2]
    told = server.ask("/agreement", cookie=cookies[0])[2]
    assert "<p>1 message was coded by two or more" in told
    assert "(1 time) takes" in told
    assert "1 code was given with" in told
    for head, label in AGREEMENT.values():
        assert f'<th scope="col">{head[:1].upper()}{head[1:]}</th>' in told
        assert escape(label) in told
    assert " (no interval)</td>" in told


def test_the_overview_fits_a_phone(visit, server):
    server.enter(server.link, "Wilhelmina-Charlotte Featherstonehaugh")
    seen = visit(server.link, viewport={"width": 360, "height": 740})
    seen.page.wait_for_url(f"{server.address}/")
    assert seen.page.evaluate("document.querySelector('.scroll').scrollWidth") > 360
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 360


def test_without_javascript_the_page_says_so(visit, server):
    seen = visit(server.links["Zoe"], java_script_enabled=False)
    seen.page.wait_for_url(f"{server.address}/")
    for path in ("", "code"):
        seen.page.goto(f"{server.address}/{path}")
        assert "Nothing can be coded or sent without JavaScript: allow it" in seen.page.inner_text("main")
