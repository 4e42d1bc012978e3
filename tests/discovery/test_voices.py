"""What each layout says: real UMAP and HDBSCAN, at two densities in turns."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from groups import grouped
from themeloom.config import ClusterConfig, ReduceConfig
from themeloom.discovery.cluster import cluster
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.reduce import layouts, seeds_of
from themeloom.discovery.voices import voices
from themeloom.errors import CorpusError


@pytest.fixture(scope="module")
def near():
    """Groups that touch: densities differ in what they call an outlier."""
    return Neighbourhood(grouped(8, 25, noise=10, spread=1.6, seed=4)[0])


@pytest.fixture(scope="module")
def several(near):
    return layouts(near, ReduceConfig(), seeds_of(1, 0, 4), short=True)


@pytest.mark.parametrize("asked", [None, 3])
def test_layouts_are_clustered_at_two_densities_in_turns(near, several, asked):
    found = voices(several, near, ClusterConfig(min_samples=asked))
    for number, (layout, clusters) in enumerate(zip(several, found, strict=True)):
        samples = (asked or 1) + number % 2
        alone = cluster(layout, near.vectors, ClusterConfig(min_samples=samples))
        assert np.array_equal(clusters.outlier, alone.outlier)
        assert adjusted_rand_score(clusters.topic, alone.topic) == 1
    assert any(clusters.outlier.any() for clusters in found)


def test_densities_differ_in_their_outliers(near, several):
    same = np.repeat(several[:1], 2, axis=0)
    one, another = voices(same, near, ClusterConfig())
    assert not np.array_equal(one.outlier, another.outlier)


def test_outliers_have_a_topic_even_where_none_is_asked_for(near, several):
    found = voices(several, near, ClusterConfig(second_best=False))
    assert all((clusters.topic[clusters.outlier] >= 0).all() for clusters in found)


def test_a_layout_without_topics_has_no_say(near, several):
    nothing = np.random.default_rng(0).normal(size=several[:1].shape).astype(np.float32)
    settings = ClusterConfig(min_cluster_size=20, selection="eom")
    with pytest.raises(CorpusError, match="no topic emerges"):
        voices(nothing, near, settings)
    assert len(voices(np.concatenate([several, nothing]), near, settings)) == len(several)
