"""On what this process may compute: how many cores, which device."""

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


def device() -> str:
    """Return where torch works: 'cuda' or 'mps' where there is one, else 'cpu'."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def threads() -> int:
    """Return the threads that torch uses, once it was told of the cores."""
    import torch

    use_cores()
    return torch.get_num_threads()


def use_cores() -> None:
    """Give torch as many threads as there are cores, unless OMP_NUM_THREADS says otherwise.

    In a container torch counts the cores of the whole machine, and its threads are in each other's way.
    """
    import torch

    if "OMP_NUM_THREADS" not in os.environ and torch.get_num_threads() > cores():
        torch.set_num_threads(cores())
