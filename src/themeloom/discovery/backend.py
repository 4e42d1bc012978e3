"""With which arithmetic the encoder works here: float32, or another that was measured to be faster.

What was measured is kept once a machine, under the facts that it hangs on and the encoder's weights.
"""

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from platformdirs import user_cache_path

from themeloom.discovery.processor import device
from themeloom.system.atomic import whole_file
from themeloom.system.cache import digest
from themeloom.system.cores import cores

HOME = "THEMELOOM_CACHE"
"""Environment variable that names another folder for what is made once on each machine."""
REFERENCE = "torch"
OTHERS = ("bfloat16",)
"""Backends that may be faster than the reference."""
MARGIN = 1.1
"""Times as fast as the reference that another backend must be to be chosen."""
NEAR = 0.999
"""Cosine similarity to the reference's vector that each of its vectors must have."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one backend did."""

    rates: tuple[float, ...]  # messages a second, of each round
    rate: float  # their median
    difference: float  # greatest of any entry of a unit vector from the reference's
    cosine: float  # least similarity of a vector to the reference's


@dataclass(frozen=True, slots=True)
class Finding:
    """How fast each backend is on this machine."""

    encoder: str
    facts: dict[str, str]
    messages: int
    lines: dict[str, Line]

    @property
    def fastest(self) -> str:
        """The backend that 'auto' stands for: another than the reference only where it is clearly faster."""
        able = [name for name in OTHERS if name in self.lines and self.times(name) >= MARGIN]
        able = [name for name in able if self.lines[name].cosine >= NEAR]
        return max(able, key=self.times, default=REFERENCE)

    def times(self, name: str) -> float:
        """Return how many times as fast a backend is as the reference: the median of rounds."""
        pairs = zip(self.lines[name].rates, self.lines[REFERENCE].rates, strict=True)
        return median(one / other for one, other in pairs)


def machine_folder(name: str) -> Path:
    """Return the folder of what is made once on each machine."""
    return Path(os.environ.get(HOME) or user_cache_path("themeloom")) / name


def facts() -> dict[str, str]:
    """Tell on what the speed of an encoder hangs, but for the encoder."""
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": str(cores()),
        "device": device(),
        "torch": version("torch"),
        "sentence-transformers": version("sentence-transformers"),
    }


def fastest(weights: str) -> str:
    """Return the backend that was found fastest here for an encoder; unmeasured, the reference."""
    try:
        table = json.loads(_place(weights, facts()).read_bytes())
        lines = {name: Line(**line) for name, line in table["lines"].items()}
        return Finding(table["encoder"], table["facts"], table["messages"], lines).fastest
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return REFERENCE


def keep(finding: Finding, weights: str) -> Path:
    """Write down what was found; return the file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    place = _place(weights, finding.facts)
    with whole_file(place) as draft:
        draft.write_text(json.dumps(asdict(finding), indent=1) + "\n", encoding="utf-8")
    return place


def _place(weights: str, found: dict[str, str]) -> Path:
    return machine_folder("backends") / f"{digest(found, weights)[:32]}.json"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())
