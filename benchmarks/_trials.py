"""Real processes to be killed, stopped, run side by side and given bad disks; used by tests and benchmarks.

Each is forked from one process that has imported everything, so that a trial costs its own work alone.
"""

import csv
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import polars as pl

from themeloom.progress import UNWATCHED, Progress

DEMO = Path(str(files("themeloom"))) / "data" / "dearmhp"
PRELOADED = [
    "_trials",
    "themeloom.cli",
    "themeloom.sweeps.sweeping",
    "themeloom.assigning.assignment",
    "sentence_transformers",
    "umap",
    "hdbscan",
    "bertopic",
    "mlflow.pyfunc",
    "mlflow.models",
    "spacy",
    "plotly.graph_objects",
]

EXPERIMENT = """\
[study]
name = "small"
seed = 7

[[sources]]
path = "messages.csv"
columns = { id = "id", text = "text", author = "author" }

[themes]
codebook = "codebook.yaml"
labels = "labels.csv"
sample = "random"

[cluster]
min_cluster_size = 4
consensus = 8

[validate]
folds = 2
repeats = 1
bootstrap = 100

[adapt]
"""
ADAPTS = "layers = 1\nsteps = 4\n"
ADAPTS_NOT = "enabled = false\n"
SWEEP = """
[sweep]
criterion = { message_kappa = 1.0 }

[sweep.grid]
cluster.min_cluster_size = [4, 6]
"""


def write_demo(folder: Path, messages: int = 150, more: str = ADAPTS_NOT, *, shuffled: bool = False) -> Path:
    """Write a study of some of the demonstration's (synthetic) messages; return its experiment file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (DEMO / "search-phrase.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:messages]
    if shuffled:
        random.Random(7).shuffle(rows)  # noqa: S311 (no secret)
    with (folder / "messages.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "author"])
        writer.writerows([row["tweet_id"], row["content"], row["screen_name"]] for row in rows)
    known = {row["tweet_id"] for row in rows}
    first, *labels = (DEMO / "labels.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in labels if line.partition(",")[0] in known]
    (folder / "labels.csv").write_text("\n".join([first, *kept]) + "\n", encoding="utf-8")
    shutil.copyfile(DEMO / "codebook.yaml", folder / "codebook.yaml")
    path = folder / "experiment.toml"
    path.write_text(EXPERIMENT + more, encoding="utf-8")
    return path


@dataclass
class Stagebook:
    """A watcher that writes down each stage as it begins and ends, so that others can see where a run is."""

    path: Path

    def _write(self, line: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line} {time.monotonic()}\n")

    @contextmanager
    def stage(self, name: str) -> Iterator["Stagebook"]:
        """Note a stage."""
        self._write(f"> {name}")
        yield self
        self._write(f"< {name}")

    def begin(self, total: int | None, unit: str) -> None:
        """Note nothing."""

    def advance(self, steps: int = 1) -> None:
        """Note nothing."""


def stages_of(book: Path) -> list[tuple[str, str, float]]:
    """Read what a `Stagebook` wrote: '>' or '<', stage, seconds."""
    lines = book.read_text(encoding="utf-8").splitlines() if book.exists() else []
    parts = [line.split() for line in lines]
    return [(part[0], part[1], float(part[2])) for part in parts if len(part) == 3]


def run(experiment: Path, root: Path, book: Path) -> None:
    """Run an experiment."""
    from themeloom import pipeline

    pipeline.run(experiment, root, Stagebook(book))


def sweep(experiment: Path, root: Path, book: Path) -> None:
    """Sweep."""
    from themeloom.sweeps import sweeping

    found = sweeping.sweep(experiment, root, Stagebook(book))
    (root / "sweep.json").write_text(
        found.table.drop("run").write_json() + repr(found.best) + repr(found.scores), encoding="utf-8"
    )


def assign(model: Path, file: Path, out: Path) -> None:
    """Assign topics and themes."""
    command(["assign", str(model), str(file), "--out", str(out)])


def busy(book: Path) -> None:
    """Spend minutes in one compiled step."""
    from itertools import repeat

    from themeloom.cli.stopping import orderly

    with orderly():
        book.write_text("> busy 0\n", encoding="utf-8")
        sum(repeat(1, 10**11))


def check_meanwhile(experiment: Path, root: Path, file: Path, how: str) -> None:
    """Check an experiment, one of whose files is changed or removed after it was read."""
    from themeloom import cli, pipeline

    class Meddler:
        @contextmanager
        def stage(self, name: str) -> Iterator[Progress]:
            if name == "repeats" and how == "removed":
                file.unlink()
            elif name == "repeats":
                file.write_text("id,text\n", encoding="utf-8")
            yield UNWATCHED

    sys.argv = ["themeloom"]
    cli.app = lambda: pipeline.check(experiment, root, Meddler())
    cli.main()


def powerless(arguments: list[str]) -> None:
    """Run a command line without the powers of root: what a mode forbids is forbidden."""
    _give_up_power()
    command(arguments)


def command(arguments: list[str], size: int | None = None) -> None:
    """Run a command line; with `size`, no file may grow beyond so many bytes."""
    import resource

    from themeloom import cli

    if size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    sys.argv = ["themeloom", *arguments]
    cli.main()


def _give_up_power() -> None:
    """Drop all capabilities of Linux: what a folder's mode forbids is forbidden to root too."""
    import ctypes

    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if os.geteuid() == 0 and ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise PermissionError("capabilities cannot be dropped")


@dataclass
class Child:
    """A process that was started, and what it says."""

    process: ForkServerProcess
    said: Path
    listener: threading.Thread

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        return self.process.exitcode

    @property
    def err(self) -> str:
        """What it wrote to standard output and error."""
        return self.said.read_text(encoding="utf-8", errors="replace")

    def signal(self, number: int = signal.SIGKILL) -> None:
        """Send a signal; a process that has ended by itself gets none."""
        if self.process.pid is not None and self.process.is_alive():
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(self.process.pid, number)

    def wait(self, seconds: float = 300) -> int:
        """Wait for its end; give its exit code."""
        self.process.join(seconds)
        self.listener.join(1)
        if self.process.exitcode is None:
            self.signal()
            self.process.join()
            raise TimeoutError(f"still running after {seconds} s\n{self.err}")
        return self.process.exitcode


_PLACES = multiprocessing.get_context("forkserver")


def start(
    target: Callable[..., None],
    *arguments: Any,  # noqa: ANN401 - what the target takes
    said: Path,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start a function of this module in a process of its own."""
    _PLACES.set_forkserver_preload(PRELOADED)
    here, there = _PLACES.Pipe(duplex=False)  # a pipe has no size that could be limited
    process = _PLACES.Process(target=_inside, args=(target, arguments, there, dict(environment or {})))
    process.start()
    there.close()
    said.touch()
    listener = threading.Thread(target=_listen, args=(here, said), daemon=True)
    listener.start()
    return Child(process, said, listener)


def _listen(here: Connection, said: Path) -> None:
    with here, said.open("ab", buffering=0) as file:
        while part := os.read(here.fileno(), 65536):
            file.write(part)


def _inside(
    target: Callable[..., None], arguments: tuple[Any, ...], there: Connection, environment: dict[str, str]
) -> None:
    os.environ.update(environment)
    tempfile.tempdir = None  # chosen anew, where the environment says so
    for stream in (1, 2):
        os.dup2(there.fileno(), stream)
    sys.stdout, sys.stderr = (open(stream, "w", buffering=1, closefd=False) for stream in (1, 2))  # noqa: SIM115
    target(*arguments)


def whole_models(root: Path) -> list[Path]:
    """List the model folders of a study, oldest first."""
    from themeloom.history import store

    return store.models(root / "models")


def found_by(folder: Path) -> tuple[pl.DataFrame, ...]:
    """Give what a run found: communications, topics and scores, without times and names."""
    import themeloom

    model = themeloom.load(folder)
    return model.communications, model.topics, model.scores


def same(one: tuple[pl.DataFrame, ...], other: tuple[pl.DataFrame, ...]) -> bool:
    """Tell whether two runs found the same, to the last bit."""
    return all(a.equals(b, null_equal=True) for a, b in zip(one, other, strict=True))


def _written(path: Path) -> int:
    """Tell when an entry was written; vectors are marked whenever they are used."""
    return 0 if "vectors" in path.parts else path.stat().st_mtime_ns


def entries(root: Path) -> dict[str, tuple[int, int]]:
    """Give what the cache holds: file → inode and time of its last change."""
    cache = root / ".themeloom" / "cache"
    found = [path for path in cache.rglob("*.safetensors") if not path.name.startswith(".")]
    return {str(path.relative_to(cache)): (path.stat().st_ino, _written(path)) for path in found}


def open_runs(root: Path) -> list[str]:
    """List the MLflow runs of a study that are not ended."""
    import sqlite3
    from contextlib import closing

    database = root / "mlruns" / "mlflow.db"
    if not database.exists():
        return []
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM runs WHERE status = 'RUNNING'")]


def half_written(root: Path) -> list[str]:
    """List the temporary files under a folder."""
    return [str(path) for path in root.rglob("*") if path.name.endswith(".part") or "themeloom-" in path.name]
