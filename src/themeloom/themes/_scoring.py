"""Agreement and accuracy from confusion matrices, many at once, and their bootstrap over messages.

Every figure here is a function of sums over messages. A bootstrap draw is therefore a vector of counts
(how often each message was drawn), and all draws are counted at once.
"""

from collections.abc import Callable, Sequence

import numpy as np

from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Doubles, Ints, Score

OVERALL = ("kappa", "macro_f1", "accuracy", "coverage")
PER_THEME = ("precision", "recall", "f1")
REFITS = 30  # draws where each fits something costly
CHUNK = 250  # draws held in memory at once

Counter = Callable[[Doubles], Doubles]
"""Takes weights (draws, messages), gives confusion matrices (draws, themes, themes + 1)."""


def tables(coded: Ints, predicted: Ints, weights: Doubles, themes: int) -> Doubles:
    """Count confusion matrices, one a draw.

    Parameters
    ----------
    coded
        (messages,): theme indices.
    predicted
        (messages,) or (draws, messages): theme indices; -1 for abstained, the last column.
    weights
        (draws, messages): how often each message counts.
    themes
        Number of themes.

    Returns
    -------
    Doubles
        (draws, themes, themes + 1).
    """
    size = themes * (themes + 1)
    cell = coded * (themes + 1) + np.where(predicted < 0, themes, predicted)
    place = np.arange(len(weights))[:, None] * size + cell
    counts: Doubles = np.bincount(place.ravel(), weights.ravel(), len(weights) * size).astype(np.float64)
    return counts.reshape(-1, themes, themes + 1)


def kappa(table: Doubles) -> Doubles:
    """Cohen's (1960) kappa over all messages; abstaining is a category that never agrees.

    NaN where chance alone would agree always.
    """
    coded, predicted = table.sum(axis=-1), table.sum(axis=-2)[..., :-1]
    total = coded.sum(axis=-1)
    by_chance = (coded * predicted).sum(axis=-1)
    return ratio(_agreed(table) * total - by_chance, total**2 - by_chance)


def accuracy(table: Doubles) -> Doubles:
    """Share of messages whose prediction is right; an abstained one is not."""
    return ratio(_agreed(table), table.sum(axis=(-2, -1)))


def per_theme(table: Doubles) -> Doubles:
    """Precision, recall and F1 a theme, as (..., 3, themes).

    0 where the theme is never predicted (scikit-learn's ``zero_division=0``), NaN where it is never
    coded: such a theme cannot be scored.
    """
    right = np.diagonal(table, axis1=-2, axis2=-1)
    coded, predicted = table.sum(axis=-1), table.sum(axis=-2)[..., :-1]
    precision = right / np.maximum(predicted, 1)
    recall = right / np.maximum(coded, 1)
    f1 = 2 * right / np.maximum(coded + predicted, 1)
    return np.where(coded[..., None, :] > 0, np.stack([precision, recall, f1], axis=-2), np.nan)


def overall(table: Doubles, messages: int) -> Doubles:
    """Give the figures named in OVERALL, as (..., 4); macro-F1 is the mean over the themes that are coded."""
    f1 = per_theme(table)[..., 2, :]
    macro_f1 = mean_defined(f1, axis=-1)
    coverage = table[..., :-1].sum(axis=(-2, -1)) / messages
    return np.stack([kappa(table), macro_f1, accuracy(table), coverage], axis=-1)


def bootstrap(
    statistic: Callable[[Doubles], Doubles],
    messages: int,
    draws: int,
    seed: int,
    *,
    floors: Sequence[float] = (),
    progress: Progress = UNWATCHED,
) -> list[Score]:
    """Values with their 95% intervals over resampled messages.

    The percentile interval of Efron (1979), moved so that the median of the draws is at the value. The
    move is next to nothing where `statistic` only counts. Where it fits anything anew in each draw, it makes
    up for a draw holding fewer different messages than the sample, as Jiang, Varma and Simon (2008) do for
    bootstrap case cross-validation. The same seed draws the same messages, so that two statistics of one
    sample can be compared. Draws in which a figure is undefined are left out of its interval.

    Parameters
    ----------
    statistic
        Takes weights (draws, messages), gives figures (draws, figures).
    messages
        Size of the sample.
    draws
        How many samples to draw.
    seed
        Seed of the draws.
    floors
        Least possible value of each figure; by default -1. The greatest is 1.
    progress
        Told of the draws.
    """
    generator = np.random.default_rng(seed)
    evenly = np.full(messages, 1 / messages)
    drawn = []
    progress.begin(draws, "draws")
    for start in range(0, draws, CHUNK):
        size = min(CHUNK, draws - start)
        drawn.append(statistic(generator.multinomial(messages, evenly, size).astype(np.float64)))
        progress.advance(size)
    values = statistic(np.ones((1, messages)))[0]
    columns = np.concatenate(drawn).T
    return [
        _score(value, column, floor)
        for value, column, floor in zip(values, columns, floors or [-1.0] * len(values), strict=True)
    ]


def score_sets(
    sets: Sequence[Counter], messages: int, themes: int, draws: int, seed: int, progress: Progress = UNWATCHED
) -> list[Score]:
    """Overall figures, then those of each theme, averaged over several sets of predictions.

    Parameters
    ----------
    sets
        What counts the confusion matrices of each set (a repeat of the folds, a pair of coders).
    messages
        Size of the sample, the same for all sets.
    themes
        Number of themes.
    draws, seed, progress
        Of the bootstrap.

    Returns
    -------
    list of Score
        OVERALL, then precision of each theme, recall of each, F1 of each.
    """

    def statistic(weights: Doubles) -> Doubles:
        return np.asarray(np.mean([_figures(count(weights), messages) for count in sets], axis=0))

    floors = [-1.0 if name == "kappa" else 0.0 for name in OVERALL] + [0.0] * len(PER_THEME) * themes
    return bootstrap(statistic, messages, draws, seed, floors=floors, progress=progress)


def refit_scores(
    sets: Sequence[Counter], messages: int, seed: int, progress: Progress = UNWATCHED
) -> list[Score]:
    """Do what `score_sets` does where fitting is costly: few draws, on the first set alone.

    Some dozens of draws tell a standard deviation (Efron & Tibshirani 1993, chapter 6), but no
    percentiles: the interval is the normal one around the value.
    """
    drawn = np.random.default_rng(seed).multinomial(messages, np.full(messages, 1 / messages), REFITS)
    progress.begin(REFITS, "refits")
    figures = []
    for weights in drawn.astype(np.float64):
        figures.append(_figures(sets[0](weights[None]), messages)[0])
        progress.advance()
    once = np.ones((1, messages))
    values = np.mean([_figures(count(once), messages)[0] for count in sets], axis=0)
    return [
        _normal(value, column, -1.0 if place == 0 else 0.0)
        for place, (value, column) in enumerate(zip(values, np.array(figures).T, strict=True))
    ]


def _normal(value: float, drawn: Doubles, floor: float) -> Score:
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < 2:
        return Score(float(value), float("nan"), float("nan"))
    half = 1.96 * float(defined.std(ddof=1))
    return Score(float(value), max(float(value) - half, floor), min(float(value) + half, 1.0))


def _figures(table: Doubles, messages: int) -> Doubles:
    return np.hstack([overall(table, messages), per_theme(table).reshape(len(table), -1)])


def _agreed(table: Doubles) -> Doubles:
    return np.asarray(np.trace(table, axis1=-2, axis2=-1))


def ratio(above: Doubles, below: Doubles) -> Doubles:
    """Divide; NaN where the divisor is 0."""
    undefined = np.full(np.shape(above), np.nan)
    return np.asarray(np.divide(above, below, out=undefined, where=np.asarray(below) != 0))


def mean_defined(figures: Doubles, axis: int) -> Doubles:
    """Mean of the figures that are defined; NaN where none is."""
    return ratio(np.nansum(figures, axis=axis), np.isfinite(figures).sum(axis=axis))


def _score(value: float, drawn: Doubles, floor: float) -> Score:
    defined = drawn[np.isfinite(drawn)]
    if not defined.size:
        return Score(float(value), float("nan"), float("nan"))
    low, middle, high = np.percentile(defined, [2.5, 50, 97.5])
    return Score(
        float(value), max(float(low - middle + value), floor), min(float(high - middle + value), 1.0)
    )
