"""Numbers with their doubt: what a run is worth, and how far its topics hold."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from themeloom.columns import GROUPS


@dataclass(frozen=True, slots=True)
class Score:
    """A number with its doubt."""

    value: float
    low: float  # of the 95% interval
    high: float

    def __str__(self) -> str:
        interval = "no interval" if self.low != self.low else f"{self.low:z.2f} to {self.high:z.2f}"
        return "undefined" if self.value != self.value else f"{self.value:z.2f} ({interval})"  # NaN

    def _repr_html_(self) -> str:
        value, _, interval = str(self).partition(" ")
        return f"<b>{value}</b> <small>{interval.strip('()')}</small>"


@dataclass(frozen=True, slots=True)
class Scores:
    """Held-out scores: each label was predicted by a mapping that did not see it."""

    overall: dict[str, Score]  # of the topic level: kappa, alpha, ac1, macro_f1, … coverage, ece
    per_theme: dict[str, dict[str, Score]]  # theme key → precision, recall, f1, at the topic level
    confusion: NDArray[np.float64]  # (themes, themes + 1): coded by predicted or abstained; mean over repeats
    lines: dict[str, dict[str, Score]]  # message level, then reference lines: name → as overall
    labels: int
    folds: int
    repeats: int
    message_per_theme: dict[str, dict[str, Score]]  # as per_theme, at the message level
    message_confusion: NDArray[np.float64]  # as confusion
    differences: dict[str, dict[str, Score]]  # 'level, less line' → kappa, macro_f1, accuracy: paired
    calibration: pl.DataFrame  # CALIBRATION, of the message level
    coverage: pl.DataFrame  # COVERAGE_CURVE, of the message level
    conformal: float  # least posterior of a prediction set's further themes; 0: too few labels to promise
    prevalence: dict[str, dict[str, Score]] = field(default_factory=dict)  # weighting/method → theme
    groups: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=GROUPS))  # shares by group


@dataclass(frozen=True, slots=True)
class Stability:
    """How far topics come back when discovery is repeated, with other seeds over one neighbour graph."""

    over: Literal["runs", "halves"]  # whole discoveries, or the consensus of each half of the layouts
    repeats: int  # how many of them the topics were looked for in
    comes_back: tuple[int, ...]  # (topics,): in how many, with a Jaccard similarity of 0.5 or more
    unstable: tuple[bool, ...]  # (topics,): which came back in less than half of them
    jaccard: tuple[Score, ...]  # (topics,): mean similarity with the partner in each
    overall: dict[str, Score]  # ari, ami: mean over pairs
