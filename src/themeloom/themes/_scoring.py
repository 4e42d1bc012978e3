"""Agreement and accuracy from confusion matrices, many at once.

Every figure here is a function of sums over messages. A bootstrap draw is therefore a vector of counts
(how often each message was drawn), and all draws are counted at once.
"""

import numpy as np

from themeloom.records import Doubles, Ints

PER_THEME = ("precision", "recall", "f1")


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


def _agreed(table: Doubles) -> Doubles:
    return np.asarray(np.trace(table, axis1=-2, axis2=-1))


def ratio(above: Doubles, below: Doubles) -> Doubles:
    """Divide; NaN where the divisor is 0."""
    undefined = np.full(np.shape(above), np.nan)
    return np.asarray(np.divide(above, below, out=undefined, where=np.asarray(below) != 0))


def mean_defined(figures: Doubles, axis: int) -> Doubles:
    """Mean of the figures that are defined; NaN where none is."""
    return ratio(np.nansum(figures, axis=axis), np.isfinite(figures).sum(axis=axis))
