"""Topics of a large corpus, found in a sample and spread: what is promised, and whether the loss is true."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from groups import grouped
from themeloom.config import DiscoverConfig, Experiment, StudyConfig
from themeloom.discovery.hierarchy import fitted, topic_tree
from themeloom.records import Clusters, Discovery, Embeddings, Layout, Topic
from themeloom.running.discover import layouts_of
from themeloom.running.spreading import AGREEMENT, ARI, in_order, part_of, sample_of, scaled, spread
from themeloom.scored import Score, Stability

GROUPS, EACH = 12, 250
VECTORS, GROUP = grouped(GROUPS, EACH, spread=0.5, dimensions=48, seed=4)
TEXTS = tuple(f"message {number}" for number in range(len(VECTORS)))
EMBEDDINGS = Embeddings(VECTORS, TEXTS, (), "bundled", TEXTS)
LABELLED = np.arange(0, len(VECTORS), 100)


def experiment(sample=1_000, **cluster):
    return Experiment.model_validate(
        {
            "study": {"name": "invented", "seed": 5},
            "sources": [{"path": "messages.csv"}],
            "themes": {"codebook": "c.yaml", "labels": "l.csv"},
            "discover": {"sample": sample},
            "cluster": cluster,
        }
    )


def clustered(vectors, texts, topic, seed=0):
    """A discovery whose topics are given, and a tree with one leaf a topic."""
    count, rows = int(topic.max()) + 1, len(vectors)
    rng = np.random.default_rng(seed)
    leaves = rows + 1 + np.arange(count)
    tree = pl.DataFrame(
        {
            "parent": [*[rows] * count, *np.where(topic >= 0, leaves[topic], rows).tolist()],
            "child": [*leaves.tolist(), *range(rows)],
            "lambda": [1.0] * (count + rows),
            "size": [*np.bincount(topic[topic >= 0]).tolist(), *[1] * rows],
        },
        schema={"parent": pl.Int64, "child": pl.Int64, "lambda": pl.Float64, "size": pl.Int64},
    )
    outlier = rng.random(rows) < 0.1
    centres = rng.normal(scale=9, size=(count, 2)).astype(np.float32)
    layout = Layout(centres[topic], centres[topic], 15)
    topics = tuple(
        Topic(at, int((topic == at).sum()), 0, (f"word{at}",), (1.0,), (int(np.flatnonzero(topic == at)[0]),))
        for at in range(count)
    )
    share = np.ones(rows, np.float32)
    clusters = Clusters(topic, outlier, share, 5, "eom", "", tree)
    return Discovery(Embeddings(vectors, texts, (), "bundled", texts), layout, clusters, topics)


@pytest.fixture(scope="module")
def chosen():
    return sample_of(EMBEDDINGS, LABELLED, experiment())


@pytest.fixture(scope="module")
def found(chosen):
    part = part_of(EMBEDDINGS, chosen)
    return clustered(part.vectors, part.texts, GROUP[chosen])


@pytest.fixture(scope="module")
def whole(found, chosen):
    return spread(found, chosen, EMBEDDINGS, VECTORS, 5)


def test_a_small_corpus_is_no_sample():
    assert np.array_equal(sample_of(EMBEDDINGS, LABELLED, experiment(5_000)), np.arange(len(TEXTS)))


def test_the_sample_is_the_same_with_another_seed(chosen):
    other = experiment().model_copy(update={"study": StudyConfig(name="invented", seed=6)})
    assert np.array_equal(sample_of(EMBEDDINGS, LABELLED, other), chosen)


def test_topics_of_a_large_corpus_are_a_consensus_by_default():
    config = experiment(DiscoverConfig().sample)
    texts = tuple(f"message {n}" for n in range(9_000))
    many = Embeddings(np.tile(VECTORS, (3, 1)), texts, (), "bundled", texts)
    found_in = len(sample_of(many, np.arange(0, 9_000, 9), config))
    assert DiscoverConfig().sample <= found_in < 9_000
    assert layouts_of(config, found_in) > 20


def test_the_sample_keeps_what_it_was_given(found, chosen, whole):
    clusters = whole[0].clusters
    assert adjusted_rand_score(clusters.topic[chosen], found.clusters.topic) == 1
    assert np.array_equal(clusters.outlier[chosen], found.clusters.outlier)
    assert np.array_equal(whole[0].layout.plane[chosen], found.layout.plane)


def test_all_others_are_placed_as_the_whole_corpus_would_have_been(whole):
    discovery, loss = whole
    assert (discovery.clusters.topic >= 0).all()
    assert adjusted_rand_score(discovery.clusters.topic, GROUP) > 0.97
    assert loss[AGREEMENT] > 0.97
    assert loss[ARI] > 0.95


def test_topics_are_numbered_by_their_size_and_keep_their_words(whole):
    discovery, _ = whole
    topic, topics = discovery.clusters.topic, discovery.topics
    sizes = np.bincount(topic)
    assert [one.size for one in topics] == sizes.tolist() == sorted(sizes.tolist(), reverse=True)
    assert [one.topic for one in topics] == list(range(GROUPS))
    for one in topics:
        position = one.representative[0]
        assert topic[position] == one.topic
        assert one.words == (f"word{GROUP[position]}",)
        assert one.outliers == (discovery.clusters.outlier & (topic == one.topic)).sum()


def test_the_tree_holds_the_sample_and_gives_the_same_hierarchy(found, chosen, whole):
    discovery, _ = whole
    child = discovery.clusters.tree["child"].to_numpy()
    assert np.array_equal(np.sort(child[child < len(TEXTS)]), chosen)
    assert np.array_equal(fitted(discovery.clusters), chosen)
    assert len(topic_tree(discovery.clusters)) == len(topic_tree(found.clusters))
    assert set(topic_tree(discovery.clusters)[:GROUPS]) == {GROUPS}


def test_the_order_of_rows_makes_no_difference(whole):
    order = np.random.default_rng(1).permutation(len(TEXTS))
    texts = tuple(TEXTS[at] for at in order)
    embeddings = Embeddings(VECTORS[order], texts, (), "bundled", texts)
    labelled = np.sort(np.argsort(order)[LABELLED])
    chosen = sample_of(embeddings, labelled, experiment())
    part = part_of(embeddings, chosen)
    again, loss = spread(
        clustered(part.vectors, part.texts, GROUP[order][chosen]), chosen, embeddings, VECTORS[order], 5
    )
    assert adjusted_rand_score(again.clusters.topic, whole[0].clusters.topic[order]) == 1
    assert abs(loss[AGREEMENT] - whole[1][AGREEMENT]) < 0.02  # outliers are drawn by place here


def test_what_emerged_is_told_in_another_order(whole):
    discovery, _ = whole
    order = np.random.default_rng(1).permutation(len(TEXTS))
    other = in_order(discovery, np.argsort(order))
    assert [TEXTS[at] for at in order] == list(other.embeddings.texts)
    assert np.array_equal(other.embeddings.vectors, VECTORS[order])
    assert np.array_equal(other.layout.plane, discovery.layout.plane[order])
    for name in ("topic", "outlier", "membership"):
        assert np.array_equal(getattr(other.clusters, name), getattr(discovery.clusters, name)[order])
    for told, of in zip(other.topics, discovery.topics, strict=True):
        assert [order[at] for at in told.representative] == list(of.representative)
    assert np.array_equal(np.sort(order[fitted(other.clusters)]), fitted(discovery.clusters))
    assert np.array_equal(topic_tree(other.clusters), topic_tree(discovery.clusters))


@pytest.mark.parametrize("wrong", [0.1, 0.3])
def test_the_loss_that_is_told_is_the_loss_that_there_is(chosen, wrong):
    """A share of the sample lies in a topic that its neighbours are not in: neighbours cannot know these."""
    rng = np.random.default_rng(3)
    topic = GROUP[chosen].copy()
    astray = rng.random(len(topic)) < wrong
    topic[astray] = (topic[astray] + rng.integers(1, GROUPS, astray.sum())) % GROUPS
    part = part_of(EMBEDDINGS, chosen)
    discovery, loss = spread(clustered(part.vectors, part.texts, topic), chosen, EMBEDDINGS, VECTORS, 5)
    assert loss[AGREEMENT] == pytest.approx(1 - wrong, abs=0.08)
    assert loss["placed_low"] < loss[AGREEMENT] < loss["placed_high"]
    assert (
        f"{loss[AGREEMENT]:.1%} ({loss['placed_low']:.1%} to {loss['placed_high']:.1%})"
        in discovery.clusters.note
    )


def test_the_note_says_how_large_the_sample_is(chosen, whole):
    assert f"found in a sample of {len(chosen):,} of {len(TEXTS):,} communications" in whole[0].clusters.note


def test_a_message_that_is_far_from_all_has_no_topic(found, chosen):
    vectors = np.pad(VECTORS, ((0, 0), (0, 1)))
    stranger = int(np.setdiff1d(np.arange(len(TEXTS)), chosen)[0])
    vectors[stranger] = np.eye(vectors.shape[1])[-1]  # like nobody
    placed = spread(found, chosen, replace(EMBEDDINGS, vectors=vectors), vectors, 5)[0].clusters
    assert placed.topic[stranger] == -1
    assert placed.outlier[stranger]
    assert placed.membership[stranger] == 0


def test_stability_goes_with_its_topics(found, chosen):
    score = tuple(Score(at / 100, 0, 1) for at in range(GROUPS))
    held = Stability("runs", 3, tuple(range(GROUPS)), (False,) * GROUPS, score, {})
    spread_out = spread(replace(found, stability=held), chosen, EMBEDDINGS, VECTORS, 5)[0]
    words = [int(topic.words[0].removeprefix("word")) for topic in spread_out.topics]
    assert list(spread_out.stability.comes_back) == words
    assert [round(100 * one.value) for one in spread_out.stability.jaccard] == words


def test_the_smallest_topic_is_the_same_share_of_the_sample():
    assert scaled(experiment(), 1_000, 100_000).cluster.min_cluster_size == 5  # 158 of the whole
    assert scaled(experiment(min_cluster_size=400), 1_000, 4_000).cluster.min_cluster_size == 100
