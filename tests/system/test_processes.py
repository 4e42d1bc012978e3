"""Marks: whose a thing is, and whether that process still runs."""

import os
import subprocess
import sys
import time

import pytest

from themeloom.system.processes import DAY, is_left, mark


def of(*, machine=None, number=None, started=None):
    own_machine, own_number, own_started = mark().split("-")
    return f"{machine or own_machine}-{number or own_number}-{started or own_started}"


@pytest.fixture(scope="module")
def ended():
    """The mark of a process that has ended."""
    code = "from themeloom.system.processes import mark; print(mark())"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_what_a_running_process_made_is_not_left():
    assert not is_left(mark(), 0)


def test_what_an_ended_process_made_is_left(ended):
    assert ended.split("-")[0] == mark().split("-")[0]
    assert is_left(ended, time.time())


def test_a_number_that_was_given_to_another_process_does_not_count():
    assert is_left(of(started="1"), time.time())


def test_a_process_that_ended_but_was_not_asked_for_has_ended():
    child = os.fork()
    if child == 0:
        os._exit(0)
    time.sleep(0.1)
    try:
        assert is_left(of(number=child), time.time())
    finally:
        os.waitpid(child, 0)


def test_processes_of_other_machines_are_given_up_after_a_day():
    other = of(machine="00000000")
    assert not is_left(other, time.time() - DAY / 2)
    assert is_left(other, time.time() - 2 * DAY)


@pytest.mark.parametrize("text", ["", "x", "1234", "0123abcd-1", "0123abcd-1-2-3"])
def test_what_carries_no_mark_is_nobody_s(text):
    assert not is_left(text, 0)
