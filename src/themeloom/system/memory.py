"""How much memory there is, and that what is no longer used goes back to the system."""

import ctypes
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

MACHINE = Path("/proc/meminfo")
"""Where Linux says how much memory is available, in KiB."""
CONTAINER = Path("/sys/fs/cgroup")
"""Where Linux says how much memory a container may have, and has, in bytes."""


def available(machine: Path = MACHINE, container: Path = CONTAINER) -> int:
    """Return how many bytes this process may still take: of the machine's, as many as its container has.

    Where the system does not tell what is available, half of all memory is taken for it; where it does not
    tell that either, there is no limit.
    """
    return min(_of_machine(machine), _of_container(container))


def give_back() -> None:
    """Give back what was freed, where the C library keeps it for the next time (glibc's ``malloc_trim``)."""
    with suppress(AttributeError, OSError, TypeError):  # another C library, or another system
        ctypes.CDLL(None).malloc_trim(0)


def _of_machine(path: Path) -> int:
    with suppress(OSError, TypeError, ValueError):
        return _named(path, r"MemAvailable:\s+(\d+) kB") * 2**10
    with suppress(AttributeError, OSError, ValueError):  # another system
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return sys.maxsize


def _of_container(folder: Path) -> int:
    """Of what a container has, files that were read but are not used just now are given up first."""
    with suppress(OSError, TypeError, ValueError):  # no container, or one without a limit
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        return max(limit - used + _named(folder / "memory.stat", r"inactive_file (\d+)"), 0)
    return sys.maxsize


def _named(path: Path, pattern: str) -> int:
    found = re.search(pattern, path.read_text(encoding="ascii"))
    if found is None:
        raise ValueError(pattern)
    return int(found[1])
