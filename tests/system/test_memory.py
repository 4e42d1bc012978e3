"""What was freed is given back."""

import ctypes
import os
import platform
import sys
from pathlib import Path

import numpy as np
import pytest

from themeloom.progress import Stages
from themeloom.system import memory
from themeloom.system.memory import available, give_back


def resident():
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def freed():
    """Fill some 220 MiB, and free all but one part in a hundred, which lie between the others."""
    return [np.ones(7_000) for _ in range(4_000)][::100]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_a_stage_has_freed_is_given_back_at_its_end():
    give_back()
    before = resident()
    with Stages()("stage"):
        left = freed()
        within = resident()
    assert within - before > 150, "the C library has given it back by itself, so that nothing was tried"
    assert resident() - before < 50
    assert len(left) == 40


@pytest.mark.parametrize("fault", [OSError, TypeError])
def test_elsewhere_nothing_happens(monkeypatch, fault):
    def refused(_):
        raise fault

    monkeypatch.setattr(memory.ctypes, "CDLL", refused)
    give_back()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: ctypes)  # has no such function
    give_back()


def test_available_is_what_the_machine_tells(tmp_path):
    machine = tmp_path / "meminfo"
    machine.write_text("MemTotal:  9000 kB\nMemAvailable:    3000 kB\n")
    assert available(machine, tmp_path / "none") == 3000 * 2**10


def test_available_is_no_more_than_the_container_has(tmp_path):
    machine = tmp_path / "meminfo"
    machine.write_text("MemAvailable: 3000 kB\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 1\nactive_file 5\ninactive_file 100000\n")
    for limit, expected in {
        "1000000\n": 400_000,
        "500000\n": 0,
        "max\n": 3000 * 2**10,
        str(2**60): 3000 * 2**10,
    }.items():
        (tmp_path / "memory.max").write_text(limit)
        assert available(machine, tmp_path) == expected


def test_where_the_system_does_not_tell_half_of_all_memory_counts(tmp_path, monkeypatch):
    none = tmp_path / "none"
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PHYS_PAGES": 6, "SC_PAGE_SIZE": 100}.__getitem__)
    assert available(none, none) == 300

    def refused(_):
        raise ValueError

    monkeypatch.setattr(memory.os, "sysconf", refused)
    assert available(none, none) == sys.maxsize
    monkeypatch.delattr(memory.os, "sysconf")
    assert available(none, none) == sys.maxsize
