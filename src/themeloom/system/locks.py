"""One process at a time: locks that the system takes back from whoever ends, however it ends."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from themeloom.errors import OutputError

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems say that have none: there, each process must look after itself."""


@contextmanager
def alone(file: Path, refusal: str = "") -> Iterator[None]:
    """Let no other process be in a block of the same lock meanwhile.

    Parameters
    ----------
    file
        The lock: an empty file, made if need be, and removed at the end.
    refusal
        What to say if another process is in it; without it, that one's end is waited for.

    Raises
    ------
    OutputError
        The refusal; or the file cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = _taken(file, wait=not refusal)
    except BlockingIOError:
        raise OutputError(refusal) from None
    except OSError as error:
        raise OutputError(
            f"{file}: cannot be written ({error.strerror or error}); "
            "choose a folder that you may write to, with room on the disk."
        ) from None
    with lock:
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def left_locks(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """Find the locks of a folder that nobody has: those of processes that were killed."""
    for file in sorted(folder.glob(pattern)):
        with suppress(OSError):  # somebody has it
            _taken(file, wait=False).close()
            yield file


def remove_lock(file: Path) -> None:
    """Remove a lock unless somebody has it."""
    with suppress(OutputError), alone(file, "taken"):
        pass


def _opened(file: Path) -> int:
    """Open a lock, of whomever; a file system of a network wants it to be writable, where it may be."""
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        return os.open(file, os.O_RDONLY)


def _taken(file: Path, *, wait: bool) -> TextIO:
    while True:
        lock = os.fdopen(_opened(file))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return lock
            lock.close()
            raise
        except BaseException:
            lock.close()
            raise
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), file.stat()):
                return lock
        lock.close()  # whoever held it has removed it meanwhile
