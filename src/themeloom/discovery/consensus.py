"""Topics that hold: what many layouts agree on (evidence accumulation, Fred & Jain 2005)."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.together import Together
from themeloom.records import Bools, Clusters, Doubles, Floats, Ints

LAYOUTS = 90
"""So many agree on the topics of few messages, where an experiment does not say it."""
_A_ROOT = 2_400
"""Of more messages they are fewer, as the square root of these grows: each agrees better with others."""
MOST = 20_000
"""Topics in more messages are those of one layout, where an experiment does not say it, as many take long.

By default there are never so many, as topics of a large corpus are found in a sample (``discover.sample``).
"""
COMPARED = 3_000
"""So many messages at most, evenly chosen, are compared with one another to start from."""
ALIKE = 0.24
"""Messages of a topic are alike by more than this, on average, as `Together` has it.

Far below 1, as short layouts seldom put the whole of a topic into one cluster. On the corpora of
``benchmarks/stability.py``, 0.32 gives more topics that agree less.
"""
FINER = (0.32, 0.40, 0.48)
"""What is tried where topics would be too few; from more on there are fewer again."""
SPLITS = 4
"""So many times layouts are divided in two, to see how far topics hang on which of them were drawn."""
_ROUNDS = 100
_PASSES = 3  # in each, neighbours have a say by where they lie after the last


def default_layouts(messages: int) -> int:
    """Return of how many layouts topics are the consensus, where an experiment does not say it."""
    return 1 if messages > MOST else min(LAYOUTS, round(_A_ROOT / math.sqrt(messages)))


def consensus(
    found: Sequence[Clusters], near: Neighbourhood, *, second_best: bool = True, fewest: int = 1
) -> Clusters:
    """Find the topics on which clusterings of the same messages agree best.

    Two messages are alike by the share of clusterings that put them into one topic, where large ones count
    for less (`Together`). Average linkage joins topics as long as their members are alike by `ALIKE`; then
    every message moves to the topic whose members it exceeds that with most in sum (constant Potts model;
    Traag, Van Dooren & Nesterov 2011), until none moves. Topics smaller than the smallest allowed are given
    up. At last each message goes where the clusterings and its nearest neighbours, weighing as much, would
    have it: short layouts are blurred where topics meet.

    Parameters
    ----------
    found
        Clusterings of the same messages, one a layout (`voices`), with second-best topics for outliers.
    near
        The messages' neighbours.
    second_best
        Whether outliers keep their topic.
    fewest
        Where there are fewer topics than this, members have to be more alike.

    Returns
    -------
    Clusters
        Topics numbered by size, largest first; the same for the same rows in any order. Outliers are those
        which half of the clusterings or more call so; a message without a topic in half of them or more has
        none. The membership is the mean share of clusterings in which a message lies with its topic's
        members. In the tree topics are joined by average linkage of these shares.

    Notes
    -----
    A. Fred & A. Jain (2005), Combining multiple clusterings using evidence accumulation, IEEE TPAMI 27.
    V. Traag, P. Van Dooren & Y. Nesterov (2011), Narrow scope for resolution-limit-free community detection,
    Physical Review E 84.
    """
    rows = np.stack([clusters.topic for clusters in found], axis=1)
    order = np.lexsort(rows.T)  # an order of their own; rows that tie are alike
    placed = order[(rows[order] < 0).mean(axis=1) < 0.5]
    size = int(np.median([clusters.min_cluster_size for clusters in found]))
    alike, inside = _plural(Together(rows[placed]), near.among(placed), size, fewest)
    shares = Together(rows[placed], seldom=0).with_topics(inside)
    topic, membership = np.full(len(rows), -1), np.zeros(len(rows), dtype=np.float32)
    topic[placed], membership[placed] = inside, shares[np.arange(len(placed)), inside]
    outlier: Bools = np.mean([clusters.outlier for clusters in found], axis=0) >= 0.5
    topic, tree = _joined(rows, topic, membership)
    if not second_best:
        topic[outlier], membership[outlier] = -1, 0
    return Clusters(
        topic=topic,
        outlier=outlier,
        membership=membership,
        min_cluster_size=size,
        selection=Counter(clusters.selection for clusters in found).most_common(1)[0][0],
        note=_note(found, alike),
        tree=tree,
        layouts=len(found),
    )


def halves(found: Sequence[Clusters], near: Neighbourhood, seed: int, fewest: int = 1) -> list[Ints]:
    """Find the topics of halves of the layouts: how far other seeds would give other topics.

    Parameters
    ----------
    found, near, fewest
        As for `consensus`; at least two layouts.
    seed
        Seed of the draw.

    Returns
    -------
    list
        The topics, int64, (communications,), of two halves that share no layout, `SPLITS` times over. As
        each is made of half as many layouts, they agree less than two whole ones would.
    """
    random, middle = np.random.default_rng(seed), len(found) // 2
    drawn = [random.permutation(len(found)) for _ in range(SPLITS)]
    parts = [part for order in drawn for part in (order[:middle], order[middle : 2 * middle])]
    return [consensus([found[at] for at in part], near, fewest=fewest).topic for part in parts]


def _plural(together: Together, near: tuple[Ints, Doubles], size: int, fewest: int) -> tuple[float, Ints]:
    """Return the least likeness that gives topics enough, and these; that of most topics, if none does."""
    messages, tried = len(together.rows), []
    chosen = np.linspace(0, messages - 1, min(COMPARED, messages)).astype(np.int64)
    joined = _linked(together, chosen)
    for alike in (ALIKE, *FINER):
        start = np.full(messages, -1)
        start[chosen] = _start(joined, alike, size * len(chosen) / messages)
        topic = _among_neighbours(together, _settled(together, start, size, alike), *near)
        tried.append((alike, topic))
        if topic.max(initial=-1) + 1 >= fewest:
            return alike, topic
    return max(tried, key=lambda attempt: int(attempt[1].max(initial=-1)))


def _linked(together: Together, chosen: Ints) -> Doubles:
    """Join some messages by average linkage of how far they are alike, as scipy writes it."""
    from scipy.cluster.hierarchy import average
    from scipy.spatial.distance import squareform

    if len(chosen) < 2:
        return np.zeros((0, 4))
    pairs = squareform(together.of_pairs(chosen), checks=False)
    return np.asarray(average(np.maximum(1 - pairs, 0)))


def _start(joined: Doubles, alike: float, size: float) -> Ints:
    """Return topics of so much likeness, where they are large enough; -1 for none."""
    from scipy.cluster.hierarchy import fcluster

    topic = np.zeros(1, np.int64)
    if len(joined):
        topic = np.asarray(fcluster(joined, 1 - alike, "distance") - 1, dtype=np.int64)
    sizes = np.bincount(topic)
    large = sizes >= min(size, sizes.max())
    return np.where(large, np.cumsum(large) - 1, -1)[topic]


def _settled(together: Together, start: Ints, size: int, alike: float) -> Ints:
    """Move messages to the topics that they belong to most, and give up topics that are too small."""
    topic = start
    while True:
        topic = _moved(together, topic, alike)
        sizes = np.bincount(topic)
        if sizes.min() >= size or len(sizes) == 1:
            return topic
        least = int(sizes.argmin())
        topic = np.where(topic == least, -1, topic - (topic > least))


def _among_neighbours(together: Together, topic: Ints, nearest: Ints, weight: Doubles) -> Ints:
    """Move each message to the topic that has most of it and of its neighbours, a few times over."""
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    for _ in range(_PASSES):
        votes = np.zeros((len(topic), int(topic.max(initial=0)) + 1))
        np.add.at(votes, (np.arange(len(topic))[:, None], topic[nearest]), weight)
        moved: Ints = (together.with_topics(topic) + votes / total).argmax(axis=1)
        topic = np.unique(moved, return_inverse=True)[1].ravel()  # a topic that nobody is left in is gone
    return topic


def _moved(together: Together, topic: Ints, alike: float) -> Ints:
    """Move all messages at once, round after round, until none moves or some go to and fro."""
    seen: set[bytes] = set()
    for _ in range(_ROUNDS):
        found, others = together.with_others(topic)
        gain = (found - alike) * others
        # Who gains nowhere would go to the smallest topic: the nearest one is better.
        moved = np.where(gain.max(axis=1) > 0, gain.argmax(axis=1), found.argmax(axis=1))
        seen.add(topic.tobytes())
        topic = np.unique(moved, return_inverse=True)[1]  # a topic that nobody is left in is gone
        if topic.tobytes() in seen:
            break
    return topic


def _joined(rows: Ints, topic: Ints, membership: Floats) -> tuple[Ints, pl.DataFrame]:
    """Give topics numbers by size, and join them to a tree as HDBSCAN's condensed tree is written."""
    topic = _by_size(rows, topic)
    sizes, messages = np.bincount(topic[topic >= 0]), len(topic)
    count = len(sizes)
    # Joints are numbered from the root downwards, then come the topics.
    number = np.r_[messages + count - 1 + np.arange(count), messages + count - 2 - np.arange(count - 1)]
    edges = [*_edges(_merges(rows, topic, count), sizes, number), *_points(topic, membership, number)]
    schema = {"parent": pl.Int64, "child": pl.Int64, "lambda": pl.Float64, "size": pl.Int64}
    table = [tuple(map(float, edge)) for edge in edges]
    wide = pl.DataFrame(table, schema=dict.fromkeys(schema, pl.Float64), orient="row")
    return topic, wide.cast(schema)  # type: ignore[arg-type]


def _merges(rows: Ints, topic: Ints, count: int) -> Doubles:
    """Join topics by average linkage of how seldom their members lie together, as scipy writes it."""
    from scipy.cluster.hierarchy import average
    from scipy.spatial.distance import squareform

    if count < 2:
        return np.zeros((0, 4))
    shares = Together(rows, seldom=0).with_topics(topic)
    apart = 1 - np.stack([shares[topic == number].mean(axis=0) for number in range(count)])
    np.fill_diagonal(apart, 0)
    return np.asarray(average(squareform(apart, checks=False)))


def _edges(merges: Doubles, sizes: Ints, number: Ints) -> Iterator[tuple[float, ...]]:
    """Give the tree's edges to topics and joints: parent, child, lambda, messages."""
    size = np.r_[sizes, np.zeros(len(merges), dtype=np.int64)]
    for joint, (one, another, height, _) in enumerate(merges, start=len(sizes)):
        children = [int(one), int(another)]
        yield from ((number[joint], number[child], 1 / max(height, 1e-6), size[child]) for child in children)
        size[joint] = size[children].sum()


def _points(topic: Ints, membership: Floats, number: Ints) -> Iterator[tuple[float, ...]]:
    """Give the tree's edges to messages; those without a topic hang on the root."""
    home, height = np.where(topic >= 0, number[topic], len(topic)), np.maximum(1 - membership, 1e-6)
    return zip(home, range(len(topic)), 1 / height, np.ones(len(topic)), strict=True)


def _by_size(rows: Ints, topic: Ints) -> Ints:
    """Give numbers by size, largest first; ties by the first member in canonical order."""
    order = np.lexsort(rows.T)
    found, first, sizes = np.unique(topic[order], return_index=True, return_counts=True)
    kept = found >= 0
    ranked = found[kept][np.lexsort((first[kept], -sizes[kept]))]
    number = np.full(int(topic.max()) + 2, -1)  # the last one: without a topic
    number[ranked] = np.arange(len(ranked))
    return number[topic]


def _note(found: Sequence[Clusters], alike: float) -> str:
    mended = sum(bool(clusters.note) for clusters in found)
    notes = []
    if 2 * mended >= len(found):
        notes.append(f"In {mended} of {len(found)} layouts the default clustering collapsed and was mended.")
    if alike > ALIKE:
        notes.append(
            f"Messages of a topic are alike by more than {alike:.2f}, "
            f"as with {ALIKE:.2f} there would have been too few topics."
        )
    return " ".join(notes)
