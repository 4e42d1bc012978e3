"""Topics that borrow labels from their neighbours in the tree, and from the codebook's texts.

Each node of the tree has shares of themes of its own, Dirichlet-distributed about those of its parent, and
labels are drawn from the shares of their topic. Exact inference has no closed form; here means pass along
the tree. Upwards, n labels below a node count for n (1 + k) / (n + k) at its parent, as over-dispersed draws
do (k: strength, in labels). Downwards, a node's prior mean is its parent's posterior mean by all labels but
its own.
"""

from itertools import product

import numpy as np
from scipy.special import gammaln

from themeloom.records import Doubles, Ints

TREE = (1.0, 3.0, 10.0, 30.0, 1e9)
"""Strengths of joints, in labels: the last one makes the tree flat."""
TOPIC = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Strengths of topics, in labels."""
TILT = (0.0, 0.25, 0.5, 1.0, 1.5)
"""Powers of the codebook's evidence: at 0 it says nothing, at 1 it is taken at its word."""
FAINTEST = -12.0
"""Evidence on the least likely themes, against the likeliest: nothing is impossible."""
SMOOTHING = 1.0
"""Labels added to those of each theme, where it is asked how common themes are: Laplace's rule."""
_JOINT, _LEAF = np.array(list(product(TREE, TOPIC))).T


def hierarchical_posterior(
    topic: Ints, theme: Ints, parents: Ints, similarity: Doubles, topics: int
) -> Doubles:
    """Give topics their themes by their own labels, those of their neighbours and the codebook's texts.

    Parameters
    ----------
    topic
        (labels,): topics of labelled messages; those with -1 tell how common themes are, and no more.
    theme
        (labels,): their labels; those with -1 carry no evidence.
    parents
        (nodes,): the tree of topics, the first nodes, which have no children; -1 above a root.
    similarity
        (topics, themes): log-probability of each theme by the codebook's texts, up to a constant a topic;
        rows of zeros where they say nothing.
    topics
        Number of topics.

    Returns
    -------
    Doubles
        (topics, themes): posterior means; rows sum to 1. A topic without labels has the mean of its parent,
        tilted by its similarity; a root that of all labels and one more of each theme.

    Notes
    -----
    Strengths and the tilt come from the labels by empirical Bayes: at each point of a grid, the labels of
    each topic are predicted from those of all others (Dirichlet-multinomial evidence: Minka 2000, 'Estimating
    a Dirichlet distribution'). The posterior is the mean over the grid, weighted by this evidence: with many
    labels that is its maximum, and with few it does not take one good guess for certain.
    """
    themes = similarity.shape[1]
    labels, base = _counts(topic, theme, topics, themes)
    tilts = _tilts(similarity)
    borrowed = _borrowed(labels, parents, topics)
    weights = _weights(labels, base, borrowed, tilts)
    prior = borrowed + (1 - borrowed.sum(axis=2, keepdims=True)) * base / base.sum()
    normal = np.einsum("tgk,btk->tgb", prior, tilts)
    strength = _LEAF[:, None] * weights / (labels.sum(axis=1)[:, None, None] + _LEAF[:, None])
    borrowing = np.einsum("tgk,tgb,btk->tk", prior, strength / normal, tilts, optimize=True)
    own = (weights.sum(axis=1) / (labels.sum(axis=1)[:, None] + _LEAF)).sum(axis=1)
    return np.asarray(labels * own[:, None] + borrowing)


def _counts(topic: Ints, theme: Ints, topics: int, themes: int) -> tuple[Doubles, Doubles]:
    """Return labels by topic and theme, and those of all, inside topics or not, smoothed."""
    known = theme >= 0
    inside = known & (topic >= 0)
    cell = topic[inside] * themes + theme[inside]
    labels = np.bincount(cell, minlength=topics * themes).reshape(topics, themes).astype(np.float64)
    base = np.bincount(theme[known], minlength=themes).astype(np.float64)
    return labels, base + SMOOTHING


def _tilts(similarity: Doubles) -> Doubles:
    """Return what the codebook's texts multiply shares by: (tilts, topics, themes)."""
    evidence = similarity - similarity.max(axis=1, keepdims=True)
    return np.asarray(np.exp(np.array(TILT)[:, None, None] * np.maximum(evidence, FAINTEST)))


def _borrowed(labels: Doubles, parents: Ints, topics: int) -> Doubles:
    """Return what the labels of other topics contribute to each topic's prior mean.

    Returns
    -------
    Doubles
        (topics, strengths, themes): what is missing to a sum of 1 is the weight of all labels' shares.
    """
    levels = _levels(parents)
    size = (len(parents), len(_JOINT), labels.shape[1])
    below, told, mean = np.zeros(size), np.zeros(size), np.zeros(size)
    below[:topics] = labels[:, None]
    strength = np.where(np.arange(len(parents))[:, None] < topics, _LEAF, _JOINT)[:, :, None]
    for nodes in reversed(levels[1:]):
        count = below[nodes].sum(axis=2, keepdims=True)
        told[nodes] = below[nodes] * ((1 + strength[nodes]) / (count + strength[nodes]))
        np.add.at(below, parents[nodes], told[nodes])
    for nodes in levels[1:]:
        above = parents[nodes]
        others = np.maximum(below[above] - told[nodes], 0)
        prior = _JOINT[:, None]
        mean[nodes] = (others + prior * mean[above]) / (others.sum(axis=2, keepdims=True) + prior)
    return mean[:topics]


def _levels(parents: Ints) -> list[Ints]:
    """Return the nodes by their distance from the root."""
    depth, node = np.zeros(len(parents), dtype=np.int64), parents
    while (node >= 0).any():
        depth += node >= 0
        node = np.where(node >= 0, parents[node], -1)
    return [np.flatnonzero(depth == level) for level in range(int(depth.max(initial=0)) + 1)]


def _weights(labels: Doubles, base: Doubles, borrowed: Doubles, tilts: Doubles) -> Doubles:
    """Return the evidence for each pair of strengths and tilt, (strengths, tilts); sums to 1."""
    known = np.flatnonzero(labels.any(axis=1))
    labels, borrowed, tilts = labels[known], borrowed[known], tilts[:, known]
    others = base - labels  # not even how common themes are comes from the topic's own labels
    others /= others.sum(axis=1, keepdims=True)
    prior = borrowed + (1 - borrowed.sum(axis=2, keepdims=True)) * others[:, None]
    normal = np.einsum("tgk,btk->tgb", prior, tilts)
    row, column = np.nonzero(labels)
    share = prior[row, :, column][:, :, None] * tilts[:, row, column].T[:, None] / normal[row]
    alpha, count = _LEAF[:, None] * share, labels[row, column][:, None, None]
    log = (gammaln(alpha + count) - gammaln(alpha)).sum(axis=0)
    total = labels.sum(axis=1)[:, None]
    log += (gammaln(_LEAF) - gammaln(_LEAF + total)).sum(axis=0)[:, None]
    weights = np.exp(log - log.max())
    return np.asarray(weights / weights.sum())
