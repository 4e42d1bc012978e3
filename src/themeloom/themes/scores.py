"""What held-out predictions are worth: every figure and its doubt, as functions of these predictions alone.

A line (a strategy, a reference, a pair of coders) says what each labelled message is, once a repeat of the
folds. All figures are functions of sums over authors: a bootstrap draw of authors is a matrix product.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from themeloom.columns import CALIBRATION
from themeloom.members import HeldOut, LineScores
from themeloom.records import Doubles, Ints
from themeloom.scored import Score
from themeloom.themes._bca import bca
from themeloom.themes._coefficients import ac1, alpha
from themeloom.themes._scoring import PER_THEME, accuracy, kappa, mean_defined, per_theme, ratio

COMPARED = ("kappa", "macro_f1", "accuracy")
BELOW_CHANCE = {"kappa", "alpha", "ac1"}  # may be as low as -1
RAISED = {"ece"}  # by chance
BINS = 10  # of confidence, at most
BIN_SIZE = 15  # messages a bin, at least

Lines = HeldOut | Sequence[HeldOut]
"""One line, or several whose figures are averaged: the pairs of coders."""


def score(
    lines: Lines,
    themes: int,
    draws: int,
    seed: int,
    *,
    folds: int | None = None,
) -> LineScores:
    """Score held-out predictions, with 95% intervals by the BCa bootstrap over authors (Efron, 1987).

    Each figure is the mean over repeats. Abstaining is a category that never agrees in kappa (Cohen, 1960),
    alpha (Krippendorff, 2011) and AC1 (Gwet, 2008), and wrong in accuracy, recall and F1; coverage stands
    beside them. A theme that is never coded has no scores (NaN), and is left out of macro-F1 and balanced
    accuracy; one that is never predicted has precision 0.

    ``ece`` is the expected calibration error of the top posterior (Guo et al., 2017, On calibration of modern
    neural networks), NaN without one: the distance of confidence from accuracy, in bins of about equal size.
    Chance alone makes it larger, the more so the more bins: with 200 labels and 10 bins, a perfect posterior
    has about 0.07. Bins are therefore as many as leave accuracy rising with confidence (Roelofs et al., 2022,
    Mitigating bias in calibration error estimation), 10 at most, with 15 messages at least; they stay the
    same in all draws.

    Authors are drawn with all their messages; predictions are held fixed. What a line learned varies with
    the labels too, which fixed predictions do not show. With `folds`, intervals are therefore widened as
    Nadeau and Bengio (2003, Inference for the generalization error) correct the variance of cross-validated
    estimates: the ends' distance from the value is multiplied by ``sqrt(1 + folds / (folds - 1))``.

    Parameters
    ----------
    lines
        The predictions. Of several lines all repeats are averaged; authors are drawn for all at once.
    themes
        Number of themes.
    draws
        Bootstrap draws.
    seed
        Seed of the bootstrap.
    folds
        Folds of the cross-fitting; None for what learned nothing: coders, constants.

    Returns
    -------
    LineScores
        An interval is NaN where all draws give the same.
    """
    sequence = _sequence(lines)
    authors = _authors(sequence)
    counted = [_Line(line, themes, authors) for line in sequence]
    each_once = np.ones(len(authors), np.int64)
    raised = {FIGURES.index(name) for name in RAISED}
    found = bca(lambda weights: _figures(counted, weights), each_once, draws, seed, biased=raised)
    names = [*FIGURES, *(name for name in PER_THEME for _ in range(themes))]
    scores = [
        _widened(each, folds, -1.0 if name in BELOW_CHANCE else 0.0, 1.0)
        for each, name in zip(found, names, strict=True)
    ]
    by_theme = [scores[start::themes] for start in range(len(FIGURES), len(FIGURES) + themes)]
    tables = [line.count(np.ones((1, len(authors))))[0][0] for line in counted]
    return LineScores(
        overall=dict(zip(FIGURES, scores[: len(FIGURES)], strict=True)),
        per_theme=tuple(dict(zip(PER_THEME, each, strict=True)) for each in by_theme),
        confusion=np.concatenate(tables).mean(axis=0),
    )


def difference(
    first: Lines,
    second: Lines,
    themes: int,
    draws: int,
    seed: int,
    *,
    folds: int | None = None,
) -> dict[str, Score]:
    """Tell by how much the first line is better than the second: paired bootstrap over the same authors.

    A difference is real, at the 95% level, where its interval does not hold 0.

    Parameters
    ----------
    first, second
        Predictions of the same messages; an author has the same number in both.
    themes, draws, seed
        As for `score`.
    folds
        As for `score`; None only where neither line learned anything.

    Returns
    -------
    dict
        The differences in kappa, macro_f1 and accuracy.
    """
    pair = [_sequence(first), _sequence(second)]
    authors = _authors([line for lines in pair for line in lines])
    one, other = ([_Line(line, themes, authors) for line in lines] for lines in pair)
    compared = [FIGURES.index(name) for name in COMPARED]

    def apart(weights: Doubles) -> Doubles:
        return (_figures(one, weights) - _figures(other, weights))[:, compared]

    found = bca(apart, np.ones(len(authors), np.int64), draws, seed)
    widest = [2.0 if name in BELOW_CHANCE else 1.0 for name in COMPARED]
    return {
        name: _widened(score, folds, -most, most)
        for name, score, most in zip(COMPARED, found, widest, strict=True)
    }


def calibration(heldout: HeldOut) -> pl.DataFrame:
    """Compare confidence and accuracy, for a reliability diagram.

    In bins such as those of the expected calibration error that `score` tells, but of all repeats together.

    Parameters
    ----------
    heldout
        The predictions of one line.

    Returns
    -------
    pl.DataFrame
        CALIBRATION; no rows where the line has no posterior.
    """
    if not heldout.posterior.size:
        return pl.DataFrame(schema=CALIBRATION)
    top, right = _confidence(heldout)
    place = _bins(top.ravel(), right.ravel(), top.shape[1])
    pooled = pl.DataFrame({"bin": place, "confidence": top.ravel(), "right": right.ravel()})
    table = pooled.group_by("bin").agg(
        pl.len() / len(top), pl.mean("confidence"), pl.mean("right").alias("accuracy")
    )
    table = table.sort("bin").with_columns(bin=pl.int_range(pl.len()))  # where many are equal, bins are empty
    return table.select(bin="bin", messages="len", confidence="confidence", accuracy="accuracy")


class _Line:
    """What each author adds to the confusion matrices of a line, and to its bins of confidence."""

    def __init__(self, heldout: HeldOut, themes: int, authors: Ints) -> None:
        known = heldout.coded >= 0
        coded, predicted = heldout.coded[known], heldout.predicted[:, known]
        author = np.searchsorted(authors, heldout.group)
        self.themes, self.cells, self.repeats = themes, themes * (themes + 1), len(predicted)
        self.messages = np.bincount(author, minlength=len(authors)).astype(np.float64)
        self.codes = _codes(themes, abstains=bool((predicted < 0).any()))
        self.calibrated = heldout.posterior.size > 0
        cell = coded * (themes + 1) + np.where(predicted < 0, themes, predicted)
        places, values = [cell], [np.ones(cell.shape)]
        if self.calibrated:
            top, right = _confidence(heldout)
            bins = [_bins(*each, len(coded)) for each in zip(top, right, strict=True)]
            places.append(self.cells + np.array(bins))
            values.append(top - right)
        start = np.arange(self.repeats)[:, None] * (self.cells + BINS)
        row = np.concatenate([place + start for place in places], axis=1)
        column = np.broadcast_to(np.tile(author[known], len(places)), row.shape)
        value = np.concatenate(values, axis=1)
        shape = (self.repeats * (self.cells + BINS), len(authors))
        self.sums = sparse.csr_array((value.ravel(), (row.ravel(), column.ravel())), shape=shape)

    def count(self, weights: Doubles) -> tuple[Doubles, Doubles]:
        """Add up draws of authors.

        Returns
        -------
        tables
            (draws, repeats, themes, themes + 1): confusion matrices.
        gaps
            (draws, repeats, bins): by how much confidence exceeds accuracy, summed over messages.
        """
        sums = (self.sums @ weights.T).T.reshape(len(weights), self.repeats, -1)
        tables = sums[..., : self.cells].reshape(*sums.shape[:2], self.themes, self.themes + 1)
        return tables, sums[..., self.cells :]

    def figures(self, weights: Doubles) -> Doubles:
        """FIGURES, then precision of each theme, recall of each, F1 of each: (draws, repeats, figures)."""
        tables, gaps = self.count(weights)
        drawn = _Drawn(self, tables, gaps, per_theme(tables), (weights @ self.messages)[:, None])
        overall = np.stack([figure(drawn) for figure in _FIGURES.values()], axis=-1)
        return np.concatenate([overall, drawn.themes.reshape(*tables.shape[:2], -1)], axis=-1)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Draws of authors, added up: what all figures are functions of."""

    line: _Line
    tables: Doubles  # (draws, repeats, themes, themes + 1)
    gaps: Doubles  # (draws, repeats, bins)
    themes: Doubles  # (draws, repeats, 3, themes): precision, recall and F1 of each
    messages: Doubles  # (draws, 1): coded or not

    def coefficient(self, of: Callable[[Ints, Doubles], Doubles]) -> Doubles:
        """Return what is a function of the codes of each cell."""
        return of(self.line.codes, self.tables.reshape(-1, self.line.cells)).reshape(self.tables.shape[:2])

    def coverage(self) -> Doubles:
        """Return the share of messages that were given a theme."""
        answered = self.tables[..., :-1].sum(axis=(-2, -1))
        return ratio(answered, np.broadcast_to(self.messages, answered.shape))

    def error(self) -> Doubles:
        """Return the calibration error; NaN without a posterior."""
        total = self.tables.sum(axis=(-2, -1))
        return ratio(np.abs(self.gaps).sum(axis=-1), total) if self.line.calibrated else total * np.nan


_FIGURES: dict[str, Callable[[_Drawn], Doubles]] = {
    "kappa": lambda drawn: kappa(drawn.tables),
    "alpha": lambda drawn: drawn.coefficient(alpha),
    "ac1": lambda drawn: drawn.coefficient(ac1),
    "macro_f1": lambda drawn: mean_defined(drawn.themes[..., 2, :], axis=-1),
    "balanced_accuracy": lambda drawn: mean_defined(drawn.themes[..., 1, :], axis=-1),
    "accuracy": lambda drawn: accuracy(drawn.tables),
    "coverage": _Drawn.coverage,
    "ece": _Drawn.error,
}
"""Each figure over all themes: (draws, repeats)."""
FIGURES = tuple(_FIGURES)


def _figures(lines: Sequence[_Line], weights: Doubles) -> Doubles:
    """Mean over all repeats of all lines: (draws, figures)."""
    return mean_defined(np.concatenate([line.figures(weights) for line in lines], axis=1), axis=1)


def _codes(themes: int, *, abstains: bool) -> Ints:
    """Tell the two codes of each cell of a confusion matrix, as counts: (cells, codes).

    Abstaining is a code only of lines that do: AC1 depends on how many codes there are.
    """
    codes = np.eye(themes + 1, dtype=np.int64)
    both = codes[:-1, None] + codes[None]
    return both.reshape(-1, themes + 1)[:, : themes + abstains]


def _confidence(heldout: HeldOut) -> tuple[Doubles, Doubles]:
    """Top posterior, and whether its theme is right: (repeats, coded messages) each."""
    known = heldout.coded >= 0
    posterior = heldout.posterior[:, known]
    right = posterior.argmax(axis=-1) == heldout.coded[known]
    return posterior.max(axis=-1, initial=0), right.astype(np.float64)


def _bins(confidence: Doubles, right: Doubles, messages: int) -> Ints:
    """Which bin each is in: bins of about equal size, the most that leave accuracy rising with confidence."""
    found = np.zeros(len(confidence), np.int64)
    for bins in range(2, min(messages // BIN_SIZE, BINS) + 1):
        edges = np.quantile(confidence, np.arange(1, bins) / bins)  # equal ones go to the same bin
        place = np.searchsorted(edges, confidence, side="right")
        size = np.bincount(place)
        shares = np.bincount(place, right)[size > 0] / size[size > 0]
        if (np.diff(shares) < 0).any():
            break
        found = place
    return found


def _widened(score: Score, folds: int | None, least: float, most: float) -> Score:
    """Move the interval's ends away from the value for what was learned; see `score`."""
    more = 0.0 if folds is None else (1 + folds / (folds - 1)) ** 0.5 - 1
    low = score.low - more * max(score.value - score.low, 0.0)
    high = score.high + more * max(score.high - score.value, 0.0)
    return Score(score.value, max(low, least), min(high, most))


def _sequence(lines: Lines) -> Sequence[HeldOut]:
    return [lines] if isinstance(lines, HeldOut) else lines


def _authors(lines: Sequence[HeldOut]) -> Ints:
    return np.unique(np.concatenate([line.group for line in lines]))
