"""How busy the machine was during a run, in the terms that MLflow's page knows."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

from themeloom.errors import TrackingError
from themeloom.history.quiet import quiet

if TYPE_CHECKING:
    from mlflow.system_metrics.metrics.base_metrics_monitor import BaseMetricsMonitor

SECONDS = 10.0
"""Between samples, as in MLflow."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured at one moment."""

    milliseconds: int  # since 1970
    values: dict[str, float]  # system/cpu_utilization_percentage, …


@contextmanager
def machine_watched(wanted: bool, seconds: float = SECONDS) -> Iterator[list[Sample]]:
    """Sample CPU, memory and disk for as long as the block lasts, if that is wanted.

    Returns
    -------
    list of Sample
        Grows while the block lasts; empty if it is not wanted.

    Raises
    ------
    TrackingError
        If psutil is not installed.
    """
    samples: list[Sample] = []
    if not wanted:
        yield samples
        return
    monitors, ended = _monitors(), Event()

    def watch() -> None:
        while True:
            samples.append(_sample(monitors))
            if ended.wait(seconds):
                return

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _monitors() -> "list[BaseMetricsMonitor]":
    try:
        with quiet():
            from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
            from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    except ImportError:
        raise TrackingError(
            "tracking.system_metrics: needs psutil, which is not installed; run 'pip install psutil', or "
            "take the key out."
        ) from None
    return [CPUMonitor(), DiskMonitor()]  # type: ignore[no-untyped-call]


def _sample(monitors: "list[BaseMetricsMonitor]") -> Sample:
    values: dict[str, float] = {}
    for monitor in monitors:
        monitor.collect_metrics()  # type: ignore[no-untyped-call]
        found: dict[str, float] = monitor.aggregate_metrics()  # type: ignore[no-untyped-call]
        values |= {f"system/{name}": float(value) for name, value in found.items()}
        monitor.clear_metrics()  # type: ignore[no-untyped-call]
    return Sample(int(time.time() * 1000), values)
