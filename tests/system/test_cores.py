"""The cores that this process may use."""

import os
from pathlib import Path

from themeloom.system.cores import cores


def test_cores_are_those_of_the_container(tmp_path: Path) -> None:
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = tmp_path / "cpu.max"
    assert cores(quota) == bound
    for said, expected in {
        "max 100000": bound,
        "50000 100000": 1,
        "9900000 100000": bound,
        "?": bound,
    }.items():
        quota.write_text(said)
        assert cores(quota) == expected
