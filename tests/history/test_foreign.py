"""A BERTopic's settings, topics and corpus as plain items: no MLflow, no `fit`."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.history import foreign
from themeloom.history.submodels import encoder_facts, settings


def bertopic(**parts):
    """What a BERTopic tells of itself."""
    return SimpleNamespace(get_params=lambda: parts, embedding_model=parts.get("embedding_model"))


class Paid:
    """A representation by a service, with a secret, an open client and a long prompt."""

    def __init__(self, client, api_key, generator_kwargs, prompt, **rest):
        self.client, self.api_key, self.prompt = client, api_key, prompt
        self.generator_kwargs = generator_kwargs
        self.rest = rest


def test_secrets_and_objects_are_not_told():
    part = Paid(object(), "s3cret", {"authorization": "Bearer s3cret", "temperature": 0.1}, "Name [KEYWORDS]")
    found = settings(bertopic(representation_model=part))
    assert found["representation_model"] == "Paid"
    assert found["representation_model.client"] == "object"
    assert found["representation_model.api_key"] == "withheld"
    assert json.loads(found["representation_model.generator_kwargs"])["temperature"] == 0.1
    assert found["representation_model.prompt"] == "Name [KEYWORDS]"
    assert "s3cret" not in str(found)


def test_words_of_a_corpus_are_counted():
    from sklearn.feature_extraction.text import CountVectorizer

    names = ["ada", "grace"]
    found = settings(bertopic(vectorizer_model=CountVectorizer(stop_words=names, vocabulary={"bread": 0})))
    same = settings(bertopic(vectorizer_model=CountVectorizer(stop_words=names[::-1])))
    assert found["vectorizer_model.stop_words"].startswith("2 entries, ")
    assert found["vectorizer_model.stop_words"] == same["vectorizer_model.stop_words"]
    assert "ada" not in str(found)
    assert "bread" not in str(found)
    assert (
        settings(bertopic(vectorizer_model=CountVectorizer(stop_words="english")))[
            "vectorizer_model.stop_words"
        ]
        == "english"
    )


def test_values_of_any_kind_are_plain():
    found = settings(
        bertopic(
            min_topic_size=np.int64(7),
            n_gram_range=(1, 2),
            model_file=None,
            path="/home/ada/models/weights",
            tokenizer=len,
            seed_topic_list=[["bread", "oven"]] * 60,
            umap_model=None,
        )
    )
    assert found["bertopic.min_topic_size"] == "7"
    assert found["bertopic.n_gram_range"] == "[1, 2]"
    assert found["bertopic.path"] == "weights"
    assert found["bertopic.tokenizer"] == "len"
    assert found["bertopic.seed_topic_list"].count("oven") == 60
    assert found["umap_model"] == "none"


def test_the_defaults_of_bertopic_are_told():
    from bertopic import BERTopic

    found = settings(BERTopic(min_topic_size=12))
    assert (found["umap_model"], found["hdbscan_model"]) == ("UMAP", "HDBSCAN")
    assert (found["umap_model.n_neighbors"], found["umap_model.metric"]) == ("15", "cosine")
    assert (found["hdbscan_model.min_cluster_size"], found["bertopic.language"]) == ("12", "english")


def test_a_part_that_refuses_to_tell_its_settings_is_still_named():
    class Shy:
        __slots__ = ()

        def get_params(self, deep):
            raise RuntimeError(deep)

    assert settings(bertopic(hdbscan_model=Shy()))["hdbscan_model"] == "Shy"


@pytest.mark.parametrize(
    ("encoder", "name", "source"),
    [
        (None, "none", ""),
        ("all-MiniLM-L6-v2", "all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        (SimpleNamespace(embedding_model=Paid(0, "", {}, "")), "Paid", ""),
        (SimpleNamespace(embedding_model="text-embedding-3"), "str", ""),
    ],
)
def test_encoders_are_named(encoder, name, source):
    found = encoder_facts(bertopic(embedding_model=encoder))
    assert (found.name, found.source) == (name, source)


def test_an_encoder_from_a_hub_is_named_by_the_hub(tmp_path):
    folder = tmp_path / "models--sentence-transformers--all-mpnet-base-v2" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    found = encoder_facts(bertopic(embedding_model=str(folder)))
    assert found.name == "sentence-transformers/all-mpnet-base-v2"


documents = st.lists(st.text(max_size=6), min_size=1, max_size=6)


@given(documents, documents)
def test_a_digest_is_of_all_documents_in_their_order(one, other):
    facts = foreign.CorpusFacts.of(one)
    assert (facts.digest == foreign.CorpusFacts.of(other).digest) == (one == other)
    assert facts.documents == len(one)
    if any(one):
        assert facts.characters == pytest.approx(np.mean([len(text) for text in one]))
    else:
        assert np.isnan(facts.characters)


def fitted(sizes, words, embeddings=None):
    return SimpleNamespace(topic_sizes_=sizes, get_topics=lambda: words, topic_embeddings_=embeddings)


def test_topics_without_words_and_without_outliers():
    model = fitted(
        {1: np.int64(2), 0: 3}, {0: [("bread", 0.5), ("", 0.0)], 1: [("", 1e-05)]}, [[1, 0], [0, 1]]
    )
    topics = foreign.topics_of(model)
    assert [(topic.topic, topic.size, topic.words) for topic in topics] == [(0, 3, ("bread",)), (1, 2, ())]
    assert foreign.vectors_of(model).tolist() == [[1, 0], [0, 1]]
    assert foreign.counts(topics)["outlier_share"] == 0


def test_nothing_but_outliers():
    model = fitted({-1: 4}, {-1: [("bread", 1.0)]}, [[1, 2, 3]])
    assert foreign.vectors_of(model).shape == (0, 3)
    assert foreign.counts(foreign.topics_of(model)) == {"topics": 0, "outlier_share": 1}


def test_vectors_that_do_not_fit_the_topics_are_not_told():
    assert foreign.vectors_of(fitted({0: 1, 1: 1}, {}, [[1, 2]])) is None
    assert foreign.vectors_of(fitted({0: 1}, {})) is None


def test_texts_are_split_as_the_vectoriser_does():
    from sklearn.feature_extraction.text import CountVectorizer

    def split(vectoriser, text):
        return foreign.splitter(SimpleNamespace(vectorizer_model=vectoriser))(text)

    assert split(CountVectorizer(ngram_range=(1, 2), stop_words=["the"]), "The new Bread") == ["new", "bread"]
    assert split(CountVectorizer(tokenizer=list, token_pattern=None), "Ab") == ["a", "b"]
    assert split(CountVectorizer(analyzer=str.split), "new Bread") == ["new", "Bread"]
    assert foreign.splitter(SimpleNamespace(vectorizer_model=object())) is None


def test_texts_are_cleaned_as_bertopic_did():
    from bertopic import BERTopic

    assert foreign.splitter(BERTopic())("Don't\tbake") == ["dont", "bake"]
