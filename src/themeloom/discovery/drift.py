"""Whether new messages are like those that topics were found in: drift, and messages that fit nowhere."""

from dataclasses import dataclass

import numpy as np

from themeloom.records import Bools, Doubles, Floats, Ints
from themeloom.scored import Score

NEIGHBOURS = 10
LARGEST = 2_000
"""Messages of either side that the test of drift compares; of more, so many are drawn."""
PERMUTATIONS = 999
MISFIT = 0.05
"""Share of the model's own messages that lie farther from the others than what is called a misfit."""
Z = 1.959963984540054
_CHUNK = 2_048
_PAIRED = 200


@dataclass(frozen=True, slots=True)
class Fit:
    """How far messages lie from those of a model."""

    distance: Doubles  # (messages,): mean cosine distance to the nearest of the model's
    p: Doubles  # (messages,): conformal p-value: how rare such a distance is among the model's own
    misfits: Bools  # (messages,): p is MISFIT or less
    p_misfits: float  # that so many are misfits by chance alone
    share: Score  # of misfits


def two_samples(old: Floats, new: Floats, seed: int, permutations: int = PERMUTATIONS) -> tuple[float, float]:
    """Test whether two samples come from one distribution, by their kernel mean embeddings.

    Maximum mean discrepancy (Gretton et al. 2012, A kernel two-sample test, JMLR 13) with a Gaussian kernel
    whose bandwidth is the median distance of all pairs; its p-value is by permutation, and so is exact: 5% of
    tests of samples that do not differ are below 0.05, whatever the distribution.

    Parameters
    ----------
    old, new
        float32, (messages, dimensions). Of more than `LARGEST`, so many are drawn.
    seed
        Seed of draws and permutations.
    permutations
        How many.

    Returns
    -------
    discrepancy
        Squared maximum mean discrepancy (biased estimate): from 0 (the same) to 2.
    p
        At least 1 / (permutations + 1).
    """
    rng = np.random.default_rng(seed)
    first, second = _drawn(old, rng), _drawn(new, rng)
    kernel = _gaussian(np.concatenate([first, second]))
    sizes = len(first), len(second)
    weight = np.concatenate([np.full(sizes[0], 1 / sizes[0]), np.full(sizes[1], -1 / sizes[1])])
    signed = np.stack([weight, *(rng.permutation(weight) for _ in range(permutations))], axis=1)
    found = np.einsum("ij,ij->j", signed, kernel @ signed)
    as_far = int((found[1:] >= found[0] - 1e-12).sum())
    return float(max(found[0], 0.0)), (as_far + 1) / (permutations + 1)


def fit_of(new: Floats, members: Floats, seed: int) -> Fit:
    """Tell which messages lie farther from a model's than its own lie from each other.

    Conformal p-values (Bates et al. 2023, Testing for outliers with conformal p-values, Annals of Statistics
    51): the rank of a message's distance to its nearest members among those of the members themselves, each
    left out in turn. The number of misfits among messages that do not differ is then beta-binomial.

    Parameters
    ----------
    new
        float32, (messages, dimensions), unit length.
    members
        float32, (members, dimensions), unit length: the model's own.
    seed
        Of the draw of members whose distances are compared with.
    """
    from scipy.stats import betabinom

    chosen = np.sort(np.random.default_rng(seed).permutation(len(members))[:LARGEST])
    known = np.sort(nearness(members[chosen], members, own=chosen))
    distance = nearness(new, members)
    farther = len(known) - np.searchsorted(known, distance, side="left")
    p = (farther + 1) / (len(known) + 1)
    misfits = p <= MISFIT
    rank = int(MISFIT * (len(known) + 1))
    chance = betabinom(len(new), rank, len(known) + 1 - rank) if rank else None
    p_misfits = float(chance.sf(misfits.sum() - 1)) if chance is not None else 1.0
    return Fit(distance, p, misfits, p_misfits, share_of(int(misfits.sum()), len(new)))


def nearness(vectors: Floats, members: Floats, own: Ints | None = None) -> Doubles:
    """Return the mean cosine distance of vectors to their nearest members, (messages,).

    Parameters
    ----------
    vectors, members
        float32, unit length.
    own
        (messages,): which member each is, so that it is not its own neighbour.
    """
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), _CHUNK):
        part = slice(start, start + _CHUNK)
        similarity = vectors[part] @ members.T
        if own is not None:
            similarity[np.arange(len(similarity)), own[part]] = -np.inf
        k = min(NEIGHBOURS, len(members) - (own is not None))
        found[part] = 1 - np.partition(similarity, -k, axis=1)[:, -k:].mean(axis=1)
    return found


def share_of(count: int, total: int) -> Score:
    """Return a share with its 95% interval (Wilson 1927)."""
    share, z2 = count / total, Z * Z
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z * np.sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return Score(share, float(max(centre - half, 0.0)), float(min(centre + half, 1.0)))


def difference(new: Score, old: Score) -> Score:
    """Return the difference of two independent shares with its 95% interval.

    From the two Wilson intervals (Newcombe 1998, Statistics in Medicine 17:873, method 10).
    """
    value = new.value - old.value
    low = value - np.hypot(new.value - new.low, old.high - old.value)
    high = value + np.hypot(new.high - new.value, old.value - old.low)
    return Score(value, float(low), float(high))


def new_groups(vectors: Floats, members: Floats, topic: Ints, smallest: int) -> Ints:
    """Find groups among messages that fit nowhere, as close as a topic's messages are to each other.

    Average linkage (Sokal and Michener 1958) by cosine distance, cut where three quarters of the pairs of
    messages of one topic of the model are closer (the median over its topics).

    Parameters
    ----------
    vectors
        float32, (messages, dimensions), unit length: the misfits.
    members, topic
        The model's own vectors, and their topics (-1 where none).
    smallest
        Messages that make a group.

    Returns
    -------
    Ints
        int64, (messages,): 0, 1, … largest group first; -1 where none.
    """
    from sklearn.cluster import AgglomerativeClustering

    found = np.full(len(vectors), -1, dtype=np.int64)
    if len(vectors) < max(smallest, 2):
        return found
    wide = float(np.median([_spread(members[topic == one]) for one in range(int(topic.max(initial=0)) + 1)]))
    model = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=wide
    )
    group = model.fit(vectors).labels_
    sizes = np.bincount(group)
    large = [one for one in np.argsort(-sizes, kind="stable") if sizes[one] >= smallest]
    for number, one in enumerate(large):
        found[group == one] = number
    return found


def _spread(vectors: Floats) -> float:
    """Return the cosine distance within which three quarters of the pairs of messages lie."""
    some = vectors[:: max(1, len(vectors) // _PAIRED)]
    if len(some) < 2:
        return 0.0
    return float(np.quantile(1 - (some @ some.T)[np.triu_indices(len(some), 1)], 0.75))


def _drawn(vectors: Floats, rng: np.random.Generator) -> Floats:
    return vectors if len(vectors) <= LARGEST else vectors[rng.permutation(len(vectors))[:LARGEST]]


def _gaussian(vectors: Floats) -> Doubles:
    norms = np.square(vectors).sum(axis=1, dtype=np.float64)
    squared = np.maximum(norms[:, None] + norms - 2 * (vectors @ vectors.T).astype(np.float64), 0)
    width = float(np.median(squared[np.triu_indices(len(squared), 1)])) or 1.0
    return np.asarray(np.exp(-squared / width))
