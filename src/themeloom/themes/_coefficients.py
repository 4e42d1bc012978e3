"""Coefficients of agreement between any number of coders, many draws of messages at once.

All are functions of how many coders gave which code to a message: ``counts`` (messages, codes). A draw is a
vector of how often each message counts: ``weights`` (draws, messages).
"""

from collections.abc import Iterable

import numpy as np

from themeloom.records import Doubles, Ints
from themeloom.themes._scoring import kappa, mean_defined, ratio


def count_codes(codes: Ints, themes: int) -> Ints:
    """Count how many coders gave each code: (messages, coders) indices, -1 for none → (messages, themes)."""
    return np.asarray((codes[:, :, None] == np.arange(themes)).sum(axis=1))


def observed(counts: Ints, weights: Doubles) -> Doubles:
    """Share of pairs of coders who agree on a message, mean over the messages that two or more coded."""
    given = counts.sum(axis=1)
    return ratio(weights @ _agreeing_pairs(counts), weights @ (given >= 2))


def alpha(counts: Ints, weights: Doubles) -> Doubles:
    """Krippendorff's alpha for nominal codes, missing ones allowed.

    Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C: only messages that two or
    more coded take part. NaN where only one code was used at all.
    """
    given = counts.sum(axis=1)
    totals = weights @ np.where(given[:, None] >= 2, counts, 0)
    total = totals.sum(axis=-1)
    agreeing = weights @ (given * _agreeing_pairs(counts))
    by_chance = (totals * (totals - 1)).sum(axis=-1)
    return ratio((total - 1) * agreeing - by_chance, total * (total - 1) - by_chance)


def ac1(counts: Ints, weights: Doubles) -> Doubles:
    """Gwet's first-order agreement coefficient; the columns are all the codes that coders could give.

    Gwet (2008), Computing inter-rater reliability and its variance in the presence of high agreement; with
    codes missing as in Gwet (2014), Handbook of inter-rater reliability, 4th edition: chance is told from
    all messages, those that only one coder coded too.
    """
    given = counts.sum(axis=1)
    shares = weights @ (counts / np.maximum(given, 1)[:, None])
    shares = ratio(shares, np.broadcast_to(weights.sum(axis=-1)[:, None], shares.shape))
    by_chance = (shares * (1 - shares)).sum(axis=-1) / max(counts.shape[1] - 1, 1)
    return ratio(observed(counts, weights) - by_chance, 1 - by_chance)


def against_rest(table: Doubles) -> Doubles:
    """Merge a confusion matrix into that of each theme against all others.

    Parameters
    ----------
    table
        (..., themes, themes + 1), the last column empty: every message has both codes.

    Returns
    -------
    Doubles
        (..., themes, 2, 3): the theme, then the rest; the last column empty.
    """
    both = np.diagonal(table, axis1=-2, axis2=-1)
    first, second = table.sum(axis=-1) - both, table.sum(axis=-2)[..., :-1] - both
    neither = table.sum(axis=(-2, -1))[..., None] - both - first - second
    cells = [both, first, np.zeros_like(both), second, neither, np.zeros_like(both)]
    return np.stack(cells, axis=-1).reshape(*both.shape, 2, 3)


def mean_kappa(tables: Iterable[Doubles]) -> Doubles:
    """Cohen's (1960) kappa, mean over pairs of coders (Light, 1971); pairs without any are left out."""
    return mean_defined(np.stack([kappa(table) for table in tables]), axis=0)


def _agreeing_pairs(counts: Ints) -> Doubles:
    """Share of a message's pairs of codes that are the same; 0 where there is no pair."""
    given = counts.sum(axis=1)
    return np.asarray((counts * (counts - 1)).sum(axis=1) / np.maximum(given * (given - 1), 1))
