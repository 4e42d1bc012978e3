"""Interrupts wait for what is held, and no longer."""

import threading

import pytest

from themeloom.system.interrupts import held, interrupt, let_through


def test_an_interrupt_comes_at_once_where_nothing_is_held():
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    let_through()


def test_an_interrupt_waits_for_the_end_of_the_outermost():
    done = []
    with pytest.raises(KeyboardInterrupt), held():  # noqa: PT012 (what is done is what is tested)
        with held():
            interrupt()
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]
    let_through()


def test_an_interrupt_is_let_through_between_two_steps():
    done = []
    with pytest.raises(KeyboardInterrupt), held():  # noqa: PT012
        interrupt()
        done.append("first step")
        let_through()
        done.append("second step")
    assert done == ["first step"]
    with held():
        let_through()


def test_an_interrupt_outlives_a_fault():
    with pytest.raises(KeyboardInterrupt) as caught, held():  # noqa: PT012
        interrupt()
        raise ValueError("of the step")
    assert isinstance(caught.value.__context__, ValueError)


def test_other_threads_hold_nothing_and_are_not_interrupted():
    inside, end = threading.Event(), threading.Event()
    faults = []

    def work():
        try:
            with held():
                let_through()
                inside.set()
                end.wait(10)
        except KeyboardInterrupt as error:
            faults.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    end.set()
    thread.join(10)
    assert faults == []
