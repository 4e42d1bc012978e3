"""Intervals of figures that only count messages: the BCa bootstrap, all draws at once."""

from collections.abc import Callable, Collection
from statistics import NormalDist

import numpy as np

from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Doubles, Ints
from themeloom.scored import Score

CHUNK = 250  # draws held in memory at once
NORMAL = NormalDist()


def bca(
    statistic: Callable[[Doubles], Doubles],
    counts: Ints,
    draws: int,
    seed: int,
    progress: Progress = UNWATCHED,
    biased: Collection[int] = (),
) -> list[Score]:
    """Values with their 95% BCa intervals (Efron, 1987) over resampled units: messages, or whole authors.

    Units that are alike to the statistic are one kind, so that a large sample costs no more than its
    kinds. Draws in which a figure is undefined are left out of its interval; where it is undefined for the
    whole sample, so are value and interval (NaN). The interval alone is undefined where all draws give the
    same: coders who agree on all of a few messages show nothing of how often they would not.

    Parameters
    ----------
    statistic
        Takes weights (draws, kinds), gives figures (draws, figures).
    counts
        (kinds,): how many units there are of each kind.
    draws
        How many samples to draw.
    seed
        Seed of the draws.
    progress
        Told of the draws.
    biased
        Figures that chance can only raise, such as mean distances: BCa fails where most draws lie above the
        value. Their low end is that of the basic interval (Davison & Hinkley, 1997, section 5.2), which moves
        down by the bias, taken of squares, to which chance adds about the same whatever the distance; their
        high end is as far from the value as that of the draws is from their median.
    """
    generator = np.random.default_rng(seed)
    total = int(counts.sum())
    drawn = []
    progress.begin(draws, "draws")
    for start in range(0, draws, CHUNK):
        size = min(CHUNK, draws - start)
        drawn.append(statistic(generator.multinomial(total, counts / total, size).astype(np.float64)))
        progress.advance(size)
    values = statistic(counts[None].astype(np.float64))[0]
    columns = zip(values, np.concatenate(drawn).T, _without_one(statistic, counts).T, strict=True)
    return [
        _raised(float(value), column) if figure in biased else _score(float(value), column, left, counts)
        for figure, (value, column, left) in enumerate(columns)
    ]


def _without_one(statistic: Callable[[Doubles], Doubles], counts: Ints) -> Doubles:
    """Figures with one unit of each kind left out, as (kinds, figures)."""
    kinds = np.arange(len(counts))
    return np.concatenate(
        [
            statistic(counts.astype(np.float64) - (kinds == part[:, None]))
            for part in np.array_split(kinds, -(-len(kinds) // CHUNK))
        ]
    )


def _score(value: float, drawn: Doubles, left: Doubles, counts: Ints) -> Score:
    drawn = drawn[np.isfinite(drawn)]
    if not _varies(value, drawn):
        return Score(value, float("nan"), float("nan"))
    below = float(np.mean(drawn < value) + np.mean(drawn == value) / 2)
    least = 0.5 / drawn.size
    bias, speed = NORMAL.inv_cdf(min(max(below, least), 1 - least)), _acceleration(left, counts)
    low, high = (np.percentile(drawn, 100 * _place(tail, bias, speed)) for tail in (0.025, 0.975))
    return Score(value, float(low), float(high))


def _raised(value: float, drawn: Doubles) -> Score:
    drawn = drawn[np.isfinite(drawn)]
    if not _varies(value, drawn):
        return Score(value, float("nan"), float("nan"))
    middle, top = (float(end) for end in np.percentile(drawn, [50, 97.5]))
    below = max(2 * value**2 - top**2, 0.0) ** 0.5
    return Score(value, min(below, value), value + top - middle)


def _varies(value: float, drawn: Doubles) -> bool:
    return bool(np.isfinite(value) and drawn.size and np.ptp(drawn) > 1e-12)


def _place(tail: float, bias: float, speed: float) -> float:
    """Where among the draws the end of the interval is."""
    end = bias + NORMAL.inv_cdf(tail)
    return NORMAL.cdf(bias + end / max(1 - speed * end, 1e-9))


def _acceleration(left: Doubles, counts: Ints) -> float:
    """How fast the standard error changes with the value, by the jackknife."""
    known = np.isfinite(left)
    left, counts = left[known], counts[known]
    if not left.size:
        return 0.0
    away = np.average(left, weights=counts) - left
    spread = float(counts @ away**2)
    return float(counts @ away**3) / (6 * spread**1.5) if spread > 1e-15 else 0.0
