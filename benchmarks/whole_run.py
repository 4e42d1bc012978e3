"""A whole run against BERTopic: time and memory, with the same embeddings known to both.

    python benchmarks/whole_run.py [--rows 1000 10000 100000] [--repeats 3]

Both have their default settings. BERTopic is given the texts and vectors of the unique communications and
fits; Themeloom reads the raw export, takes out repeats, masks, finds and describes topics, adapts the
encoder, maps themes, validates, writes the model, report and MLflow run. It is also measured without the
adapted encoder, as BERTopic has nothing like it. Each is a process of its own, one after the other in turns;
told are medians. The messages are made up from the demonstration's (synthetic) texts. Writes
benchmarks/results/whole_run.json.
"""

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median

import _asked
import numpy as np
import polars as pl
from _made import make
from _measured import TEXTS, VECTORS, Measured, machine, measure

from themeloom import load
from themeloom.system.folders import Folders

PLAIN = "\n[adapt]\nenabled = false\n"
OURS, UNADAPTED, THEIRS = "themeloom", "themeloom, encoder not adapted", "BERTopic"


def prepared(folder: Path, rows: int) -> Path:
    """Make a study, run it once, and put down what BERTopic is given; return the folder of what is known."""
    made = make(folder / "plain", rows, PLAIN)
    make(folder / "adapted", rows)
    known = folder / "known"
    known.mkdir()
    measure("themeloom", str(made.experiment), str(known))
    run = next(path for path in Folders(known).models.iterdir() if path.is_dir())
    embeddings = load(run).record.discovery.embeddings
    pl.DataFrame({"text": embeddings.texts}).write_parquet(folder / TEXTS)
    np.save(folder / VECTORS, embeddings.vectors)
    return known


def ours(folder: Path, known: Path, study: str) -> Measured:
    """Measure a run to which the embeddings are known, and nothing else."""
    with tempfile.TemporaryDirectory(dir=folder) as root:
        shutil.copytree(Folders(known).cache / "vectors", Folders(Path(root)).cache / "vectors")
        return measure("themeloom", str(folder / study / "experiment.toml"), root)


def summary(runs: dict[str, list[Measured]]) -> dict[str, object]:
    """Return medians, and ours divided by theirs."""
    seconds = {name: median(run.seconds for run in of) for name, of in runs.items()}
    memory = {name: median(run.peak for run in of) for name, of in runs.items()}
    return {
        "median seconds": seconds,
        "median MiB": memory,
        "seconds / BERTopic": {name: round(took / seconds[THEIRS], 2) for name, took in seconds.items()},
        "memory / BERTopic": {name: round(took / memory[THEIRS], 2) for name, took in memory.items()},
        "runs": {name: [asdict(run) for run in of] for name, of in runs.items()},
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--repeats", type=int, default=3)
    asked = _asked.read(parser, __file__, rows=[1_000], repeats=1)
    result: dict[str, object] = {"facts": machine()}
    for rows in asked.rows:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            known = prepared(folder, rows)
            runs: dict[str, list[Measured]] = {OURS: [], UNADAPTED: [], THEIRS: []}
            for _ in range(asked.repeats):
                runs[THEIRS].append(measure("bertopic", str(folder)))
                runs[UNADAPTED].append(ours(folder, known, "plain"))
                runs[OURS].append(ours(folder, known, "adapted"))
        told = summary(runs)
        print(f"{rows:,}: {told['median seconds']} s, {told['median MiB']} MiB", flush=True)
        result[str(rows)] = told
        asked.results.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
