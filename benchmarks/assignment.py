"""What streaming assignment costs beside the encoder alone, and how well one and two Ray workers share it.

Run ``python benchmarks/assignment.py [MODEL] [--messages N] [--workers-messages N] [--no-ray]``; MODEL is a
folder under models/, and by default the demonstration is run for it. New messages are put together from those
of the model (synthetic ones, in the demonstration) by a seeded generator; a third of them are repeats.

Compared, in one process, in turns, medians of `RUNS`: ``SentenceTransformer.encode`` on the distinct masked
messages alone; the encoder as the model asks for it (its upper layers twice where it was adapted); and the
whole of ``assign_file``: reading, masking, embedding, placing, writing. The ratios are of processor time,
which says the same on a busy machine. Ray: messages a second from when every worker has its first part done,
which leaves out how long a worker takes to start; that is told apart. Writes ``results/assignment.json``.
"""

import argparse
import csv
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import _asked
import numpy as np

from themeloom.assigning import assignment
from themeloom.assigning.assignment import PLAIN, assign_file
from themeloom.assigning.ray_engine import Ray, RayAssignment
from themeloom.config import ColumnsConfig
from themeloom.corpus.anonymise import mask_texts
from themeloom.model import Model, load
from themeloom.system.atomic import whole_file
from themeloom.system.provenance import versions

RUNS = 3
REPEATED = 0.3


@dataclass(frozen=True)
class Cost:
    """What something took, in seconds."""

    clock: float
    processor: float


def timed(work: Callable[[], object]) -> Cost:
    """Do something and tell what it took."""
    began, before = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - began, time.process_time() - before)


def made_up(model: Model, number: int, path: Path) -> list[str]:
    """Write messages put together from halves of the model's own, without some of their words."""
    rng = np.random.default_rng(0)
    own = [text.replace("[", "").replace("]", "").split() for text in model.communications["text"].to_list()]
    texts: list[str] = []
    for _ in range(number):
        if texts and rng.random() < REPEATED:
            texts.append(texts[rng.integers(len(texts))])
            continue
        first, second = (own[at] for at in rng.integers(len(own), size=2))
        words = [*first[: len(first) // 2 + 1], *second[len(second) // 2 :]]
        texts.append(" ".join(word for word in words if rng.random() > 0.1) or words[0])
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "text"], *([f"m{at}", text] for at, text in enumerate(texts))])
    return texts


def streaming(model: Model, number: int, folder: Path) -> dict[str, object]:
    """Compare the encoder alone with the whole of an assignment."""
    source = folder / "new.csv"
    texts = made_up(model, number, source)
    placing, encoder = model.placing, model.encoder_used
    masked = mask_texts(list(dict.fromkeys(texts)), model.masking)
    read = sorted({placing.read(text) for text in masked}, key=len)
    columns = ColumnsConfig(id="id")
    lines: dict[str, Callable[[], object]] = {
        "SentenceTransformer.encode alone": lambda: encoder.model.encode(
            read, batch_size=encoder.config.batch_size, show_progress_bar=False
        ),
        "the encoder as the model asks for it": lambda: placing.encoded(read),
        "masking": lambda: mask_texts(list(dict.fromkeys(texts)), model.masking),
        "assign_file": lambda: assign_file(model, source, folder / "out.parquet", columns),
        "assign_file, messages masked already": lambda: assign_file(
            model, source, folder / "out.parquet", columns, assignment.Asked(masked=True)
        ),
    }
    for work in lines.values():
        work()  # what is loaded once is loaded
    costs = {name: [] for name in lines}
    for _ in range(RUNS):
        for name, work in lines.items():
            costs[name].append(timed(work))
    found = {
        name: {
            "seconds": round(float(np.median([cost.clock for cost in of])), 2),
            "processor seconds": round(float(np.median([cost.processor for cost in of])), 2),
        }
        for name, of in costs.items()
    }
    whole, alone = found["assign_file"], found["the encoder as the model asks for it"]
    plain = found["SentenceTransformer.encode alone"]
    return {
        "messages": number,
        "distinct texts that are read": len(read),
        "costs, medians": found,
        "messages a second, assign_file": round(number / whole["seconds"], 1),
        "speed of assign_file to the encoder as the model asks for it": round(
            alone["processor seconds"] / whole["processor seconds"], 3
        ),
        "speed of assign_file to SentenceTransformer.encode alone": round(
            plain["processor seconds"] / whole["processor seconds"], 3
        ),
        "peak memory, MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }


def on_ray(model: Path, number: int, workers: int, folder: Path) -> dict[str, float]:
    """Assign on so many workers of one core each, of a cluster of so many nodes."""
    from ray.cluster_utils import Cluster

    loaded, source = load(model), folder / "new.csv"
    made_up(loaded, number, source)
    out = folder / f"ray{workers}.parquet"
    here = {"node_ip_address": "127.0.0.2"}  # loopback, which Ray does not take for another address
    head = {"num_cpus": 0, "include_dashboard": False, **here}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(workers):
        cluster.add_node(num_cpus=1, **here)
    moments: list[float] = []
    watching = threading.Thread(target=_watch, args=(out, moments))
    began = time.perf_counter()
    watching.start()
    engine = RayAssignment(Ray(cluster.address), model, None, PLAIN)
    assign_file(loaded, source, out, ColumnsConfig(id="id"), engine=engine)
    ended = time.perf_counter()
    watching.join()
    cluster.shutdown()
    # from when every worker has finished its first part to the last part
    steady = (len(moments) - workers) * assignment.PART / (moments[-1] - moments[workers - 1])
    return {
        "seconds, all of it": round(ended - began, 1),
        "seconds until the first part": round(moments[0] - began, 1),
        "messages a second, then": round(steady, 1),
    }


def _watch(out: Path, moments: list[float]) -> None:
    """Note when each piece appears."""
    pieces = out.with_name(f".{out.name}.pieces")
    while not out.exists():
        done = len([path for path in pieces.glob("*.parquet") if ".input." not in path.name])
        moments.extend([time.perf_counter()] * (done - len(moments)))
        time.sleep(0.02)


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--workers-messages", type=int, default=3_000)
    parser.add_argument("--no-ray", action="store_true")
    options = _asked.read(parser, __file__, messages=500, workers_messages=1_000)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as name:
        model = options.model or demonstration(Path(name))
        result = measured(model, options)
    with whole_file(options.results) as draft:
        draft.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    json.dump(result, sys.stdout, indent=1)


def demonstration(root: Path) -> Path:
    """Run the packaged study and return its model."""
    from importlib.resources import as_file, files

    from themeloom import pipeline

    with as_file(files("themeloom") / "data" / "dearmhp") as study:
        return pipeline.run(study / "experiment.toml", root).folder


def measured(model: Path, options: argparse.Namespace) -> dict[str, object]:
    """Measure all that is asked for."""
    with tempfile.TemporaryDirectory() as name:
        result: dict[str, object] = {"streaming": streaming(load(model), options.messages, Path(name))}
    if not options.no_ray and find_spec("ray"):
        assignment.PART = 100
        found = {}
        for workers in (1, 2):
            with tempfile.TemporaryDirectory() as name:
                found[workers] = on_ray(model, options.workers_messages, workers, Path(name))
        rates = [found[workers]["messages a second, then"] for workers in (1, 2)]
        result["ray"] = {
            "messages": options.workers_messages,
            "rows a part": assignment.PART,
            "one worker": found[1],
            "two workers": found[2],
            "efficiency of two": round(rates[1] / (2 * rates[0]), 3),
        }
    return result | {
        "cores": os.cpu_count(),
        "load of the machine, 1 min": round(os.getloadavg()[0], 1),
        "versions": versions(),
    }


if __name__ == "__main__":
    main()
