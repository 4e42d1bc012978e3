"""What all runners are asked alike: ``--quick``, and where their results go."""

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT, QUICK = ROOT / "benchmarks" / "results", ROOT / "build" / "bench"
"""Where results go: those of whole runs are part of the project, those of quick ones are not."""


def read(parser: argparse.ArgumentParser, runner: str, **quick: object) -> argparse.Namespace:
    """Read the command line of a runner.

    Parameters
    ----------
    parser
        Its own options.
    runner
        The path of the runner; results have its name.
    quick
        Options of its own as they are with ``--quick``, where they are not given: the same questions, asked
        of less.

    Returns
    -------
    argparse.Namespace
        Its options, and of all: `quick`; `results`, the file to write, whose folder is there.
    """
    told = ", ".join(f"{name.replace('_', '-')} {value}" for name, value in quick.items())
    parser.add_argument("--quick", action="store_true", help=f"ask less ({told}); results go to build/bench/")
    if parser.parse_known_args()[0].quick:
        parser.set_defaults(**quick)
    given = parser.parse_args()
    folder = QUICK if given.quick else KEPT
    folder.mkdir(parents=True, exist_ok=True)
    given.results = folder / f"{Path(runner).stem}.json"
    return given
