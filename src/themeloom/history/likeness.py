"""How alike two topics, and two groupings of the same messages, are."""

from collections.abc import Sequence
from math import comb, sqrt

import numpy as np

from themeloom.records import Doubles, Floats, Ints
from themeloom.scored import Score

PERSISTENCE = 0.9
"""Of rank-biased overlap: the first ten words carry 86% of the weight."""

Z = 1.959963984540054


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float:
    """Tell how alike two ranked lists are: extrapolated rank-biased overlap.

    Equation 32 of Webber, Moffat and Zobel (2010, A similarity measure for indefinite rankings). Lists may
    have other lengths, and need not hold the same words; what comes first weighs most.

    Parameters
    ----------
    first, second
        Ranked lists, best first. Of a word that stands twice, the first place counts.
    p
        How likely somebody reads on after each rank, above 0 and below 1.

    Returns
    -------
    float
        0 (nothing in common) to 1 (the same words in the same order); 0 where a list is empty.
    """
    short, long = sorted((list(dict.fromkeys(first)), list(dict.fromkeys(second))), key=len)
    if not short:
        return 0.0
    size, longest = len(short), len(long)
    common = [len(set(short[:depth]) & set(long[:depth])) for depth in range(1, longest + 1)]
    seen = sum(common[d - 1] / d * p**d for d in range(1, longest + 1))
    unseen = sum(common[size - 1] * (d - size) / (size * d) * p**d for d in range(size + 1, longest + 1))
    tail = ((common[-1] - common[size - 1]) / longest + common[size - 1] / size) * p**longest
    return min(max((1 - p) / p * (seen + unseen) + tail, 0.0), 1.0)


def word_likeness(first: Sequence[Sequence[str]], second: Sequence[Sequence[str]]) -> Doubles:
    """Give the rank-biased overlap of every two topics' words: (first, second)."""
    found = np.zeros((len(first), len(second)))
    sets = [set(words) for words in second]
    for row, words in enumerate(first):
        for column in [at for at, other in enumerate(sets) if not other.isdisjoint(words)]:
            found[row, column] = rank_biased_overlap(words, second[column])
    return found


def word_shares(
    first: Sequence[Sequence[str]], weights: Sequence[Sequence[float]], second: Sequence[Sequence[str]]
) -> Doubles:
    """Tell which share of each first topic's weight lies on words of each second one: (first, second)."""
    found = np.zeros((len(first), len(second)))
    sets = [set(words) for words in second]
    for row, (words, of_words) in enumerate(zip(first, weights, strict=True)):
        total = sum(of_words)
        for column, other in enumerate(sets):
            inside = sum(w for word, w in zip(words, of_words, strict=True) if word in other)
            found[row, column] = inside / total if total > 0 else 0.0
    return found


def cosines(first: Floats, second: Floats) -> Doubles:
    """Give the cosine of every two topics' vectors: (first, second); 0 for vectors of no length."""
    one, other = (np.asarray(vectors, dtype=np.float64) for vectors in (first, second))
    lengths = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)[None]
    products = one @ other.T
    found: Doubles = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return found


def jaccard(counts: Ints) -> tuple[Doubles, Ints]:
    """Give the Jaccard coefficient of every two topics' members.

    Parameters
    ----------
    counts
        (first + 1, second + 1): shared messages by both runs' topics, last those without one.

    Returns
    -------
    coefficients
        (first, second): 0 where both are empty.
    unions
        (first, second): messages in either.
    """
    inside = counts[:-1, :-1]
    unions = counts.sum(axis=1)[:-1, None] + counts.sum(axis=0)[None, :-1] - inside
    return np.divide(inside, unions, out=np.zeros(inside.shape), where=unions > 0), unions


def share_score(share: float, of: int) -> Score:
    """Give a share its 95% interval (Wilson, 1927)."""
    centre = (share + Z**2 / (2 * of)) / (1 + Z**2 / of)
    half = Z * sqrt(share * (1 - share) / of + Z**2 / (4 * of**2)) / (1 + Z**2 / of)
    return Score(share, min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share))


def adjusted_rand(counts: Ints) -> Score:
    """Give the adjusted Rand index (Hubert and Arabie, 1985) with a 95% interval by jackknife over messages.

    Parameters
    ----------
    counts
        (groups, groups): messages by both groupings; two at least in all.
    """
    rows, columns, all_ = counts.sum(axis=1), counts.sum(axis=0), int(counts.sum())
    together, first, second = (float((n * (n - 1) // 2).sum()) for n in (counts, rows, columns))
    value = float(_rand(np.array(together), np.array(first), np.array(second), comb(all_, 2)))
    row, column = np.nonzero(counts)
    size = counts[row, column].astype(np.float64)
    without = _rand(
        together - (size - 1),
        first - (rows[row] - 1.0),
        second - (columns[column] - 1.0),
        comb(all_ - 1, 2),
    )
    mean = float((without * size).sum()) / all_
    error = sqrt((all_ - 1) / all_ * float((size * (without - mean) ** 2).sum()))
    return Score(value, max(value - Z * error, -1.0), min(value + Z * error, 1.0))


def _rand(together: Doubles, first: Doubles, second: Doubles, pairs: int) -> Doubles:
    """Give the index from numbers of pairs: together in both, in the first, in the second, and all."""
    by_chance = first * second / max(pairs, 1)
    most = (first + second) / 2
    apart = most - by_chance
    return np.divide(together - by_chance, apart, out=np.ones_like(apart), where=np.abs(apart) > 1e-12)
