"""How good topics are without any label: coherence, diversity, density.

NPMI: Bouma 2009; Lau, Newman & Baldwin 2014. C_v: Röder, Both & Hinneburg 2015. Diversity: Dieng, Ruiz &
Blei 2020. DBCV: Moulavi et al. 2014.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from themeloom.discovery.cluster import density_validity
from themeloom.discovery.words import Split, word_splitter
from themeloom.records import Bools, Doubles, Floats, Ints, Topic, TopicQuality

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Word = tuple[str, ...]
"""What a topic calls a word: one or more tokens."""
Unit = tuple[Collection[int], int]
"""Which words stand together, and how often in a row the same ones do."""
Hit = tuple[int, int, int]
"""First token, last token, word."""

WINDOW = 110
"""Tokens of C_v's sliding window: longer than most short messages, which are one window each."""
EPSILON = 1e-12
"""What Röder, Both & Hinneburg add to joint probabilities, so that the logarithm of none exists."""


def topic_quality(
    texts: Sequence[str],
    topics: tuple[Topic, ...],
    reduced: Floats,
    topic: Ints,
    outlier: Bools,
    frequent_terms: Collection[str] = (),
) -> TopicQuality:
    """Judge topics by their words and by their density.

    Parameters
    ----------
    texts
        The masked messages: the words are counted in them.
    topics
        The topics, whose words are judged.
    reduced
        float32, (communications, components): where topics were sought.
    topic
        int64, (communications,): -1 where none.
    outlier
        bool, (communications,): HDBSCAN noise, which has no part in DBCV.
    frequent_terms
        What topics are not described with.

    Returns
    -------
    TopicQuality
        NaN for topics with fewer than two words that stand in any message, and for a DBCV of fewer than two
        topics. The order of the messages does not matter.

    Notes
    -----
    Coherence is the mean over all pairs of a topic's words, by messages in which both stand (NPMI); or of
    each word's context with the contexts of all together (C_v: one-set segmentation, boolean sliding window,
    cosine of NPMI vectors).
    """
    found = word_quality(texts, topics, word_splitter(frequent_terms))
    density = {
        "dbcv": density_validity(reduced, np.where(outlier, -1, topic)),
        "outliers": _mean(outlier.astype(np.float64)),
    }
    return TopicQuality(found.npmi, found.c_v, found.overall | density)


def word_quality(texts: Sequence[str], topics: Sequence[Topic], split: Split) -> TopicQuality:
    """Judge topics by their words alone, whoever found them.

    Parameters
    ----------
    texts
        The messages in which words are counted.
    topics
        The topics, whose words are judged.
    split
        Splits a message, and a topic's word, into tokens.

    Returns
    -------
    TopicQuality
        Of ``overall``, only ``npmi``, ``c_v`` and ``diversity``.
    """
    words = [tuple(dict.fromkeys(tuple(split(word)) for word in one.words)) for one in topics]
    numbers = {word: i for i, word in enumerate(dict.fromkeys(w for one in words for w in one if w))}
    messages, windows = _counted(texts, numbers, split)
    listed = [np.array([numbers[word] for word in one if word], dtype=np.int64) for one in words]
    npmi = _coherence(messages, len(numbers), listed, _mean_npmi)
    c_v = _coherence(windows, len(numbers), listed, _context_similarity)
    overall = {
        "npmi": _mean(npmi),
        "c_v": _mean(c_v),
        "diversity": len(numbers) / total if (total := sum(map(len, listed))) else math.nan,
    }
    return TopicQuality(npmi, c_v, overall)


def _mean(values: Doubles) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _counted(
    texts: Sequence[str], numbers: Mapping[Word, int], split: Split
) -> tuple[list[Unit], list[Unit]]:
    """Return what words stand together in messages, and in windows."""
    longest = max(map(len, numbers), default=0)
    messages: list[Unit] = []
    windows: list[Unit] = []
    for text in texts:
        tokens = split(text)
        hits = _hits(tokens, numbers, longest)
        messages.append(({word for *_, word in hits}, 1))
        windows.extend(_windows(hits, len(tokens)) if len(tokens) > WINDOW else messages[-1:])
    return messages, windows


def _hits(tokens: list[str], numbers: Mapping[Word, int], longest: int) -> list[Hit]:
    return [
        (first, first + length - 1, numbers[word])
        for length in range(1, longest + 1)
        for first, word in enumerate(zip(*(tokens[i:] for i in range(length)), strict=False))
        if word in numbers
    ]


def _windows(hits: list[Hit], tokens: int) -> Iterator[Unit]:
    """Yield windows one token apart, those in a row that hold the same words as one."""
    beyond = tokens - WINDOW + 1  # where no window starts any more
    changes: defaultdict[int, list[tuple[int, int]]] = defaultdict(list, {0: [], beyond: []})
    for first, last, word in hits:
        changes[max(0, last - WINDOW + 1)].append((word, 1))
        changes[min(first + 1, beyond)].append((word, -1))
    held: Counter[int] = Counter()
    for edge, following in pairwise(sorted(changes)):
        for word, step in changes[edge]:
            held[word] += step
            if not held[word]:
                del held[word]
        yield tuple(held), following - edge


def _coherence(
    units: list[Unit], words: int, topics: list[Ints], measure: Callable[[Doubles], float]
) -> Doubles:
    """Measure each topic by the probabilities that two of its words stand together, (topics,)."""
    together = _together(units, words)
    diagonal = together.diagonal()
    countable = [one[diagonal[one] > 0] for one in topics]
    return np.array(
        [measure(together[one][:, one].toarray()) if len(one) > 1 else math.nan for one in countable],
        dtype=np.float64,
    )


def _together(units: list[Unit], words: int) -> "csr_array":
    """Return the share of units in which two words stand, (words, words); a word's own on the diagonal."""
    from scipy.sparse import csr_array

    weights = np.array([weight for _, weight in units], dtype=np.float64)
    sizes = [len(found) for found, _ in units]
    row = np.repeat(np.arange(len(units)), sizes)
    column = np.fromiter((word for found, _ in units for word in found), dtype=np.int64, count=len(row))
    present = csr_array((np.ones(len(row)), (row, column)), shape=(len(units), words))
    weighted = csr_array((weights[row], (row, column)), shape=(len(units), words))
    return csr_array(present.T @ weighted) / max(weights.sum(), 1.0)


def _npmi(together: Doubles, epsilon: float) -> Doubles:
    """Return normalised pointwise mutual information, from -1 (never together) to 1 (never apart)."""
    alone = np.diagonal(together)
    joint = together + epsilon
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(joint / np.outer(alone, alone)) / -np.log(joint)
    value = np.where(joint > 0, value, -1.0)
    return np.clip(np.where(together < 1, value, 1.0), -1.0, 1.0)


def _mean_npmi(together: Doubles) -> float:
    return float(_npmi(together, 0.0)[np.triu_indices(len(together), 1)].mean())


def _context_similarity(together: Doubles) -> float:
    """Return the mean cosine of each word's vector of NPMIs and the sum of these vectors."""
    contexts = _npmi(together, EPSILON)
    whole = contexts.sum(axis=0)
    size = np.linalg.norm(contexts, axis=1) * np.linalg.norm(whole)
    return float(
        np.divide(contexts @ whole, size, out=np.zeros_like(size), where=size > 0).mean().clip(-1, 1)
    )
