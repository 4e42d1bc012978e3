"""What may be known when some labels are learned from: by these labels alone, of all members."""

import gc
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from invented import SAYINGS, messages
from themeloom.assigning.placing import Placing
from themeloom.config import Experiment
from themeloom.discovery import adapt, processor
from themeloom.discovery.adapt import Adapter
from themeloom.discovery.cluster import cluster
from themeloom.discovery.embed import Encoder
from themeloom.discovery.footprint import footprint
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.members import Labels, informed_vectors
from themeloom.progress import Stages
from themeloom.records import Codebook, Theme
from themeloom.running import evidence as module
from themeloom.running import learning
from themeloom.running.discover import codebook_vectors, embed_corpus
from themeloom.running.evidence import Evidence, adaptation_steps, fewest_topics

TEXTS, THEMES = messages()
TEXTS, THEMES = TEXTS[:80], np.array(THEMES[:80])
CODEBOOK = Codebook(tuple(Theme(name, name.title(), f"Messages that hold a {name}.") for name in SAYINGS))
LABELLED = np.arange(1, 60, 2)
LABELS = Labels(LABELLED, THEMES[LABELLED], 3)


def experiment(strategy="stacked", **adapt):
    return Experiment.model_validate(
        {
            "study": {"name": "invented", "seed": 5},
            "sources": [{"path": "messages.csv"}],
            "themes": {"codebook": "c.yaml", "labels": "l.csv", "strategy": strategy},
            "cluster": {"consensus": 3},
            "adapt": {"layers": 1, "steps": 2, "batch_size": 8} | adapt,
        }
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def known(cache):
    """Raw vectors and topics."""
    config = experiment()
    embeddings = embed_corpus(TEXTS, config, cache, Stages())
    return embeddings, cluster(embeddings.vectors[:, :5], embeddings.vectors, config.cluster)


@pytest.fixture
def gathered(known, cache):
    def gather(folder=cache, **adapt):
        config, (embeddings, topics) = experiment(**adapt), known
        codebook = codebook_vectors(CODEBOOK, embeddings, Encoder(config.encoder), cache)
        found = Evidence(TEXTS, embeddings, codebook, LABELLED, config, folder)
        found.found(topics)
        return found

    return gather


class Steps:
    def __init__(self):
        self.total, self.done = None, 0

    def begin(self, total, unit):
        assert unit == "steps"
        self.total = total

    def advance(self, steps=1):
        self.done += steps


def test_members_are_what_the_corpus_is(gathered, known):
    evidence = gathered()
    evidence.adapt(LABELS)
    members, whole = evidence.members(LABELS), evidence.messages(LABELS)
    np.testing.assert_array_equal(members.position, np.arange(80))
    np.testing.assert_array_equal(members.messages.vectors, known[0].vectors)
    np.testing.assert_array_equal(members.messages.topic, known[1].topic)
    np.testing.assert_array_equal(members.messages.member, np.arange(80))
    for field in ("topic", "vectors", "adapted", "surface", "member"):
        np.testing.assert_array_equal(getattr(whole, field), getattr(members.messages, field))
    assert len(members.parents) >= known[1].count
    np.testing.assert_allclose(np.linalg.norm(members.codebook, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(members.messages.adapted, axis=1), 1, atol=1e-5)


def test_of_a_large_corpus_an_even_choice_is_learned_from_and_all_are_encoded_alike(
    gathered, tmp_path, monkeypatch
):
    small = gathered()
    small.adapt(LABELS)
    monkeypatch.setattr(module, "MOST", 20)
    monkeypatch.setattr(module, "_CHUNK", 7)
    large = gathered(tmp_path)
    large.adapt(LABELS)
    members, whole = large.members(LABELS), large.messages(LABELS)
    assert 20 <= len(members.position) <= 20 + len(LABELLED)
    assert set(LABELLED) <= set(members.position)
    assert (np.diff(members.position) > 0).all()
    assert np.diff(members.position).max() <= 5
    np.testing.assert_array_equal(whole.member[members.position], np.arange(len(members.position)))
    assert (whole.member >= 0).sum() == len(members.position)
    np.testing.assert_allclose(large.layers, small.layers, atol=1e-3)  # read in other batches
    np.testing.assert_allclose(whole.adapted, small.whole, atol=1e-3)
    np.testing.assert_array_equal(whole.adapted[members.position], members.messages.adapted)
    assert members.neighbours.max() < len(members.position)


def test_each_set_of_labels_has_an_adaptation_of_its_own(gathered, tmp_path):
    fewer, other = LABELS.but(np.arange(5)), Labels(LABELLED, (LABELS.theme + 1) % 3, 3)
    together, alone = gathered(), gathered(tmp_path)
    together.adapt(LABELS, [fewer, other])
    alone.adapt(other, [fewer])
    np.testing.assert_array_equal(
        together.members(fewer).messages.adapted, alone.members(fewer).messages.adapted
    )
    alone.adapt(fewer)  # which is kept now, and encoded no less exactly than it can be
    np.testing.assert_allclose(alone.whole, together.members(fewer).messages.adapted, atol=0.01)
    assert (together.members(LABELS).messages.adapted != together.members(fewer).messages.adapted).any()
    with pytest.raises(KeyError):
        alone.members(LABELS)


def test_neighbours_are_those_of_raw_and_adapted_vectors_by_the_same_labels(gathered):
    plain, evidence, fewer = gathered(enabled=False), gathered(), LABELS.but(np.arange(10))
    evidence.adapt(LABELS, [fewer])
    for labels, view in ((LABELS, plain), (LABELS, evidence), (fewer, evidence)):
        members = view.members(labels)
        seen = np.hstack([members.messages.vectors, members.messages.adapted])
        alike = seen @ seen.T
        np.fill_diagonal(alike, -np.inf)
        nearest = np.sort(np.take_along_axis(alike, members.neighbours, axis=1), axis=1)[:, ::-1]
        np.testing.assert_allclose(nearest, np.sort(alike, axis=1)[:, ::-1][:, : nearest.shape[1]], atol=1e-5)
    assert (evidence.members(LABELS).neighbours != plain.members(LABELS).neighbours).any()


def test_adaptations_are_remembered(gathered, tmp_path, monkeypatch):
    first, steps = gathered(tmp_path), Steps()
    first.adapt(LABELS, [LABELS.but(np.arange(3))], steps)
    assert (steps.total, steps.done) == (4, 4)
    again, steps = gathered(tmp_path), Steps()
    with monkeypatch.context() as patch:
        patch.setattr(Adapter, "states", None)
        again.adapt(LABELS, [LABELS.but(np.arange(3))], steps)
    assert (steps.total, steps.done) == (4, 4)
    np.testing.assert_array_equal(again.whole, first.whole)
    more = gathered(tmp_path, steps=3)
    more.adapt(LABELS)
    assert (more.whole != first.whole).any()


@pytest.mark.parametrize("expected", [3, 1])
def test_no_more_adaptations_at_once_than_there_is_memory_for(gathered, tmp_path, monkeypatch, expected):
    learn, together, running, most = Adapter.learn, Barrier(expected), [], []

    def watched(*asked):
        running.append(1)
        most.append(len(running))
        together.wait(60)
        time.sleep(0.1)  # long enough for one more to begin
        found = learn(*asked)
        running.pop()
        return found

    evidence, apart = gathered(tmp_path / "limited"), gathered(tmp_path / "apart")
    one = footprint([np.zeros((1, 384), np.float32)], evidence.config.adapt)
    others = [LABELS.but(np.arange(2)), LABELS.but(np.arange(3))]
    apart.adapt(LABELS, others)
    monkeypatch.setattr(processor, "cores", lambda: 3)
    monkeypatch.setattr(processor, "available", lambda: (expected + 1) * one - 1)
    monkeypatch.setattr(Adapter, "learn", watched)
    evidence.adapt(LABELS, others)
    assert max(most) == expected
    np.testing.assert_array_equal(evidence.whole, apart.whole)


def test_layers_adapted_for_folds_are_let_go_of_once_their_vectors_are_known(gathered, tmp_path, monkeypatch):
    learned, learn = [], Adapter.learn

    def listen(self, states, theme, *rest):
        layers = learn(self, states, theme, *rest)
        learned.append((len(theme), weakref.ref(layers)))
        return layers

    monkeypatch.setattr(Adapter, "learn", listen)
    halves = [Labels(LABELLED[start::2], LABELS.theme[start::2], 3) for start in range(2)]
    evidence = gathered(tmp_path)
    evidence.adapt(LABELS, halves)
    gc.collect()
    assert {size: layers() is not None for size, layers in learned} == {30: True, 15: False}
    assert evidence.layers.size


def test_what_was_learned_in_another_arithmetic_is_not_taken_for_the_same(gathered, tmp_path, monkeypatch):
    for able, known in ((False, 1), (True, 2), (False, 2)):
        monkeypatch.setattr(adapt, "multiplies_bfloat16", lambda able=able: able)
        gathered(tmp_path).adapt(LABELS)
        assert len(list((tmp_path / "adapt").iterdir())) == known
    gathered(tmp_path, arithmetic="float32").adapt(LABELS)
    assert len(list((tmp_path / "adapt").iterdir())) == 3


def test_what_was_learned_by_other_versions_is_not_taken_for_the_same(gathered, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 20)
    for number, known in (("1", 2), ("1", 2), ("2", 4)):  # those learned from, and the others
        monkeypatch.setattr(module, "versions", lambda number=number: {"torch": number})
        evidence = gathered(tmp_path)
        evidence.adapt(LABELS)
        assert evidence.whole.any()
        assert len(list((tmp_path / "adapt").iterdir())) == known


def test_when_all_is_encoded_the_encoder_is_let_go_of(gathered, tmp_path):
    evidence = gathered(tmp_path)

    def adapted():
        evidence.adapt(LABELS)
        held = weakref.ref(Encoder(experiment().encoder).model)
        before = evidence.whole.copy()
        evidence.encoded()
        gc.collect()
        return held, before

    with ThreadPoolExecutor(1) as alone:  # a thread that has a model of its own: nobody else holds it
        held, before = alone.submit(adapted).result()
        assert held() is None
    np.testing.assert_array_equal(evidence.whole, before)
    evidence.adapt(LABELS.but(np.arange(2)))  # whoever asks for it again is given it again
    assert evidence.layers.size


def test_adaptation_can_be_switched_off(gathered):
    evidence, steps = gathered(enabled=False), Steps()
    evidence.adapt(LABELS, [LABELS.but(np.arange(3))], steps)
    assert steps.total is None
    assert evidence.layers.shape == (0,)
    assert evidence.whole.shape == (80, 0)
    assert evidence.members(LABELS).messages.adapted.shape == (80, 0)
    assert evidence.messages(LABELS).adapted.shape == (80, 0)


def test_the_codebook_is_the_mean_of_all_that_is_said_of_a_theme(known, cache):
    encoder = Encoder(experiment().encoder)
    wordy = Theme("a", "A", "Of bread.", include=("bread and butter",), other_names=("Brot",))
    found = codebook_vectors(Codebook((wordy, CODEBOOK.themes[0])), known[0], encoder, cache)
    said = encoder.encode(["A. Of bread.", "bread and butter", "Brot"]).mean(axis=0)
    np.testing.assert_allclose(found[0], said / np.linalg.norm(said), atol=1e-4)
    assert found.shape == (2, 384)


def test_informed_topics_are_found_once_for_the_same_labels(gathered, tmp_path, monkeypatch):
    def informed_by(labels):
        evidence = gathered(tmp_path)
        vectors = evidence.config.discover.model_copy(update={"vectors": "raw+adapted"})
        evidence.config = evidence.config.model_copy(update={"discover": vectors})
        evidence.adapt(LABELS, [labels])
        return evidence.members(labels)

    fewer = LABELS.but(np.arange(5))
    found = informed_by(fewer)
    monkeypatch.setattr(module, "grouped", None)
    again = informed_by(fewer)
    np.testing.assert_array_equal(again.messages.topic, found.messages.topic)
    np.testing.assert_array_equal(again.parents, found.parents)
    with pytest.raises(TypeError):
        informed_by(LABELS.but(np.arange(6)))


def test_labels_inform_topics_of_folds_of_the_run_and_of_new_messages_alike(gathered, monkeypatch):
    evidence, fewer, seen = gathered(), LABELS.but(np.arange(5)), []
    vectors = evidence.config.discover.model_copy(update={"vectors": "raw+adapted"})
    evidence.config = evidence.config.model_copy(update={"discover": vectors})
    evidence.adapt(LABELS, [fewer])

    class Seen(Exception):  # noqa: N818 - what topics are read from is known, and the rest is left
        pass

    def watched(*given):
        seen.extend(one.vectors for one in given if isinstance(one, Neighbourhood))
        seen.extend(one for one in given if isinstance(one, np.ndarray))
        raise Seen

    monkeypatch.setattr(module, "laid_out", watched)
    monkeypatch.setattr(learning, "discover", watched)
    with pytest.raises(Seen):
        evidence.members(fewer)
    with pytest.raises(Seen):
        learning._discovered(evidence, evidence.config, evidence.cache, Stages())
    raw, adapted = evidence.embeddings.vectors, evidence._of_members(module._key(fewer))
    np.testing.assert_array_equal(seen[0], informed_vectors(raw, adapted))
    np.testing.assert_array_equal(seen[1], informed_vectors(raw, evidence.whole))
    placing = Placing(None, None, None, None, None, 0, informed=True)
    np.testing.assert_array_equal(placing.seen(raw, evidence.whole), seen[1])


def test_informed_topics_are_at_least_twice_as_many_as_themes():
    assert [fewest_topics(themes) for themes in (2, 7)] == [4, 14]


def test_the_encoder_is_adapted_for_longer_to_many_labels_and_where_topics_are_read_from_it():
    def steps(vectors, labels=200, **given):
        config = experiment(**{"steps": None} | given)
        discover = config.discover.model_copy(update={"vectors": vectors})
        return adaptation_steps(config.model_copy(update={"discover": discover}), labels)

    assert [steps("raw", labels) for labels in (2, 200, 300, 1_000, 9_000)] == [20, 20, 30, 100, 100]
    assert [steps("raw+adapted", labels) for labels in (2, 200, 300, 9_000)] == [45, 45, 67, 225]
    assert steps("raw", 9_000, steps=7) == steps("raw+adapted", steps=7) == 7


def test_an_adaptation_of_other_steps_by_default_is_not_taken_for_the_same(gathered, tmp_path):
    for vectors, known in (("raw", 1), ("raw+adapted", 2), ("raw", 2)):
        evidence = gathered(tmp_path, steps=None)
        discover = evidence.config.discover.model_copy(update={"vectors": vectors})
        evidence.config = evidence.config.model_copy(update={"discover": discover})
        evidence.adapt(LABELS)
        assert len(list((tmp_path / "adapt").iterdir())) == known


def test_vectors_of_the_mapping_that_is_kept_are_exact_where_those_of_folds_need_not_be(
    gathered, tmp_path, monkeypatch
):
    asked, encode = [], Adapter.encode

    def watched(self, states, layers, *, nearly=False):
        asked.append(nearly)
        return encode(self, states, layers, nearly=nearly)

    monkeypatch.setattr(adapt, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(Adapter, "encode", watched)
    evidence = gathered(tmp_path)
    evidence.adapt(LABELS, [LABELS.but(np.arange(5))])
    assert sorted(asked) == [False, True]
    exact = evidence._adapter.encode(evidence._adapter.states(evidence._read), evidence.layers)
    # In bfloat16 they would be off by far more.
    np.testing.assert_allclose(evidence.whole, exact, atol=1e-6)
