import numpy as np
import pytest

import invented
from builders import make_record
from themeloom.history import store

WIDTH = 24


@pytest.fixture(scope="session")
def record():
    return make_record()


@pytest.fixture
def folder(record, tmp_path):
    return store.save(record, tmp_path / "models")


@pytest.fixture(scope="session")
def texts():
    """Twice the invented messages, as the second half is told apart by an ending."""
    found, _ = invented.messages()
    return [*found, *(f"{text} once more" for text in found)]


@pytest.fixture(scope="session")
def encoder_folder(texts, tmp_path_factory):
    """A real and tiny model of sentence-transformers: a vector for each word of the invented messages."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = sorted({word for text in texts for word in text.lower().replace(",", " ").split()})
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    subjects = {subject.split()[-1] for subject in invented.SUBJECTS}
    loudness = np.array([[4 if word in subjects else 0.5] for word in vocabulary])
    weights = np.float32(loudness * np.random.default_rng(0).normal(size=(len(vocabulary), WIDTH)))
    folder = tmp_path_factory.mktemp("encoders") / "tiny"
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


@pytest.fixture(scope="session")
def encoded(texts, encoder_folder):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(encoder_folder), device="cpu").encode(texts)


@pytest.fixture
def vectors(encoded):
    """A vector for each text; BERTopic writes into the arrays that it is given."""
    return encoded.copy()
