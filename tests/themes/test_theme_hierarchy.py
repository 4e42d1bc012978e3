"""Topics that borrow from their neighbours: limits, worth in made-up worlds, and what must not matter."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.themes._hierarchy import TILT, _borrowed, _counts, _tilts, _weights, hierarchical_posterior

PAIRS = np.array([4, 4, 5, 5, 6, 6, -1])
"""Two pairs of topics."""


def labelled(counts):
    """One label after another, from counts by topic and theme."""
    topic, theme = np.nonzero(counts)
    often = np.array(counts)[topic, theme]
    return np.repeat(topic, often), np.repeat(theme, often)


def nothing(topics, themes):
    return np.zeros((topics, themes))


def random_tree(rng, topics):
    """Topics joined two by two, whichever comes."""
    parents, loose = np.full(2 * topics - 1, -1), list(range(topics))
    for joint in range(topics, len(parents)):
        for _ in range(2):
            parents[loose.pop(int(rng.integers(len(loose))))] = joint
        loose.append(joint)
    return parents


class World:
    """Topics in a tree, whose themes follow from those above them (or from nothing), and labels of them."""

    def __init__(self, seed, *, akin=True, topics=40, themes=6):
        self.rng, self.topics, self.themes = np.random.default_rng(seed), topics, themes
        self.parents = random_tree(self.rng, topics)
        shares = np.tile(self.rng.dirichlet(np.full(themes, 2.0)), (len(self.parents), 1))
        for node in range(len(self.parents) - 2, -1, -1):
            if akin or node < topics:
                strength = 3 if akin else 1
                drawn = self.rng.gamma(np.maximum(strength * shares[self.parents[node]], 1e-3)) + 1e-12
                shares[node] = drawn / drawn.sum()
        self.shares, self.size = shares[:topics], self.rng.dirichlet(np.full(topics, 2.0))

    def draw(self, labels):
        topic = self.rng.choice(self.topics, labels, p=self.size)
        steps = self.shares[topic].cumsum(axis=1)[:, :-1]
        return topic, (self.rng.random((labels, 1)) > steps).sum(axis=1)

    def codebook(self):
        """What tells themes about as well as a codebook does."""
        return np.log(0.9 * self.shares + 0.1 / self.themes) + self.rng.normal(size=self.shares.shape) * 0.5

    def loss(self, posterior, labels=20_000):
        """Log loss of labels that nobody learned from."""
        topic, theme = self.draw(labels)
        return -np.log(np.maximum(posterior[topic, theme], 1e-12)).mean()

    def flat(self, topic, theme):
        """The majority with a Dirichlet prior of one label, shared out as all labels are."""
        labels, _ = _counts(topic, theme, self.topics, self.themes)
        base = np.bincount(theme, minlength=self.themes) + 1 / self.themes
        return (labels + base / base.sum()) / (labels.sum(axis=1, keepdims=True) + 1)

    def posterior(self, topic, theme, similarity=None, parents=None):
        similarity = nothing(self.topics, self.themes) if similarity is None else similarity
        parents = self.parents if parents is None else parents
        return hierarchical_posterior(topic, theme, parents, similarity, self.topics)


def worlds(**settings):
    return [World(seed, **settings) for seed in range(6)]


def tilt(topic, theme, parents, similarity, topics):
    """The power of the codebook's evidence that the labels ask for."""
    labels, base = _counts(topic, theme, topics, similarity.shape[1])
    weights = _weights(labels, base, _borrowed(labels, parents, topics), _tilts(similarity))
    return float(weights.sum(axis=0) @ TILT)


def test_with_many_labels_it_is_their_shares():
    counts = np.array([[7000, 3000, 0], [0, 5000, 5000], [10_000, 0, 0], [1000, 1000, 8000]])
    similarity = np.log([[0.1, 0.1, 0.8]] * 4)
    posterior = hierarchical_posterior(*labelled(counts), PAIRS, similarity, 4)
    assert np.allclose(posterior, counts / 10_000, atol=2e-3)


def test_without_labels_it_is_what_the_neighbours_say():
    pairs = np.array([9, 9, 10, 10, 11, 11, 12, 12, 12, 13, 13, 13, 13, -1])
    counts = np.zeros((9, 3), dtype=np.int64)
    counts[:8, 0] = [6, 3, 0, 0, 5, 0, 0, 0]
    counts[:8, 1] = [0, 0, 4, 4, 0, 0, 5, 0]
    posterior = hierarchical_posterior(*labelled(counts), pairs, nothing(9, 3), 9)
    assert posterior.argmax(axis=1).tolist() == [0, 0, 1, 1, 0, 0, 1, 1, 1]
    assert np.allclose(posterior[7], posterior[8])  # both are told by one parent
    assert posterior[4, 0] > posterior[5, 0] > posterior[7, 0]
    assert posterior[6, 1] > posterior[7, 1] > posterior[5, 1]


def test_neighbours_that_disagree_are_not_believed():
    counts = [[6, 0], [0, 6], [0, 6], [6, 0]]
    parents = np.array([5, 5, 6, 6, 6, 7, 7, -1])
    posterior = hierarchical_posterior(*labelled([*counts, [0, 0]]), parents, nothing(5, 2), 5)
    assert posterior.argmax(axis=1)[:4].tolist() == [0, 1, 1, 0]
    assert np.allclose(posterior[4], 0.5)


def test_topics_without_neighbours_have_the_shares_of_all_labels():
    alone = np.full(3, -1)
    topic, theme = np.array([0] * 6 + [-1, -1, 0, 1]), np.array([0] * 6 + [1, 1, -1, -1])
    posterior = hierarchical_posterior(topic, theme, alone, nothing(3, 2), 3)
    shares = np.array([7, 3]) / 10
    assert np.allclose(posterior[1:], shares)
    assert posterior[0, 0] > shares[0]


def test_the_only_topic():
    posterior = hierarchical_posterior(*labelled([[30, 10]]), np.array([-1]), nothing(1, 2), 1)
    assert np.allclose(posterior, [[0.75, 0.25]], atol=0.01)


def test_without_any_label_the_codebook_decides():
    none = np.empty(0, dtype=np.int64)
    similarity = np.log([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [1 / 3] * 3, [0.2, 0.5, 0.3]])
    posterior = hierarchical_posterior(none, none, PAIRS, similarity, 4)
    assert posterior.argmax(axis=1)[[0, 1, 3]].tolist() == [0, 2, 1]
    assert np.allclose(posterior[2], 1 / 3)
    assert np.allclose(hierarchical_posterior(none, none, PAIRS, nothing(4, 3), 4), 1 / 3)


def test_no_topics_at_all():
    none = np.empty(0, dtype=np.int64)
    told = np.array([-1]), np.array([1])
    assert hierarchical_posterior(*told, none, nothing(0, 3), 0).shape == (0, 3)


def test_impossible_themes_stay_possible():
    with np.errstate(divide="ignore"):
        similarity = np.log(np.array([[1.0, 0.0], [0.0, 1.0]]))
    counts = [[0, 9], [9, 0]]
    posterior = hierarchical_posterior(*labelled(counts), np.array([2, 2, -1]), similarity, 2)
    assert posterior.argmax(axis=1).tolist() == [1, 0]


@pytest.mark.parametrize("labels", [50, 200])
def test_neighbours_help_where_they_share_themes_and_so_does_the_codebook(labels):
    losses = []
    for world in worlds():
        seen = world.draw(labels)
        found = (
            world.flat(*seen),
            world.posterior(*seen),
            world.posterior(*seen, world.codebook()),
            world.shares,
        )
        losses.append([world.loss(posterior) for posterior in found])
    flat, tree, codebook, truth = np.mean(losses, axis=0)
    # Of what labels could still teach, neighbours and then the codebook tell a good part.
    assert tree - truth < 0.7 * (flat - truth)
    assert codebook - truth < 0.8 * (tree - truth)


@pytest.mark.parametrize("labels", [100, 400])
def test_neighbours_that_share_nothing_do_no_harm(labels):
    losses = []
    for world in worlds(akin=False):
        seen = world.draw(labels)
        losses.append([world.loss(world.flat(*seen)), world.loss(world.posterior(*seen))])
    flat, tree = np.mean(losses, axis=0)
    assert tree < 1.02 * flat


def test_a_useless_codebook_is_not_listened_to():
    losses, tilts = [], []
    for world in worlds():
        seen = world.draw(200)
        useless = world.rng.normal(size=world.shares.shape) * 1.5
        losses.append([world.loss(world.posterior(*seen)), world.loss(world.posterior(*seen, useless))])
        cases = useless, world.codebook()
        tilts.append([tilt(*seen, world.parents, similarity, world.topics) for similarity in cases])
    without, useless = np.mean(losses, axis=0)
    assert useless < 1.01 * without
    ignored, heeded = np.mean(tilts, axis=0)
    assert ignored < 0.15
    assert heeded > 0.5


def test_shuffled_labels_teach_nothing():
    losses = []
    for world in worlds():
        topic, theme = world.draw(400)
        seen = world.rng.permutation(topic), theme
        base = np.tile(np.bincount(theme, minlength=world.themes) / 400, (world.topics, 1))
        losses.append([world.loss(base), world.loss(world.posterior(*seen))])
    base, shuffled = np.mean(losses, axis=0)
    assert shuffled > 0.99 * base


@given(st.integers(0, 10_000), st.integers(0, 60))
def test_what_must_not_matter(seed, labels):
    world = World(seed, topics=int(seed % 9) + 1, themes=4)
    topic, theme = world.draw(labels)
    topic[::7], theme[::5] = -1, -1
    similarity = world.codebook()
    posterior = world.posterior(topic, theme, similarity)
    assert (posterior >= 0).all()
    assert np.allclose(posterior.sum(axis=1), 1)
    # The order of labels, and a constant a topic.
    order = world.rng.permutation(labels)
    shifted = similarity + world.rng.normal(size=(world.topics, 1))
    assert np.allclose(world.posterior(topic[order], theme[order], shifted), posterior)
    # The numbers of themes.
    name = world.rng.permutation(world.themes)
    renamed = world.posterior(topic, np.append(name, -1)[theme], similarity[:, np.argsort(name)])
    assert np.allclose(renamed[:, name], posterior)
    # The numbers of topics, and of joints.
    joints = np.arange(world.topics, len(world.parents))
    name = np.r_[world.rng.permutation(world.topics), world.rng.permutation(joints), -1]
    back = np.argsort(name[:-1])
    parents = name[world.parents][back]
    inside = back[: world.topics]
    renamed = world.posterior(name[topic], theme, similarity[inside], parents)
    assert np.allclose(renamed[name[: world.topics]], posterior)


def test_the_same_in_the_same_out():
    world = World(0)
    seen, similarity = world.draw(100), world.codebook()
    assert np.array_equal(world.posterior(*seen, similarity), world.posterior(*seen, similarity))


def test_it_is_quick():
    world = World(3, topics=300, themes=25)
    seen, similarity = world.draw(400), world.codebook()
    took = []
    for _ in range(5):
        start = time.thread_time()
        world.posterior(*seen, similarity)
        took.append(time.thread_time() - start)
    assert min(took) < 0.1
