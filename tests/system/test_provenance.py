"""Where a result comes from."""

import hashlib
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from themeloom.system.provenance import file_digests, git_state, versions

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("first")
    _git(tmp_path, "add", "file")
    _git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def test_versions_of_what_shapes_a_result() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    for package in ("themeloom", "bertopic", "umap-learn", "hdbscan", "torch"):
        assert found[package] == version(package)
    for package in ("fast-hdbscan", "model2vec", "scipy"):
        assert found[package] == version(package)
    assert all(found.values())


@needs_git
def test_a_clean_commit(repository: Path) -> None:
    assert git_state(repository) == {"commit": _git(repository, "rev-parse", "HEAD"), "dirty": "false"}


@needs_git
@pytest.mark.parametrize("name", ["file", "another"])
def test_changes_are_told(repository: Path, name: str) -> None:
    (repository / name).write_text("second")
    assert git_state(repository)["dirty"] == "true"


@needs_git
def test_a_folder_below_belongs_to_the_commit(repository: Path) -> None:
    below = repository / "experiments"
    below.mkdir()
    assert git_state(below) == git_state(repository)


@needs_git
def test_outside_git_there_is_nothing_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) == {}


@needs_git
def test_a_repository_without_commit_has_nothing_to_tell(tmp_path: Path) -> None:
    _git(tmp_path, "init", "--quiet")
    assert git_state(tmp_path) == {}


def test_without_git_there_is_nothing_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) == {}


def test_files_are_digested_by_content(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,text\n")
    assert file_digests([tmp_path / "a.csv"]) == {"a.csv": hashlib.sha256(b"id,text\n").hexdigest()}


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "a.csv" for folder in ("one", "two", "three")]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        path.write_text(str(number))
    found = file_digests(paths)
    assert list(found) == ["a.csv", "a.csv#2", "a.csv#3"]
    assert list(found.values()) == [hashlib.sha256(str(number).encode()).hexdigest() for number in range(3)]
