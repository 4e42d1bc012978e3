"""Which topics are near each other: a tree that joins the nearest first."""

import numpy as np

from themeloom.records import Doubles, RunRecord
from themeloom.reporting.contents import Merge

_ROWS = 65_536  # communications whose vectors are held twice at a time


def merges(record: RunRecord) -> tuple[Merge, ...]:
    """Join topics by the cosine distance of their mean vectors (average linkage), nearest first.

    Parameters
    ----------
    record
        The run, with T topics.

    Returns
    -------
    tuple of Merge
        T - 1 of them. Nodes below T are topics; the merge at place i makes node T + i.
    """
    from scipy.cluster.hierarchy import linkage

    count = len(record.discovery.topics)
    if count < 2:
        return ()
    joined = linkage(_means(record, count), method="average", metric="cosine")
    return tuple(
        Merge(int(first), int(second), max(float(distance), 0.0)) for first, second, distance, _ in joined
    )


def leaves(joined: tuple[Merge, ...]) -> list[int]:
    """Order topics so that the branches of the tree do not cross."""
    if not joined:
        return []
    count, order, waiting = len(joined) + 1, list[int](), [2 * len(joined)]
    while waiting:
        node = waiting.pop()
        if node < count:
            order.append(node)
        else:
            merge = joined[node - count]
            waiting += [merge.second, merge.first]
    return order


def _means(record: RunRecord, count: int) -> Doubles:
    topic, vectors = record.discovery.clusters.topic, record.discovery.embeddings.vectors
    inside = np.flatnonzero(topic >= 0)
    sums = np.zeros((count, vectors.shape[1]))
    for start in range(0, len(inside), _ROWS):
        some = inside[start : start + _ROWS]
        some = some[np.argsort(topic[some], kind="stable")]
        own, begins = np.unique(topic[some], return_index=True)
        sums[own] += np.add.reduceat(vectors[some].astype(np.float64), begins)
    return sums / np.maximum(np.bincount(topic[inside], minlength=count), 1)[:, None]
