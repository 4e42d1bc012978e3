"""The labelling page as tests use it: a server process that can be killed, and coders at their keyboards."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import quote

from servers import free_port

HERE = Path(__file__).resolve().parent


class Server:
    """A server process; started again, it is at the same address.

    Without a command, it is `coding_server.py`: a parent that stays, and forks the server anew; `before` it
    may stand what it is started by.
    """

    def __init__(self, root, *arguments, command=None, before=()):
        self.root = root
        self.port = free_port()
        script = [
            *before,
            sys.executable,
            str(HERE / "coding_server.py"),
            str(root),
            str(self.port),
            *map(str, arguments),
        ]
        self.command = command(self.port) if command else script
        self.stays = command is None
        self.process = None
        self.links = {}
        self.coders = {}  # by cookie: whom the pages of a session are made for

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def link(self):
        """The start link of the server as it was started last."""
        return self.links["lead"]

    def start(self):
        if self.process is None:
            source = HERE.parent / "src"
            environment = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{HERE}", "PYTHONUNBUFFERED": "1"}
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
                cwd=self.root,
            )
            self.pid = self.process.pid
        if self.stays:
            self.process.stdin.write("start\n")
            self.process.stdin.flush()
        for line in self.process.stdout:
            name, _, link = line.strip().partition(": ")
            if line.startswith("pid "):
                self.pid = int(line.split()[1])
            elif link.startswith("open http"):
                self.links["lead"] = link.removeprefix("open ")
                break
            elif "token=" in link:
                self.links[name] = link
        else:
            raise AssertionError("the server ended")
        self.ask("/enter")
        return self

    def kill(self):
        """Kill the server in the middle of whatever it does."""
        os.kill(self.pid, signal.SIGKILL)
        if not self.stays:
            self.stop()
        else:
            for _ in range(1000):  # its parent has to take note
                if not Path(f"/proc/{self.pid}").exists():
                    break
                time.sleep(0.005)

    def stop(self):
        """End it for good."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.process = None

    def ask(self, path, body=None, *, cookie="", method=None, **headers):
        """Give the status, the headers and the text of an answer; a body is sent as the page would.

        Pages that were made for nobody have an empty name; `Themeloom_Coder` names another one.
        """
        sent = None if body is None else json.dumps(body).encode()
        given = {"Cookie": cookie} if cookie else {}
        if body is not None:
            given |= {"Origin": self.address, "Content-Type": "application/json"}
            given["Themeloom-Coder"] = quote(self.coders.get(cookie, ""))
        given |= {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        given = {
            name: value
            for name, value in given.items()
            if headers.get(name.replace("-", "_"), "") is not None
        }
        request = urllib.request.Request(self.address + path, sent, given, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                if path == "/api/me":
                    self.coders[cookie] = body["name"]
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def enter(self, link, name=None):
        """Come in by a link, under a name; give the cookie."""
        _, headers, _ = self.ask(link.removeprefix(self.address))
        cookie = headers["Set-Cookie"].partition(";")[0]
        self.coders[cookie] = next((one for one, own in self.links.items() if own == link != self.link), "")
        if name:
            assert self.ask("/api/me", {"name": name}, cookie=cookie)[0] == 200
        return cookie

    def code(self, cookie, doc_id, code, client=None, **more):
        body = {"client": client or str(uuid.uuid4()), "doc_id": doc_id, "code": code, "codebook": 1, **more}
        return self.ask("/api/code", body, cookie=cookie)


def sit_down(visit, server, name, link=None, **options):
    """Open the page as a coder; give what was opened, at the first message."""
    seen = visit(link or server.link, **options)
    seen.page.wait_for_url(f"{server.address}/")
    if link is None:
        seen.page.fill("#name", name)
        seen.page.press("#name", "Enter")
        seen.page.wait_for_url(f"{server.address}/code")
    else:
        seen.page.goto(f"{server.address}/code")
    seen.page.wait_for_selector("#work:not([hidden])")
    return seen


def message_of(page):
    """Give the message on the screen; None where there is none."""
    return page.evaluate("document.getElementById('work').hidden ? null : document.body.dataset.doc")


def press(page, key):
    """Press a key, and wait until another message, or another screen, is there."""
    before = message_of(page)
    page.keyboard.press(key)
    page.wait_for_function(
        "before => document.getElementById('work').hidden || document.body.dataset.doc !== before", arg=before
    )


TYPING = """(keys) => {
    const at = (id) => document.getElementById(id);
    const ready = () => !at("work").hidden || !at("pause").hidden || !at("done").hidden;
    const until = (test) => new Promise((done) => {
        const look = () => (test() ? done() : setTimeout(look, 2));
        look();
    });
    const type = async () => {
        while (at("done").hidden) {
            const before = document.body.dataset.doc;
            if (!at("pause").hidden) {
                at("go-on").click();
                await until(() => at("pause").hidden);  // or this loop would leave the page no time to fetch
            } else if (!at("work").hidden) {
                const key = keys[before] ?? keys.all;
                const pressed = {key, code: `Digit${key}`, bubbles: true};
                document.body.dispatchEvent(new KeyboardEvent("keydown", pressed));
                await until(() => at("work").hidden || document.body.dataset.doc !== before);
            }
            await until(ready);
        }
        window.typed = true;
    };
    type();
}"""


def type_all(page, keys):
    """Begin to code all messages by keys pressed inside the page, as fast as it takes them; does not wait."""
    page.evaluate(TYPING, keys)


def typed(page):
    """Wait until all are."""
    page.wait_for_function("() => window.typed", timeout=90_000)


def code_all(page, key_of, most=10_000):
    """Code messages by keyboard, as `key_of` says of each, through pauses, until all are done."""
    done = 0
    while done < most and not page.is_visible("#done"):
        if page.is_visible("#pause"):
            page.keyboard.press("Enter")
            page.wait_for_selector("#work:not([hidden])")
            continue
        press(page, key_of(message_of(page)))
        done += 1
    return done
