"""When to abstain: accuracy against coverage, and prediction sets that keep a promise."""

import numpy as np
import polars as pl

from themeloom.columns import COVERAGE_CURVE
from themeloom.members import HeldOut
from themeloom.records import Doubles, Ints
from themeloom.themes._scoring import accuracy, kappa, mean_defined

POINTS = 100  # of the curve, at most


def coverage_curve(heldout: HeldOut) -> pl.DataFrame:
    """Tell how right a line is on the messages of which it is surest, the more and the fewer of them.

    At each threshold, messages whose top posterior is at least that get its theme, the others none. Accuracy
    and kappa are those among the messages kept, mean over the repeats in which any is. A threshold chosen
    from this curve was chosen on the labels: they show it a little better than others will.

    Parameters
    ----------
    heldout
        The predictions of one line.

    Returns
    -------
    pl.DataFrame
        COVERAGE_CURVE, thresholds rising: 100 rows at most, the first of all messages; no rows where the line
        has no posterior.
    """
    if not heldout.posterior.size:
        return pl.DataFrame(schema=COVERAGE_CURVE)
    known = heldout.coded >= 0
    posterior, coded = heldout.posterior[:, known], heldout.coded[known]
    top, themes = posterior.max(axis=-1), posterior.shape[-1]
    repeat = np.arange(len(top))[:, None]
    cell = (repeat * themes + coded) * (themes + 1) + posterior.argmax(axis=-1)
    rows = []
    for threshold in _thresholds(top):
        kept = top >= threshold
        counts = np.bincount(cell[kept], minlength=len(top) * themes * (themes + 1)).astype(np.float64)
        tables = counts.reshape(len(top), themes, themes + 1)
        figures = mean_defined(np.array([accuracy(tables), kappa(tables)]), axis=1)
        rows.append((threshold, kept.mean(), *figures))
    return pl.DataFrame(np.array(rows), schema=COVERAGE_CURVE).with_columns(pl.col("kappa").fill_nan(None))


def _thresholds(top: Doubles) -> Doubles:
    """Each distinct top posterior, or as many of them, evenly by rank, as the curve has points."""
    found = np.unique(top)
    return found[np.unique(np.linspace(0, len(found) - 1, POINTS).round().astype(np.int64))]


def conformal_threshold(posterior: Doubles, coded: Ints, coverage: float) -> float:
    """Find how probable a theme must at least be to stand in a message's prediction set beside the likeliest.

    The least ambiguous sets of Sadinle, Lei and Wasserman (2019): the threshold is the floor((n + 1)(1 -
    coverage))-th smallest posterior of the coded theme. Of new messages like the labelled ones, at least the
    share `coverage` then has the true theme in its set: on average over samples and themes, not within each
    theme, and not of the messages that are decided alone. The guarantee is exact where the posterior learned
    nothing from these labels, whatever the posterior is (split conformal; Vovk, Gammerman & Shafer, 2005).
    With cross-fitted posteriors (cross-conformal; Vovk, 2015), it holds about: the final posterior, of all
    labels, is a little better than those of the folds, so that its sets hold the truth rather more often.
    Messages of one author count as so many of different ones.

    Where the likeliest theme is right more often than was promised, the threshold lies above that of many
    messages. Their likeliest theme is in their sets all the same (`Mapping.sets`), so that none is empty: the
    truth is held the more often, and a message is undecided only between themes.

    MAPIE finds the same threshold, but only around an estimator, and as no public value that could be saved;
    it refuses small samples, for which all themes stand in each set here.

    Parameters
    ----------
    posterior
        (labels, themes): what the labelled messages' posteriors were, held out.
    coded
        (labels,): their themes.
    coverage
        The promise, between 0 and 1.

    Returns
    -------
    float
        0 where there are too few labels for the promise: fewer than ``coverage / (1 - coverage)``.
    """
    rank = int(np.floor(np.round((len(coded) + 1) * (1 - coverage), 9)))  # rounded: 100 * (1 - 0.9) is 10
    of_coded = np.sort(posterior[np.arange(len(coded)), coded])
    return float(of_coded[rank - 1]) if rank else 0.0
