"""Whether any file makes a reader crash, hang or fill the memory: coverage-guided fuzzing, for the night.

    python benchmarks/fuzzing.py [--inputs 200000] [--only NAME …] [--seed 1]

Readers, sound files and spoilings are those of `tests/fuzz`. Each reader has a process of its own, with
limits on time and memory for one input. With atheris (`pip install atheris`, built on libFuzzer), an input
that reaches new code is kept and spoilt further; without it, inputs are spoilt blindly, and the results say
so. What a reader should not have raised is printed, and the input kept in ``--found``.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from random import Random

import _asked

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE.parent / "tests" / "fuzz")]

INPUTS = 200_000
SECONDS = 10
"""For one input; a few kilobytes are read in milliseconds."""
TOLD = 50
"""Inputs after which a reader's process writes how far it is; libFuzzer ends it after its last one."""
MEGABYTES = 3_000
LONGEST = 2**16
INSTRUMENTED = ["themeloom", "openpyxl", "yaml", "tomllib", "zipfile", "json", "pydantic"]


class Findings:
    """What a reader raised that it should not have, each place once."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.places: Counter[str] = Counter()
        self.read = self.refused = 0
        self.slowest = 0.0

    def run(self, attempt: Callable[[bytes], str], data: bytes) -> None:
        """Let a reader read an input."""
        from limits import Late, limited

        started = time.perf_counter()
        try:
            with limited(SECONDS):
                self.refused += bool(attempt(data))
        except (Exception, Late) as error:  # noqa: BLE001 (whatever it is, it is a finding)
            self._keep(error, data)
        self.read += 1
        self.slowest = max(self.slowest, time.perf_counter() - started)
        if self.read % TOLD == 0:
            self.tell()

    def _keep(self, error: BaseException, data: bytes) -> None:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if "themeloom" in frame.filename
        ]
        at = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} in {Path(at.filename).name}:{at.lineno}"
        self.places[place] += 1
        if self.places[place] == 1:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{self.name} {place}".replace(" ", "-").replace(":", "-")).write_bytes(data)
            traceback.print_exception(error)

    def tell(self) -> None:
        """Write how far it is, where the parent looks: a reader that crashes says no more."""
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        state = {"inputs": self.read, "refused": self.refused, "slowest seconds": round(self.slowest, 2)}
        (self.folder.parent / f"{self.name}.json").write_text(
            json.dumps({**state, "peak MiB": memory, "findings": dict(self.places)})
        )


def one(name: str, inputs: int, seed: int, found: Path) -> None:
    """Fuzz one reader, in this process."""
    guided = find_spec("atheris") is not None
    if guided:
        import atheris

        with atheris.instrument_imports(include=INSTRUMENTED):
            from targets import TARGETS
            from targets import attempt as attempt_target
    else:
        from targets import TARGETS
        from targets import attempt as attempt_target
    from mutations import spoilt

    target, findings = TARGETS[name], Findings(name, found)
    seeds, random = target.seeds(), Random(seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)

        def attempt(data: bytes) -> str:
            return attempt_target(target, data, folder)

        findings.tell()
        if not guided:
            for _ in range(inputs):
                findings.run(attempt, spoilt(random, seeds, target.tokens))
            findings.tell()
            return
        corpus = folder / "corpus"
        corpus.mkdir()
        for number, content in enumerate(seeds):
            (corpus / f"{number}").write_bytes(content)

        def mutated(data: bytes, longest: int, number: int) -> bytes:
            """Spoil an input as the test does, half of the time; else bit by bit, as libFuzzer does."""
            chosen = Random(number)  # noqa: S311
            if chosen.random() < 0.5:
                return spoilt(chosen, [data, chosen.choice(seeds)], target.tokens)[:longest]
            return atheris.Mutate(data, len(data))[:longest]

        limits = {"max_len": LONGEST, "rss_limit_mb": MEGABYTES, "timeout": 2 * SECONDS, "len_control": 0}
        options = [f"-{key}={value}" for key, value in {"runs": inputs, "seed": seed, **limits}.items()]
        atheris.Setup(
            [sys.argv[0], *options, str(corpus)],
            lambda data: findings.run(attempt, data),
            custom_mutator=mutated,
        )
        atheris.Fuzz()  # it ends the process


def main() -> int:
    """Fuzz all readers, each in a process of its own; say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=INPUTS, help="of all readers together")
    parser.add_argument("--only", nargs="*", default=[], help="names of readers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, default=Path("build/fuzzing"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = _asked.read(parser, __file__, inputs=5_000)
    if given.one:
        one(given.one, given.inputs, given.seed, given.found / "inputs")
        return 0
    from targets import TARGETS

    names = given.only or list(TARGETS)
    share = -(-given.inputs // (len(names) * TOLD)) * TOLD
    given.found.mkdir(parents=True, exist_ok=True)
    told = {}
    for name in names:
        started = time.perf_counter()
        command = [sys.executable, __file__, "--one", name, "--inputs", str(share), "--seed", str(given.seed)]
        with (given.found / f"{name}.log").open("w") as log:
            done = subprocess.run(
                [*command, "--found", str(given.found)], stdout=log, stderr=log, check=False
            )
        state = json.loads((given.found / f"{name}.json").read_text())
        if done.returncode:
            state["findings"][f"the process ended with {done.returncode}"] = 1
        told[name] = {**state, "seconds": round(time.perf_counter() - started, 1)}
        print(f"{name:16} {told[name]}", flush=True)
    return finish(told, given.results)


def finish(told: dict[str, dict[str, object]], results: Path) -> int:
    """Keep the figures; the exit code says whether anything was found."""
    found = {name: state["findings"] for name, state in told.items() if state["findings"]}
    record = {
        "made": datetime.now(UTC).date().isoformat(),
        "guided by coverage": find_spec("atheris") is not None,
        "inputs": sum(int(str(state["inputs"])) for state in told.values()),
        "findings": found,
        "readers": told,
    }
    results.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{record['inputs']:,} inputs, {len(found)} readers with findings; {results}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
