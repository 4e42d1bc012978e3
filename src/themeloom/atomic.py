"""Whole files or none: write beside, then rename."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from themeloom.errors import OutputError


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give a path beside `target`; it takes the target's place when the block ends well.

    Raises
    ------
    OutputError
        If the folder or the file cannot be written.
    """
    with _beside(target, _unlink) as draft:
        yield draft
        draft.replace(target)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a new folder beside `target`; it takes the target's name when the block ends well.

    Raises
    ------
    OutputError
        If the folder cannot be written, or `target` exists already.
    """
    with _beside(target, shutil.rmtree) as draft:
        draft.mkdir()
        yield draft
        draft.rename(target)


def _unlink(path: Path) -> None:
    path.unlink()


@contextmanager
def _beside(target: Path, remove: Callable[[Path], object]) -> Iterator[Path]:
    draft = target.with_name(f".{target.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield draft
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror or error}); "
            "choose a folder that you may write to, with room on the disk."
        ) from error
    finally:
        if draft.exists():
            remove(draft)
