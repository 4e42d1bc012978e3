"""How a stage tells how far it is, without knowing who watches."""

from typing import Protocol


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
