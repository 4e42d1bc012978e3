"""All that was coded, as other programs are given it and give it back."""

from dataclasses import dataclass
from typing import Any

from themeloom.records import Codebook


@dataclass(frozen=True, slots=True)
class Said:
    """What a coder says of a message, or what was decided of it."""

    coder: str
    doc_id: str
    code: str | None
    second: str | None = None
    unclear: int = 0
    note: str | None = None
    assisted: int = 0
    codebook: int | None = None
    seconds: float | None = None
    at: str = ""


@dataclass(frozen=True, slots=True)
class Collected:
    """The sample, its codes and its decisions."""

    study: str
    messages: tuple[dict[str, Any], ...]  # doc_id, text, batch, design, inclusion
    codebook: Codebook
    codes: tuple[Said, ...]
    decisions: tuple[Said, ...]

    @property
    def coders(self) -> tuple[str, ...]:
        """Who coded anything, sorted."""
        return tuple(sorted({one.coder for one in self.codes}))


ADJUDICATED = "adjudicated"
"""The name under which decisions go to programs that know coders only."""
