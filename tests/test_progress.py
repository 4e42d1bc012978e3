"""Stages, one after the other, and how long they took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from themeloom.progress import NOBODY, UNWATCHED, Progress, Stages


class Diary:
    """Writes down what it sees."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        self.seen.append(f"{name} opens")
        yield self
        self.seen.append(f"{name} is over")

    def begin(self, total: int | None, unit: str) -> None:
        self.seen.append(f"{total} {unit}")

    def advance(self, steps: int = 1) -> None:
        self.seen.append(f"+{steps}")


def test_a_watcher_sees_each_stage_and_step() -> None:
    diary = Diary()
    stages = Stages(diary)
    with stages("embed") as progress:
        progress.begin(3, "messages")
        progress.advance(2)
        progress.advance()
    with stages("reduce"):
        pass
    assert diary.seen == [
        "embed opens", "3 messages", "+2", "+1", "embed is over", "reduce opens", "reduce is over"
    ]  # fmt: skip


def test_times_are_remembered_in_order() -> None:
    stages = Stages()
    with stages("embed"):
        time.sleep(0.02)
    with stages("reduce"):
        pass
    assert [taken.stage for taken in stages.times] == ["embed", "reduce"]
    assert stages.times[0].seconds >= 0.02 > stages.times[1].seconds >= 0


def test_what_was_known_is_marked() -> None:
    stages = Stages()
    for name, known in (("reduce", True), ("describe", False)):
        with stages(name):
            assert stages.remembered(name, "result", known) == "result"
    assert [taken.cached for taken in stages.times] == [True, False]


def test_a_stage_that_fails_took_no_time() -> None:
    stages = Stages()
    with pytest.raises(ValueError, match="no"), stages("embed"):
        raise ValueError("no")
    assert stages.times == []


def test_two_runs_share_nothing() -> None:
    with Stages()("embed"):
        pass
    assert Stages().times == []


def test_nobody_need_watch() -> None:
    with NOBODY.stage("embed") as progress:
        assert progress is UNWATCHED
        progress.begin(None, "rows")
        progress.advance(5)
