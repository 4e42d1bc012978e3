"""What was freed is given back."""

import ctypes
import os
import platform
from pathlib import Path

import numpy as np
import pytest

from themeloom import memory
from themeloom.memory import give_back
from themeloom.progress import Stages


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
