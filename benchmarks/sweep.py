"""How much quicker a sweep is than its configurations one by one, where embeddings are known to both.

Run ``python benchmarks/sweep.py [--separate N]``: the sweep of ``experiments/dearmhp-sweep.toml`` as one
process, and N of its configurations, evenly chosen, as processes with caches of their own that hold nothing
but the embeddings. All separate runs are taken to last as long as these on average. Writes
``benchmarks/results/sweep.json``.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from themeloom.config import Setting
from themeloom.experiment import read_experiment
from themeloom.folders import Folders
from themeloom.provenance import versions
from themeloom.space import Settings, configurations

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENT = ROOT / "experiments" / "dearmhp-sweep.toml"
RESULTS = ROOT / "benchmarks" / "results" / "sweep.json"


def timed(command: str, experiment: Path, root: Path) -> float:
    """Run a command as a process; return its seconds."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "themeloom", command, str(experiment), "--root", str(root)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def with_embeddings(known: Path, root: Path) -> Path:
    """Return a study's folder whose cache holds the embeddings and nothing else."""
    shutil.copytree(Folders(known).cache / "vectors", Folders(root).cache / "vectors")
    return root


def alone(settings: Settings, folder: Path) -> Path:
    """Write the experiment with one configuration and without its sweep."""
    text = EXPERIMENT.read_text(encoding="utf-8").partition("[sweep]")[0]
    text = text.replace('"../src', f'"{ROOT / "src"}')
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


def _toml(value: Setting) -> str:
    return json.dumps(value)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--separate", type=int, default=4, help="how many configurations are run one by one")
    given = parser.parse_args()
    asked = configurations(read_experiment(EXPERIMENT))
    chosen = asked[:: max(len(asked) // given.separate, 1)][: given.separate]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        separate: list[float] = []
        for place, settings in enumerate(chosen):
            root = folder / f"alone-{place}"
            root.mkdir()
            experiment = alone(settings, root)
            if not place:  # embeds once, for all
                timed("run", experiment, folder / "known")
            separate.append(timed("run", experiment, with_embeddings(folder / "known", root)))
            print(f"{settings}: {separate[-1]:.0f} s", flush=True)
        whole = timed("sweep", EXPERIMENT, with_embeddings(folder / "known", folder / "sweep"))
    mean = sum(separate) / len(separate)
    found = {
        "facts": {
            "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
            "versions": versions(),
            "configurations": len(asked),
        },
        "seconds of separate runs": [round(seconds, 1) for seconds in separate],
        "seconds of the sweep": round(whole, 1),
        "separate runs / sweep": round(mean * len(asked) / whole, 2),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
