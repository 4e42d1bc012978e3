"""Ctrl-C at a moment that suits: what a store is being told ends first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Waiting:
    """Whether interrupts are held in the main thread, and whether one came."""

    holds = 0
    came = False


_WAITING = _Waiting()


@contextmanager
def held() -> Iterator[None]:
    """Let an interrupt that is told by `interrupt` wait until this has ended.

    An exception in the midst of a transaction would leave a store half told, and libraries print of it what
    nobody asked for. Python runs handlers of signals in the main thread alone, so elsewhere nothing is held.

    Raises
    ------
    KeyboardInterrupt
        At the end of the outermost, if one came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _WAITING.holds += 1
    try:
        yield
    finally:
        _WAITING.holds -= 1
        if not _WAITING.holds:
            let_through()


def let_through() -> None:
    """Let an interrupt that waits come now: between two steps of what is held.

    Raises
    ------
    KeyboardInterrupt
        If one waits.
    """
    if _WAITING.came and threading.current_thread() is threading.main_thread():
        _WAITING.came = False
        raise KeyboardInterrupt


def interrupt() -> None:
    """Interrupt the main thread, which is what a handler of signals runs in: now, or when it suits.

    Raises
    ------
    KeyboardInterrupt
        Unless it is held.
    """
    _WAITING.came = True
    if not _WAITING.holds:
        let_through()
