"""Whether topics come back when discovery is repeated (Hennig 2007, clusterwise stability)."""

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from themeloom.records import Doubles, Ints
from themeloom.scored import Score, Stability

SAME = 0.5
"""Jaccard similarity from which a topic has come back: below, Hennig (2007) calls a cluster dissolved."""
DRAWS = 1000
_TINY = 1e-12


def stability(
    topic: Ints, others: Sequence[Ints], over: Literal["runs", "halves"] = "runs", seed: int = 0
) -> Stability:
    """Tell how far topics come back in other clusterings of the same messages.

    Parameters
    ----------
    topic
        int64, (communications,): the topics that are kept, 0 and up; -1 for none.
    others
        The other clusterings of the same communications, at least one.
    over
        What they are: repeated 'runs' are compared all with all, the kept one among them; 'halves' of the
        layouts of which the kept topics are the consensus, two after the other that share none: each with its
        other half.
    seed
        Seed of the bootstrap.

    Returns
    -------
    Stability
        Per topic the Jaccard similarity with its partner, mean over the others, and in how many it comes
        back: with a similarity of `SAME` or more. Partners are found one to one (Hungarian method), so that
        their similarities are largest in sum. Overall, adjusted Rand index (Hubert & Arabie 1985) and
        adjusted mutual information (Vinh, Epps & Bailey 2010), mean over pairs. The 95% intervals are
        percentiles of a bootstrap over the clusterings, or over pairs of halves; NaN where one other is too
        few to tell them.

    Notes
    -----
    C. Hennig (2007), Cluster-wise assessment of cluster stability, Computational Statistics & Data Analysis
    52, 258-271.
    """
    found = np.stack([matched(topic, other) for other in others])
    weights = _drawn(len(others), seed)
    low, high = _interval(found, weights)
    jaccard = map(Score, found.mean(axis=0).tolist(), low.tolist(), high.tolist())
    back = (found >= SAME).sum(axis=0)
    return Stability(
        over=over,
        repeats=len(others),
        comes_back=tuple(back.tolist()),
        unstable=tuple((2 * back < len(others)).tolist()),
        jaccard=tuple(jaccard),
        overall=_overall(topic, others, over, seed),
    )


def matched(topic: Ints, other: Ints) -> Doubles:
    """Return each topic's Jaccard similarity with its partner in another clustering; 0 without one.

    Parameters
    ----------
    topic, other
        int64, (communications,): topics of the same communications, 0 and up; -1 for none.

    Returns
    -------
    Doubles
        float64, (topics,).
    """
    from scipy.optimize import linear_sum_assignment

    count, partners = int(topic.max(initial=-1)) + 1, int(other.max(initial=-1)) + 1
    shared = np.zeros((count, partners))
    both = (topic >= 0) & (other >= 0)
    np.add.at(shared, (topic[both], other[both]), 1)
    sizes = np.bincount(topic[topic >= 0], minlength=count)[:, None]
    union = sizes + np.bincount(other[other >= 0], minlength=partners) - shared
    similarity = shared / np.maximum(union, 1)
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    found = np.zeros(count)
    found[rows] = similarity[rows, columns]
    return found


def agreement(one: Ints, another: Ints) -> tuple[float, float]:
    """Return the adjusted Rand index and adjusted mutual information of two clusterings.

    Parameters
    ----------
    one, another
        int64, (communications,): topics of the same communications; -1 is a topic as any other.

    Returns
    -------
    tuple
        As scikit-learn's two scores, from one table of counts: these look at their arguments for longer than
        they reckon, which is felt where many clusterings of few messages are compared.
    """
    from sklearn.metrics import mutual_info_score
    from sklearn.metrics.cluster import expected_mutual_information

    counts = np.zeros((int(one.max(initial=-1)) + 2, int(another.max(initial=-1)) + 2), dtype=np.int64)
    np.add.at(counts, (one, another), 1)  # topic -1 is the last row, and the last column
    rows, columns, total = counts.sum(axis=1), counts.sum(axis=0), len(one)
    rows, columns = rows[rows > 0], columns[columns > 0]
    if len(rows) <= 1 or len(columns) <= 1:
        return (1.0, 1.0) if len(rows) == len(columns) else (0.0, 0.0)
    counts = counts[np.ix_(counts.any(axis=1), counts.any(axis=0))]
    together, alike = _pairs(counts), (_pairs(rows), _pairs(columns))
    chance = alike[0] * alike[1] / _pairs(np.array([total]))
    rand = 1.0 if together == alike[0] == alike[1] else (together - chance) / (sum(alike) / 2 - chance)
    expected = expected_mutual_information(counts, total)
    gained = mutual_info_score(None, None, contingency=counts) - expected
    possible = (_entropy(rows) + _entropy(columns)) / 2 - expected
    return rand, 1.0 if max(abs(gained), abs(possible)) < _TINY else float(gained / possible)


def _pairs(sizes: Ints) -> float:
    """Return how many pairs there are within groups of these sizes."""
    return float((sizes * (sizes - 1) / 2).sum())


def _entropy(sizes: Ints) -> float:
    share = sizes / sizes.sum()
    return float(-(share * np.log(share)).sum())


def _overall(topic: Ints, others: Sequence[Ints], over: str, seed: int) -> dict[str, Score]:
    if over == "runs":
        all_of_them = [topic, *others]
        pairs = list(combinations(all_of_them, 2))
        one, another = np.array(list(combinations(range(len(all_of_them)), 2))).T
        drawn = _drawn(len(all_of_them), seed)
        weights = drawn[:, one] * drawn[:, another]  # a run is never compared with itself
        weights = weights[weights.any(axis=1)]
    else:
        pairs = list(zip(others[::2], others[1::2], strict=True))
        weights = _drawn(len(pairs), seed)
    values = np.array([agreement(*pair) for pair in pairs])
    means, (low, high) = values.mean(axis=0).tolist(), _interval(values, weights).tolist()
    return {name: Score(*found) for name, *found in zip(("ari", "ami"), means, low, high, strict=True)}


def _drawn(size: int, seed: int) -> Ints:
    """Return how often each of so many is drawn: (draws, size)."""
    return np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=DRAWS)


def _interval(values: Doubles, weights: Ints) -> Doubles:
    """Return the bounds of the weighted means of columns: (2, columns)."""
    if len(values) < 2:
        return np.full((2, values.shape[1]), np.nan)
    means = weights @ values / weights.sum(axis=1, keepdims=True)
    return np.asarray(np.percentile(means, [2.5, 97.5], axis=0))
