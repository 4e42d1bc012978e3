"""One process at a time, and no lock that outlives whoever had it."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from themeloom.errors import OutputError
from themeloom.system.locks import alone, left_locks, remove_lock

HOLDER = """
import sys
from pathlib import Path
from themeloom.system.locks import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process, which has the lock until its input ends."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_refusal_is_told_while_another_process_has_it(holder, tmp_path):
    with pytest.raises(OutputError, match="taken"), alone(tmp_path / "lock", "taken"):
        pass
    holder.stdin.close()
    holder.wait()
    with alone(tmp_path / "lock", "taken"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_has_it_no_more(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "lock").exists()
    with alone(tmp_path / "lock", "taken"):
        pass
    assert not (tmp_path / "lock").exists()


def test_a_lock_is_left_when_nobody_has_it(holder, tmp_path):
    assert list(left_locks(tmp_path)) == list(left_locks(tmp_path / "none")) == []
    remove_lock(tmp_path / "lock")
    assert (tmp_path / "lock").exists(), "it is somebody's"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert list(left_locks(tmp_path)) == [tmp_path / "lock"]
    remove_lock(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []


def test_many_who_wait_come_in_one_by_one(tmp_path):
    inside, most = [], []

    def enter():
        for _ in range(40):
            with alone(tmp_path / "deep" / "lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 240
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_lock_that_another_user_left_is_taken(tmp_path, monkeypatch):
    file, opened = tmp_path / "lock", os.open
    file.touch()

    def foreign(path, flags, mode=0o777):
        if flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, mode)

    monkeypatch.setattr(os, "open", foreign)
    with alone(file):
        assert file.exists()
    assert not file.exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"), alone(tmp_path / "file" / "lock"):
        pass
