"""Tasks on all cores."""

import time
from threading import Barrier, Lock

import pytest

from themeloom.config import EncoderConfig
from themeloom.discovery import processor
from themeloom.discovery.embed import Encoder
from themeloom.discovery.processor import at_once, on_cores


def test_tasks_keep_their_order_and_their_faults_are_told():
    import torch

    before = torch.get_num_threads()
    assert at_once([lambda n=n: n for n in range(7)]) == list(range(7))
    assert at_once([]) == []
    with pytest.raises(ZeroDivisionError):
        at_once([lambda: 1, lambda: 1 // 0])
    assert torch.get_num_threads() == before


@pytest.fixture
def threads(monkeypatch):
    """Torch with more threads than the two cores that there are."""
    import torch

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(processor, "cores", lambda: 2)
    before = torch.get_num_threads()
    torch.set_num_threads(5)
    yield torch.get_num_threads
    torch.set_num_threads(before)


def test_torch_has_no_more_threads_than_there_are_cores_and_then_what_it_had(threads, monkeypatch):
    @on_cores()
    def failing():
        assert threads() == 2
        return 1 // 0

    with pytest.raises(ZeroDivisionError):
        failing()
    assert threads() == 5
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    with on_cores():
        assert threads() == 5


def test_encoding_leaves_torch_its_threads(threads):
    Encoder(EncoderConfig()).encode(["the waiting list", "you listened"])
    assert threads() == 5


@pytest.mark.parametrize(("room", "expected"), [(35, 3), (10, 1), (9, 1), (10**6, 4)])
def test_no_more_is_done_at_once_than_there_is_memory_for(monkeypatch, room, expected):
    """Tasks wait for as many as may be done at once, and then long enough for one more to begin."""
    monkeypatch.setattr(processor, "cores", lambda: 4)
    monkeypatch.setattr(processor, "available", lambda: room)
    together, before, most = Barrier(expected), Lock(), []
    running = 0

    def task():
        nonlocal running
        with before:
            running += 1
            most.append(running)
        together.wait(20)
        time.sleep(0.05)
        with before:
            running -= 1

    at_once([task] * (4 * expected), need=10)
    assert max(most) == expected


def test_what_a_task_has_freed_is_given_back_before_the_next(monkeypatch):
    happened = []
    monkeypatch.setattr(processor, "cores", lambda: 1)
    monkeypatch.setattr(processor, "give_back", lambda: happened.append("given back"))
    at_once([lambda: happened.append("done")] * 2)
    assert happened == ["done", "given back"] * 2


@pytest.mark.parametrize(
    ("told", "able"),
    [
        ({"amx_bf16": True, "avx512_bf16": True}, True),
        ({"amx_bf16": False, "avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"amx_bf16": False, "avx512_bf16": False, "avx512_f": True}, False),
        ({}, False),
    ],
)
def test_bfloat16_is_for_processors_that_multiply_it(told, able, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert processor.multiplies_bfloat16() is able


def test_an_older_torch_does_not_tell_what_the_processor_can(monkeypatch):
    import torch

    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not processor.multiplies_bfloat16()
