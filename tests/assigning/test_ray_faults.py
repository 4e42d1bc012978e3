"""What goes wrong on a cluster is told as it would be here, or with what the worker said last."""

import pytest

from themeloom.assigning.ray_engine import _refuse
from themeloom.errors import EngineError, ModelError


def raised(cause):
    """Let Ray wrap what a worker raised, as it does: with the worker's traceback as its text."""
    error = RuntimeError("\x1b[36mray::Assigner()\x1b[39m\n  File ...\nOSError: [Errno 28] No space left\n\n")
    error.__cause__ = cause
    return error


def test_a_workers_last_line_is_told_without_colours():
    with pytest.raises(EngineError) as told:
        _refuse("10.0.0.1:6379", raised(OSError(28, "No space left")))
    assert str(told.value).startswith(
        "Ray at 10.0.0.1:6379: the job could not be done (OSError: [Errno 28] No space left); see that"
    )


def test_an_error_without_words_is_told_by_its_name():
    with pytest.raises(EngineError, match=r"^Ray: the job could not be done \(ConnectionError\);"):
        _refuse(None, ConnectionError())


def test_a_fault_of_ours_stays_what_it_is():
    with pytest.raises(ModelError, match=r"^no such model$"):
        _refuse(None, raised(ModelError("no such model")))
