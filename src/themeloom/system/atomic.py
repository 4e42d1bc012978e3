"""Whole files or none: write beside, then rename."""

import errno
import glob
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from themeloom.errors import OutputError
from themeloom.system.processes import MARK, is_left, mark

_DRAFT = re.compile(rf"\..+\.({MARK})-[0-9a-f]{{8}}\.part")
_RUST = re.compile(r"\(os error (\d{1,5})\)")  # how polars and safetensors tell it
_XML = re.compile(r"IO_(E[A-Z]{2,20})")  # how libxml2 does, which writes spreadsheets
_SCRATCH = re.compile(rf"themeloom-({MARK})-[\w.]+")


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give a path beside `target`; it takes the target's place when the block ends well.

    A link stays: what it leads to is replaced.

    Raises
    ------
    OutputError
        If the folder or the file cannot be written.
    """
    place = behind_links(target)
    with _beside(place, target) as draft:
        yield draft
        draft.replace(place)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a new folder beside `target`; it takes the target's name when the block ends well.

    Raises
    ------
    OutputError
        If the folder cannot be written, or `target` exists already.
    """
    with _beside(target, target) as draft:
        draft.mkdir()
        yield draft
        draft.rename(target)


@contextmanager
def scratch(folder: Path | None = None) -> Iterator[Path]:
    """Give a folder for a while: in `folder`, by default where the system keeps such things.

    What killed processes left of theirs is removed.
    """
    forget(left_scratch(folder))
    with tempfile.TemporaryDirectory(
        prefix=f"themeloom-{mark()}-", dir=folder, ignore_cleanup_errors=True
    ) as found:
        yield Path(found)


def behind_links(target: Path) -> Path:
    """Return the path to which a path leads in the end, be there a file or not."""
    return Path(os.path.realpath(target)) if target.is_symlink() else target


def draft_of(target: Path) -> Path:
    """Return a name beside `target` that tells whose it is."""
    return target.with_name(f".{target.name}.{mark()}-{uuid.uuid4().hex[:8]}.part")


def left_drafts(folder: Path, name: str = "*") -> list[Path]:
    """List what ended processes left half-written in a folder, of files called `name` (a glob pattern)."""
    return [path for path in folder.glob(f".{name}.*.part") if _is_left(_DRAFT.fullmatch(path.name), path)]


def left_scratch(folder: Path | None = None) -> list[Path]:
    """List the folders that `scratch` gave to processes which ended without removing them."""
    place = folder or Path(tempfile.gettempdir())
    found = sorted(place.glob("themeloom-*"))
    return [path for path in found if _is_left(_SCRATCH.fullmatch(path.name), path)]


def forget(left: Iterable[Path]) -> None:
    """Remove what was left, as far as this user may."""
    for path in left:
        with suppress(OutputError):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing if it is gone already.

    Raises
    ------
    OutputError
        If it cannot be removed.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be removed ({error.strerror or error}); see that you may write to its folder."
        ) from None


def _said_by_system(error: Exception) -> str | None:
    """Return what the operating system said, if it is why something failed."""
    text = (isinstance(error, OSError) and error.strerror) or str(error)
    if found := _RUST.search(text):
        return os.strerror(int(found.group(1)))
    if (found := _XML.fullmatch(text)) and hasattr(errno, found.group(1)):
        return os.strerror(getattr(errno, found.group(1)))
    return text if isinstance(error, OSError) else None


def _is_left(found: re.Match[str] | None, path: Path) -> bool:
    if found is None:
        return False
    with suppress(OSError):  # whose it is has removed it meanwhile
        facts = path.lstat()
        return facts.st_uid == os.getuid() and is_left(found.group(1), facts.st_mtime)
    return False


@contextmanager
def _beside(place: Path, target: Path) -> Iterator[Path]:
    """Give a path beside a place; faults name the target, as whoever asked for it wrote it."""
    draft = draft_of(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        forget(left_drafts(place.parent, glob.escape(place.name)))
        yield draft
    except Exception as error:
        said = _said_by_system(error)
        if said is None:
            raise
        raise OutputError(
            f"{target}: cannot be written ({said}); "
            "choose a folder that you may write to, with room on the disk."
        ) from error
    finally:
        if draft.exists():
            remove(draft)
