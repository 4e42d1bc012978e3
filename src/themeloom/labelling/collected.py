"""All that was coded, as other programs are given it and give it back."""

import math
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize

from themeloom.records import Codebook
from themeloom.system.sheets import UNCLEAR

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
    place: str = field(default="", compare=False)  # of the file that says it, after its path
    silent: frozenset[str] = field(
        default=frozenset(), compare=False
    )  # second, note: what it has no room for

    @property
    def content(self) -> tuple[object, ...]:
        """What makes it another one than what was said before: of a note what all formats can hold."""
        return self.code, self.second, self.unclear, clean(self.note or "")

    @property
    def composed(self) -> "Said":
        """The same with its names in NFC, as those of the study are."""
        coder, doc_id = normalize("NFC", self.coder), normalize("NFC", self.doc_id)
        code, second = (one and normalize("NFC", one) for one in (self.code, self.second))
        return replace(self, coder=coder, doc_id=doc_id, code=code, second=second)

    def told_by(self, codebook: Codebook) -> "Said":
        """Take the word 'unclear' in the place of a code for what it says, unless it is one of the codes."""
        if self.code != UNCLEAR or UNCLEAR in codebook.keys:
            return self
        return replace(self, code=None, unclear=1)

    def was_before(self, other: "Said") -> bool:
        """Tell whether this was said before another; a time may have lost the parts of its seconds."""
        size = len("2026-01-31T12:00:00") if self.at[19:23] == ".000" else None
        return self.at[:size] < other.at[:size] if self.at else False


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

    def left_out(self, *, assisted: bool) -> dict[str, int]:
        """Count what was coded and gives no label.

        Returns
        -------
        dict[str, int]
            Messages to which nobody gave a code (``unclear``), those with ``guessed`` codes alone (given with
            the model's guess in sight), and all ``assisted`` codes, unless these count.
        """
        said = [*self.codes, *self.decisions]
        given = [one for one in said if one.code is not None]
        coded = {one.doc_id for one in given}
        counted = {one.doc_id for one in given if assisted or not one.assisted}
        return {
            "unclear": len({one.doc_id for one in said} - coded),
            "guessed": len(coded - counted),
            "assisted": 0 if assisted else sum(bool(one.assisted) for one in given),
        }


ADJUDICATED = "adjudicated"
"""The name under which decisions go to programs that know coders only."""


def clean(text: str) -> str:
    """Leave out the characters that XML cannot hold; line ends as XML has them."""
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def moment(given: str) -> str:
    """Write a time as events have it, in UTC; without a zone it is taken for UTC. Nothing stays nothing.

    Raises
    ------
    ValueError
        If it is no time in ISO 8601.
    """
    if not given:
        return ""
    try:
        told = datetime.fromisoformat(given)
        told = told if told.tzinfo else told.replace(tzinfo=UTC)
        return told.astimezone(UTC).isoformat(timespec="milliseconds")
    except OverflowError as error:
        raise ValueError(str(error)) from None


def duration(given: str) -> float | None:
    """Read seconds; nothing stays nothing.

    Raises
    ------
    ValueError
        If it is no number of seconds.
    """
    if not given:
        return None
    seconds = float(given)
    if not 0 <= seconds < math.inf:
        raise ValueError(given)
    return seconds
