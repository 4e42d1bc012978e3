"""The tree of topics: HDBSCAN's condensed tree without what joins nothing."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups import grouped
from themeloom.config import ClusterConfig
from themeloom.discovery.cluster import cluster
from themeloom.discovery.hierarchy import topic_tree
from themeloom.records import Clusters


def clustered(topic, edges, outlier=()):
    """Clusters of so many messages with the tree given as (parent, child) pairs."""
    tree = pl.DataFrame(edges, schema={"parent": pl.Int64, "child": pl.Int64}, orient="row")
    noise = np.isin(np.arange(len(topic)), outlier)
    topic = np.array(topic, dtype=np.int64)
    return Clusters(topic, noise, np.ones(len(topic), dtype=np.float32), 2, "eom", "", tree)


def nested(seed=1, each=60):
    """Two far-away halves of four groups each, which excess of mass takes for two topics; and the half."""
    rng = np.random.default_rng(seed)
    centres = np.vstack([rng.normal(size=(4, 6)) + offset for offset in (0, 60)]) * 2
    rows = (np.repeat(centres, each, axis=0) + rng.normal(size=(8 * each, 6)) * 0.9).astype(np.float32)
    return rows, np.repeat([0, 1], 4 * each)


def found(rows, **settings):
    vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return cluster(rows, vectors, ClusterConfig(**settings))


def check(parents, topics):
    """What holds of every tree of topics."""
    assert parents.dtype == np.int64
    assert (parents == -1).sum() == 1
    joins = np.bincount(parents[parents >= 0], minlength=len(parents))
    assert (joins[:topics] == 0).all()
    assert (joins[topics:] >= 2).all()
    inner = np.arange(topics, len(parents))
    assert (parents[inner] < inner).all()


def below(parents, node):
    """The topics below a node."""
    children = np.flatnonzero(parents == node)
    return {node} if not len(children) else set().union(*(below(parents, child) for child in children))


def test_a_small_tree_by_hand():
    # 8 ─┬─ 9 ─┬─ 11: topic 1        12 joins nothing but topic 2; 13 is noise; 10 stays, as it joins two.
    #    │     └─ 12 ─┬─ 14: topic 2
    #    │            └─ 13
    #    └─ 10: topic 0
    edges = [(8, 9), (8, 10), (9, 11), (9, 12), (12, 13), (12, 14)]
    edges += [(10, 0), (10, 1), (10, 2), (11, 3), (11, 4), (14, 5), (14, 6), (13, 7)]
    clusters = clustered([0, 0, 0, 1, 1, 2, 2, 0], edges, outlier=[7])
    assert topic_tree(clusters).tolist() == [3, 4, 4, -1, 3]


def test_topics_lie_where_their_members_are():
    rows, half = nested()
    clusters = found(rows)
    assert "mended" in clusters.note
    parents = topic_tree(clusters)
    check(parents, clusters.count)
    sides = {topic: set(half[clusters.topic == topic]) for topic in range(clusters.count)}
    assert all(len(side) == 1 for side in sides.values())
    halves = [below(parents, child) for child in np.flatnonzero(parents == clusters.count)]
    assert len(halves) == 2
    assert all(len(set().union(*(sides[topic] for topic in topics))) == 1 for topics in halves)


@pytest.mark.parametrize("selection", ["auto", "eom", "leaf"])
def test_rows_can_come_in_any_order(selection):
    rows, _ = nested()
    clusters = found(rows, selection=selection)
    parents = topic_tree(clusters)
    check(parents, clusters.count)
    order = np.random.default_rng(3).permutation(len(rows))
    assert topic_tree(found(rows[order], selection=selection)).tolist() == parents.tolist()


def test_outliers_with_a_second_best_topic_change_nothing():
    vectors, _ = grouped(8, 30, noise=40)
    rows = np.ascontiguousarray(vectors[:, :6] * 10)
    filled, strict = (
        cluster(rows, vectors, ClusterConfig(second_best=second_best)) for second_best in (True, False)
    )
    assert filled.outlier.any()
    # Second-best members count in sizes and so in numbers: the same topics by their first core member.
    first = [
        [np.flatnonzero((c.topic == t) & ~c.outlier)[0] for t in range(c.count)] for c in (filled, strict)
    ]
    name = [first[0].index(place) for place in first[1]]
    name += range(filled.count, len(topic_tree(filled)))
    parents = topic_tree(strict)
    expected = np.full(len(parents), -1)
    expected[name] = parents
    assert topic_tree(filled).tolist() == expected.tolist()


def test_the_only_topic_is_the_root():
    inside = clustered([0, 0, -1], [(3, 4), (4, 0), (4, 1), (3, 2)], outlier=[2])
    itself = clustered([0, 0, 0], [(3, 0), (3, 1), (3, 2)])
    assert topic_tree(inside).tolist() == topic_tree(itself).tolist() == [-1]


def test_a_topic_that_holds_another_is_its_sibling():
    # Topic 0's members lie in both halves, so that it is the root itself.
    edges = [(6, 7), (6, 8), (7, 0), (7, 1), (8, 2), (8, 3), (8, 4), (8, 5)]
    assert topic_tree(clustered([0, 1, 0, 2, 2, 2], edges)).tolist() == [3, 3, 3, -1]


def test_without_a_tree_or_core_members_topics_hang_at_the_root():
    assert topic_tree(clustered([0, 1, 2], [])).tolist() == [3, 3, 3, -1]
    assert topic_tree(clustered([], [])).tolist() == []
    edges = [(4, 5), (4, 6), (5, 0), (5, 1), (6, 2), (6, 3)]
    assert topic_tree(clustered([0, 0, 1, 1], edges, outlier=[2, 3])).tolist() == [2, 2, -1]


@given(st.integers(0, 10_000))
def test_any_binary_tree_keeps_who_is_nearest(seed):
    """Leaves of a random tree are topics: joints are the tree's own, whatever else hangs there."""
    rng = np.random.default_rng(seed)
    above, leaves = {0: -1}, [0]
    for _ in range(int(rng.integers(1, 8))):
        split = leaves.pop(int(rng.integers(len(leaves))))
        new = [len(above), len(above) + 1]
        above |= dict.fromkeys(new, split)
        leaves += new
    kept = [leaf for leaf in leaves if rng.random() < 0.7] or leaves[:1]
    messages = 2 * len(leaves)
    topic = [kept.index(leaf) if leaf in kept else -1 for leaf in leaves for _ in range(2)]
    edges = [(messages + parent, messages + node) for node, parent in above.items() if parent >= 0]
    edges += [(messages + leaf, 2 * place + k) for place, leaf in enumerate(leaves) for k in range(2)]
    parents = topic_tree(clustered(topic, edges, outlier=np.flatnonzero(np.array(topic) < 0)))
    check(parents, len(kept))

    def groups(above, names):
        paths = {name: set() for name in names}
        for name, path in paths.items():
            node = name
            while node >= 0:
                path.add(node)
                node = above[node]
        nodes = set().union(*paths.values())
        return {frozenset(names[name] for name in names if node in paths[name]) for node in nodes}

    own = groups(dict(enumerate(parents.tolist())), dict(zip(range(len(kept)), kept, strict=True)))
    assert own == groups(above, dict(zip(kept, kept, strict=True)))
