"""Work alongside: a function of arrays is called in a process of its own, while this one goes on.

UMAP's compiled code lets no other thread of its process work. The process is started anew, not forked, and
given arrays and numbers over its standard input: the program that calls needs no guard, and no file is left.
"""

import importlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import IO, Any

import numpy as np

from themeloom.cores import cores
from themeloom.processes import begun, tell

Array = np.ndarray[Any, Any]
_COMMAND = "from themeloom.discovery.alongside import work; work()"


@contextmanager
def alongside(
    function: Callable[..., Array], arrays: Sequence[Array], **settings: float
) -> Iterator[Callable[[], Array]]:
    """Have a function called in another process.

    Parameters
    ----------
    function
        Which, by the name that its module has for it: of so many arrays and settings, it returns an array.
    arrays, settings
        What it is called with.

    Yields
    ------
    Callable
        Waits for what the function returns. Where there is one core only, or the process could not be started
        or ended without an answer, the function is called here.
    """
    worker = _started()
    try:
        with ThreadPoolExecutor(1) as waiting, _killed(worker):
            answer = waiting.submit(_asked, worker, function, arrays, settings)
            yield lambda: found if (found := answer.result()) is not None else function(*arrays, **settings)
    finally:
        if worker:
            worker.communicate()


@contextmanager
def _killed(worker: "subprocess.Popen[bytes] | None") -> Iterator[None]:
    """End a process however the block ends: there is nothing in it to be lost."""
    try:
        yield
    finally:
        if worker:
            worker.kill()


def _started() -> "subprocess.Popen[bytes] | None":
    if cores() < 2:
        return None
    with suppress(OSError):
        return begun(_COMMAND)
    return None


def _asked(
    worker: "subprocess.Popen[bytes] | None",
    function: Callable[..., Array],
    arrays: Sequence[Array],
    settings: dict[str, float],
) -> Array | None:
    if worker is None or worker.stdin is None or worker.stdout is None:
        return None
    try:
        tell(worker.stdin, [function.__module__, function.__qualname__, len(arrays), settings])
        for array in arrays:
            _send(worker.stdin, array)
        worker.stdin.flush()
        return _receive(worker.stdout)
    except (OSError, ValueError):
        return None


def _send(pipe: IO[bytes], array: Array) -> None:
    tell(pipe, [array.dtype.str, array.shape])
    pipe.write(np.ascontiguousarray(array).data.cast("B"))


def _receive(pipe: IO[bytes]) -> Array:
    kind, shape = json.loads(pipe.readline())
    array = np.empty(shape, kind)
    if pipe.readinto(array.data.cast("B")) != array.nbytes:  # type: ignore[attr-defined]
        raise ValueError("the other process has ended")
    return array


def work() -> None:
    """Be the other process: call one function, and end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, answers, sys.stdout = sys.stdin.buffer, sys.stdout.buffer, sys.stderr
    module, name, number, settings = json.loads(asked.readline())
    function = getattr(importlib.import_module(module), name)
    _send(answers, function(*(_receive(asked) for _ in range(number)), **settings))
    answers.flush()
