"""HDBSCAN, with defaults from the corpus size and the mending of collapsed clusterings."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hdbscan.validity import validity_index
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from groups import grouped
from themeloom.config import ClusterConfig
from themeloom.discovery import cluster as module
from themeloom.discovery.cluster import cluster, default_size, dense_regions, density_validity
from themeloom.discovery.hierarchy import topic_tree
from themeloom.errors import CorpusError


def plain(vectors):
    """A layout that is the first few dimensions: HDBSCAN's own part is tested here, not UMAP's."""
    return np.ascontiguousarray(vectors[:, :6] * 10)


def test_known_groups_are_found(vectors_and_groups):
    vectors, group = vectors_and_groups
    clusters = cluster(plain(vectors), vectors, ClusterConfig())
    core = group >= 0
    assert clusters.count == 8
    assert adjusted_rand_score(group[core], clusters.topic[core]) > 0.95
    assert clusters.note == ""
    assert clusters.tree.columns == ["parent", "child", "lambda", "size"]


def test_fewer_topics_than_asked_for_are_mended():
    rng = np.random.default_rng(0)
    vectors, group = grouped(8, 60, spread=0.1)
    parts = np.repeat(rng.normal(size=(32, 6)), 15, axis=0)  # each group in four parts
    layout = (plain(vectors) + 0.8 * parts + 0.05 * rng.normal(size=parts.shape)).astype(np.float32)
    few = cluster(layout, vectors, ClusterConfig(min_cluster_size=40))
    config = ClusterConfig()
    more = cluster(layout, vectors, config, fewest=16)
    assert few.count < 16 <= more.count
    assert len(group) == len(more.topic)


def test_topics_are_numbered_by_size_and_rows_can_come_in_any_order(vectors_and_groups):
    vectors, _ = vectors_and_groups
    clusters = cluster(plain(vectors), vectors, ClusterConfig())
    sizes = np.bincount(clusters.topic[clusters.topic >= 0])
    assert (np.diff(sizes) <= 0).all()
    order = np.random.default_rng(7).permutation(len(vectors))
    again = cluster(plain(vectors)[order], vectors[order], ClusterConfig())
    assert np.array_equal(clusters.topic[order], again.topic)
    assert np.array_equal(clusters.outlier[order], again.outlier)
    assert np.allclose(clusters.membership[order], again.membership)


def test_outliers_keep_their_flag_and_get_a_second_best_topic():
    vectors, group = grouped(6, 30, noise=0)
    between = vectors[group == 0].mean(axis=0) + 0.9 * vectors[group == 1].mean(axis=0)
    vectors = np.vstack([vectors, between / np.linalg.norm(between)]).astype(np.float32)
    reduced = np.vstack([plain(vectors[:-1]), np.full((1, 6), 500)]).astype(np.float32)
    clusters = cluster(reduced, vectors, ClusterConfig())
    assert clusters.outlier[-1]
    assert clusters.topic[-1] in {clusters.topic[0], clusters.topic[30]}
    assert 0 < clusters.membership[-1] <= 1
    strict = cluster(reduced, vectors, ClusterConfig(second_best=False))
    assert strict.topic[-1] == -1


def test_a_message_that_is_like_no_other_stays_without_a_topic():
    vectors, _ = grouped(6, 30, noise=0, dimensions=32)
    alone = np.zeros((1, 33), dtype=np.float32)
    alone[0, 32] = 1
    vectors = np.vstack([np.pad(vectors, ((0, 0), (0, 1))), alone])
    reduced = np.vstack([plain(vectors[:-1]), np.full((1, 6), 500)]).astype(np.float32)
    clusters = cluster(reduced, vectors, ClusterConfig())
    assert clusters.topic[-1] == -1
    assert clusters.membership[-1] == 0


def test_a_collapsed_clustering_is_mended_and_said():
    # Two far-away halves, each of several groups: excess of mass takes the halves.
    rng = np.random.default_rng(1)
    centres = np.vstack([rng.normal(size=(4, 6)) + offset for offset in (0, 60)]) * 2
    rows = np.repeat(centres, 60, axis=0) + rng.normal(size=(480, 6)) * 0.9
    rows = rows.astype(np.float32)
    vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    collapsed = cluster(rows, vectors, ClusterConfig(selection="eom"))
    assert collapsed.count < 4
    assert collapsed.note == ""
    mended = cluster(rows, vectors, ClusterConfig())
    assert mended.count >= 4
    assert "collapsed" in mended.note


def test_what_is_set_is_kept():
    vectors, _ = grouped(8, 30)
    clusters = cluster(plain(vectors), vectors, ClusterConfig(min_cluster_size=9, selection="leaf"))
    assert (clusters.min_cluster_size, clusters.selection) == (9, "leaf")


def test_no_topic_at_all_is_one_sentence():
    vectors = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    with pytest.raises(CorpusError, match="no topic emerges from 30 messages"):
        cluster(vectors, vectors, ClusterConfig(min_cluster_size=25))


@pytest.mark.parametrize(("messages", "size"), [(20, 5), (515, 11), (4_163, 32), (500_000, 354)])
def test_the_smallest_topic_follows_from_the_corpus_size(messages, size):
    assert default_size(messages) == size


@given(
    seed=st.integers(0, 2**16),
    messages=st.integers(60, 400),
    samples=st.integers(1, 6),
    selection=st.sampled_from(["auto", "eom", "leaf"]),
)
@settings(deadline=None, max_examples=40)
def test_without_the_tree_the_same_is_found(seed, messages, samples, selection):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(12, 6)) * 4
    rows = (centres[rng.integers(12, size=messages)] + rng.normal(size=(messages, 6))).astype(np.float32)
    vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    asked = ClusterConfig(min_samples=samples, selection=selection, min_cluster_size=4)
    whole = cluster(rows, vectors, asked)
    alone = cluster(rows, vectors, asked, tree=False)
    assert np.array_equal(whole.topic, alone.topic)
    assert np.array_equal(whole.outlier, alone.outlier)
    assert np.allclose(whole.membership, alone.membership)
    assert (whole.min_cluster_size, whole.selection) == (alone.min_cluster_size, alone.selection)
    assert alone.tree.is_empty()


def test_many_messages_are_clustered_by_the_reference_without_the_tree_too(monkeypatch):
    vectors, _ = grouped(8, 30)
    alone = cluster(plain(vectors), vectors, ClusterConfig(), tree=False)
    monkeypatch.setattr(module, "FEW_ALONE", 100)
    monkeypatch.setattr(module, "_alone", None)
    assert np.array_equal(cluster(plain(vectors), vectors, ClusterConfig(), tree=False).topic, alone.topic)


def test_the_tree_is_whole(vectors_and_groups):
    vectors, _ = vectors_and_groups
    tree = cluster(plain(vectors), vectors, ClusterConfig()).tree
    leaves = tree.filter(pl.col("size") == 1)["child"]
    assert sorted(leaves) == list(range(len(vectors)))


def test_points_of_the_tree_are_positions_in_the_corpus(vectors_and_groups):
    vectors, _ = vectors_and_groups
    clusters = cluster(plain(vectors), vectors, ClusterConfig())
    points = clusters.tree.filter(pl.col("child") < len(vectors)).sort("child")
    core = ~clusters.outlier
    node = points["parent"].to_numpy()
    # Members of one topic hang in one subtree, and nobody else does.
    assert all(
        len(set(clusters.topic[core & (node == here)].tolist())) <= 1 for here in np.unique(node[core])
    )
    order = np.random.default_rng(5).permutation(len(vectors))
    again = cluster(plain(vectors)[order], vectors[order], ClusterConfig()).tree
    child = again["child"].to_numpy()
    point = child < len(order)
    back = np.where(point, order[np.where(point, child, 0)], child)
    assert again.with_columns(child=back).equals(clusters.tree)


def test_dense_regions_are_hdbscan_and_nothing_else(vectors_and_groups):
    vectors, group = vectors_and_groups
    found = dense_regions(plain(vectors), 10, 10)
    core = group >= 0
    assert adjusted_rand_score(group[core & (found >= 0)], found[core & (found >= 0)]) > 0.95
    assert (found == -1).any()
    assert (np.diff(np.bincount(found[found >= 0])) <= 0).all()
    order = np.random.default_rng(9).permutation(len(vectors))
    assert dense_regions(plain(vectors)[order], 10, 10).tolist() == found[order].tolist()
    assert (dense_regions(plain(vectors)[:5], 10, 10) == -1).all()


def blobs(apart, each, groups=6):
    """Groups around the corners of a cube, so far apart; and the group of each."""
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(groups), each)
    return (np.eye(groups)[group] * apart + rng.normal(size=(len(group), groups))).astype(np.float32), group


def test_density_validity_is_hdbscans_own_without_noise():
    rows, group = blobs(8, 30)
    noisy = np.where(np.arange(180) % 5 == 0, -1, group)
    kept = noisy >= 0
    inner = np.lexsort((*rows[kept].T, noisy[kept]))  # trees tie: hdbscan's result hangs on the order
    expected = validity_index(rows[kept][inner].astype(float), noisy[kept][inner])
    assert density_validity(rows, noisy) == pytest.approx(expected)
    assert density_validity(rows, np.where(kept, 3 * noisy, -1)) == pytest.approx(
        expected
    )  # numbers are names


def test_density_validity_tells_topics_apart_from_topics_that_run_together():
    far, near = (density_validity(*blobs(apart, 40)) for apart in (20, 1))
    assert -1 <= near < 0 < far <= 1


def test_density_validity_of_a_large_corpus_is_judged_by_an_even_selection(monkeypatch):
    rows, group = blobs(12, 200)
    order = np.random.default_rng(3).permutation(len(rows))
    whole = density_validity(rows, group)
    assert whole == density_validity(rows[order], group[order])
    monkeypatch.setattr("themeloom.discovery.cluster.VALIDATED", 600)
    part = density_validity(rows, group)
    assert part == density_validity(rows[order], group[order])
    assert part != whole
    assert part == pytest.approx(whole, abs=0.1)


@pytest.mark.parametrize(
    ("rows", "topic"),
    [
        (np.zeros((0, 3)), []),
        (np.eye(4), [-1, -1, -1, -1]),
        (np.eye(4), [0, 0, 0, -1]),
        (np.eye(4), [0, 0, 0, 1]),  # one message has no density
        (np.ones((6, 3)), [0, 0, 0, 1, 1, 1]),  # all in one place
    ],
)
def test_density_validity_that_cannot_be_known_is_nan(rows, topic):
    assert math.isnan(density_validity(rows.astype(np.float32), np.array(topic, dtype=np.int64)))


def test_density_validity_of_copies():
    rows = np.repeat(np.eye(2, 3), 4, axis=0).astype(np.float32)
    assert density_validity(rows, np.repeat([0, 1], 4)) == pytest.approx(1)


@pytest.mark.parametrize("min_samples", [1, 5])
def test_either_spanning_tree_gives_the_same_clusters(monkeypatch, min_samples):
    vectors, _ = grouped(6, 60, noise=30, dimensions=5, seed=2)
    config = ClusterConfig(min_samples=min_samples)
    prim = cluster(vectors, vectors, config)
    monkeypatch.setattr(module, "FEW", 0)
    boruvka = cluster(vectors, vectors, config)
    assert np.array_equal(prim.topic, boruvka.topic)
    assert np.array_equal(prim.outlier, boruvka.outlier)
    assert np.array_equal(prim.membership, boruvka.membership)


def fast_and_reference():
    """Cluster by both backends; fail where they differ."""
    vectors, _ = grouped(6, 60, noise=30, dimensions=5, seed=2)
    reference, fast = (
        cluster(vectors, vectors, ClusterConfig(backend=backend)) for backend in ("hdbscan", "fast-hdbscan")
    )
    assert np.array_equal(reference.topic, fast.topic)
    assert np.array_equal(reference.outlier, fast.outlier)
    assert np.corrcoef(reference.membership, fast.membership)[0, 1] > 0.99
    assert len(topic_tree(reference)) == len(topic_tree(fast))


def test_the_fast_backend_finds_the_same_clusters():
    """In a process of its own, that runs its functions as Python: to compile them takes a minute or more."""
    script = "from numba import config\nfrom test_cluster import fast_and_reference\nfast_and_reference()\n"
    script += "assert config.DISABLE_JIT\n"
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.compiled
def test_the_fast_backend_finds_the_same_clusters_once_it_is_compiled():
    fast_and_reference()
