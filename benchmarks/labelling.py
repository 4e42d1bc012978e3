"""How long a coder waits for a code to be kept; whether any is lost when many code, or the server dies.

Run ``python benchmarks/labelling.py``. Three things are asked of a real server process on this machine:

- ``saving``: milliseconds from sending a code to its acknowledgement, by one coder over one connection; what
  the processor spent on each; and what the disk alone takes to keep as much.
- ``three at once``: the same, for 300 codes that three coders post at the same time; how many were lost or
  doubled.
- ``kills``: SIGKILL, twenty times, while codes are posted; how many acknowledged ones were lost.

Writes ``benchmarks/results/labelling.json``.
"""

import argparse
import http.client
import json
import os
import platform
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import _asked
import polars as pl

from themeloom.labelling import codebooks
from themeloom.labelling.serving import Hosting
from themeloom.labelling.store import Store
from themeloom.labelling.study import StudyPage
from themeloom.records import Codebook, Theme
from themeloom.studies.labelling_study import Opened, serve_study
from themeloom.system.provenance import versions

MESSAGES, CODERS = 200, 3
BOOK = Codebook((Theme("one", "One", "The first."), Theme("two", "Two", "The second.")))


def serve(folder: Path, port: int) -> None:
    """Serve a study of made-up messages: the process that is killed."""
    store = Store.open(folder / "labels.sqlite", "made-up")
    codebooks.take_in(store, BOOK, "benchmark", "as it was")
    drawn = pl.DataFrame(
        {
            "doc_id": [f"{place:016x}" for place in range(MESSAGES)],
            "text": [f"a made-up message, number {place}" for place in range(MESSAGES)],
            "inclusion_probability": [0.1] * MESSAGES,
            "design": ["random"] * MESSAGES,
        }
    )
    store.add_messages(drawn, "benchmark")
    page = StudyPage("made-up", "", "", 1, lambda: BOOK, lambda *_: None)
    opened = Opened(store, page, 0, {})
    serve_study(opened, Hosting(port=port), browser=False, said=lambda line: print(line, flush=True))


class Server:
    """The process."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.folder = folder
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(self.folder), str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.process.stdout is None:
            raise RuntimeError
        self.token = self.process.stdout.readline().partition("token=")[2].strip()
        Client(self.port).ask("GET", "/enter")

    def kill(self) -> None:
        """Kill it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def processor(self) -> float:
        """Seconds of the processor that it has used (Linux)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def kept(self) -> list[str]:
        """Give the ids of all codes in the label file, as another program reads them."""
        with sqlite3.connect(self.folder / "labels.sqlite") as connection:
            return [row[0] for row in connection.execute("SELECT client FROM events WHERE kind = 'code'")]


class Client:
    """A coder: one connection, as a browser keeps it."""

    def __init__(self, port: int, cookie: str = "", name: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.port, self.cookie, self.name = port, cookie, name

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, str]]:
        """Give the status and the headers of an answer."""
        headers = {"Cookie": self.cookie}
        if body is not None:
            headers |= {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/json"}
            headers["Themeloom-Coder"] = self.name
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, dict(answer.getheaders())

    def enter(self, token: str, name: str) -> "Client":
        """Come in under a name."""
        _, headers = self.ask("GET", f"/start?token={token}")
        self.cookie = headers["set-cookie"].partition(";")[0]
        self.ask("POST", "/api/me", {"name": name})
        self.name = name
        return self

    def code(self, place: int) -> tuple[str, float]:
        """Post a code; give its id and the seconds until it was acknowledged."""
        client = str(uuid.uuid4())
        body = {
            "client": client,
            "doc_id": f"{place % MESSAGES:016x}",
            "code": "one",
            "codebook": 1,
            "seconds": 2.5,
        }
        began = time.perf_counter()
        status, _ = self.ask("POST", "/api/code", body)
        if status != 200:
            raise RuntimeError(f"answered {status}")
        return client, time.perf_counter() - began


def summary(seconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum in milliseconds."""
    ordered = sorted(1000 * one for one in seconds)
    found = {
        "median": statistics.median(ordered),
        "p95": ordered[int(0.95 * len(ordered))],
        "max": ordered[-1],
    }
    return {name: round(value, 2) for name, value in found.items()}


def saving(server: Server, given: argparse.Namespace) -> dict[str, object]:
    """Time one coder's codes."""
    client = Client(server.port).enter(server.token, "Ana")
    before = server.processor()
    seconds = [client.code(place)[1] for place in range(given.codes)]
    spent = 1000 * (server.processor() - before) / given.codes
    return {
        "codes": given.codes,
        "milliseconds": summary(seconds),
        "milliseconds of the processor, mean": round(spent, 2),
        "milliseconds of the disk alone": summary(_disk(server)),
    }


def _disk(server: Server) -> list[float]:
    """Time to append 4 KiB to a file and wait for the disk."""
    seconds = []
    with (server.folder / "probe").open("wb", buffering=0) as file:
        for _ in range(200):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return seconds


def three_at_once(server: Server, _: argparse.Namespace) -> dict[str, object]:
    """Let three coders post a hundred codes each."""
    before = set(server.kept())
    sent: list[tuple[str, float]] = []
    clients = [Client(server.port).enter(server.token, name) for name in ("Ben", "Cem", "Dea")]

    def work(client: Client) -> None:
        sent.extend(client.code(place) for place in range(100))

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [one for one in server.kept() if one not in before]
    return {
        "codes": len(sent),
        "milliseconds": summary([seconds for _, seconds in sent]),
        "lost": len({client for client, _ in sent} - set(kept)),
        "doubled": len(kept) - len(set(kept)),
    }


def kills(server: Server, given: argparse.Namespace) -> dict[str, object]:
    """Kill the server while somebody posts."""
    cookie = Client(server.port).enter(server.token, "Eva").cookie
    acknowledged: list[str] = []
    stopping = threading.Event()

    def post() -> None:
        place = 0
        client = Client(server.port, cookie, "Eva")
        while not stopping.is_set():
            place += 1
            try:
                acknowledged.append(client.code(place)[0])
            except (OSError, http.client.HTTPException):
                client = Client(server.port, cookie, "Eva")  # no promise was made
                time.sleep(0.01)

    thread = threading.Thread(target=post)
    thread.start()
    for _ in range(given.kills):
        time.sleep(0.3)
        server.kill()
        server.start()
    stopping.set()
    thread.join()
    kept = server.kept()
    return {
        "kills": given.kills,
        "acknowledged": len(acknowledged),
        "lost": len(set(acknowledged) - set(kept)),
        "doubled": len(kept) - len(set(kept)),
    }


def main() -> None:
    """Ask all three, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codes", type=int, default=1_000, help="of one coder")
    parser.add_argument("--kills", type=int, default=20, help="of the server")
    given = _asked.read(parser, __file__, codes=200, kills=5)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        found: dict[str, object] = {"machine": machine()}
        for question in (saving, three_at_once, kills):
            name = question.__name__.replace("_", " ")
            found[name] = question(server, given)
            print(name, found[name])
        server.kill()
    given.results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def machine() -> dict[str, object]:
    """Tell where this was measured, and how busy it was."""
    known = {name: version for name, version in versions().items() if name in ("python", "themeloom")}
    load = round(os.getloadavg()[0], 1)
    return {"cores": os.cpu_count(), "machine": platform.machine(), "load at the start": load, **known}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
