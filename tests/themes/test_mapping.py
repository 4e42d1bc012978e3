import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.config import ThemesConfig
from themeloom.themes.mapping import assign_themes, map_topics


def config(**changes):
    return ThemesConfig(codebook="codebook.yaml", labels="labels.csv", **changes)


def ints(*values):
    return np.array(values, np.int64)


@st.composite
def samples(draw):
    topics, themes = draw(st.integers(1, 5)), draw(st.integers(2, 5))
    labels = draw(st.lists(st.tuples(st.integers(-1, topics - 1), st.integers(-1, themes - 1)), max_size=40))
    pairs = np.array(labels, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1], topics, themes


SETTINGS = st.builds(
    config, prior=st.floats(0.01, 20), mixed_below=st.sampled_from([0.0, 0.25, 0.4, 0.5, 0.9, 1.0])
)


def test_posterior_by_hand():
    # Labels: theme 0 four times, theme 1 twice, one of them outside all topics.
    mapping = map_topics(ints(0, 0, 0, 1, 1, -1), ints(0, 0, 1, 0, 0, 1), 3, 2, config(prior=2.0))
    shares = np.array([4.5, 2.5]) / 7
    np.testing.assert_array_equal(mapping.labels, [[2, 1], [2, 0], [0, 0]])
    np.testing.assert_allclose(mapping.posterior[0], (np.array([2, 1]) + 2 * shares) / 5)
    np.testing.assert_allclose(mapping.posterior[1], (np.array([2, 0]) + 2 * shares) / 4)
    np.testing.assert_allclose(mapping.posterior[2], shares)
    np.testing.assert_array_equal(mapping.theme, [0, 0, -1])


def test_mixed_below_and_ties():
    topic, theme = ints(0, 0, 0, 1, 1), ints(0, 0, 1, 0, 1)
    even = ints(*theme, 1)  # three labels of each theme: the prior favours none
    mapping = map_topics(ints(*topic, -1), even, 2, 2, config())
    np.testing.assert_array_equal(mapping.theme, [0, -1])
    strict = map_topics(ints(*topic, -1), even, 2, 2, config(mixed_below=0.7))
    np.testing.assert_array_equal(strict.theme, [-1, -1])


def test_assignment_follows_the_topic():
    mapping = map_topics(ints(0, 0, 1), ints(1, 1, 0), 3, 2, config())
    theme, probability = assign_themes(ints(2, 0, -1, 1, 0), mapping)
    np.testing.assert_array_equal(theme, [-1, 1, -1, 0, 1])
    expected = [np.nan, mapping.posterior[0, 1], np.nan, mapping.posterior[1, 0], mapping.posterior[0, 1]]
    np.testing.assert_array_equal(probability, expected)


def test_no_topics_and_no_labels():
    empty = ints()
    assert map_topics(empty, empty, 0, 3, config()).posterior.shape == (0, 3)
    mapping = map_topics(empty, empty, 2, 4, config())
    np.testing.assert_allclose(mapping.posterior, 0.25)
    np.testing.assert_array_equal(mapping.theme, [-1, -1])
    theme, probability = assign_themes(ints(-1, -1), map_topics(empty, empty, 0, 3, config()))
    assert theme.tolist() == [-1, -1]
    assert np.isnan(probability).all()


@settings(deadline=None)
@given(samples(), SETTINGS)
def test_rows_are_probabilities_and_themes_are_earned(sample, settings_):
    topic, theme, topics, themes = sample
    mapping = map_topics(topic, theme, topics, themes, settings_)
    np.testing.assert_allclose(mapping.posterior.sum(axis=1), 1)
    assert (mapping.posterior > 0).all()
    assert mapping.labels.sum() == ((topic >= 0) & (theme >= 0)).sum()
    for row, best, counts in zip(mapping.posterior, mapping.theme, mapping.labels, strict=True):
        if best >= 0:
            assert row[best] == row.max() >= settings_.mixed_below
            assert counts.sum() > 0


@settings(deadline=None)
@given(samples(), SETTINGS, st.randoms())
def test_names_of_topics_and_themes_and_the_order_make_no_difference(sample, settings_, random):
    topic, theme, topics, themes = sample
    plain = map_topics(topic, theme, topics, themes, settings_)
    new_topic = np.array([*random.sample(range(topics), topics), -1])  # -1 stays -1
    new_theme = np.array([*random.sample(range(themes), themes), -1])
    order = np.array(random.sample(range(len(topic)), len(topic)), np.int64)
    moved = map_topics(new_topic[topic][order], new_theme[theme][order], topics, themes, settings_)
    np.testing.assert_array_equal(
        moved.posterior[new_topic[:-1]][:, new_theme[:-1]], plain.posterior, strict=True
    )
    np.testing.assert_array_equal(moved.theme[new_topic[:-1]], new_theme[plain.theme])


@pytest.mark.parametrize("weight", [0.1, 1.0, 50.0])
def test_more_labels_outweigh_the_prior(weight):
    topic = np.repeat([0, 1], [5000, 50])
    theme = np.repeat([0, 1], [5000, 50])
    mapping = map_topics(topic, theme, 2, 2, config(prior=weight))
    shares = 50.5 / 5051
    assert mapping.posterior[1, 1] == pytest.approx((50 + weight * shares) / (50 + weight))
