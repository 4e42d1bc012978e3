"""What the page is given from outside: the study, and what others compute for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from themeloom.labelling.checks import Check, CheckScore
from themeloom.records import Codebook, LabelledSample


@dataclass(frozen=True)
class Guess:
    """What a model says of a message."""

    theme: str
    probability: float


@dataclass(frozen=True)
class StudyPage:
    """A study as the page shows it."""

    name: str
    title: str
    note: str
    seed: int
    read_codebook: Callable[[], Codebook]  # anew, from its file
    agreement: Callable[[LabelledSample, Codebook], Any]  # how far coders agree
    guesses: Mapping[str, Guess] = field(default_factory=dict)  # by message; empty: coders are blind
    run: str | None = None  # the run whose topics are checked
    checks: tuple[Check, ...] = ()
    log_checks: Callable[[list[CheckScore]], str] | None = None  # says where they were logged
