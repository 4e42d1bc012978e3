"""Each vector is its text's own, to the last bit: with the real encoder."""

from itertools import chain, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invented import messages
from themeloom.config import EncoderConfig
from themeloom.discovery import batches, processor
from themeloom.discovery.batches import MOST, encode_each, of_like_length
from themeloom.discovery.embed import Encoder
from themeloom.progress import Progress

TEXTS = [*messages()[0], "short", "no", "", "a message that goes on and on " * 30]


class Counting(Progress):
    def __init__(self):
        self.done = 0

    def advance(self, steps=1):
        self.done += steps


@pytest.fixture(scope="module")
def model():
    return Encoder(EncoderConfig()).model


@pytest.fixture(scope="module")
def vectors(model):
    return encode_each(model, TEXTS, 32)


def test_they_are_those_of_sentence_transformers(model, vectors):
    own = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, own, atol=1e-6)


def test_what_else_is_encoded_makes_no_difference(model, vectors):
    assert np.array_equal(encode_each(model, TEXTS[::3], 32), vectors[::3])
    assert np.array_equal(encode_each(model, TEXTS[::-1], 5)[::-1], vectors)
    for place in range(0, len(TEXTS), 9):
        assert np.array_equal(encode_each(model, TEXTS[place : place + 1], 32)[0], vectors[place])


@pytest.mark.parametrize("number", [1, 3])
def test_the_number_of_cores_makes_no_difference(model, vectors, monkeypatch, number):
    monkeypatch.setattr(processor, "cores", lambda: number)
    assert np.array_equal(encode_each(model, TEXTS, 32), vectors)


def test_every_text_is_told_and_none_is_none(model):
    counted = Counting()
    encode_each(model, TEXTS, 32, counted)
    assert counted.done == len(TEXTS)
    assert encode_each(model, [], 32).shape == (0, 384)


class Elsewhere:
    """The model, which says that it is on a device of its own."""

    device = torch.device("meta")

    def __init__(self, model):
        self.model = model

    def __getattr__(self, name):
        return getattr(self.model, name)

    def __call__(self, features):
        return self.model(features)


def test_a_device_of_its_own_is_given_one_batch_after_the_other(model, vectors, monkeypatch):
    asked = []
    moved = "sentence_transformers.util.batch_to_device"
    monkeypatch.setattr(moved, lambda features, device: asked.append(device.type) or features)
    monkeypatch.setattr(batches, "at_once", lambda _: pytest.fail("several at once"))
    found = encode_each(Elsewhere(model), TEXTS, 32)
    assert np.allclose(found, vectors, atol=1e-6)  # torch adds up in as many threads as it was told last
    assert set(asked) == {"meta"}


@pytest.mark.parametrize(("device", "expected"), [("cpu", [4, 4, 2]), ("meta", [10])])
def test_long_texts_are_read_a_few_at_a_time_on_the_processor(model, monkeypatch, device, expected):
    long = [f"{number} {TEXTS[-1]}" for number in range(10)]
    tokens = len(model.tokenizer(long[0])["input_ids"])
    monkeypatch.setattr(batches, "MOST", 4 * tokens + tokens // 2)
    monkeypatch.setattr("sentence_transformers.util.batch_to_device", lambda features, _: features)
    asked = []

    def ask(features):
        asked.append(len(features["input_ids"]))
        return [None] * asked[-1]

    place = model if device == "cpu" else Elsewhere(model)
    assert len(batches.through(place, long, 32, ask)) == len(long)
    assert sorted(asked, reverse=True) == expected


@given(st.lists(st.integers(1, 600)), st.integers(1, 80), st.sampled_from([1, 8]))
def test_texts_of_like_length_are_filled_together(lengths, size, even):
    found = list(of_like_length(lengths, size, even))
    assert sorted(chain(*found)) == list(range(len(lengths)))
    in_order = [lengths[place] for place in chain(*found)]
    assert in_order == sorted(lengths)
    for batch in found:
        assert 1 <= len(batch) <= size
        assert len(batch) == 1 or len(batch) * filled(lengths[batch[-1]], even) <= MOST
    for batch, after in pairwise(found):
        one_more = (len(batch) + 1) * filled(lengths[after[0]], even)
        assert len(batch) == size or one_more > MOST, "there was room for one more"


def filled(length, even):
    return -(-length // even) * even
