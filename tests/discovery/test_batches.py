"""Each vector is its text's own, to the last bit: with the real encoder."""

import numpy as np
import pytest
import torch

from invented import messages
from themeloom.config import EncoderConfig
from themeloom.discovery import batches, processor
from themeloom.discovery.batches import encode_each
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
