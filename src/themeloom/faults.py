"""Several faults told at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from themeloom.errors import ThemeloomError

T = TypeVar("T")


@dataclass(slots=True)
class Faults:
    """Goes on after a fault, so that all of them can be told at once."""

    found: list[ThemeloomError] = field(default_factory=list)

    def attempt(self, step: Callable[[], T]) -> T | None:
        """Do a step; None if it has a fault."""
        try:
            return step()
        except ThemeloomError as error:
            self.found.append(error)
            return None

    def error(self) -> ThemeloomError:
        """Give all faults as one error."""
        kinds = {type(error) for error in self.found}
        kind = kinds.pop() if len(kinds) == 1 else ThemeloomError
        return kind(*(fault for error in self.found for fault in error.faults))
