"""Where a result comes from: versions, git state and digests of the input."""

import hashlib
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "themeloom",
    "bertopic",
    "hdbscan",
    "mlflow",
    "numpy",
    "polars",
    "scikit-learn",
    "sentence-transformers",
    "spacy",
    "torch",
    "transformers",
    "umap-learn",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape a result."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


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
        with path.open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
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
