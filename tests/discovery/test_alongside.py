"""A function that is called in a process of its own."""

import subprocess
import time

import numpy as np
import pytest

from themeloom.discovery import alongside as module
from themeloom.discovery.alongside import alongside

ARRAY = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def workers(monkeypatch):
    """Start processes on any machine, and keep them to be looked at."""
    started = []
    monkeypatch.setattr(module, "cores", lambda: 2)
    real = module._started
    monkeypatch.setattr(module, "_started", lambda: started.append(real()) or started[-1])
    return started


def test_the_function_is_called_in_another_process(workers, monkeypatch):
    here = []
    with alongside(np.linalg.norm, [ARRAY], axis=1) as wait:
        monkeypatch.setattr(np.linalg, "norm", lambda *given, **_: here.append(given))
        found = wait()
    monkeypatch.undo()
    assert np.array_equal(found, np.linalg.norm(ARRAY, axis=1))
    assert not here
    assert found.flags.writeable
    assert workers[0].returncode is not None


def test_it_is_called_here_where_the_process_ends_or_cannot_be_started(workers, monkeypatch):
    with alongside(np.linalg.norm, [ARRAY], axis=1) as wait:
        workers[0].kill()
        assert np.array_equal(wait(), np.linalg.norm(ARRAY, axis=1))

    def refused(*_given, **_settings):
        raise OSError

    monkeypatch.setattr(subprocess, "Popen", refused)
    with alongside(np.linalg.norm, [ARRAY], axis=0) as wait:
        assert np.array_equal(wait(), np.linalg.norm(ARRAY, axis=0))


def test_an_error_here_ends_the_process(workers):
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), alongside(time.sleep, [np.array(60)]):
        raise KeyboardInterrupt
    assert workers[0].returncode is not None
    assert time.monotonic() - began < 30  # not a minute
