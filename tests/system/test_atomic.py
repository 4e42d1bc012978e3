"""Whole files or none."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from themeloom.errors import OutputError
from themeloom.system.atomic import whole_file, whole_folder


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_done(tmp_path: Path) -> None:
    target = tmp_path / "new" / "result.txt"
    with whole_file(target) as draft:
        draft.write_text("half")
        assert not target.exists()
        assert draft.parent == target.parent, "a rename is atomic on one file system only"
    assert target.read_text() == "half"
    assert _names(target.parent) == ["result.txt"]


def test_a_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")
    with whole_file(target) as draft:
        draft.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path, there: bool) -> None:
    real = tmp_path / "kept" / "result.txt"
    link = tmp_path / "link.txt"
    link.symlink_to("kept/result.txt")
    if there:
        real.parent.mkdir()
        real.write_text("old")
    with whole_file(link) as draft:
        draft.write_text("new")
        assert draft.parent == real.parent, "a rename is atomic on one file system only"
    assert real.read_text() == "new"
    assert link.is_symlink()
    assert _names(real.parent) == ["result.txt"]


def test_a_fault_behind_a_link_names_the_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link.txt").symlink_to("file/result.txt")
    with pytest.raises(OutputError, match=r"link\.txt: cannot be written"), whole_file(tmp_path / "link.txt"):
        pass


def test_a_folder_appears_when_it_is_done(tmp_path: Path) -> None:
    target = tmp_path / "models" / "run"
    with whole_folder(target) as draft:
        (draft / "part").write_text("x")
        assert not target.exists()
    assert _names(target) == ["part"]
    assert _names(target.parent) == ["run"]


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_nothing_is_left_of_what_fails(
    tmp_path: Path, whole: Callable[[Path], AbstractContextManager[Path]], error: BaseException
) -> None:
    with pytest.raises(type(error)), whole(tmp_path / "target") as draft:  # noqa: PT012 (fails half-way)
        inside = draft / "part" if draft.is_dir() else draft
        inside.write_text("half")
        raise error
    assert _names(tmp_path) == []


def test_the_old_file_survives_a_failure(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")
    with pytest.raises(ValueError, match="no"), whole_file(target) as draft:  # noqa: PT012 (fails half-way)
        draft.write_text("half")
        raise ValueError("no")
    assert target.read_text() == "old"
    assert _names(tmp_path) == ["result.txt"]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"result\.txt: cannot be written \(No space left"):  # noqa: SIM117
        with whole_file(tmp_path / "result.txt"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert _names(tmp_path) == []


def test_a_file_in_the_way_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"), whole_folder(tmp_path / "models" / "run"):
        pass
    assert _names(tmp_path) == ["models"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="choose a folder"), whole_file(tmp_path / "x") as draft:
            draft.write_text("x")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "run"
    target.mkdir()
    (target / "kept").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"), whole_folder(target) as draft:
        (draft / "part").write_text("y")
    assert _names(tmp_path) == ["run"]
    assert _names(target) == ["kept"]


def test_of_two_writers_one_wins_whole(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"

    def write(letter: str) -> None:
        with whole_file(target) as draft:
            draft.write_text(letter * 10_000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, "abcdefgh" * 5))
    content = target.read_text()
    assert len(content) == 10_000
    assert len(set(content)) == 1
    assert _names(tmp_path) == ["result.txt"]
