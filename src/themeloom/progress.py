"""How a stage tells how far it is, without knowing who watches."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol, TypeVar

from themeloom.records import StageTime
from themeloom.system.memory import give_back

T = TypeVar("T")


class Progress(Protocol):
    """Somebody who watches one stage."""

    def begin(self, total: int | None, unit: str) -> None:
        """Say how many steps are to come (None: not known yet) and what they count."""

    def advance(self, steps: int = 1) -> None:
        """Say that so many steps are done."""


class Unwatched:
    """Nobody watches: the default of every stage."""

    def begin(self, total: int | None, unit: str) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1) -> None:
        """Do nothing."""


UNWATCHED: Progress = Unwatched()


class Watcher(Protocol):
    """Somebody who watches a whole run."""

    def stage(self, name: str) -> AbstractContextManager[Progress]:
        """Open a stage; it is over when the block ends."""

    def tell(self, sentence: str) -> None:
        """Take note of what was found on the way; nothing stops for it."""


class Nobody:
    """Nobody watches: the default of a run."""

    def stage(self, name: str) -> AbstractContextManager[Progress]:  # noqa: ARG002
        """Do nothing."""
        return nullcontext(UNWATCHED)

    def tell(self, sentence: str) -> None:
        """Do nothing."""


NOBODY: Watcher = Nobody()


@dataclass(slots=True)
class Stages:
    """Opens one stage after the other, and remembers how long each took."""

    watcher: Watcher = NOBODY
    times: list[StageTime] = field(default_factory=list)
    cached: set[str] = field(default_factory=set)

    @contextmanager
    def __call__(self, name: str) -> Iterator[Progress]:
        """Open the stage `name`; it is over when the block ends, and what it has freed is given back."""
        began = perf_counter()
        with self.watcher.stage(name) as progress:
            yield progress
        give_back()
        self.times.append(StageTime(name, perf_counter() - began, name in self.cached))

    def remembered(self, name: str, result: T, known: bool) -> T:
        """Note whether a stage's result was known already, and hand it on."""
        if known:
            self.cached.add(name)
        return result
