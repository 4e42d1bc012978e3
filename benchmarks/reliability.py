"""Whether anything is lost: runs killed at any moment, stopped, run side by side, on other machines' terms.

Questions, each asked by its name (all by default):

- ``killed``: a run, a sweep, the adaptation of the encoder and an assignment are killed by SIGKILL at random
  moments and given again: is the result that of an undisturbed one, is nothing computed twice that was done,
  is nothing left half-written or open in MLflow?
- ``same``: is the result the same with the rows in another order, with 1 and 2 processes and threads, and
  from an installed wheel in an empty folder? ``--python`` names another Python with Themeloom installed.

Every trial is written down when it is done; one that is there already is not done again.
"""

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import _asked
import _trials
import polars as pl

from themeloom.studies.cleaning import find_leftovers
from themeloom.system.atomic import whole_file
from themeloom.system.provenance import versions

SEED = 20260801
MOMENTS = 60


@dataclass(frozen=True)
class Kind:
    """Something that is killed: how it is started, what it gives, how much of its time is spent where."""

    name: str
    start: Callable[[Path], _trials.Child]  # in a study's folder
    gives: Callable[[Path], object]  # what must be the same


@dataclass(frozen=True)
class Killed:
    """One trial."""

    command: str
    number: int
    after: float  # seconds from its start, or from that of the adaptation
    stage: str  # the last that had begun; '' before the first
    ended_first: bool  # it was done before the moment came
    same: bool
    kept: int  # entries of the cache that were there when it was killed
    repeated: int  # of these, how many were computed again
    half_written: list[str]
    open_runs: list[str]
    leftovers: list[str]
    seconds: float  # of the second start


def begin(folder: Path, target: Callable[..., None], *arguments: object) -> _trials.Child:
    """Start something in a study's folder."""
    return _trials.start(
        target, *arguments, said=folder / "said", environment={"TMPDIR": str(folder / "tmp")}
    )


def kinds(scratch: Path) -> list[Kind]:
    """Write the studies, run each undisturbed, and tell how they are started."""
    begin(new_folder(scratch / "first"), _trials.command, ["--help"]).wait()  # imports everything
    plain = _trials.write_demo(scratch / "plain")
    adapts = _trials.write_demo(scratch / "adapts", more=_trials.ADAPTS)
    sweeps = _trials.write_demo(scratch / "sweeps", more=_trials.ADAPTS_NOT + _trials.SWEEP)
    model = scratch / "model"

    def runs(experiment: Path) -> Callable[[Path], _trials.Child]:
        return lambda folder: begin(folder, _trials.run, experiment, folder, folder / "book")

    def last(folder: Path) -> object:
        return _trials.found_by(_trials.whole_models(folder)[-1])

    def swept(folder: Path) -> object:
        return (folder / "sweep.json").read_text(encoding="utf-8")

    def assigned(folder: Path) -> object:
        return (folder / "out.csv").read_bytes()

    messages = scratch / "plain" / "messages.csv"
    return [
        Kind("run", runs(plain), last),
        Kind(
            "sweep",
            lambda folder: begin(folder, _trials.sweep, sweeps, folder, folder / "book"),
            swept,
        ),
        Kind("adapt", runs(adapts), last),
        Kind(
            "assign",
            lambda folder: begin(folder, _trials.assign, model, messages, folder / "out.csv"),
            assigned,
        ),
    ]


def new_folder(folder: Path, key: Path | None = None) -> Path:
    """Make a study's folder, with the key of another one: pseudonyms are then the same."""
    (folder / "tmp").mkdir(parents=True)
    if key is not None and (key / ".themeloom" / "private").exists():
        shutil.copytree(key / ".themeloom" / "private", folder / ".themeloom" / "private")
        for cache in folder.rglob("spans.parquet"):
            cache.unlink()
    return folder


def killed(scratch: Path, moments: int, results: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Kill each kind so many times."""
    done = {(trial["command"], trial["number"]) for trial in results.get("trials", [])}
    for kind in kinds(scratch):
        whole = new_folder(scratch / f"whole-{kind.name}", scratch / "whole-run")
        began = time.monotonic()
        if kind.start(whole).wait() != 0:
            raise RuntimeError((whole / "said").read_text(encoding="utf-8"))
        took = time.monotonic() - began
        if kind.name == "run":
            _trials.whole_models(whole)[-1].rename(scratch / "model")
            shutil.copytree(scratch / "model", whole / "models" / "model")
        wanted = kind.gives(whole)
        for number in range(moments):
            draw = random.Random(f"{SEED} {kind.name} {number}")  # noqa: S311 (no secret)
            if (kind.name, number) not in done:
                folder = new_folder(scratch / f"{kind.name}-{number}", scratch / "whole-run")
                after, began_at = _moment(kind, draw, number, took, whole)
                trial = _kill(kind, number, after, began_at, folder, wanted)
                shutil.rmtree(folder)
                yield asdict(trial)


def _moment(kind: Kind, draw: random.Random, number: int, took: float, whole: Path) -> tuple[float, str]:
    """Draw when to kill: so long after the start or, every other time, after the start of some stage."""
    times = {(mark, stage): at for mark, stage, at in _trials.stages_of(whole / "book")}
    stages = ["adapt"] if kind.name == "adapt" else sorted({stage for _, stage in times})
    if not stages or (number % 2 == 0 and kind.name != "adapt"):
        return draw.random() * took, ""
    stage = draw.choice(stages)
    return draw.random() * (times["<", stage] - times[">", stage]), stage


def _kill(kind: Kind, number: int, after: float, stage: str, folder: Path, wanted: object) -> Killed:
    book = folder / "book"
    child = kind.start(folder)
    while stage and child.code is None and (">", stage) not in {s[:2] for s in _trials.stages_of(book)}:
        time.sleep(0.01)
        child.process.join(0)
    child.process.join(after)
    child.signal()
    code = child.wait()
    before, stages = _trials.entries(folder), _trials.stages_of(book)
    began = time.monotonic()
    again = kind.start(folder)
    if again.wait() != 0:
        raise RuntimeError(f"{kind.name} {number}: does not start again\n{again.err}")
    seconds, now = time.monotonic() - began, _trials.entries(folder)
    found = kind.gives(folder)
    return Killed(
        command=kind.name,
        number=number,
        after=round(after, 2),
        stage=stages[-1][1] if stages else "",
        ended_first=code == 0,
        same=_same(found, wanted),
        kept=len(before),
        repeated=sum(now.get(name) != facts for name, facts in before.items()),
        half_written=_trials.half_written(folder),
        open_runs=_trials.open_runs(folder),
        leftovers=[each.what for each in find_leftovers(folder)],
        seconds=round(seconds, 1),
    )


def _same(one: object, other: object) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return _trials.same(one, other)
    return one == other


def facts() -> dict[str, object]:
    """Tell where this was measured."""
    return {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "threads": os.environ.get("OMP_NUM_THREADS", "by default"),
        "versions": versions(),
    }


def keep(path: Path, results: dict[str, Any]) -> None:
    """Write the results beside, then in place."""
    with whole_file(path) as part:
        part.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def ask_killed(results: dict[str, Any], given: argparse.Namespace) -> None:
    """Ask what becomes of what is killed."""
    found = results.setdefault("killed", {"seed": SEED, "trials": []})
    with tempfile.TemporaryDirectory() as scratch:
        for trial in killed(Path(scratch), -(-given.moments // 4), found):
            print(trial, flush=True)
            found["trials"].append(trial)
            found["facts"] = facts()
            keep(given.results, results)


def ask_same(results: dict[str, Any], given: argparse.Namespace) -> None:
    """Ask whether the result is the same everywhere."""
    found = results.setdefault("same", {})
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        experiment = _trials.write_demo(folder / "study", more=_trials.ADAPTS)
        shuffled = _trials.write_demo(folder / "shuffled", more=_trials.ADAPTS, shuffled=True)
        key = folder / "as it is"
        variants: dict[str, tuple[Path, dict[str, str], str]] = {
            "as it is": (experiment, {}, sys.executable),
            "once more": (experiment, {}, sys.executable),
            "rows in another order": (shuffled, {}, sys.executable),
            "two threads": (experiment, {"OMP_NUM_THREADS": "2"}, sys.executable),
            "two processors, one thread each": (experiment, {}, sys.executable),
            "an installed wheel": (experiment, installed_wheel(folder), sys.executable),
        }
        if given.python:
            variants["another Python"] = (experiment, {"PYTHONPATH": ""}, given.python)
        for name, (asked, environment, python) in variants.items():
            if name in found and name != "as it is":
                continue
            root = new_folder(folder / name, key if name != "as it is" else None)
            cores = "0,1" if name.startswith("two") else "0"
            _run_elsewhere(asked, root, environment, python, cores)
            found[name] = difference(root, key) | {"cores": cores}
            found["facts"] = facts()
            print(name, found[name], flush=True)
            keep(given.results, results)


def installed_wheel(folder: Path) -> dict[str, str]:
    """Build a wheel and install it without its dependencies, which are there; give the environment for it."""
    python, source, target = sys.executable, Path(__file__).resolve().parents[1], folder / "installed"
    subprocess.run([python, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=source, check=True)
    [wheel] = folder.glob("*.whl")
    install = ["install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel]
    subprocess.run([python, "-m", "pip", *install], check=True)
    return {"PYTHONPATH": str(target)}


def _run_elsewhere(
    experiment: Path, root: Path, environment: dict[str, str], python: str, cores: str
) -> None:
    """Run in a new process, in an empty folder, on some processors."""
    empty = root / "empty"
    empty.mkdir()
    subprocess.run(
        [
            "/usr/bin/taskset",
            "--cpu-list",
            cores,
            python,
            "-m",
            "themeloom",
            "run",
            experiment,
            "--root",
            root,
        ],
        cwd=empty,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        check=True,
        capture_output=True,
    )


def difference(root: Path, first: Path) -> dict[str, object]:
    """Tell how far what was found differs."""
    one, other = (_trials.found_by(_trials.whole_models(place)[-1]) for place in (root, first))
    messages = one[0].join(other[0], on="doc_id", suffix="_first")
    return {
        "same to the last bit": _trials.same(one, other),
        "messages of another topic": len(messages.filter(pl.col("topic") != pl.col("topic_first"))),
        "messages of another theme": len(messages.filter(pl.col("theme").ne_missing(pl.col("theme_first")))),
        "most that a probability differs": messages.select(
            (pl.col("theme_probability") - pl.col("theme_probability_first")).abs().max()
        ).item(),
    }


QUESTIONS = {"killed": ask_killed, "same": ask_same}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("questions", nargs="*", choices=[*QUESTIONS, []], help="which; by default all")
    parser.add_argument("--moments", type=int, default=MOMENTS, help="how many, over all commands")
    parser.add_argument("--anew", action="store_true", help="forget what was found before")
    parser.add_argument("--python", help="another Python that has Themeloom installed")
    given = _asked.read(parser, __file__, moments=4)
    known = given.results.exists() and not given.anew
    results = json.loads(given.results.read_text(encoding="utf-8")) if known else {}
    for name in given.questions or QUESTIONS:
        QUESTIONS[name](results, given)


if __name__ == "__main__":
    main()
