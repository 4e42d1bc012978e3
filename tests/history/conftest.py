import os
import subprocess
from contextlib import suppress

import numpy as np
import pytest

import invented
from builders import make_record
from servers import wait_for
from themeloom.config import TrackingConfig
from themeloom.history import store, tracking

NOWHERE = TrackingConfig()

WIDTH = 24


@pytest.fixture(scope="session")
def record():
    return make_record()


@pytest.fixture
def folder(record, tmp_path):
    return store.save(record, tmp_path / "models")


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A study's folder with a model, a report and one tracked run; of each file its own, as some add runs."""
    root = tmp_path_factory.mktemp("a study")
    record = make_record()
    model = store.save(record, root / "models")
    (root / "report.html").write_text("<p>report</p>")
    (model / "report.html").write_text("<p>report for the study alone</p>")
    return root, record, model, track_first(record, model, root)


def track_first(record, model, root):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return tracking.track(record, model, root / "report.html", NOWHERE, root)


@pytest.fixture
def processes():
    """Servers that a test started."""
    return []


@pytest.fixture
def stop(processes):
    """Stop the servers of a test in its middle."""

    def stopped():
        for process in processes:
            os.killpg(process.pid, 9)
            process.wait(timeout=30)

    return stopped


@pytest.fixture
def serve(tmp_path, processes):

    def start(command, environment, port):
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        processes.append(process)
        wait_for(port, process)

    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(timeout=30)
        process.stdout.close()


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
