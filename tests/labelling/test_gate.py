"""Attacks on the labelling page, each tried against the running server."""

import http.client
import json
import re
import socket
import sqlite3
import uuid

import pytest

from coding import Server
from coding_server import label_file

DOC = f"{1:016x}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("gate"), 10, "Zoe") as started:
        yield started.start()


@pytest.fixture(scope="module")
def ana(server):
    return server.enter(server.link, "Ana")


def count(server, kind="code", doc_id="%"):
    connection = sqlite3.connect(label_file(server.root))
    try:
        query = "SELECT COUNT(*) FROM events WHERE kind LIKE ? AND COALESCE(doc_id, '') LIKE ?"
        return connection.execute(query, (kind, doc_id)).fetchone()[0]
    finally:
        connection.close()


def test_the_cookie_is_for_this_server_alone(server):
    status, headers, _ = server.ask(server.link.removeprefix(server.address))
    cookie = headers["Set-Cookie"]
    assert status == 200
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert f"themeloom-{server.port}=" in cookie


def test_secrets_are_not_kept(server, ana):
    kept = b"".join(path.read_bytes() for path in label_file(server.root).parent.iterdir())
    for secret in (ana.partition("=")[2], *(link.partition("token=")[2] for link in server.links.values())):
        assert secret.encode() not in kept
    assert label_file(server.root).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "path", ["/", "/code", "/agreement", "/api/state", f"/api/message/{DOC}", "/exports/codes.csv", "/audit"]
)
@pytest.mark.parametrize("cookie", ["", "themeloom-1=x", "themeloom-{port}=" + "A" * 43])
def test_nothing_is_served_without_a_session(server, path, cookie):
    status, _, text = server.ask(path, cookie=cookie.format(port=server.port))
    assert status == 401 if path.startswith("/api") else "Open this page by the link" in text
    assert "says" not in text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""]
)
def test_another_name_of_the_server_is_turned_away(server, ana, host):
    """DNS rebinding: a name of the attacker's that leads to this machine."""
    status, _, text = server.ask("/api/state", cookie=ana, Host=host.format(port=server.port))
    assert status in (400, 421)
    assert "order" not in text


@pytest.mark.parametrize(
    "origin",
    [None, "null", "https://evil.example", "http://127.0.0.1", "http://localhost.evil.example:{port}"],
)
def test_a_forged_request_is_turned_away(server, ana, origin):
    before = count(server)
    body = {"client": str(uuid.uuid4()), "doc_id": DOC, "code": "power", "codebook": 1}
    given = origin and origin.format(port=server.port)
    status, _, text = server.ask("/api/code", body, cookie=ana, Origin=given)
    assert (status, count(server)) == (403, before)
    assert "Only the page itself" in text


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
def test_what_a_form_of_another_site_could_send_is_turned_away(server, ana, kind):
    before = count(server)
    body = {"client": str(uuid.uuid4()), "doc_id": DOC, "code": "power", "codebook": 1}
    assert server.ask("/api/code", body, cookie=ana, Content_Type=kind or "")[0] == 415
    assert count(server) == before


def test_another_site_cannot_embed_or_fetch(server, ana):
    status, _, _ = server.ask("/static/page.css", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")
    assert status == 403
    status, _, _ = server.ask("/api/state", cookie=ana, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors")
    assert status == 403


@pytest.mark.parametrize("path", ["/", "/code", "/enter", "/static/code.js", "/nowhere", "/api/state"])
def test_every_answer_forbids_what_is_not_the_pages_own(server, ana, path):
    _, headers, text = server.ask(path, cookie=ana)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "server" not in headers
    if "<html" in text:
        assert re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", text) == []


def test_large_bodies_are_turned_away(server, ana):
    body = {"client": str(uuid.uuid4()), "doc_id": DOC, "code": "power", "codebook": 1, "note": "x" * 70_000}
    assert server.ask("/api/code", body, cookie=ana)[0] == 413
    body["note"] = "x" * 3_000
    status, _, text = server.ask("/api/code", body, cookie=ana)
    assert (status, json.loads(text)["error"]) == (422, "The request has a fault in: note.")


def test_large_bodies_of_no_announced_length_are_turned_away(server, ana):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {"Cookie": ana, "Origin": server.address, "Content-Type": "application/json"}
    connection.request("POST", "/api/code", iter([b"x" * 9_000] * 10), headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "no-such-code"},
        {"code": None},
        {"code": "power", "unclear": True},
        {"second": "power"},
        {"second": "nothing"},
        {"doc_id": "no-such-message"},
        {"doc_id": "' OR 1=1 --"},
        {"codebook": 99},
        {"client": "x"},
        {"coder": "Zoe"},
        {"assisted": False},
        {"seconds": -1},
        {"seconds": "1"},
    ],
)
def test_what_is_no_code_is_refused_in_a_sentence(server, ana, changed):
    before = count(server)
    body = {"client": str(uuid.uuid4()), "doc_id": DOC, "code": "power", "codebook": 1} | changed
    status, _, text = server.ask("/api/code", body, cookie=ana)
    assert (status, count(server)) == (422, before)
    assert json.loads(text)["error"].endswith(".")


UNUSED = str(uuid.uuid4())


@pytest.mark.parametrize("made_for", ["Zoe", "", None])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("code", {"client": UNUSED, "doc_id": DOC, "code": "power", "codebook": 1}),
        ("skip", {"client": UNUSED, "doc_id": DOC}),
        ("undo", {"client": UNUSED}),
        ("answer", {"client": UNUSED, "check": "word-0", "choice": 1}),
        ("decide", {"doc_id": DOC, "code": "power", "why": "so"}),
        ("me", {"name": "Ben"}),
    ],
)
def test_a_page_that_was_made_for_somebody_else_leaves_no_trace(server, ana, path, body, made_for):
    """Tabs of a browser share a cookie, and one may have been left open when another coder came."""
    before = count(server, "%")
    status, _, text = server.ask(f"/api/{path}", body, cookie=ana, Themeloom_Coder=made_for)
    assert (status, count(server, "%")) == (409, before)
    assert json.loads(text)["error"] == "This browser now codes as Ana; load the page again."
    for seen in ("message", "guess"):  # that a coder saw them is kept, too
        assert server.ask(f"/api/{seen}/{DOC}", cookie=ana, Themeloom_Coder="Zoe")[0] == 409
    assert count(server, "%") == before


def test_a_page_of_a_coder_writes_nothing_while_nobody_codes(server):
    cookie = server.enter(server.link)
    body = {"client": str(uuid.uuid4()), "doc_id": DOC, "code": "power", "codebook": 1}
    status, _, text = server.ask("/api/code", body, cookie=cookie, Themeloom_Coder="Ana")
    assert (status, json.loads(text)["error"]) == (409, "Nobody codes here now; load the page again.")


def test_names_in_any_letters_are_told_by_pages(server, visit):
    seen = visit(server.link)
    seen.page.wait_for_url(f"{server.address}/")
    seen.page.fill("#name", "Zoë Ågren")
    seen.page.press("#name", "Enter")
    seen.page.wait_for_selector("#work:not([hidden])")
    before = count(server)
    seen.page.keyboard.press("1")
    seen.page.wait_for_function("() => document.getElementById('place').textContent.startsWith('1 of')")
    assert (count(server), seen.problems) == (before + 1, [])


def test_hostile_names_are_refused(server):
    cookie = server.enter(server.link)
    for name in ("<script>alert(1)</script>", "=cmd", "adjudicated", "../x", "a" * 41, "a\x00b", "doc_id"):
        status, _, text = server.ask("/api/me", {"name": name}, cookie=cookie)
        assert status == 422, name
        assert "can be no coder's name" in text
    assert server.ask("/api/me", {"name": "Zoë O\u2019Neil-Smith Jr."}, cookie=cookie)[0] == 200


def test_a_hostile_note_is_shown_as_text(server, visit):
    attack = '"><img src=x onerror="document.title=1"> {{ 7*7 }}'
    for name, code in (("Kim", "power"), ("Lee", "support")):
        cookie = server.enter(server.link, name)
        for place in range(10):
            assert server.code(cookie, f"{place:016x}", code, note=attack)[0] == 200
    seen = visit(server.link)
    seen.page.wait_for_url(f"{server.address}/")
    for page in ("agreement", "adjudicate"):
        seen.page.goto(f"{server.address}/{page}")
        assert attack in seen.page.inner_text("main")
        assert "A made-up study" in seen.page.title()
    assert seen.problems == []


def test_a_coder_sees_no_codes_of_others_while_messages_are_left(server):
    cookie = server.enter(server.link, "Mia")
    assert server.code(cookie, DOC, "power")[0] == 200
    told = "Hidden for now: what others said shows when two coders have finished a batch, and you are one"
    for path in ("/agreement", "/adjudicate"):
        assert told in server.ask(path, cookie=cookie)[2]
    assert "disputed" not in server.ask("/adjudicate", cookie=cookie)[2]
    status, _, text = server.ask("/exports/codes.csv", cookie=cookie)
    assert status == 422
    assert "Mia has 9 messages left" in text
    body = {"doc_id": DOC, "code": "power", "why": "so"}
    assert "not open for decisions" in server.ask("/api/decide", body, cookie=cookie)[2]


def test_unclear_is_not_counted_among_disputed_codes(coding_server, tmp_path):
    server = coding_server(tmp_path, 4)
    cookies = [server.enter(server.link, name) for name in ("Kim", "Lee")]
    said = [("power", "power"), ("power", "thanks"), ("thanks", "thanks"), ("power", None)]
    for place, codes in enumerate(said):
        for cookie, code in zip(cookies, codes, strict=True):
            assert server.code(cookie, f"{place:016x}", code, unclear=code is None)[0] == 200
    page = server.ask("/agreement", cookie=cookies[0])[2]
    row = re.search(r'(?s)<th scope="row">All codes</th>.*?</tr>', page)[0]
    assert re.findall(r'<td class="number">(\d+)</td>', row) == ["3", "1"]
    assert page.count('<article class="card">') == 2  # what one finds unclear shows there, and is decided
    assert "nor in what is counted as disputed" in page
    told = (
        r"2 messages are disputed and not decided yet \(on 1 of them, one code stands against “unclear” alone"
    )
    assert re.search(told, server.ask("/adjudicate", cookie=cookies[0])[2])


def test_a_coder_by_a_personal_link_is_no_lead(server):
    cookie = server.enter(server.links["Zoe"])
    for path in ("/exports/codes.csv", "/audit", "/adjudicate"):
        assert "Only whoever started the server" in server.ask(path, cookie=cookie)[2]
    for path, body in (
        ("/api/me", {"name": "Ana"}),
        ("/api/link", {"name": "Ana"}),
        ("/api/decide", {"doc_id": DOC, "code": "power", "why": "so"}),
        ("/api/codebook", {"why": "so"}),
        ("/api/log-checks", {}),
    ):
        assert server.ask(path, body, cookie=cookie)[0] == 401, path


def test_a_lead_of_an_earlier_start_is_none(coding_server, tmp_path):
    """Browsers give the cookie to whoever has the port, as another user may while the page is stopped."""
    server = coding_server(tmp_path, 5)
    nobody, ana = server.enter(server.link), server.enter(server.link, "Ana")
    assert [server.ask("/api/link", {"name": "Ben"}, cookie=one)[0] for one in (nobody, ana)] == [200, 200]
    server.kill()
    server.start()
    for cookie in (nobody, ana):
        assert server.ask("/api/link", {"name": "Ben"}, cookie=cookie)[0] == 401
        assert server.ask("/api/me", {"name": "Ben"}, cookie=cookie)[0] == 401
    assert "Only whoever started the server may see this" in server.ask("/audit", cookie=ana)[2]
    assert [server.code(one, DOC, "power")[0] for one in (nobody, ana)] == [401, 200]
    again = server.enter(server.link, "Ana")
    assert "entered" in server.ask("/audit", cookie=again)[2]


def test_a_new_link_ends_the_old_one_and_its_sessions(server, ana):
    _, _, text = server.ask("/api/link", {"name": "Pat"}, cookie=ana)
    old = json.loads(text)["said"]
    session = server.enter(old)
    assert server.ask("/api/state", cookie=session)[0] == 200
    new = json.loads(server.ask("/api/link", {"name": "Pat"}, cookie=ana)[2])["said"]
    assert server.ask("/api/state", cookie=session)[0] == 401
    assert server.ask(old)[0] == 403
    assert server.ask(new)[0] == 200


def test_who_saw_what_is_known(server, ana):
    server.ask(f"/api/message/{DOC}", cookie=ana)
    assert count(server, "served", DOC) == 1
    _, _, page = server.ask("/audit", cookie=ana)
    assert "served" in page
    assert "entered" in page


def test_raw_requests_of_no_http_get_nothing(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 4")


def test_files_outside_of_the_pages_own_are_not_served(server, ana):
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/exports/..%2fx"):
        status, _, text = server.ask(path, cookie=ana)
        assert status in (404, 422), path
        assert "import" not in text


def test_wrong_tokens_are_looked_at_ten_times_a_minute(coding_server, tmp_path):
    server = coding_server(tmp_path, 3)
    tries = [server.ask(f"/start?token=wrong{number}")[0] for number in range(12)]
    assert tries == [403] * 10 + [429] * 2
    status, headers, _ = server.ask(server.link.removeprefix(server.address))
    assert (status, headers["Retry-After"]) == (429, "60")
