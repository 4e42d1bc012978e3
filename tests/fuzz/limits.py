"""How long a reader may take for an input."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Late(BaseException):
    """An input was not read in time. No reader can take it for a fault of the file and tell it as such."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Let what is done in here take so many seconds at most."""

    def late(*_: object) -> None:
        raise Late(f"an input was not read within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
