"""Discovery as an experiment asks for it: once, again with other seeds, or by consensus; and what is told."""

import dataclasses
import math

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from builders import make_record
from groups import grouped
from invented import messages
from themeloom.config import Experiment
from themeloom.discovery import neighbours
from themeloom.discovery.consensus import LAYOUTS, MOST, SPLITS
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.plain import plain_topics
from themeloom.discovery.stability import stability
from themeloom.history import store
from themeloom.history.contents import disagreement
from themeloom.history.items import metrics, tables
from themeloom.model import Model
from themeloom.progress import Stages
from themeloom.records import Embeddings
from themeloom.reporting.sentences import origin
from themeloom.reporting.summary import summarise, to_json
from themeloom.running import discover as module
from themeloom.running.discover import discover, laid_out, layouts_of
from themeloom.system.cache import Cache
from themeloom.system.provenance import versions

VECTORS, GROUP = grouped(6, 20, spread=0.6, dimensions=384, seed=3)
TEXTS = tuple(messages()[0][at % 60] for at in range(len(VECTORS)))


def experiment(seeds=1, consensus=1):
    return Experiment.model_validate(
        {
            "study": {"name": "invented", "seed": 5},
            "sources": [{"path": "messages.csv"}],
            "themes": {"codebook": "c.yaml", "labels": "l.csv"},
            "discover": {"seeds": seeds},
            "cluster": {"consensus": consensus},
        }
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def discovered(cache, order=None, **asked):
    rows = np.arange(len(VECTORS)) if order is None else order
    texts = tuple(TEXTS[at] for at in rows)
    embeddings = Embeddings(VECTORS[rows], texts, (), "bundled", texts)
    stages = Stages()
    return discover(embeddings, embeddings.vectors, experiment(**asked), cache, stages), stages


def test_once_tells_no_stability(cache):
    found, _ = discovered(cache)
    assert found.stability is None


def test_words_are_counted_anew_where_the_masked_texts_are_others(cache):
    first, _ = discovered(cache)
    masked = tuple(f"{text} on the phone" if at % 2 else text for at, text in enumerate(TEXTS))
    embeddings, stages = Embeddings(VECTORS, TEXTS, (), "bundled", masked), Stages()
    found = discover(embeddings, VECTORS, experiment(), cache, stages)
    assert "cluster" in stages.cached
    assert "describe" not in stages.cached
    assert found.topics != first.topics


def test_neighbours_are_shared_by_layouts_of_other_settings_and_by_plain_bertopic(cache, monkeypatch):
    discovered(cache)
    monkeypatch.setattr(neighbours, "_nearest", None)  # nobody seeks any more
    config = experiment()
    config = config.model_copy(update={"reduce": config.reduce.model_copy(update={"neighbors": 8})})
    stages, embeddings = Stages(), Embeddings(VECTORS, TEXTS, (), "bundled", TEXTS)
    assert discover(embeddings, VECTORS, config, cache, stages).layout.neighbors == 8
    assert "reduce" not in stages.cached
    assert len(plain_topics(embeddings, 5, cache=Cache(cache)).topic) == len(VECTORS)


def test_seeds_leave_the_topics_as_they_are_and_tell_how_far_they_come_back(cache):
    once, _ = discovered(cache)
    found, _ = discovered(cache, seeds=3)
    assert np.array_equal(once.clusters.topic, found.clusters.topic)
    assert found.stability.over == "runs"
    assert found.stability.repeats == 2
    assert len(found.stability.comes_back) == found.clusters.count
    again, stages = discovered(cache, seeds=3)
    assert again.stability == found.stability
    assert "repeat" in stages.cached


@pytest.mark.parametrize("package", ["fast-hdbscan", "scikit-learn", "sentence-transformers"])
def test_what_other_versions_found_is_found_again(cache, monkeypatch, package):
    """Of layouts of a consensus, scikit-learn finds the topics, whatever the backend."""
    made = {"reduce", "cluster", "repeat", "describe"}
    discovered(cache, seeds=2)
    assert made <= set(discovered(cache, seeds=2)[1].cached)
    monkeypatch.setattr(module, "versions", lambda: {**versions(), package: "0"})
    assert not made & set(discovered(cache, seeds=2)[1].cached)


def test_a_consensus_tells_stability_over_halves_of_its_layouts_or_over_runs(cache):
    found, stages = discovered(cache, consensus=4)
    assert found.clusters.layouts == 4
    assert (found.stability.over, found.stability.repeats) == ("halves", 2 * SPLITS)
    assert "cluster" not in stages.cached
    again, stages = discovered(cache, consensus=4)
    assert "cluster" in stages.cached
    assert again.stability == found.stability
    assert again.clusters.tree.equals(found.clusters.tree)
    assert np.array_equal(again.clusters.membership, found.clusters.membership)
    repeated, _ = discovered(cache, consensus=4, seeds=2)
    assert np.array_equal(repeated.clusters.topic, found.clusters.topic)
    assert (repeated.stability.over, repeated.stability.repeats) == ("runs", 1)


def test_of_very_few_messages_layouts_without_a_topic_have_no_say():
    config, heard = experiment(consensus=40), []
    for many in (10, 12, 16, 22):
        vectors = np.random.default_rng(many).normal(size=(many, 384)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        near = Neighbourhood(vectors)
        clusters, found = module.grouped(laid_out(near, config), near, config.cluster)
        assert 1 <= len(found) <= 40
        assert clusters.layouts == len(found)
        assert clusters.count >= 1
        heard.append(len(found))
    assert min(heard) < 40, "no layout was without a topic, so that nothing was tried"


def test_a_consensus_has_as_many_topics_as_are_asked_for():
    config = experiment(consensus=25)
    groups = np.repeat(np.arange(12), 24)
    apart = np.eye(12)[groups] * 100
    one, another = (near(apart, groups, *pair) for pair in ((0, 1), (2, 3)))
    layouts = np.stack([apart] * 7 + [one] * 9 + [another] * 9)  # each pair is one in 0.36 of the layouts
    layouts = (layouts + np.random.default_rng(0).normal(size=layouts.shape)).astype(np.float32)
    alone = Neighbourhood(np.eye(len(groups), dtype=np.float32))
    few, found = module.grouped(layouts, alone, config.cluster, fewest=10)
    enough, same = module.grouped(layouts, alone, config.cluster, fewest=11)
    assert min(clusters.count for clusters in found) >= 11, "no layout by itself has too few"
    assert all(np.array_equal(*(c.topic for c in pair)) for pair in zip(found, same, strict=True))
    assert few.count == 10
    assert adjusted_rand_score(enough.topic, groups) == 1


def near(layout, groups, there, here):
    """Move one group to where another is."""
    moved = layout.copy()
    moved[groups == here] = layout[groups == there]
    return moved


def test_the_order_of_rows_makes_no_difference(cache):
    order = np.random.default_rng(0).permutation(len(VECTORS))
    there, back = (discovered(cache, order=rows, consensus=4)[0] for rows in (None, order))
    assert np.array_equal(there.clusters.topic[order], back.clusters.topic)
    assert there.stability == back.stability


def test_few_messages_get_a_consensus_by_default():
    config = experiment(consensus=None)
    assert layouts_of(config, 500) == LAYOUTS
    assert 1 < layouts_of(config, MOST) < LAYOUTS
    assert layouts_of(config, MOST + 1) == 1
    assert layouts_of(experiment(consensus=7), 10 * MOST) == 7


def test_layouts_of_further_runs_are_others():
    config = experiment(consensus=2)
    near = Neighbourhood(VECTORS)
    first, more = laid_out(near, config), laid_out(near, config, 1, 2)
    assert first.shape[0] == 2
    assert more.shape[0] == 4
    assert not any(np.array_equal(one, another) for one in first for another in more)


@pytest.fixture
def told():
    """A made-up run with a stability: of five topics, the second dissolves."""
    record = make_record()
    topic = record.discovery.clusters.topic
    held = stability(topic, [np.where(topic == 1, 0, topic)] * 3)
    return dataclasses.replace(record, discovery=dataclasses.replace(record.discovery, stability=held))


def test_unstable_topics_are_flagged_in_every_table(told):
    held = told.discovery.stability
    unstable = [topic for topic, flag in enumerate(held.unstable) if flag]
    assert 0 < len(unstable) < len(held.unstable)
    topics = Model(told).topics
    assert topics.filter("unstable")["topic"].to_list() == unstable
    assert topics["comes_back"].to_list() == list(held.comes_back)
    assert tables(told)["topics"]["unstable"] == list(held.unstable)
    summary = summarise(told, paths={}, tracked={})
    assert [topic.topic for topic in summary.topics if topic.unstable] == unstable
    assert f"{len(unstable)} of {len(held.unstable)} came back in fewer than half" in origin(summary)
    stable = dataclasses.replace(held, unstable=(False,) * len(held.unstable))
    whole = dataclasses.replace(told, discovery=dataclasses.replace(told.discovery, stability=stable))
    assert "all came back in at least half" in origin(summarise(whole, paths={}, tracked={}))
    assert '"stability"' in to_json(summary)


def test_without_it_tables_are_as_they_were():
    record = make_record()
    assert "unstable" not in Model(record).topics.columns
    assert "unstable" not in tables(record)["topics"]
    assert summarise(record, paths={}, tracked={}).stability is None


def test_mlflow_gets_the_agreement(told):
    found = metrics(told)
    assert found["stability/runs/ari"] == told.discovery.stability.overall["ari"].value
    assert found["topics_unstable"] == sum(told.discovery.stability.unstable)


@pytest.mark.parametrize("repeats", [1, 3])
def test_it_is_kept_with_the_model(told, tmp_path, repeats):
    topic = told.discovery.clusters.topic
    held = stability(topic, [topic] * repeats)
    record = dataclasses.replace(told, discovery=dataclasses.replace(told.discovery, stability=held))
    folder = store.save(record, tmp_path / "models")
    loaded = store.load(folder).discovery.stability
    assert loaded.comes_back == held.comes_back
    assert loaded.unstable == held.unstable
    assert math.isnan(loaded.jaccard[0].low) == (repeats == 1)
    assert f"{repeats} further runs with other seeds" in (folder / "model_card.md").read_text("utf-8")


def test_a_consensus_is_kept_with_the_model(told, tmp_path):
    found = told.discovery
    topic = found.clusters.topic
    agreed = dataclasses.replace(found.clusters, layouts=28)
    held = stability(topic, [topic] * 4, "halves")
    discovery = dataclasses.replace(found, clusters=agreed, stability=held)
    folder = store.save(dataclasses.replace(told, discovery=discovery), tmp_path / "models")
    loaded = store.load(folder).discovery
    assert loaded.clusters.layouts == 28
    assert (loaded.stability.over, loaded.stability.repeats) == ("halves", 4)
    assert "4 random halves of the layouts" in (folder / "model_card.md").read_text("utf-8")


def test_a_stability_of_other_topics_is_not_kept(told):
    held = told.discovery.stability
    short = dataclasses.replace(held, comes_back=held.comes_back[:-1])
    broken = dataclasses.replace(told, discovery=dataclasses.replace(told.discovery, stability=short))
    assert "stability has shape" in disagreement(broken)
