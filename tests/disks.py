"""A small disk to be filled: a file system in memory that only processes of its own namespace see."""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo mounted && exec cat'
_BALLAST = ".ballast"


class NoDiskError(Exception):
    """Here no file system of one's own can be had: it takes Linux, and namespaces that a user may make."""


@dataclass(frozen=True)
class Disk:
    """A small disk: `folder` is where processes inside have it, `seen` is the same from outside."""

    folder: Path
    keeper: int  # the process that keeps its namespace

    @property
    def seen(self) -> Path:
        """The folder, from outside."""
        return Path(f"/proc/{self.keeper}/root{self.folder}")

    @property
    def room(self) -> int:
        """Bytes that are free."""
        found = os.statvfs(self.seen)
        return found.f_bavail * found.f_frsize

    def leave(self, room: int) -> None:
        """Fill the disk but for so many bytes."""
        ballast = self.seen / _BALLAST
        ballast.touch()
        size = max(0, ballast.stat().st_size + self.room - room)
        with ballast.open("r+b") as file:
            file.truncate(min(size, ballast.stat().st_size))
            held = ballast.stat().st_size
            if size > held:
                os.posix_fallocate(file.fileno(), held, size - held)


@contextmanager
def small_disk(folder: Path, size: int = 64_000_000) -> Iterator[Disk]:
    """Give a disk of so many bytes for a while.

    Raises
    ------
    NoDiskError
        If none can be had here.
    """
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, "sh", str(size), folder]
    try:
        keeper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    except OSError as error:
        raise NoDiskError(str(error)) from None
    with keeper:
        try:
            if keeper.stdout.readline() != "mounted\n":
                raise NoDiskError(keeper.stderr.read().strip())
            yield Disk(folder.resolve(), keeper.pid)
        finally:
            keeper.kill()


def entering(keeper: int) -> list[str]:
    """Give the start of a command line that runs the rest of it where the disk is."""
    return ["nsenter", "--preserve-credentials", "--user", "--mount", f"--target={keeper}"]


def within(keeper: int, target: Callable[..., None], *arguments: Any) -> None:
    """Call a function, in a process of one thread, where the disk is."""
    library = ctypes.CDLL(None, use_errno=True)
    for space in ("user", "mnt"):
        with Path(f"/proc/{keeper}/ns/{space}").open("rb") as file:
            if library.setns(file.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), f"the {space} namespace cannot be entered")
    target(*arguments)
