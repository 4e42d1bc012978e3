"""Where a result comes from: versions, git state and digests of the input."""

import hashlib
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from themeloom.errors import InputError

WEIGHTS = "encoder weights"
"""Under which name a run keeps the digest of its encoder's weights."""
FILES = "encoder files"
"""Under which name it keeps that of all files of its encoder; not there for the bundled one."""
PARENT = "parent "
"""How the name begins under which an updated model keeps the digest of the one that it was made from."""

_PACKAGES = (
    "themeloom",
    "bertopic",
    "fast-hdbscan",
    "hdbscan",
    "mlflow",
    "model2vec",
    "numpy",
    "polars",
    "scikit-learn",
    "scipy",
    "sentence-transformers",
    "spacy",
    "torch",
    "transformers",
    "umap-learn",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape a result."""
    found = {package: _version(package) for package in _PACKAGES}
    return {"python": platform.python_version()} | {name: said for name, said in found.items() if said}


@cache
def _version(package: str) -> str:
    """Return a package's version, empty if it is not here; looked up once, as keys of the cache ask often."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def git_state(folder: Path) -> dict[str, str]:
    """Return the commit of `folder` and whether it is dirty ('true' or 'false'); nothing outside git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changes = _git(folder, "status", "--porcelain")
    return {"commit": commit, "dirty": "true" if changes else "false"}


def file_digests(paths: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of each file under its name; files of the same name are told apart by a number."""
    found: dict[str, str] = {}
    for path in paths:
        name = path.name
        while name in found:
            stem, _, number = name.rpartition("#")
            name = f"{stem}#{int(number) + 1}" if stem and number.isdigit() else f"{path.name}#2"
        found[name] = file_digest(path)
    return found


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class GivenFiles:
    """The files that a run reads, seen before the first is opened.

    Parameters
    ----------
    paths
        The files; one that is missing is for its reader to tell.
    """

    def __init__(self, paths: Iterable[str | Path]) -> None:
        self._before = {Path(path): _state(Path(path)) for path in paths}

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file, as `file_digests`: of what was read, as none has changed since.

        Raises
        ------
        InputError
            If a file was changed or removed meanwhile; all such files are told.
        """
        faults = []
        try:
            found = file_digests(self._before)
        except OSError:
            found = {}
        for path, before in self._before.items():
            if (now := _state(path)) != before:
                happened = "changed" if now else "removed"
                faults.append(
                    f"{path}: was {happened} while it was read; let what writes it end, and run again."
                )
        if faults or not found:
            raise InputError(*faults or ["an input file cannot be read any more; run again."])
        return found


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def corpus_digest(texts: Sequence[str]) -> str:
    """Return one SHA-256 of all texts: the same only for the same ones in the same order."""
    sha = hashlib.sha256()
    for text in texts:
        raw = text.encode(errors="surrogatepass")
        sha.update(len(raw).to_bytes(8, "big"))  # where one text ends is part of what is digested
        sha.update(raw)
    return sha.hexdigest()


def text_digests(texts: Sequence[str]) -> list[str]:
    """Return a SHA-256 for each text, with a number where the same text was there before: all differ."""
    seen = Counter[str]()
    found = []
    for text in texts:
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
        seen[digest] += 1
        found.append(digest if seen[digest] == 1 else f"{digest}#{seen[digest]}")
    return found


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
