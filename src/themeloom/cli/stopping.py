"""Ctrl-C: once is orderly, twice is at once."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from themeloom.system.interrupts import interrupt

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STOPPING = "\nthemeloom: stopping in good order; Ctrl-C again stops at once.\n"
_STOPPED = "themeloom: stopped, and nothing is lost; the same command goes on from what is kept.\n"


@contextmanager
def orderly() -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) end what runs in good order, and the second at once.

    In good order is by KeyboardInterrupt, between two steps where a store is told something: drafts are
    removed, and MLflow runs end as KILLED. The process then leaves with 128 and the number of the signal, as
    shells tell it: 130 after Ctrl-C.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    got: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        if got:
            os._exit(128 + number)
        got.append(number)
        os.write(2, _STOPPING.encode())  # a signal may come while sys.stderr is being written to
        interrupt()

    # what a parent has us ignore, as a shell does for `command &` in a script, stays ignored
    heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    for number in heard:
        _once(number)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):  # typer makes an exit of the interrupt
        if not got:
            raise
        sys.stderr.write(_STOPPED)
        sys.exit(128 + got[0])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _once(number: int) -> None:
    """Let the system itself end the process at the second signal, where it can be told so.

    Python handles signals between two steps of its own, and a step of compiled code can last for minutes.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "sysv_signal"):
        return
    for function in (library.signal, library.sysv_signal):
        function.argtypes, function.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    library.sysv_signal(number, library.signal(number, signal.SIG_DFL.value))
