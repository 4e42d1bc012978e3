"""Runs the blocks of a page one after the other, as somebody would who reads it."""

import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import themeloom
from manual_blocks import Block, commands_of, differs
from manual_elsewhere import ELSEWHERE, SMALLER, elsewhere
from servers import free_port
from themeloom import cli
from themeloom.config import IngestConfig, SourceConfig
from themeloom.corpus.ingest import read_sources
from themeloom.experiment import read_experiment
from themeloom.themes.codebook import read_codebook
from themeloom.themes.sample import read_labels

STUDY = Path("waiting-lists.toml")
SERVERS = {"ui": [], "label": ["--no-open"]}
"""Commands that run until they are stopped → options for a test."""


class Reader:
    """Somebody who reads a page in a folder, and runs what stands there.

    Parameters
    ----------
    names
        What Python blocks may use without making it.
    words
        Words in capitals that stand for a name: ``RUN`` → the name of a run.
    done
        Commands that were run in the folder before → what they said.
    """

    def __init__(self, names: Mapping[str, Any], words: Mapping[str, str], done: dict[str, str]) -> None:
        self.names = dict(names)
        self.words = words
        self.done = done
        self.said: str | None = None  # by the block before

    def read(self, block: Block) -> None:
        """Run a block; what is wrong raises AssertionError, or whatever the program raises."""
        said, self.said = self.said, None
        if block.kind == "text":
            assert said is not None, "no command, Python or console block stands right above it"
            missing = differs(block.text, said)
            assert not missing, f"{missing!r} is not what was said there:\n{said}"
            return
        assert block.kind in READERS, "no reader knows this kind of block"
        READERS[block.kind](self, block)

    def python(self, block: Block) -> None:
        # The line numbers of a traceback are those of the page.
        code = compile("\n" * block.line + self.filled(block.text), block.page, "exec")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(code, self.names)  # noqa: S102 (our own manual)
        self.said = said.getvalue()

    def shell(self, block: Block) -> None:
        commands = commands_of(block)
        assert commands, "it holds no command"
        heard = [(command, self.command(self.filled(command)), shown) for command, shown in commands]
        for command, said, shown in heard:
            missing = differs(shown, said)
            assert not missing, f"{missing!r} is not what `{command}` said:\n{said}"
        self.said = "".join(said for _, said, _ in heard)

    def command(self, line: str) -> str:
        words = shlex.split(line, comments=True)
        entry = elsewhere(words)
        if entry is not None:
            ELSEWHERE[entry][1](words)
            return ""
        if words[0] == "export":
            os.environ.update([words[1].split("=", 1)])
            return ""
        assert words[0] == "themeloom", f"`{words[0]}` is no command that can be run here"
        key = shlex.join(words)
        if key in self.done:
            return self.done[key]
        if words[1] not in SERVERS:
            return run(words)
        self.done[key] = serve(words)  # once for all pages: a server leaves nothing behind
        return self.done[key]

    def toml(self, block: Block) -> None:
        base, shown = tomllib.loads(STUDY.read_text("utf-8")), tomllib.loads(block.text)
        base.pop("sweep" if "sweep" in shown else "", None)
        merged = {
            name: {**base.get(name, {}), **table} if isinstance(table, dict) else table
            for name, table in {**base, **shown}.items()
        }
        if "inclusion" in merged["themes"]:
            merged["themes"]["labels"] = "drawn.csv"
        if merged.get("discover", {}).get("vectors") == "raw+adapted":
            merged.pop("adapt", None)  # which is off in the workspace
        path = Path(f"block-{block.line}.toml")
        path.write_text(as_toml(merged), encoding="utf-8")
        read_experiment(path)
        if shown.keys() & {"sources", "ingest", "anonymise", "themes"}:
            themeloom.check(path)

    def yaml(self, block: Block) -> None:
        path = Path("block.yaml")
        path.write_text(block.text, encoding="utf-8")
        assert read_codebook(path).themes

    def csv(self, block: Block) -> None:
        path = Path("block.csv")
        path.write_text(block.text, encoding="utf-8")
        head, *rows = block.text.splitlines()
        if "adjudicated" not in head.split(",") and "coder" not in head:
            self.messages(path, len(rows))
            return
        corpus = themeloom.check(STUDY).corpus
        themes = read_experiment(STUDY).themes.model_copy(update={"labels": str(path.resolve())})
        doc_ids = corpus.communications["doc_id"].to_list()
        sample = read_labels(themes, read_codebook(themes.codebook), corpus.crosswalk, doc_ids)
        assert len(sample.theme) == len(rows)

    def json(self, block: Block) -> None:
        path = Path("block.jsonl")
        path.write_text(block.text, encoding="utf-8")
        self.messages(path, len(block.text.splitlines()) if block.kind == "jsonl" else 1)

    @staticmethod
    def messages(path: Path, rows: int) -> None:
        found = read_sources([SourceConfig(path=str(path.resolve()))], IngestConfig(strict=True))
        assert len(found.rows) == rows

    def filled(self, text: str) -> str:
        """Put in what stands for something else here."""
        for long, short in SMALLER.items():
            text = text.replace(long, short)
        for word, name in {**self.words, "RUN_ID": newest_run()}.items():
            text = re.sub(rf"\b{word}\b", name, text)
        return text


READERS: dict[str, Callable[[Reader, Block], None]] = {
    "python": Reader.python,
    "sh": Reader.shell,
    "console": Reader.shell,
    "toml": Reader.toml,
    "yaml": Reader.yaml,
    "csv": Reader.csv,
    "json": Reader.json,
    "jsonl": Reader.json,
}


def run(words: list[str]) -> str:
    """Run a command of Themeloom in this process; give what it printed."""
    code: Any = 0
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        before, sys.argv = sys.argv, words
        try:
            cli.main()
        except SystemExit as stopped:
            code = stopped.code
        finally:
            sys.argv = before
    assert not code, f"`{shlex.join(words)}` ended with {code}:\n{err.getvalue()}"
    return out.getvalue()


def serve(words: list[str]) -> str:
    """Start a command that serves a page, ask it for the page, and stop it; give its first line."""
    port = free_port()
    command = [sys.executable, "-m", *words, *SERVERS[words[1]], "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said = next(line for line in process.stdout or () if "http://" in line)
            assert answers(f"http://127.0.0.1:{port}", process), f"`{shlex.join(words)}` does not answer"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    return said


def answers(address: str, process: "subprocess.Popen[str]") -> bool:
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=20).close()  # noqa: S310 (loopback)
        except urllib.error.HTTPError as refused:  # who has no link is told so
            refused.close()
            return True
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


def newest_run() -> str:
    """Give the id of the newest run of the store that a page uses at this point."""
    import mlflow

    database = next((path for path in (Path("mlflow.db"), Path("mlruns/mlflow.db")) if path.is_file()), None)
    if database is None:
        return "RUN_ID"
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{database.resolve()}")
    every = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(every, order_by=["attributes.start_time DESC"], max_results=1)
    return str(found[0].info.run_id)


def as_toml(tables: Mapping[str, Any]) -> str:
    """Write an experiment as TOML."""
    return "\n".join(f"{name} = {_inline(value)}" for name, value in tables.items()) + "\n"


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
