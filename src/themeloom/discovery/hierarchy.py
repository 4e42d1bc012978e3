"""How topics lie within each other: HDBSCAN's condensed tree, reduced to the topics and what joins them."""

from collections import defaultdict

import numpy as np

from themeloom.records import Clusters, Ints


def topic_tree(clusters: Clusters) -> Ints:
    """Return the tree of topics, as the parent of each of its nodes.

    A topic hangs where the smallest cluster of the condensed tree lies that holds all its members but the
    outliers. Clusters above a single topic or a single other cluster join nothing and are left out.

    Parameters
    ----------
    clusters
        Topics and HDBSCAN's condensed tree, in which communications have their positions as numbers.

    Returns
    -------
    Ints
        int64, (nodes,): nodes below `clusters.count` are the topics, which have no children; the others are
        what joins two or more of them, each after its own parent. The root has -1: the first node after the
        topics, or the topic where there is but one. The same for the same rows in any order.
    """
    above, home = _condensed(clusters)
    below: defaultdict[int, list[int]] = defaultdict(list)
    for topic in range(clusters.count):
        below[_smallest_around(_core(clusters, topic), above, home)].append(topic)
    for node in sorted(above, reverse=True):  # HDBSCAN numbers clusters from the root downwards
        children = below.get(node, [])
        if children and above[node] >= 0:
            below[above[node]].append(children[0] if len(children) == 1 else node)
    joints = sorted(node for node, children in below.items() if len(children) > 1)
    number = {node: clusters.count + place for place, node in enumerate(joints)}
    parents = np.full(clusters.count + len(joints), -1, dtype=np.int64)
    for node in joints:
        for child in below[node]:
            parents[number.get(child, child)] = number[node]
    return parents


def fitted(clusters: Clusters) -> Ints:
    """Return the positions of the communications in which topics were found, ascending: those in the tree."""
    child = clusters.tree["child"].to_numpy()
    inside = np.sort(child[child < len(clusters.topic)])
    return inside if len(inside) else np.arange(len(clusters.topic))


def _condensed(clusters: Clusters) -> tuple[dict[int, int], Ints]:
    """Return the cluster above each cluster, -1 above the root, and the cluster each point falls out of.

    Points that are not in the tree, as topics were found in a sample, have none: -1.
    """
    messages = len(clusters.topic)
    parent, child = clusters.tree["parent"].to_numpy(), clusters.tree["child"].to_numpy()
    root = int(parent.min(initial=messages)) if len(parent) else messages
    inner = child >= messages
    above = {root: -1} | dict(zip(child[inner].tolist(), parent[inner].tolist(), strict=True))
    home = np.full(messages, -1, dtype=np.int64)
    home[child[~inner]] = parent[~inner]
    return above, home


def _core(clusters: Clusters, topic: int) -> Ints:
    """Return the positions of a topic's members: without outliers, unless there are no others."""
    members = clusters.topic == topic
    core = members & ~clusters.outlier
    return np.flatnonzero(core if core.any() else members)


def _smallest_around(members: Ints, above: dict[int, int], home: Ints) -> int:
    """Return the smallest cluster that holds all members; the root where there are none."""
    nodes = set(home[members].tolist()) - {-1} or {min(above)}
    while len(nodes) > 1:
        # Numbers grow downwards: the highest holds none of the others, and gives way to what holds it.
        lowest = max(nodes)
        nodes.remove(lowest)
        nodes.add(above[lowest])
    return int(nodes.pop())
