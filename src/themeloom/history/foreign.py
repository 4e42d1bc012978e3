"""A fitted BERTopic, whoever made it, as plain items to log: topics, numbers, digests. Knows no MLflow."""

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors.numpy import save_file

from themeloom.history.submodels import NONE, EncoderFacts, TopicModel
from themeloom.records import Floats, Topic
from themeloom.system.provenance import corpus_digest, text_digests

TOPICS, VECTORS, DOCUMENTS = "topics.json", "vectors.safetensors", "documents.json"
"""What other tools read of a run, under ``topics/``."""

Split = Callable[[str], list[str]]


class FittedTopicModel(TopicModel, Protocol):
    """A BERTopic after `fit`."""

    topics_: Sequence[int]
    topic_sizes_: Mapping[int, int]
    topic_embeddings_: "Floats | None"
    vectorizer_model: object

    def get_topics(self) -> Mapping[int, Sequence[tuple[str, float]]]:
        """Return each topic's words and weights."""

    def save(self, path: Path, serialization: str, save_embedding_model: bool, save_ctfidf: bool) -> None:
        """Write itself into a folder."""


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """What may be told of a corpus: how much there is, and one digest for all of it."""

    documents: int
    characters: float  # mean length; NaN where documents are no texts
    digest: str  # the same only for the same documents in the same order

    @classmethod
    def of(cls, documents: Iterable[object]) -> "CorpusFacts":
        """Count and digest documents, of which only texts are read."""
        found = [document if isinstance(document, str) else "" for document in documents]
        length = statistics.fmean(map(len, found)) if any(found) else float("nan")
        return cls(len(found), length, corpus_digest(found))


def topics_of(model: FittedTopicModel) -> tuple[Topic, ...]:
    """Return the topics in the order of their numbers, -1 (outliers) first where there is such a group."""
    words = model.get_topics()
    return tuple(
        _topic(int(number), int(model.topic_sizes_[number]), words.get(number) or ())
        for number in sorted(model.topic_sizes_)
    )


def _topic(number: int, size: int, listed: Sequence[tuple[str, float]]) -> Topic:
    named = [(str(word), round(float(weight), 6)) for word, weight in listed if str(word).strip()]
    words, weights = zip(*named, strict=True) if named else ((), ())
    return Topic(topic=number, size=size, outliers=0, words=words, weights=weights, representative=())


def vectors_of(model: FittedTopicModel) -> "Floats | None":
    """Return the topics' embeddings, float32 (topics, dimensions), outliers left out; None where unknown."""
    if model.topic_embeddings_ is None:
        return None
    vectors = np.asarray(model.topic_embeddings_, dtype=np.float32)
    numbers = sorted(int(number) for number in model.topic_sizes_)
    if vectors.ndim != 2 or len(vectors) != len(numbers):
        return None
    return np.ascontiguousarray(vectors[[number >= 0 for number in numbers]])


def counts(topics: Sequence[Topic]) -> dict[str, float]:
    """Return how many topics there are, how large they are, and which share of documents has none."""
    sizes = [topic.size for topic in topics if topic.topic >= 0]
    outliers = sum(topic.size for topic in topics if topic.topic < 0)
    found = {"topics": float(len(sizes)), "outlier_share": outliers / max(1, outliers + sum(sizes))}
    if sizes:
        found |= {
            "topic_size/min": float(min(sizes)),
            "topic_size/median": float(statistics.median(sizes)),
            "topic_size/max": float(max(sizes)),
        }
    return found


def table(topics: Sequence[Topic]) -> dict[str, list[object]]:
    """Return the topics as columns: topic, size, words, weights."""
    return {
        "topic": [topic.topic for topic in topics],
        "size": [topic.size for topic in topics],
        "words": [", ".join(topic.words) for topic in topics],
        "weights": [", ".join(f"{weight:.4f}" for weight in topic.weights) for topic in topics],
    }


def splitter(model: FittedTopicModel) -> "Split | None":
    """Return what splits a text into the single words of which the model's vectoriser makes terms.

    None where the vectoriser is not one of scikit-learn's kind.
    """
    vectoriser = model.vectorizer_model
    whole: Callable[[], Split] | None = getattr(vectoriser, "build_analyzer", None)
    if whole is None:
        return None
    clean: Callable[[list[str]], list[str]] | None = getattr(model, "_preprocess_text", None)
    split = _words(vectoriser) if getattr(vectoriser, "analyzer", None) == "word" else whole()
    # BERTopic drops characters before it counts words: texts must be seen as it saw them
    return split if clean is None else lambda text: split(clean([text])[0])


def _words(vectoriser: object) -> Split:
    """Split as a CountVectorizer does, before it makes pairs and longer terms."""
    prepare, split = vectoriser.build_preprocessor(), vectoriser.build_tokenizer()  # type: ignore[attr-defined]
    left_out = frozenset(vectoriser.get_stop_words() or ())  # type: ignore[attr-defined]
    return lambda text: [token for token in split(prepare(text)) if token not in left_out]


def write_topics(
    topics: Sequence[Topic], vectors: "Floats | None", encoder: EncoderFacts, folder: Path
) -> None:
    """Write ``topics.json`` and, where they are known, ``vectors.safetensors``, as comparing reads them.

    Parameters
    ----------
    topics
        The topics, outliers (-1) among them.
    vectors
        float32, (topics without -1, dimensions).
    encoder
        What made the vectors.
    folder
        Where the files go.
    """
    listed = [
        {"topic": one.topic, "size": one.size, "words": list(one.words), "weights": list(one.weights)}
        for one in topics
    ]
    (folder / TOPICS).write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if vectors is not None:
        told = {"encoder": "" if encoder.name == NONE else encoder.name, "weights": encoder.weights}
        save_file({"vectors": vectors}, folder / VECTORS, metadata=told)


def write_documents(model: FittedTopicModel, texts: Sequence[str], folder: Path, *, digests: bool) -> None:
    """Write ``documents.json``: each document's topic in their order, and which corpus it is.

    Parameters
    ----------
    model
        A fitted BERTopic.
    texts
        The documents, none of which is written.
    folder
        Where the file goes.
    digests
        Whether a digest of each document is written too: it tells whoever has a text that it was there.
    """
    found: dict[str, object] = {
        "corpus": corpus_digest(texts),
        "topics": [int(topic) for topic in model.topics_],
    }
    if digests:
        found["digests"] = text_digests(texts)
    (folder / DOCUMENTS).write_text(json.dumps(found) + "\n", encoding="utf-8")


def write_model(model: FittedTopicModel, encoder: str, folder: Path) -> None:
    """Write a BERTopic in its own safetensors form, without anything that shows a document.

    The vocabulary (c-TF-IDF) and pictures of topics, which are made of the documents, stay out.

    Parameters
    ----------
    model
        A fitted BERTopic.
    encoder
        By what name sentence-transformers loads its encoder; empty where it is not told.
    folder
        Is made.
    """
    model.save(folder, serialization="safetensors", save_embedding_model=True, save_ctfidf=False)
    for picture in (folder / "images").glob("*"):
        picture.unlink()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"embedding_model": encoder} if encoder else {}
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")


def write_encoder(model: FittedTopicModel, folder: Path) -> None:
    """Write the weights of an encoder that sentence-transformers loaded, as safetensors."""
    backend = model.embedding_model
    inner: Any = getattr(backend, "embedding_model", None) or backend
    inner.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
