"""How common each theme is in each group of messages, and how far a group differs from all others."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from themeloom.columns import GROUPS
from themeloom.records import Bools, Codebook, Doubles, Ints
from themeloom.themes._estimates import Drawn, Estimate, Sample

FEWEST = 2
"""Labels that the shares of a group need at the least."""


def shares_by_group(  # noqa: PLR0913, PLR0917 - what `prevalence` is given, and the groups
    labels: Ints,
    inclusion: Doubles,
    predicted_labelled: Doubles,
    predicted_rest: Doubles,
    group: Ints,
    names: Sequence[str],
    codebook: Codebook,
) -> pl.DataFrame:
    """Estimate the share of each theme in each group of communications.

    The labelled messages of a group are a sample of it: its shares are the prediction-powered ones of
    `prevalence`, with the predictions' mean over the group. They are set against those of all other groups
    together. Intervals are of each figure by itself: where there is no difference, one of twenty is expected
    not to hold 0.

    Parameters
    ----------
    labels, inclusion, predicted_labelled, predicted_rest
        As for `prevalence`.
    group
        (drawn + rest,): index of each message's group, the drawn ones first; -1 where it is unknown: those
        are of no group, and not among the others.
    names
        Names of the groups.
    codebook
        The themes.

    Returns
    -------
    polars.DataFrame
        ``GROUPS``, in the order of the groups, then the themes. Shares are null where a group has fewer than
        two labels, differences also where all others have.

    Raises
    ------
    ValueError
        If there is not a group for each message.
    """
    predicted = np.vstack([predicted_labelled, predicted_rest])
    if group.shape != (len(predicted),):
        raise ValueError("group must have a value for each message of the corpus")
    labelled, rows = group[: len(labels)], list[tuple[object, ...]]()
    for at, name in enumerate(names):
        own = _estimated(labels, inclusion, predicted, group == at)
        others = _estimated(labels, inclusion, predicted, (group >= 0) & (group != at))
        size, known = int((group == at).sum()), int((labels[labelled == at] >= 0).sum())
        figures = np.stack([own.share, own.low, own.high, *_less(own, others)], axis=1).tolist()
        rows += [(name, key, size, known, *of) for key, of in zip(codebook.keys, figures, strict=True)]
    return pl.DataFrame(rows, GROUPS, orient="row").fill_nan(None)


def _less(own: Estimate, others: Estimate) -> tuple[Doubles, Doubles, Doubles]:
    found = own.less(others)
    return found.share, found.low, found.high


def _estimated(labels: Ints, inclusion: Doubles, predicted: Doubles, inside: Bools) -> Estimate:
    """Estimate the shares of those messages alone; NaN where too few have a label."""
    themes, drawn = predicted.shape[1], inside[: len(labels)]
    if (labels[drawn] >= 0).sum() < FEWEST:
        return Estimate.without_interval(np.full(themes, np.nan))
    own = predicted[inside]
    sample = Sample(Drawn.answered(labels[drawn], inclusion[drawn], themes), np.ones(len(own)))
    return sample.powered(own[: drawn.sum()][labels[drawn] >= 0], own.mean(axis=0))
