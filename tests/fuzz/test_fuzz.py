"""A bounded slice of `benchmarks/fuzzing.py`: readers take spoilt inputs, or refuse them by a sentence."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from mutations import spoilt
from targets import TARGETS, attempt

INPUTS = 120
SECONDS = 5
"""No reader takes as long for one input, a few kilobytes, on any machine."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"an input was not read within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", TARGETS)
def test_sound_inputs_are_read(name, tmp_path):
    target = TARGETS[name]
    assert [attempt(target, seed, tmp_path) for seed in target.seeds()] == [""] * len(target.seeds())


@pytest.mark.parametrize("name", TARGETS)
def test_spoilt_inputs_are_read_or_refused(name, tmp_path):
    target, random = TARGETS[name], Random(name)  # noqa: S311
    seeds, before = target.seeds(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(INPUTS):
        data = spoilt(random, seeds, target.tokens)
        with limited(SECONDS):
            attempt(target, data, tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB
