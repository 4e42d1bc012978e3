"""The consensus of many layouts: real UMAP and HDBSCAN on planted groups, and simulated clusterings."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score
from umap import UMAP

from groups import grouped
from themeloom.config import ClusterConfig, ReduceConfig
from themeloom.discovery import consensus as module
from themeloom.discovery.cluster import cluster
from themeloom.discovery.consensus import consensus, default_layouts, halves
from themeloom.discovery.hierarchy import topic_tree
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.reduce import layouts, many_layouts, seeds_of
from themeloom.discovery.together import Together
from themeloom.discovery.voices import voices
from themeloom.records import Clusters

LAYOUTS = 8


@pytest.fixture(scope="module")
def blurred():
    """Groups that touch: single layouts disagree about them."""
    return grouped(8, 25, noise=10, spread=1.6, seed=4)


@pytest.fixture(scope="module")
def found(blurred):
    vectors, _ = blurred
    near = Neighbourhood(vectors)
    return [
        voices(many_layouts(near, ReduceConfig(), seed, LAYOUTS)[1], near, ClusterConfig()) for seed in (1, 2)
    ]


def clusters_of(topic, outlier=None, size=5, note=""):
    topic = np.asarray(topic)
    outlier = np.zeros(len(topic), dtype=bool) if outlier is None else outlier
    membership = np.ones(len(topic), dtype=np.float32)
    return Clusters(topic, outlier, membership, size, "eom", note, pl.DataFrame())


def simulated(rng, times=12, groups=6, each=40, wrong=0.3):
    """Clusterings that each move some messages, and at times merge two groups."""
    truth = np.repeat(np.arange(groups), each)
    made = []
    for _ in range(times):
        moved = np.where(rng.random(len(truth)) < wrong, rng.integers(groups, size=len(truth)), truth)
        made.append(clusters_of(rng.permutation(groups)[moved]))
    return truth, made


def in_order(clusters, order):
    return replace(
        clusters,
        topic=clusters.topic[order],
        outlier=clusters.outlier[order],
        membership=clusters.membership[order],
    )


def agreed_by(made, **settings):
    """Find the consensus of clusterings alone: no message has a neighbour."""
    return consensus(made, Neighbourhood(np.eye(len(made[0].topic), dtype=np.float32)), **settings)


def test_what_most_agree_on_is_found():
    truth, made = simulated(np.random.default_rng(0))
    agreed = agreed_by(made)
    alone = np.mean([adjusted_rand_score(truth, clusters.topic) for clusters in made])
    assert alone < 0.6
    assert adjusted_rand_score(truth, agreed.topic) > 0.98


def test_membership_is_the_share_of_agreement():
    topic = np.repeat([0, 1], 10)
    other = topic.copy()
    other[0] = 1
    agreed = agreed_by([clusters_of(topic), clusters_of(topic), clusters_of(topic), clusters_of(other)])
    assert agreed.count == 2
    of_moved, of_others = agreed.membership[0], agreed.membership[1:10]
    assert of_moved == pytest.approx((3 + 0.1) / 4)  # alone with itself in the fourth
    assert np.allclose(of_others, (3 + 0.9) / 4)


def test_outliers_are_those_of_half_the_layouts():
    topic = np.repeat([0, 1], 10)
    often, seldom = np.zeros((2, 20), dtype=bool)
    often[3] = seldom[3] = often[7] = True
    made = [
        clusters_of(topic, outlier) for outlier in (often, often, seldom, seldom[::-1], often[::-1] & False)
    ]
    agreed = agreed_by(made)
    assert np.flatnonzero(agreed.outlier).tolist() == [3]
    assert (agreed.topic >= 0).all()
    assert np.flatnonzero(agreed_by(made, second_best=False).topic < 0).tolist() == [3]


def test_who_has_no_topic_in_half_the_layouts_has_none():
    topic = np.repeat([0, 1], 10)
    none = topic.copy()
    none[:2] = -1
    agreed = agreed_by([clusters_of(topic), clusters_of(none), clusters_of(none)])
    assert np.flatnonzero(agreed.topic < 0).tolist() == [0, 1]
    assert (agreed.membership[:2] == 0).all()


def test_what_lies_together_often_enough_is_one_topic():
    topic = np.repeat(np.arange(12), 20)
    joined = np.where(topic == 1, 0, topic)
    often = agreed_by([clusters_of(rows) for rows in (topic, topic, joined, joined)])
    assert often.count == 11
    seldom = agreed_by([clusters_of(rows) for rows in (topic, topic, topic, joined)])
    assert seldom.count == 12


def test_layouts_that_take_half_of_all_for_one_topic_join_nothing():
    topic = np.repeat(np.arange(12), 20)
    giant = np.where(topic < 6, 0, topic)
    agreed = agreed_by([clusters_of(rows) for rows in (topic, topic, giant, giant)])
    assert np.array_equal(np.unique(agreed.topic, return_counts=True)[1], [20] * 12)


def test_half_of_all_are_one_topic_where_all_layouts_say_so():
    topic = np.repeat([0, 1, 2, 3], [60, 20, 20, 20])
    assert np.array_equal(agreed_by([clusters_of(topic)] * 5).topic, topic)


def test_who_belongs_nowhere_goes_to_the_nearest_topic_not_to_the_smallest():
    rng = np.random.default_rng(3)
    topic = np.repeat([0, 1, 2], [40, 30, 6])
    made = []
    for _ in range(12):
        rows = topic.copy()
        rows[0] = rng.choice([0, 7], p=[0.2, 0.8])  # most often alone
        made.append(clusters_of(rows))
    agreed = agreed_by(made)
    assert agreed.count == 3
    assert agreed.topic[0] == agreed.topic[1]


def test_topics_are_not_smaller_than_allowed():
    rng = np.random.default_rng(1)
    sizes = [40, 30, 20, 4]
    topic = np.repeat(np.arange(4), sizes)
    moved = [np.where(rng.random(94) < 0.1, 0, topic) for _ in range(5)]
    agreed = agreed_by([clusters_of(rows, size=6) for rows in moved])
    assert agreed.count == 3
    assert np.bincount(agreed.topic).min() >= 6


def test_one_topic_is_a_tree_of_its_own():
    agreed = agreed_by([clusters_of(np.zeros(12, dtype=np.int64))] * 3)
    assert agreed.count == 1
    assert topic_tree(agreed).tolist() == [-1]


def test_the_tree_joins_what_is_often_taken_together():
    topic = np.repeat([0, 1, 2, 3], 20)
    joined = np.array([0, 0, 1, 2])[topic]
    agreed = agreed_by([clusters_of(rows) for rows in (topic, topic, topic, topic, joined)])
    parents = topic_tree(agreed)
    of = [int(agreed.topic[20 * group]) for group in range(4)]
    assert agreed.count == 4
    assert parents[of[0]] == parents[of[1]] != parents[of[2]]
    assert agreed.tree["size"].to_list().count(40) == 1
    assert agreed.tree.columns == ["parent", "child", "lambda", "size"]


def test_mended_layouts_are_told():
    topic = np.repeat([0, 1], 10)
    well, mended = clusters_of(topic), clusters_of(topic, note="It collapsed.")
    assert agreed_by([well, well, mended]).note == ""
    agreed = agreed_by([well, mended])
    assert agreed.note == "In 1 of 2 layouts the default clustering collapsed and was mended."
    assert agreed.layouts == 2


def test_where_topics_would_be_too_few_messages_have_to_lie_together_more_often():
    groups = np.repeat(np.arange(12), 20)
    apart, joined = clusters_of(groups), clusters_of(np.where(groups == 1, 0, groups))
    made = [apart] * 16 + [joined] * 9  # two groups are one in 0.36 of the clusterings
    few = agreed_by(made)
    assert (few.count, few.note) == (11, "")
    enough = agreed_by(made, fewest=12)
    assert np.array_equal(enough.topic, groups)
    assert enough.note == (
        "Messages of a topic are alike by more than 0.32, as with 0.24 there would have been too few topics."
    )
    near = Neighbourhood(np.eye(len(groups), dtype=np.float32))
    assert {topic.max() + 1 for topic in halves(made * 2, near, seed=1, fewest=12)} == {12}
    assert agreed_by(made, fewest=13).count == 12


def test_neighbours_have_a_say_where_layouts_differ():
    topic = np.repeat([0, 1], 30)
    other = topic.copy()
    other[0] = 1
    vectors = np.eye(2, dtype=np.float32)[topic]
    vectors[0] = vectors[-1]
    made = [clusters_of(topic)] * 11 + [clusters_of(other)] * 9
    assert agreed_by(made).topic[0] == agreed_by(made).topic[1]
    found = consensus(made, Neighbourhood(vectors))
    assert found.topic[0] == found.topic[-1]
    assert found.membership[0] == pytest.approx(9 / 20, abs=0.02)


def test_neighbours_have_their_say_three_times_over():
    topic = np.repeat([0, 1], 30)
    rows = np.repeat(topic[:, None], 20, axis=1)
    rows[:4, 11:] = 1  # four messages that layouts do not quite agree on
    nearest = np.where(topic, 40, 20)[:, None]
    nearest[:4, 0] = [40, 0, 1, 2]  # each follows the one before, the first the other topic
    moved = module._among_neighbours(Together(rows), topic, nearest, np.ones(nearest.shape))
    assert np.flatnonzero(moved != topic).tolist() == [0, 1, 2]


def test_halves_agree_where_layouts_do_and_less_than_whole_ones_elsewhere():
    def ari(one, another):
        return adjusted_rand_score(one, another)

    rng = np.random.default_rng(6)
    between, whole = [], []
    for _ in range(4):
        truth, made = simulated(rng, times=24, wrong=0.75)
        _, more = simulated(rng, times=24, wrong=0.75)
        near = Neighbourhood(np.eye(len(truth), dtype=np.float32))
        parts = halves(made, near, seed=1)
        assert all(np.array_equal(*pair) for pair in zip(parts, halves(made, near, seed=1), strict=True))
        between += [ari(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
        whole.append(ari(agreed_by(made).topic, agreed_by(more).topic))
    assert len(parts) == 2 * module.SPLITS
    assert np.mean(between) < np.mean(whole)
    truth, made = simulated(rng, times=21, wrong=0.1)
    parts = halves(made, Neighbourhood(np.eye(len(truth), dtype=np.float32)), seed=1)
    assert min(ari(truth, topic) for topic in parts) > 0.98


def test_the_more_messages_the_fewer_layouts():
    numbers = [default_layouts(messages) for messages in range(1, module.MOST + 1)]
    assert numbers == sorted(numbers, reverse=True)
    assert (numbers[0], numbers[514], numbers[-1]) == (90, 90, 17)
    assert default_layouts(module.MOST + 1) == 1


def test_rows_can_come_in_any_order():
    rng = np.random.default_rng(2)
    truth, made = simulated(rng, wrong=0.5)
    order = rng.permutation(len(truth))
    there, back = agreed_by(made), agreed_by([in_order(clusters, order) for clusters in made])
    assert np.array_equal(there.topic[order], back.topic)
    assert np.array_equal(there.membership[order], back.membership)
    assert np.array_equal(topic_tree(there), topic_tree(back))


def test_disjoint_seeds_agree_better_than_single_layouts(blurred, found):
    vectors, group = blurred
    one, another = (consensus(made, Neighbourhood(vectors)) for made in found)
    single = [clusters.topic for made in found for clusters in made]
    pairs = zip(single[:LAYOUTS], single[LAYOUTS:], strict=True)
    assert adjusted_rand_score(one.topic, another.topic) > np.mean([adjusted_rand_score(*p) for p in pairs])
    core = group >= 0
    mean = np.mean([adjusted_rand_score(group[core], topic[core]) for topic in single])
    assert adjusted_rand_score(group[core], one.topic[core]) > mean
    assert one.outlier.mean() <= np.mean([made.outlier.mean() for made in found[0]])


def test_the_whole_way_does_not_depend_on_the_order_of_rows(blurred, found):
    vectors, _ = blurred
    order = np.random.default_rng(5).permutation(len(vectors))
    near = Neighbourhood(vectors[order])
    _, several = many_layouts(near, ReduceConfig(), 1, LAYOUTS)
    again = consensus(voices(several, near, ClusterConfig()), near)
    assert np.array_equal(again.topic, consensus(found[0], Neighbourhood(vectors)).topic[order])


def test_layouts_of_one_graph(vectors_and_groups):
    vectors, _ = vectors_and_groups
    layout, several = many_layouts(Neighbourhood(vectors), ReduceConfig(), 1, 3)
    assert several.shape == (3, len(vectors), 5)
    assert several.dtype == np.float32
    assert np.array_equal(layout.reduced, several[0])
    assert layout.plane.shape == (len(vectors), 2)
    assert layout.neighbors == 15
    assert not np.array_equal(several[0], several[1])
    again = layouts(Neighbourhood(vectors), ReduceConfig(), seeds_of(1, 0, 3)[1:2], short=True)
    assert np.array_equal(again[0], several[1])


def test_a_whole_layout_over_the_graph_is_as_good_as_umap_s_own(vectors_and_groups):
    vectors, group = vectors_and_groups
    own = UMAP(n_neighbors=15, n_components=5, min_dist=0, metric="cosine", random_state=3, n_jobs=1)
    theirs = cluster(own.fit_transform(vectors), vectors, ClusterConfig())
    ours = cluster(layouts(Neighbourhood(vectors), ReduceConfig(), [3])[0], vectors, ClusterConfig())
    assert adjusted_rand_score(theirs.topic, ours.topic) > 0.9
    core = group >= 0
    assert adjusted_rand_score(ours.topic[core], group[core]) == 1


def test_seeds_of_runs_differ():
    seeds = [seed for run in range(20) for seed in seeds_of(7, run, 30)]
    assert len(set(seeds)) == 600
    assert seeds_of(7, 1, 2) == seeds_of(7, 1, 30)[:2] != seeds_of(8, 1, 2)


def test_it_ends_where_messages_would_go_to_and_fro():
    asked = []

    class ToAndFro(Together):
        def with_others(self, topic):
            asked.append(topic.tolist())
            return np.eye(2)[1 - topic], np.ones((len(topic), 2))

    together = ToAndFro(np.zeros((4, 1), np.int64))
    assert module._moved(together, np.array([0, 0, 1, 1]), 0.24).tolist() == [0, 0, 1, 1]
    assert asked == [[0, 0, 1, 1], [1, 1, 0, 0]]
