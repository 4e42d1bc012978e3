"""Many at once, and a server that dies: nothing that was acknowledged is lost, nothing is there twice."""

import http.client
import sqlite3
import threading
import uuid

from coding import code_all, sit_down, type_all, typed
from coding_server import label_file

BROWSERS, EACH = 3, 100
KILLS = 20


def codes(server):
    connection = sqlite3.connect(label_file(server.root))
    try:
        return connection.execute("SELECT client, coder, doc_id FROM events WHERE kind = 'code'").fetchall()
    finally:
        connection.close()


def test_three_hundred_codes_by_three_browsers_at_once(visit, coding_server, tmp_path):
    server = coding_server(tmp_path, EACH)
    pages = [sit_down(visit, server, name).page for name in ("Ana", "Ben", "Cem")]
    for page in pages:
        type_all(page, {"all": "1"})
    for page in pages:
        typed(page)
    found = codes(server)
    assert len(found) == len({client for client, _, _ in found}) == BROWSERS * EACH
    assert len({(coder, doc_id) for _, coder, doc_id in found}) == BROWSERS * EACH


LATE = """
    const at_once = window.fetch;
    let asked = 0;
    window.fetch = async (address, ...more) => {
        const late = String(address).includes("/api/message/") && ++asked % 20 === 1;
        if (late) await new Promise((go) => setTimeout(go, 500));
        return at_once(address, ...more);
    };
"""


def test_a_pause_may_end_before_the_next_message_is_there(visit, coding_server, tmp_path):
    server = coding_server(tmp_path, 22)
    page = sit_down(visit, server, "Ana", before=LATE).page
    type_all(page, {"all": "1"})
    typed(page)
    assert len(codes(server)) == 22


def test_no_acknowledged_code_is_lost_in_twenty_kills(coding_server, tmp_path):
    server = coding_server(tmp_path, 50)
    cookie = server.enter(server.link, "Ana")
    acknowledged, stopping = [], threading.Event()

    def post():
        number = 0
        while not stopping.is_set():
            client, number = str(uuid.uuid4()), number + 1
            try:
                status, _, _ = server.code(cookie, f"{number % 50:016x}", "power", client)
            except (OSError, http.client.HTTPException):
                continue  # the server is dead, or died before it answered: no promise was made
            assert status == 200
            acknowledged.append(client)

    thread = threading.Thread(target=post)
    thread.start()
    try:
        for _ in range(KILLS):
            before = len(acknowledged)
            for _ in range(1000):
                if len(acknowledged) >= before + 5:
                    break
                stopping.wait(0.01)
            server.kill()
            server.start()
    finally:
        stopping.set()
        thread.join()
    found = [client for client, _, _ in codes(server)]
    assert len(acknowledged) >= 5 * KILLS
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))


def test_a_coder_goes_on_after_a_kill_without_coming_in_again(visit, coding_server, tmp_path):
    server = coding_server(tmp_path, 10)
    page = sit_down(visit, server, "Ana").page
    code_all(page, lambda _: "1", most=4)
    server.kill()
    server.start()
    assert code_all(page, lambda _: "2") == 6
    assert len(codes(server)) == 10
