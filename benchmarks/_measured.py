"""A whole run, or BERTopic's, as a process of its own: its time by stage, and its greatest memory.

As a script, it is that process: ``_measured.py themeloom EXPERIMENT ROOT``, ``_measured.py bertopic FOLDER``.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from themeloom.progress import UNWATCHED, Progress

TEXTS, VECTORS = "texts.parquet", "vectors.npy"
"""What BERTopic is given."""
_EVERY = 0.05  # seconds


@dataclass
class Measured:
    """What a process took."""

    seconds: float = 0.0
    processor: float = 0.0  # seconds of processor time: what a busy machine does not change much
    peak: float = 0.0  # MiB resident, of the process and those that it started
    stages: dict[str, float] = field(default_factory=dict)  # seconds
    spent: dict[str, float] = field(default_factory=dict)  # seconds of processor time, while each stage ran
    peaks: dict[str, float] = field(default_factory=dict)  # MiB, while each stage ran
    found: dict[str, float] = field(default_factory=dict)


def measure(*arguments: str) -> Measured:
    """Run this file as a process and measure it from outside.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    measured, stage = Measured(), "start"
    command = [sys.executable, __file__, *arguments]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        watched = psutil.Process(process.pid)

        def watch() -> None:
            while process.poll() is None:
                resident, spent = _resident(watched), _spent(watched)
                if spent > measured.processor:
                    measured.spent[stage] = measured.spent.get(stage, 0) + spent - measured.processor
                    measured.processor = spent
                measured.peak = max(measured.peak, resident)
                measured.peaks[stage] = max(measured.peaks.get(stage, 0), resident)
                time.sleep(_EVERY)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        for line in process.stdout or ():
            told = json.loads(line) if line.startswith("{") else {}
            stage = told.get("begins", stage)
            measured.stages |= told.get("took", {})
            measured.found |= told.get("found", {})
        process.wait()
        watcher.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    measured.seconds = round(time.perf_counter() - began, 2)
    measured.processor = round(measured.processor, 1)
    measured.spent = {name: round(value, 1) for name, value in measured.spent.items()}
    measured.peak = round(measured.peak)
    measured.peaks = {name: round(value) for name, value in measured.peaks.items()}
    return measured


def machine() -> dict[str, object]:
    """Tell on what machine, and with what, was measured."""
    from themeloom.system.provenance import versions

    return {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "threads": os.environ.get("OMP_NUM_THREADS", "by default"),
        "load before": round(os.getloadavg()[0], 1),
        "versions": versions(),
    }


def _resident(process: psutil.Process) -> float:
    try:
        family = [process, *process.children(recursive=True)]
        return sum(one.memory_info().rss for one in family) / 2**20
    except psutil.Error:
        return 0.0


def _spent(process: psutil.Process) -> float:
    try:
        family = [process, *process.children(recursive=True)]
        return sum(sum(one.cpu_times()[:4]) for one in family)  # with that of children that have ended
    except psutil.Error:
        return 0.0


class Told:
    """Tells each stage on standard output."""

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Say that a stage begins, and what it took."""
        print(json.dumps({"begins": name}), flush=True)
        began = time.perf_counter()
        yield UNWATCHED
        took = round(time.perf_counter() - began, 2)
        print(json.dumps({"took": {name: took}, "begins": f"after {name}"}), flush=True)


def _themeloom(experiment: str, root: str) -> None:
    import themeloom

    result = themeloom.run(experiment, root, Told())
    record = result.model.record
    found = {
        "rows": record.flow.identified,
        "communications": record.flow.unique,
        "topics": record.discovery.clusters.count,
        "kappa": record.scores.overall["kappa"].value,
    }
    placed = {name: value for name, value in record.quality.overall.items() if name.startswith("placed")}
    print(json.dumps({"found": found | placed}), flush=True)


def _bertopic(folder: str) -> None:
    from bertopic import BERTopic

    texts = pl.read_parquet(Path(folder) / TEXTS)["text"].to_list()
    topics, _ = BERTopic().fit_transform(texts, np.load(Path(folder) / VECTORS))
    print(json.dumps({"found": {"communications": len(texts), "topics": max(topics) + 1}}), flush=True)


def main() -> None:
    """Be the process that is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("themeloom", "bertopic"))
    parser.add_argument("given", nargs="+")
    asked = parser.parse_args()
    (_themeloom if asked.what == "themeloom" else _bertopic)(*asked.given)


if __name__ == "__main__":
    main()
