"""A million messages through the whole run: time by stage, memory, and how both grow.

    python benchmarks/million.py [--rows 10000 100000 1000000] [--encoder static|transformer] [--cached]

The messages are made up from the demonstration's (synthetic) texts by a seeded generator. Each size is run
in a process of its own, with nothing cached but what --cached names: the vectors, from a run before that is
not counted. The static encoder is not adapted here. Told are seconds of each stage, by the clock and of
processor time (which other work on the machine changes less), the greatest resident memory of the process
and those that it started, and for each stage the exponent with which its processor time grew from the
smallest size to the largest (1: in proportion to the messages).
Writes benchmarks/results/million.json after each size.
"""

import argparse
import json
import math
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import _asked
from _made import make
from _measured import Measured, machine, measure

LIMIT_SECONDS, LIMIT_MEBIBYTES = 600, 6 * 1024
"""For a million messages, with the static encoder on two cores."""
_TELLING = 1.0  # seconds: what took less tells nothing of growth


def exponents(few: Measured, many: Measured, times: float) -> dict[str, float]:
    """Return the exponent with which each stage, the whole and the memory grew."""
    pairs = {name: (few.spent.get(name, 0), took) for name, took in many.spent.items()}
    pairs |= {"all": (few.processor, many.processor), "memory": (few.peak, many.peak)}
    return {
        name: round(math.log(after / before) / math.log(times), 2)
        for name, (before, after) in pairs.items()
        if before > 0 and after > _TELLING
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--encoder", choices=("static", "transformer"), default="static")
    parser.add_argument("--cached", action="store_true", help="vectors are known from a run before")
    parser.add_argument("--extra", default="", help="further lines of the experiment file")
    asked = _asked.read(parser, __file__, rows=[3_000, 10_000])
    # Adapting costs by the labels, not by the messages.
    static = "[encoder]\nstatic = true\n[adapt]\nenabled = false\n"
    extra = (static if asked.encoder == "static" else "") + asked.extra
    runs: dict[int, Measured] = {}
    for rows in sorted(asked.rows):
        with tempfile.TemporaryDirectory() as scratch:
            made = make(Path(scratch) / "study", rows, extra)
            root = Path(scratch) / "root"
            root.mkdir()
            if asked.cached:
                measure("themeloom", str(made.experiment), str(root))
                for folder in (root / ".themeloom" / "cache").iterdir():
                    if folder.name != "vectors":
                        shutil.rmtree(folder)
            runs[rows] = measure("themeloom", str(made.experiment), str(root))
        told = runs[rows]
        print(
            f"{rows:,}: {told.seconds:.0f} s, {told.processor:.0f} s of processor time, {told.peak:,.0f} MiB;"
            f" by stage {told.stages}, of processor time {told.spent}",
            flush=True,
        )
        few, many = min(runs), max(runs)
        result = {
            "facts": machine(),
            "static encoder": asked.encoder == "static",
            "vectors known": asked.cached,
            "limits": {"seconds": LIMIT_SECONDS, "MiB": LIMIT_MEBIBYTES, "rows": 1_000_000},
            "runs": {str(size): asdict(run) for size, run in runs.items()},
            "exponents": exponents(runs[few], runs[many], many / few) if few < many else {},
        }
        asked.results.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
