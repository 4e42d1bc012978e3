"""Processes: begun anew for a part of the work, and whose a thing is that one has made.

A mark of the process that made a thing tells later whether that process still runs.
"""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO

MARK = r"[0-9a-f]{8}-[0-9]{1,10}-[0-9]{1,20}"
"""What `mark` gives, as a pattern."""

DAY = 24 * 3600.0
"""Seconds after which the process of another machine, of which nothing can be told from here, is given up."""

_WHOLE = re.compile(MARK)
_ENDED = {"Z", "X"}  # of Linux: it has ended, and its parent has not been told


def begun(command: str, environment: Mapping[str, str] = MappingProxyType({})) -> "subprocess.Popen[bytes]":
    """Begin a process of this Python that does one command: anew, not forked, with pipes to ask it.

    The program that calls needs no guard, and Ctrl-C is for the process that asks alone.

    Parameters
    ----------
    command
        Python, of our own.
    environment
        What is other than here.

    Raises
    ------
    OSError
        If it cannot be started.
    """
    paths = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    return subprocess.Popen(  # noqa: S603 (this Python, and a command of our own)
        [sys.executable, "-P", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": paths, **environment},
        start_new_session=True,
    )


def tell(pipe: IO[bytes], said: object) -> None:
    """Write one line of JSON."""
    pipe.write(json.dumps(said).encode("ascii") + b"\n")
    pipe.flush()


def mark() -> str:
    """Return the mark of this process: its machine (a digest, no name), its number, when it was started."""
    return f"{_machine()}-{os.getpid()}-{_started(os.getpid()) or 0}"


def is_left(mark: str, since: float) -> bool:
    """Tell whether something was left by a process that does not run any more.

    Parameters
    ----------
    mark
        The mark that it carries.
    since
        When it was last touched, seconds since 1970: decides where it was made on another machine, and where
        the system does not tell when a process was started.
    """
    if not _WHOLE.fullmatch(mark):
        return False
    machine, number, started = mark.split("-")
    if machine != _machine():
        return time.time() - since > DAY
    found = _started(int(number))
    if found is None:
        return True
    return started not in {"0", found} and found != "0"


def _machine() -> str:
    """Return a digest of the machine's name and of the space in which its processes are numbered."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())  # containers of one machine number their own
    except OSError:
        space = ""
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def _started(number: int) -> str | None:
    """Return when a process was started, '0' where the system does not tell; None if there is no such one."""
    try:
        told = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "0" if _answers(number) else None
    state, *rest = told.rpartition(")")[2].split()
    return None if state in _ENDED else rest[18]


def _answers(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
