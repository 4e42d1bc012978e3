"""Tasks on all cores."""

import pytest

from themeloom.discovery import processor
from themeloom.discovery.processor import at_once


def test_tasks_keep_their_order_and_their_faults_are_told():
    import torch

    before = torch.get_num_threads()
    assert at_once([lambda n=n: n for n in range(7)]) == list(range(7))
    assert at_once([]) == []
    with pytest.raises(ZeroDivisionError):
        at_once([lambda: 1, lambda: 1 // 0])
    assert torch.get_num_threads() == before


def test_what_a_task_has_freed_is_given_back_before_the_next(monkeypatch):
    happened = []
    monkeypatch.setattr(processor, "cores", lambda: 1)
    monkeypatch.setattr(processor, "give_back", lambda: happened.append("given back"))
    at_once([lambda: happened.append("done")] * 2)
    assert happened == ["done", "given back"] * 2


def test_bfloat16_is_for_processors_that_multiply_matrices_of_it(monkeypatch):
    import torch

    for told, able in (({"amx_bf16": True}, True), ({"amx_bf16": False, "avx2": True}, False), ({}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda told=told: told, raising=False)
        assert processor.multiplies_bfloat16() == able
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not processor.multiplies_bfloat16(), "an older PyTorch does not tell"
