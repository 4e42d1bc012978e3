"""Each part that speaks for a message's theme."""

import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from planted import World
from themeloom.config import ADAPTED, POOL, STRATEGIES, ThemesConfig
from themeloom.estimator import ThemeModel
from themeloom.members import Labels
from themeloom.themes._classifier import STRENGTH
from themeloom.themes._parts import PARTS, label_shares, places, wanted
from themeloom.themes.mapping import ROWS_OF_TOPICS

WORLD = World()
ALL = pytest.mark.parametrize("name", PARTS)


def said(name, labels=None, world=WORLD, *, new=False):
    """What a part says of all messages; as if it had never met any, on request."""
    labels = world.labels if labels is None else labels
    members, messages = world.members(labels), world.messages(labels)
    if new:
        messages = replace(messages, member=np.full(len(messages.member), -1))
    return PARTS[name].say(PARTS[name].learn(members, labels), messages, members.messages.both)


def test_parts_are_kept_in_the_order_of_their_weights():
    assert (*PARTS, "shares") == POOL


def test_strategies_are_those_of_the_experiment_file_and_pool_what_there_is():
    offered = get_args(ThemesConfig.model_fields["strategy"].annotation)
    assert {*STRATEGIES, "auto"} == set(offered)
    for parts in STRATEGIES.values():
        assert parts
        assert set(parts) <= set(PARTS)
        assert len(set(parts)) == len(parts)


@ALL
@pytest.mark.parametrize("labelled", ["all", "one theme", "two themes", "one label", "none"])
def test_whatever_is_labelled_rows_are_probabilities(name, labelled):
    whole = WORLD.labels
    chosen = {
        "all": np.arange(len(whole.theme)),
        "one theme": np.flatnonzero(whole.theme == 1),
        "two themes": np.flatnonzero(whole.theme != 1),
        "one label": np.arange(1),
        "none": np.arange(0),
    }[labelled]
    labels = Labels(whole.position[chosen], whole.theme[chosen], whole.themes)
    posterior = said(name, labels)
    assert posterior.shape == (WORLD.messages_, WORLD.themes)
    assert (posterior >= 0).all()
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-6)


@ALL
def test_names_of_themes_make_no_difference(name):
    order = np.array([2, 0, 1])  # the theme that was 0 is now 2
    renamed = World()
    renamed.codebook = WORLD.codebook[np.argsort(order)]
    labels = replace(WORLD.labels, theme=order[WORLD.labels.theme])
    np.testing.assert_allclose(said(name, labels, renamed)[:, order], said(name), atol=5e-3)


@ALL
def test_what_is_said_of_a_message_depends_on_no_other(name):
    labels = WORLD.labels
    members, messages = WORLD.members(labels), WORLD.messages(labels)
    part = PARTS[name]
    learned = part.learn(members, labels)
    some = np.random.default_rng(0).permutation(WORLD.messages_)[:40]
    alone = part.say(learned, messages.rows(some), members.messages.both)
    np.testing.assert_allclose(alone, said(name)[some], atol=1e-6)


@pytest.mark.parametrize("name", [name for name in PARTS if name != "graph"])
def test_of_a_message_met_again_is_said_what_was_said(name):
    np.testing.assert_array_equal(said(name, new=True), said(name))


def test_labels_reach_members_by_the_graph_and_others_by_their_nearest_members():
    members = WORLD.members(WORLD.labels)
    learned = PARTS["graph"].learn(members, WORLD.labels)
    known, new = said("graph"), said("graph", new=True)
    np.testing.assert_array_equal(known[WORLD.position], learned)
    stranger = int(np.setdiff1d(np.arange(WORLD.messages_), WORLD.position)[0])
    np.testing.assert_array_equal(known[stranger], new[stranger])
    whole = WORLD.messages(WORLD.labels).both
    near = np.argsort(-(whole[WORLD.position] @ whole[stranger]))
    count = members.neighbours.shape[1]
    np.testing.assert_allclose(new[stranger], learned[near[:count]].mean(axis=0))


@ALL
def test_each_part_tells_more_than_chance_of_messages_it_had_no_label_of(name):
    unseen = np.setdiff1d(np.arange(WORLD.messages_), WORLD.labelled)
    right = said(name)[unseen].argmax(axis=1) == WORLD.theme[unseen]
    by_chance = (np.bincount(WORLD.theme[unseen]) / len(unseen)) ** 2
    assert right.mean() > by_chance.sum() + 0.1


@pytest.mark.parametrize("name", ["majority", "hierarchy"])
def test_messages_of_a_topic_are_alike_and_those_without_have_the_shares_of_all(name):
    posterior = said(name)
    for topic in range(WORLD.topics):
        inside = posterior[WORLD.topic == topic]
        np.testing.assert_array_equal(inside, np.tile(inside[0], (len(inside), 1)))
    outside = posterior[WORLD.topic < 0]
    assert len(outside) > 0
    np.testing.assert_allclose(outside, np.tile(label_shares(WORLD.labels), (len(outside), 1)))


def test_a_topic_s_labels_are_counted():
    labels = WORLD.labels
    posterior = said("majority")
    of_topic = labels.theme[WORLD.topic[labels.position] == 0]
    counts = np.bincount(of_topic, minlength=3)
    shares = label_shares(labels)
    found = posterior[WORLD.topic == 0][0]
    weight = (found - shares) / (counts / counts.sum() - shares)  # of its own labels, whatever the prior's is
    assert 0 < weight[0] < 1
    np.testing.assert_allclose(weight, weight[0])


def test_the_classifier_is_scikit_learn_s():
    labels = WORLD.labels
    learned = PARTS["raw"].learn(WORLD.members(labels), labels)
    assert learned.shape == (WORLD.vectors.shape[1] + 1, WORLD.themes)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
    model.fit(WORLD.vectors[labels.position], labels.theme)
    np.testing.assert_allclose(said("raw"), model.predict_proba(WORLD.vectors), atol=1e-6)


def test_two_themes_are_told_as_scikit_learn_tells_them():
    world = World(themes=2)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
    model.fit(world.vectors[world.labelled], world.labels.theme)
    expected = model.predict(world.vectors)
    assert (said("raw", world=world).argmax(axis=1) == expected).mean() > 0.98


def test_the_codebook_learns_nothing():
    np.testing.assert_array_equal(said("codebook", WORLD.shuffled), said("codebook"))
    nearest = (WORLD.vectors @ WORLD.codebook.T).argmax(axis=1)
    np.testing.assert_array_equal(said("codebook").argmax(axis=1), nearest)


def test_without_adapted_vectors_the_raw_ones_do_their_work():
    plain = World(adapts=False)
    with_them, without = (world.members(world.labels) for world in (WORLD, plain))
    for name, parts in STRATEGIES.items():
        assert wanted(name, with_them) == parts
        left = wanted(name, without)
        assert "adapted" not in left
        assert len(set(left)) == len(left)
        assert ("raw" in left) == bool({"raw", "adapted"} & set(parts))


def test_strategies_that_pool_what_reads_adapted_vectors_ask_for_them():
    plain = World(adapts=False)
    reads = {
        name for name in PARTS if not np.allclose(said(name, new=True), said(name, world=plain, new=True))
    }
    asking = {name for name, parts in STRATEGIES.items() if reads & set(parts)}
    assert asking - {"graph"} == set(ADAPTED) - {
        "auto"
    }  # a graph reads them where they are; it asks for none
    assert "auto" in ADAPTED


@ALL
def test_parts_say_whether_they_have_a_row_a_topic(name):
    rows = len(PARTS[name].learn(WORLD.members(WORLD.labels), WORLD.labels))
    assert PARTS[name].of_topics is (rows == WORLD.topics + 1)
    assert PARTS[name].of_topics is (name in ROWS_OF_TOPICS)


def test_every_strategy_is_told_wherever_they_are_listed():
    offered = get_args(ThemesConfig.model_fields["strategy"].annotation)
    page = (Path(__file__).resolve().parents[2] / "docs" / "themes-and-scores.md").read_text(encoding="utf-8")
    listed = re.search(r"strategy : \{(.*?)\}", inspect.getdoc(ThemeModel) or "")
    assert listed is not None
    assert {word.strip("'") for word in listed[1].split(", ")} == set(offered)
    assert {cell for cell in offered if not re.search(rf"(?m)^\| `{cell}`[ |]", page)} == set()
    assert {
        name for name in offered if f"'{name}'" not in ThemesConfig.model_fields["strategy"].description
    } == set()


def test_places_and_shares():
    members = WORLD.members(WORLD.labels)
    np.testing.assert_array_equal(members.position[places(members, WORLD.labels)], WORLD.labelled)
    np.testing.assert_allclose(
        label_shares(Labels(np.arange(3), np.array([0, 0, 2]), 4)), [0.5625, 0.0625, 0.3125, 0.0625]
    )
    np.testing.assert_allclose(label_shares(Labels(np.arange(0), np.arange(0), 4)), 0.25)
