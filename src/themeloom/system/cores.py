"""How many cores this process may use."""

import os
from math import ceil
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux says how much processor time a container gets: microseconds and of how many, or 'max'."""


def cores(quota: Path = QUOTA) -> int:
    """Return how many cores this process may use: of those it is bound to, as many as its container has."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        granted, period = quota.read_text(encoding="ascii").split()
        return max(1, min(bound, ceil(int(granted) / int(period))))
    except (OSError, ValueError):  # no container, or one without a limit
        return bound
