"""A bounded slice of `benchmarks/fuzzing.py`: readers take spoilt inputs, or refuse them by a sentence."""

import resource
import time
from random import Random

import pytest
from limits import Late, limited
from mutations import spoilt
from targets import TARGETS, Target, attempt

from themeloom.errors import InputError

INPUTS = 120
SECONDS = 5
"""No reader takes as long for one input, a few kilobytes, on any machine."""


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


def test_no_reader_tells_of_a_late_input_as_of_a_bad_one(tmp_path):
    """Readers make a sentence of whatever goes wrong while they read; that they hang has to come through."""

    def hanging(*_):
        try:
            time.sleep(9)
        except (OSError, ValueError) as error:
            raise InputError(f"made.csv: cannot be read ({error}); save it anew.") from None

    with pytest.raises(Late), limited(1):
        attempt(Target(hanging, list), b"", tmp_path)
