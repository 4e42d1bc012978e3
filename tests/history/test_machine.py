import builtins
import time

import pytest

from themeloom.errors import TrackingError
from themeloom.history.machine import machine_watched


def test_nothing_is_sampled_unasked():
    with machine_watched(wanted=False) as samples:
        time.sleep(0.01)
    assert samples == []


def test_the_machine_is_sampled_until_the_block_ends():
    pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")
    with machine_watched(wanted=True, seconds=0.05) as samples:
        time.sleep(0.3)
    count = len(samples)
    time.sleep(0.2)
    assert len(samples) == count >= 2
    assert 0 < samples[0].values["system/system_memory_usage_percentage"] <= 100
    assert samples[0].milliseconds < samples[-1].milliseconds


def test_a_machine_without_psutil_is_said(monkeypatch):
    real = builtins.__import__

    def absent(name, *arguments, **named):
        if name.startswith("mlflow.system_metrics.metrics."):
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(TrackingError, match="needs psutil"), machine_watched(wanted=True):
        pass
