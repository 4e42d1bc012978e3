"""Topics that hold: what many layouts agree on (evidence accumulation, Fred & Jain 2005)."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from themeloom.config import ClusterConfig
from themeloom.discovery.cells import Nearest
from themeloom.discovery.cluster import FEWEST, cluster
from themeloom.errors import CorpusError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Bools, Clusters, Doubles, Floats, Ints

LAYOUTS = 110
"""So many agree, where an experiment does not say it: fewer agree less with others of other seeds."""
MOST = 3_000
"""Topics of more messages are those of one layout, where an experiment does not say it, as many take long."""
COMPARED = 4_000
"""So many messages at most, evenly chosen, are compared with one another to start from."""
TOGETHER = 0.28
"""Messages of a topic lie together in more than this share of the clusterings, on average.

Below a half, as short layouts seldom put the whole of a topic into one cluster. On the corpora of
``benchmarks/stability.py``, 0.36 gives more topics that agree less.
"""
FINER = (0.36, 0.44, 0.52)
"""Shares that are tried where topics would be too few; from higher ones on there are fewer again."""
NEIGHBOURS = 40
"""So many nearest neighbours have as much say on a message's topic as all layouts have."""
SPLITS = 4
"""So many times layouts are divided in two, to see how far topics hang on which of them were drawn."""
_ROUNDS = 100


def clusterings(
    layouts: Floats,
    vectors: Floats,
    config: ClusterConfig,
    progress: Progress = UNWATCHED,
    fewest: int = FEWEST,
) -> list[Clusters]:
    """Find topics in each layout by itself; outliers get a second-best topic in any case.

    Parameters
    ----------
    layouts
        float32, (layouts, communications, components).
    vectors, config, progress, fewest
        As for `cluster`.

    Returns
    -------
    list
        One clustering a layout; none of those in which no topic emerges, as happens with very few messages.

    Raises
    ------
    CorpusError
        If in no layout any topic emerges.
    """
    every = config.model_copy(update={"second_best": True})
    progress.begin(len(layouts), "layouts")
    found, faults = [], []
    with threadpool_limits(1, "blas"):  # each step is so short that threads would mostly wait for one another
        for layout in layouts:
            try:
                found.append(cluster(layout, vectors, every, fewest=fewest))
            except CorpusError as fault:
                faults.append(fault)
            progress.advance()
    if not found:
        raise faults[0]
    return found


def default_layouts(messages: int) -> int:
    """Return of how many layouts topics are the consensus, where an experiment does not say it."""
    return 1 if messages > MOST else LAYOUTS


def consensus(
    found: Sequence[Clusters], vectors: Floats, *, second_best: bool = True, fewest: int = 1
) -> Clusters:
    """Find the topics on which clusterings of the same messages agree best.

    Two messages are alike by the share of clusterings that put them into one topic. Average linkage of these
    shares joins topics as long as their members are together in `TOGETHER` of the clusterings; then every
    message moves to the topic with which its shares exceed that most in sum (constant Potts model; Traag, Van
    Dooren & Nesterov 2011), until none moves. Topics smaller than the smallest allowed are given up. At last
    each message goes where its shares and its nearest neighbours, weighing as much, would have it: short
    layouts are blurred where topics meet.

    Parameters
    ----------
    found
        Clusterings of the same messages, each with second-best topics for outliers.
    vectors
        float32, (communications, dimensions), unit length: where neighbours are sought.
    second_best
        Whether outliers keep their topic.
    fewest
        Where there are fewer topics than this, members have to lie together in more of the clusterings.

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
    together, inside = _plural(rows[placed], vectors[placed], size, fewest)
    shares = _shares(rows[placed], inside)
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
        note=_note(found, together),
        tree=tree,
        layouts=len(found),
    )


def halves(found: Sequence[Clusters], vectors: Floats, seed: int, fewest: int = 1) -> list[Ints]:
    """Find the topics of halves of the clusterings: how far other seeds would give other topics.

    Parameters
    ----------
    found, vectors, fewest
        As for `consensus`; at least two clusterings.
    seed
        Seed of the draw.

    Returns
    -------
    list
        The topics, int64, (communications,), of two halves that share no clustering, `SPLITS` times over. As
        each is made of half as many clusterings, they agree less than two whole ones would.
    """
    random, middle = np.random.default_rng(seed), len(found) // 2
    drawn = [random.permutation(len(found)) for _ in range(SPLITS)]
    parts = [part for order in drawn for part in (order[:middle], order[middle : 2 * middle])]
    return [consensus([found[at] for at in part], vectors, fewest=fewest).topic for part in parts]


def _plural(rows: Ints, vectors: Floats, size: int, fewest: int) -> tuple[float, Ints]:
    """Return the least share that gives topics enough, and these; that of most topics, if none does."""
    tried = []
    for together in (TOGETHER, *FINER):
        topic = _settled(rows, _start(rows, size, together), size, together)
        topic = _among_neighbours(rows, topic, vectors)
        tried.append((together, topic))
        if topic.max(initial=-1) + 1 >= fewest:
            return together, topic
    return max(tried, key=lambda attempt: int(attempt[1].max(initial=-1)))


def _start(rows: Ints, size: int, together: float) -> Ints:
    """Return topics by average linkage, found on an even selection of the rows; -1 for none."""
    from scipy.cluster.hierarchy import average, fcluster
    from scipy.spatial.distance import pdist

    chosen = np.linspace(0, len(rows) - 1, min(COMPARED, len(rows))).astype(np.int64)
    start = np.full(len(rows), -1)
    start[chosen] = 0
    if len(chosen) > 1:
        joined = average(pdist(rows[chosen], "hamming"))
        start[chosen] = fcluster(joined, 1 - together, "distance") - 1
    sizes = np.bincount(start[chosen])
    large = sizes >= min(size * len(chosen) / len(rows), sizes.max())
    return np.where(start >= 0, np.where(large, np.cumsum(large) - 1, -1)[start], -1)


def _settled(rows: Ints, start: Ints, size: int, together: float) -> Ints:
    """Move messages to the topics that they belong to most, and give up topics that are too small."""
    topic = start
    while True:
        topic = _moved(rows, topic, together)
        sizes = np.bincount(topic)
        if sizes.min() >= size or len(sizes) == 1:
            return topic
        least = int(sizes.argmin())
        topic = np.where(topic == least, -1, topic - (topic > least))


def _among_neighbours(rows: Ints, topic: Ints, vectors: Floats) -> Ints:
    """Move each message once to the topic that has most of it and of its neighbours."""
    nearest, similarity = Nearest(vectors).find(vectors, NEIGHBOURS + 1)
    itself = nearest == np.arange(len(nearest))[:, None]
    weight = np.where(itself, 0, np.clip(similarity, 0, None) ** 2)
    votes = np.zeros((len(rows), int(topic.max(initial=0)) + 1))
    np.add.at(votes, (np.arange(len(rows))[:, None], topic[nearest]), weight)
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    moved: Ints = (_shares(rows, topic) + votes / total).argmax(axis=1)
    return np.unique(moved, return_inverse=True)[1].ravel()  # a topic that nobody is left in is gone


def _moved(rows: Ints, topic: Ints, together: float) -> Ints:
    """Move all messages at once, round after round, until none moves or some go to and fro."""
    seen: set[bytes] = set()
    for _ in range(_ROUNDS):
        shares, others = _shares_of_others(rows, topic)
        gain = (shares - together) * others
        # Who gains nowhere would go to the smallest topic: the nearest one is better.
        moved = np.where(gain.max(axis=1) > 0, gain.argmax(axis=1), shares.argmax(axis=1))
        seen.add(topic.tobytes())
        topic = np.unique(moved, return_inverse=True)[1]  # a topic that nobody is left in is gone
        if topic.tobytes() in seen:
            break
    return topic


def _shares_of_others(rows: Ints, topic: Ints) -> tuple[Doubles, Doubles]:
    """Return the mean share with the other members of each topic, and how many these are: (rows, topics)."""
    home, sizes = np.flatnonzero(topic >= 0), np.bincount(topic[topic >= 0]).astype(np.float64)
    others = np.tile(sizes, (len(rows), 1))
    together = _shares(rows, topic) * sizes
    others[home, topic[home]] -= 1
    together[home, topic[home]] -= 1  # a message is always together with itself
    return together / np.maximum(others, 1), others


def _counts(rows: Ints, topic: Ints) -> list[Doubles]:
    """Return for each clustering how many members of each topic lie in each of its own: (own, topics)."""
    known = topic >= 0
    found = []
    for column in rows.T:
        counts = np.zeros((int(column.max()) + 2, int(topic.max()) + 1))  # the last row: without a topic
        np.add.at(counts, (column[known], topic[known]), 1)
        found.append(counts)
    return found


def _shares(rows: Ints, topic: Ints) -> Doubles:
    """Return the mean share of clusterings in which a message lies with a topic's members: (rows, topics)."""
    sizes = np.bincount(topic[topic >= 0])
    found = np.zeros((len(rows), len(sizes)))
    for column, counts in zip(rows.T, _counts(rows, topic), strict=True):
        found += (counts / sizes)[column]
    return np.asarray(found / rows.shape[1])


def _joined(rows: Ints, topic: Ints, membership: Floats) -> tuple[Ints, pl.DataFrame]:
    """Give topics numbers by size, and join them to a tree as HDBSCAN's condensed tree is written."""
    from scipy.cluster.hierarchy import average
    from scipy.spatial.distance import squareform

    topic = _by_size(rows, topic)
    sizes, messages = np.bincount(topic[topic >= 0]), len(topic)
    count = len(sizes)
    together = sum(
        ((counts / sizes).T @ (counts / sizes) for counts in _counts(rows, topic)), np.zeros((count, count))
    )
    apart = 1 - together / rows.shape[1]
    np.fill_diagonal(apart, 0)
    merges = average(squareform(apart, checks=False)) if count > 1 else np.zeros((0, 4))
    # Joints are numbered from the root downwards, then come the topics.
    number = np.r_[messages + count - 1 + np.arange(count), messages + count - 2 - np.arange(count - 1)]
    size = np.r_[sizes, np.zeros(count - 1, dtype=np.int64)]
    edges = []
    for joint, (one, another, height, _) in enumerate(merges, start=count):
        children = [int(one), int(another)]
        edges += [(number[joint], number[child], 1 / max(height, 1e-6), size[child]) for child in children]
        size[joint] = size[children].sum()
    home = np.where(topic >= 0, number[topic], messages)
    points = zip(home, range(messages), 1 / np.maximum(1 - membership, 1e-6), np.ones(messages), strict=True)
    schema = {"parent": pl.Int64, "child": pl.Int64, "lambda": pl.Float64, "size": pl.Int64}
    table = [tuple(map(float, edge)) for edge in [*edges, *points]]
    wide = pl.DataFrame(table, schema=dict.fromkeys(schema, pl.Float64), orient="row")
    return topic, wide.cast(schema)  # type: ignore[arg-type]


def _by_size(rows: Ints, topic: Ints) -> Ints:
    """Give numbers by size, largest first; ties by the first member in canonical order."""
    order = np.lexsort(rows.T)
    found, first, sizes = np.unique(topic[order], return_index=True, return_counts=True)
    kept = found >= 0
    ranked = found[kept][np.lexsort((first[kept], -sizes[kept]))]
    number = np.full(int(topic.max()) + 2, -1)  # the last one: without a topic
    number[ranked] = np.arange(len(ranked))
    return number[topic]


def _note(found: Sequence[Clusters], together: float) -> str:
    mended = sum(bool(clusters.note) for clusters in found)
    notes = []
    if 2 * mended >= len(found):
        notes.append(f"In {mended} of {len(found)} layouts the default clustering collapsed and was mended.")
    if together > TOGETHER:
        notes.append(
            f"Messages of a topic lie together in more than {together:.2f} of the layouts, "
            f"as with {TOGETHER:.2f} there would have been too few topics."
        )
    return " ".join(notes)
