"""What a topic is about: c-TF-IDF and representation models of BERTopic (Grootendorst 2022)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from themeloom.config import DescribeConfig
from themeloom.discovery.embed import Encoder, encode_cached
from themeloom.discovery.encoder_text import embedded_text
from themeloom.discovery.words import term_splitter
from themeloom.errors import CorpusError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Clusters, Embeddings, Floats, Ints, Topic
from themeloom.system.cache import VectorCache

if TYPE_CHECKING:
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from bertopic.representation import BaseRepresentation
    from sklearn.feature_extraction.text import CountVectorizer

Words = Mapping[int, list[tuple[str, float]]]
"""Of each topic, with their weights."""
_CANDIDATES = 50
"""Words a topic that KeyBERT's way of choosing looks at."""
_FEW = 8
"""Texts at a time whose vectors are not kept on disk: each time would be a file, to be opened ever after."""
_SIMILARITIES = 1_000_000
"""Messages by topics that BERTopic may compare at a time: each message has a few dozen windows."""


def describe(
    embeddings: Embeddings,
    clusters: Clusters,
    encoder: Encoder,
    config: DescribeConfig,
    cache: VectorCache | None = None,
    progress: Progress = UNWATCHED,
) -> tuple[Topic, ...]:
    """Describe each topic by words and by representative messages.

    Parameters
    ----------
    embeddings
        The communications' vectors and their texts: masked, and as they were embedded.
    clusters
        Their topics.
    encoder
        The model: words are chosen by their nearness to a topic's messages.
    config
        How many words and messages.
    cache
        Where vectors of words are kept.
    progress
        Who watches.

    Returns
    -------
    tuple of Topic
        In the order of the topics' numbers.
    """
    progress.begin(2, "steps")
    model = to_bertopic(embeddings, clusters.topic, encoder, config, cache)
    progress.advance()
    topics = tuple(
        _topic(model, number, embeddings.vectors, clusters, config) for number in range(clusters.count)
    )
    progress.advance()
    return topics


def to_bertopic(
    embeddings: Embeddings,
    topic: Ints,
    encoder: Encoder,
    config: DescribeConfig,
    cache: VectorCache | None = None,
) -> "BERTopic":
    """Return a fitted BERTopic object that holds these topics under these numbers.

    Parameters
    ----------
    embeddings
        The communications' vectors and their texts: masked, and as they were embedded.
    topic
        int64, (communications,): -1 where none.
    encoder
        The model, for words now and for BERTopic's own `transform` later.
    config
        How many words.
    cache
        Where vectors of words are kept.
    """
    from bertopic import BERTopic
    from bertopic.cluster import BaseCluster
    from bertopic.dimensionality import BaseDimensionalityReduction
    from bertopic.vectorizers import ClassTfidfTransformer

    class NumberedBERTopic(BERTopic):  # type: ignore[misc]
        """BERTopic renumbers topics by size, in any order where sizes tie: ours keep their numbers."""

        def _sort_mappings_by_frequency(self, documents: "object") -> "object":
            self._update_topic_size(documents)
            return documents

    model = NumberedBERTopic(
        embedding_model=_backend(
            encoder,
            cache,
            dict(zip(embeddings.texts, embeddings.vectors, strict=True)),
            embeddings.frequent_terms,
        ),
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=BaseCluster(),
        vectorizer_model=_vectorizer(embeddings),
        ctfidf_model=ClassTfidfTransformer(bm25_weighting=True, reduce_frequent_words=True),
        representation_model=_representations(config),
        top_n_words=config.words,
    )
    model.fit(list(embeddings.masked), embeddings=embeddings.vectors, y=topic)
    model.__class__ = BERTopic  # what merges, reduces or deletes topics later needs the renumbering
    model.delete_topics = partial(_delete_topics, model)
    return model


def _delete_topics(model: "BERTopic", topics_to_delete: Sequence[int]) -> None:
    """Delete as BERTopic does, and give each topic its own row again.

    BERTopic (0.17) drops rows by their place, also where the outliers' row is the first, leaves them in their
    order though topics are numbered anew, and drops features' weights as if these were topics' rows.
    """
    from scipy import sparse

    before, shift = np.array(model.topics_), int(-1 in model.topics_)
    rows = {name: getattr(model, name) for name in ("topic_embeddings_", "c_tf_idf_")}
    weights = model.ctfidf_model._idf_diag  # noqa: SLF001
    type(model).delete_topics(model, topics_to_delete)
    after = np.array(model.topics_)
    kept = [int(before[after == number][0]) + shift for number in range(after.max() + 1)]
    for name, matrix in rows.items():
        own = matrix[np.array(kept, np.int64)]
        stack = sparse.vstack if sparse.issparse(matrix) else np.vstack
        setattr(model, name, stack([matrix[:1] * shift, own]) if -1 in after else own)
    model.ctfidf_model._idf_diag = weights  # noqa: SLF001


def without_outliers(texts: Sequence[str], vectors: Floats, topic: Ints) -> Ints:
    """Give each outlier the topic that BERTopic's own `reduce_outliers` gives it by its default strategy.

    All settings are BERTopic's own, but for the language: 'english' would drop every letter but a to z.

    Parameters
    ----------
    texts
        What was embedded.
    vectors
        float32, (communications, dimensions).
    topic
        int64, (communications,): -1 for outliers.

    Returns
    -------
    Ints
        int64, (communications,): -1 where no part of the text is like any topic.
    """
    from bertopic import BERTopic
    from bertopic.cluster import BaseCluster
    from bertopic.dimensionality import BaseDimensionalityReduction

    topics = int(topic.max(initial=-1)) + 1
    if not topics or topic.min() >= 0:
        return topic.copy()
    given = {"umap_model": BaseDimensionalityReduction(), "hdbscan_model": BaseCluster()}

    class Reference(BERTopic):  # type: ignore[misc]
        """Told apart from a user's own by its module: theirs may be logged, ours are part of a run."""

        def _save_representative_docs(self, documents: "object") -> None:
            """Leave them: nobody reads the reference's messages, and among many topics it takes longest."""

    model = Reference(**given, language="multilingual")
    model.fit(list(texts), embeddings=vectors, y=topic)
    batch = {"batch_size": max(1, min(1_000, _SIMILARITIES // topics))}
    moved = model.reduce_outliers(list(texts), model.topics_, distributions_params=batch)
    ours = dict(zip(model.topics_, topic.tolist(), strict=True))  # BERTopic numbers topics anew
    return np.array([ours.get(number, -1) for number in moved], dtype=np.int64)


def _backend(
    encoder: Encoder, cache: VectorCache | None, known: dict[str, Floats], frequent_terms: tuple[str, ...]
) -> "BaseEmbedder":
    """Return our encoder, as BERTopic asks for it: for (masked) messages again, and the same words twice."""
    from bertopic.backend import BaseEmbedder

    class Backend(BaseEmbedder):  # type: ignore[misc]
        """What BERTopic embeds by."""

        def embed(self, documents: Sequence[str], verbose: bool = False) -> Floats:  # noqa: ARG002
            read = [embedded_text(text, frequent_terms) for text in documents]
            new = [text for text in dict.fromkeys(read) if text not in known]
            if new:
                kept = cache if len(new) > _FEW else None
                known.update(zip(new, encode_cached(new, encoder, kept), strict=True))
            return np.stack([known[text] for text in read])

        def __reduce__(self) -> tuple[object, ...]:
            """Leave messages and folder behind where BERTopic is pickled: they can be encoded again."""
            return _backend, (encoder, None, {}, frequent_terms)

    return Backend()


def _representations(config: DescribeConfig) -> "list[BaseRepresentation]":
    """Return what chooses a topic's words: those near to its messages, and of these such as differ."""
    from bertopic.representation import KeyBERTInspired

    return [
        KeyBERTInspired(top_n_words=3 * config.words, nr_candidate_words=_CANDIDATES),
        _relevance(config.diversity, config.words),
    ]


def _relevance(diversity: float, words: int) -> "BaseRepresentation":
    """Return BERTopic's own, which embeds words topic by topic; here those of all topics at once."""
    from bertopic.representation import MaximalMarginalRelevance

    class TogetherRelevance(MaximalMarginalRelevance):  # type: ignore[misc]
        """What chooses words that differ."""

        def extract_topics(
            self, topic_model: "BERTopic", documents: object, c_tf_idf: object, topics: Words
        ) -> Words:
            topic_model.embedding_model.embed([" ".join(word for word, _ in of) for of in topics.values()])
            relevant: Words = super().extract_topics(topic_model, documents, c_tf_idf, topics)
            return relevant

        def __reduce__(self) -> tuple[object, ...]:
            return _relevance, (self.diversity, self.top_n_words)

    return TogetherRelevance(diversity=diversity, top_n_words=words)


def _vectorizer(embeddings: Embeddings) -> "CountVectorizer":
    """Return a counter of the words, and pairs of words, that more than one communication uses."""
    from sklearn.feature_extraction.text import CountVectorizer

    split = term_splitter(embeddings.frequent_terms)
    # BERTopic counts topics, not communications, so the vocabulary is settled beforehand; it needs two words.
    words: list[str] = []
    with suppress(ValueError):  # none is left
        words = sorted(CountVectorizer(analyzer=split, min_df=2).fit(embeddings.masked).vocabulary_)
    if len(words) < 2:
        raise CorpusError(
            f"corpus: but for the most common words, {len(words) or 'no'} word stands in more than one "
            "message, so that topics would have no words of their own; gather other messages, or raise "
            "encoder.frequent_terms (words that stand in a greater share of the messages are left out)."
        )
    return CountVectorizer(analyzer=split, vocabulary=words)


def _topic(
    model: "BERTopic", number: int, vectors: Floats, clusters: Clusters, config: DescribeConfig
) -> Topic:
    members = np.flatnonzero(clusters.topic == number)
    words = [(str(word), float(weight)) for word, weight in model.get_topic(number) or [] if word]
    return Topic(
        topic=number,
        size=len(members),
        outliers=int(clusters.outlier[members].sum()),
        words=tuple(word for word, _ in words),
        weights=tuple(round(weight, 4) for _, weight in words),
        representative=_representative(vectors, members, clusters, config.representative),
    )


def _representative(vectors: Floats, members: Ints, clusters: Clusters, count: int) -> tuple[int, ...]:
    """Return the positions of the members nearest to the topic's centre, outliers last."""
    core = members[~clusters.outlier[members]]
    pool = core if len(core) >= count else members
    centre = vectors[core if len(core) else members].mean(axis=0)
    nearness = np.round(vectors[pool] @ centre, 5)
    return tuple(int(i) for i in pool[np.lexsort((pool, -nearness))[:count]])
