"""Several faults are told at once."""

import pytest

from themeloom.errors import CodebookError, InputError, ThemeloomError
from themeloom.faults import Faults


def fail(error: ThemeloomError) -> int:
    raise error


def test_a_step_without_a_fault_gives_its_result() -> None:
    faults = Faults()
    assert faults.attempt(lambda: 3) == 3
    assert faults.found == []


def test_all_faults_are_told_in_order_as_one_error() -> None:
    faults = Faults()
    assert faults.attempt(lambda: fail(InputError("one", "two"))) is None
    assert faults.attempt(lambda: fail(InputError("three"))) is None
    assert type(faults.error()) is InputError
    faults.attempt(lambda: fail(CodebookError("four")))
    assert type(faults.error()) is ThemeloomError  # of several kinds
    assert faults.error().faults == ("one", "two", "three", "four")


def test_what_is_no_fault_of_the_user_goes_on() -> None:
    with pytest.raises(ZeroDivisionError):
        Faults().attempt(lambda: 1 // 0)
