"""The encoder adapted to labels: the real one, a few steps."""

import copy

import numpy as np
import pytest

from invented import messages
from themeloom.config import AdaptConfig, EncoderConfig
from themeloom.discovery import adapt as module
from themeloom.discovery import batches
from themeloom.discovery.adapt import Adapter
from themeloom.discovery.embed import Encoder
from themeloom.discovery.processor import at_once
from themeloom.errors import ConfigError

TEXTS, THEMES = messages()
THEME = np.array(THEMES)
LEARNED = np.arange(len(TEXTS)) % 2 == 0  # each theme, each subject
CONFIG = AdaptConfig(layers=2, batch_size=24)
STEPS = 12


@pytest.fixture(scope="module")
def adapter():
    return Adapter(Encoder(EncoderConfig()), CONFIG, 3)


@pytest.fixture(scope="module")
def read(adapter):
    return adapter.read(TEXTS)


@pytest.fixture(scope="module")
def layers(adapter, read):
    return at_once([lambda: adapter.learn(some(read[1], LEARNED), THEME[LEARNED], STEPS)])[0]


def some(states, chosen):
    return [states[place] for place in np.flatnonzero(chosen)]


def untouched(adapter, read):
    """The layers as they are: of one theme, nothing can be learned."""
    return adapter.learn(read[1][:4], np.zeros(4, np.int64), STEPS)


def apart(vectors):
    """By how much messages of one theme are nearer to each other than to others."""
    near = vectors @ vectors.T
    alike = THEME[~LEARNED][:, None] == THEME[~LEARNED]
    oneself = np.eye(len(near), dtype=bool)
    return near[alike & ~oneself].mean() - near[~alike].mean()


def test_what_is_read_is_what_the_encoder_says(adapter, read):
    vectors, states = read
    np.testing.assert_array_equal(vectors, Encoder(EncoderConfig()).encode(TEXTS))
    assert len(states) == len(TEXTS)
    sizes = adapter.encoder.model.preprocess(TEXTS[:5])["attention_mask"].sum(dim=1).tolist()
    assert [state.shape for state in states[:5]] == [(size, 384) for size in sizes]


def test_what_enters_the_upper_layers_is_known_without_asking_them(adapter, read, monkeypatch):
    def unasked(*_, **__):
        raise AssertionError

    for layer in adapter.encoder.model[0].auto_model.encoder.layer[-CONFIG.layers :]:
        monkeypatch.setattr(layer, "forward", unasked)
    for found, known in zip(adapter.states(TEXTS), read[1], strict=True):
        np.testing.assert_array_equal(found, known)


def test_what_a_tokeniser_pads_is_not_read(adapter, read, monkeypatch):
    from torch.nn.functional import pad

    plain = batches.features_of

    def padded(model, texts):
        features = plain(model, texts)
        tokens = {name: pad(part, (0, 3)) for name, part in features.items() if hasattr(part, "ndim")}
        return features | tokens

    monkeypatch.setattr(batches, "features_of", padded)
    for states in (adapter.read(TEXTS[:9])[1], adapter.states(TEXTS[:9])):
        for found, known in zip(states, read[1][:9], strict=True):
            np.testing.assert_allclose(found, known, atol=1e-4)


def test_on_all_cores_messages_are_encoded_as_on_one(adapter, read, layers, monkeypatch):
    monkeypatch.setattr(module, "_PART", 7)
    together = adapter.encode_at_once(read[1], layers)
    np.testing.assert_allclose(together, adapter.encode(read[1], layers), atol=1e-5)


def test_untouched_layers_give_the_encoder_s_vectors(adapter, read):
    np.testing.assert_allclose(adapter.encode(read[1], untouched(adapter, read)), read[0], atol=1e-5)


@pytest.mark.parametrize("depth", [1, 6])
def test_any_number_of_layers_can_be_those_that_learn(adapter, depth):
    part = Adapter(adapter.encoder, CONFIG.model_copy(update={"layers": depth}), 3)
    vectors, states = part.read(TEXTS[:12])
    untouched_ = part.learn(states, np.zeros(12, np.int64), 1)
    np.testing.assert_allclose(part.encode(states, untouched_), vectors, atol=1e-5)
    assert (part.learn(states, THEME[:12], 1) != untouched_).any()


def apart_from_others():
    """Return an adapter of a model that no other encoder has, so that it may be changed."""
    encoder = Encoder(EncoderConfig())
    encoder.model = copy.deepcopy(encoder.model)
    return Adapter(encoder, CONFIG, 3)


def test_adaptation_is_on_the_processor_wherever_the_encoder_is():
    """There is no graphics card here: 'meta' is a device that is not the processor, and holds no numbers."""
    own = apart_from_others()
    states = own.read(TEXTS[:12])[1]
    own.encoder.model.to("meta")
    assert {part.device.type for part in own.encoder.model.parameters()} == {"meta"}
    with pytest.raises(RuntimeError, match="meta tensor"):  # what is read went there too
        own.read(TEXTS[:2])
    with pytest.raises(NotImplementedError, match="meta tensor"):  # numbers that are not there cannot come
        own.encode(states, np.zeros(0, np.float32))
    elsewhere = apart_from_others()
    elsewhere.encoder.model.bfloat16()
    before = [part.dtype for part in elsewhere.encoder.model.parameters()]
    found = elsewhere.encode(states, elsewhere.learn(states, THEME[:12], STEPS))
    assert found.dtype == np.float32
    assert [part.dtype for part in elsewhere.encoder.model.parameters()] == before


@pytest.mark.parametrize("theme", [[], [1], [2, 2, 2]])
def test_of_fewer_than_two_themes_nothing_is_learned(adapter, read, theme):
    found = adapter.learn(read[1][: len(theme)], np.array(theme, np.int64), STEPS)
    np.testing.assert_array_equal(found, untouched(adapter, read))


def test_learning_changes_the_upper_layers_and_not_the_encoder(adapter, read, layers):
    assert layers.dtype == np.float32
    assert np.isfinite(layers).all()
    assert (layers != untouched(adapter, read)).mean() > 0.9
    np.testing.assert_array_equal(adapter.read(TEXTS[:3])[0], adapter.read(TEXTS[:3])[0])
    np.testing.assert_allclose(adapter.read(TEXTS)[0], read[0], atol=1e-6)


def test_messages_of_a_theme_come_together_even_those_not_learned_from(adapter, read, layers):
    vectors = adapter.encode(some(read[1], ~LEARNED), layers)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert apart(vectors) > 1.5 * apart(read[0][~LEARNED])


def test_the_same_is_learned_however_many_learn_at_once(adapter, read, layers):
    half, half_theme = some(read[1], LEARNED), THEME[LEARNED]
    tasks = [
        lambda: adapter.learn(half, half_theme, STEPS),
        lambda: adapter.learn(half[:30], half_theme[:30], STEPS),
        lambda: adapter.learn(half, half_theme, STEPS),
    ]
    first, other, again = at_once(tasks)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, layers)
    assert (other != first).any()


def test_the_same_is_learned_however_many_of_a_step_are_read_at_a_time(adapter, read, layers, monkeypatch):
    monkeypatch.setattr(module, "_FEW", CONFIG.batch_size)  # all, with the shorter ones padded
    whole = at_once([lambda: adapter.learn(some(read[1], LEARNED), THEME[LEARNED], STEPS)])[0]
    learned = adapter.encode(read[1], layers)
    apart_ = np.abs(adapter.encode(read[1], whole) - learned).max()
    assert apart_ < np.abs(learned - read[0]).max() / 20  # rounding alone


@pytest.mark.parametrize("able", [False, True])
def test_training_in_bfloat16_learns_nearly_what_float32_does(adapter, read, able, monkeypatch):
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda: able)
    plain = Adapter(adapter.encoder, CONFIG.model_copy(update={"arithmetic": "float32"}), 3)
    assert (adapter.shortens, plain.shortens) == (able, False)
    tasks = [
        lambda each=each: each.learn(some(read[1], LEARNED), THEME[LEARNED], STEPS)
        for each in (plain, adapter)
    ]
    long, short = at_once(tasks)
    assert (short != long).any() == able
    alike = (adapter.encode(read[1], short) * adapter.encode(read[1], long)).sum(axis=1)
    assert alike.min() > 0.999


@pytest.mark.parametrize("able", [False, True])
def test_vectors_that_are_nearly_the_same_have_unit_length(adapter, read, able, layers, monkeypatch):
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda: able)
    whole, nearly = (adapter.encode(read[1], layers, nearly=short) for short in (False, True))
    assert (nearly != whole).any() == able
    np.testing.assert_allclose(np.linalg.norm(nearly, axis=1), 1, atol=1e-5)
    assert (whole * nearly).sum(axis=1).min() > 0.999
    np.testing.assert_array_equal(adapter.encode(read[1], layers, nearly=True), nearly)


def test_another_seed_learns_from_other_batches(adapter, read):
    one, other = (Adapter(adapter.encoder, CONFIG, seed) for seed in (3, 4))
    half, theme = some(read[1], LEARNED), THEME[LEARNED]
    assert (one.learn(half, theme, 1) != other.learn(half, theme, 1)).any()


def test_the_order_and_the_company_of_messages_make_no_difference(adapter, read, layers):
    order = np.random.default_rng(0).permutation(len(TEXTS))
    whole = adapter.encode(read[1], layers)
    np.testing.assert_allclose(adapter.encode([read[1][i] for i in order], layers), whole[order], atol=1e-5)
    alone = np.concatenate([adapter.encode([read[1][i]], layers) for i in range(5)])
    np.testing.assert_allclose(alone, whole[:5], atol=1e-5)
    again, states = adapter.read([TEXTS[i] for i in order] + TEXTS[:2])
    np.testing.assert_allclose(again[: len(order)], read[0][order], atol=1e-5)
    np.testing.assert_array_equal(states[-1], states[int(np.flatnonzero(order == 1)[0])])


def test_long_messages_are_learned_from_and_encoded(adapter):
    long = [f"{text}, and so on, " * 20 for text in TEXTS[:2]]
    vectors, states = adapter.read([*long, "", "short"])
    found = adapter.learn(states, np.array([0, 1, 0, 1]), STEPS)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.linalg.norm(adapter.encode(states, found), axis=1), 1, atol=1e-5)
    assert vectors.shape == (4, 384)


def test_each_step_is_told(adapter, read):
    steps, brief = [], Adapter(adapter.encoder, AdaptConfig(layers=1), 3)
    brief.learn(read[1][:9], THEME[:9], 3, lambda: steps.append(1))
    assert len(steps) == 3
    brief.learn(read[1][:2], THEME[:1].repeat(2), 3, lambda: steps.append(1))
    assert len(steps) == 6, "nothing to learn, but as many steps as were announced"


def test_more_layers_than_there_are_is_one_sentence():
    greedy = Adapter(Encoder(EncoderConfig()), AdaptConfig(layers=40), 0)
    for attempt in (lambda: greedy.read(["a"]), lambda: greedy.learn([], np.zeros(0, np.int64), 1)):
        with pytest.raises(ConfigError) as raised:
            attempt()
        (sentence,) = raised.value.faults
        assert sentence.startswith("adapt.layers: ")
        assert "has no 40 transformer layers" in sentence
        assert "lower adapt.layers" in sentence


def test_long_messages_are_encoded_a_few_at_a_time(adapter, read, layers, monkeypatch):
    """No more tokens at a time than a batch may have, and the vectors are nearly the same."""
    through, tokens = module._Upper._through, []

    def watched(upper, states, even):
        tokens.append(len(states) * max(len(state) for state in states))
        return through(upper, states, even)

    whole = adapter.encode(read[1], layers)
    monkeypatch.setattr(batches, "MOST", 100)
    monkeypatch.setattr(module._Upper, "_through", watched)
    np.testing.assert_allclose(adapter.encode(read[1], layers), whole, atol=1e-5)
    assert max(tokens) <= 100
