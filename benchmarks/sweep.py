"""How much quicker a sweep is than its configurations one by one, where embeddings are known to both.

Run ``python benchmarks/sweep.py [--separate N]``: the sweep of ``experiments/dearmhp-sweep.toml`` as one
process, and its configurations, or N of them drawn at random, as processes with caches of their own that hold
nothing but the embeddings. All separate runs are taken to cost what the drawn ones do on average. Told are
seconds by the clock and of processor time (user and system, processes within included): the latter say the
same on a busy machine. Writes ``benchmarks/results/sweep.json`` after each run.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

import _asked
import numpy as np

from themeloom.config import Setting
from themeloom.experiment import read_experiment
from themeloom.sweeps.space import Settings, configurations
from themeloom.system.atomic import whole_file
from themeloom.system.folders import Folders
from themeloom.system.provenance import versions

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENT = ROOT / "experiments" / "dearmhp-sweep.toml"


SEED = 1
"""Of the draw of configurations that are run one by one."""


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    clock: float  # seconds
    processor: float  # seconds, user and system, of the process and those that it started


def timed(command: str, experiment: Path, root: Path) -> Cost:
    """Run a command as a process; return what it took."""
    began, before = time.perf_counter(), _processor()
    subprocess.run(
        [sys.executable, "-m", "themeloom", command, str(experiment), "--root", str(root)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return Cost(round(time.perf_counter() - began, 1), round(_processor() - before, 1))


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def with_embeddings(known: Path, root: Path) -> Path:
    """Return a study's folder whose cache holds the embeddings and nothing else."""
    shutil.copytree(Folders(known).cache / "vectors", Folders(root).cache / "vectors")
    return root


def alone(experiment: Path, settings: Settings, folder: Path) -> Path:
    """Write the experiment with one configuration and without its sweep."""
    text = _text(experiment).partition("[sweep]")[0]
    sections: dict[str, list[str]] = {}
    for key, value in settings.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"{name} = {_toml(value)}")
    for section, lines in sections.items():
        body = "\n".join(lines)
        header = f"[{section}]\n"
        if header in text:
            text = text.replace(header, f"{header}{body}\n")
        else:
            text += f"\n{header}{body}\n"
    tomllib.loads(text)
    path = folder / "experiment.toml"
    path.write_text(text, encoding="utf-8")
    return path


def fewer(folder: Path) -> Path:
    """Write a sweep of four configurations whose encoder is not adapted."""
    text = (
        _text(EXPERIMENT)
        .partition("[sweep.grid]")[0]
        .replace("[sweep]", "[adapt]\nenabled = false\n\n[sweep]")
    )
    path = folder / "fewer.toml"
    grid = "[sweep.grid]\nreduce.neighbors = [10, 15]\ncluster.min_cluster_size = [8, 12]\n"
    path.write_text(text + grid, encoding="utf-8")
    return path


def _text(experiment: Path) -> str:
    return experiment.read_text(encoding="utf-8").replace('"../src', f'"{ROOT / "src"}')


def _toml(value: Setting) -> str:
    return json.dumps(value)


def drawn(asked: list[Settings], number: int) -> list[Settings]:
    """Draw so many configurations."""
    chosen = np.random.default_rng(SEED).choice(len(asked), min(number, len(asked)), replace=False)
    return [asked[place] for place in chosen.tolist()]


def found(
    asked: list[Settings], chosen: list[Settings], separate: list[Cost], whole: Cost
) -> dict[str, object]:
    """Put the results together."""
    clock, processor = ([getattr(cost, kind) for cost in separate] for kind in ("clock", "processor"))
    return {
        "facts": {
            "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
            "threads": os.environ.get("OMP_NUM_THREADS", "by default"),
            "versions": versions(),
            "configurations": len(asked),
            "run one by one": len(chosen),
        },
        "separate runs": [
            {"settings": settings, **asdict(cost)} for settings, cost in zip(chosen, separate, strict=True)
        ],
        "sweep": asdict(whole),
        "separate runs / sweep, processor": round(np.mean(processor) * len(asked) / whole.processor, 2),
        "separate runs / sweep, clock": round(np.mean(clock) * len(asked) / whole.clock, 2),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--separate", type=int, default=24, help="how many configurations are run one by one")
    parser.add_argument("--known", type=Path, help="a study's folder whose cache holds the embeddings")
    given = _asked.read(parser, __file__, separate=2)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        experiment = fewer(folder) if given.quick else EXPERIMENT
        asked = configurations(read_experiment(experiment))
        chosen = drawn(asked, given.separate)
        known = given.known or embedded(folder / "known", experiment, chosen[0])
        whole = timed("sweep", experiment, with_embeddings(known, folder / "sweep"))
        print(f"sweep: {whole}", flush=True)
        separate: list[Cost] = []
        for place, settings in enumerate(chosen):
            root = folder / f"alone-{place}"
            root.mkdir()
            separate.append(timed("run", alone(experiment, settings, root), with_embeddings(known, root)))
            print(f"{settings}: {separate[-1]}", flush=True)
            keep(given.results, found(asked, chosen[: place + 1], separate, whole))


def embedded(root: Path, experiment: Path, settings: Settings) -> Path:
    """Run one configuration, so that the embeddings are known; return its folder."""
    root.mkdir()
    timed("run", alone(experiment, settings, root), root)
    return root


def keep(path: Path, results: dict[str, object]) -> None:
    """Write the results beside, then in place."""
    with whole_file(path) as part:
        part.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
