"""Topics described by the real BERTopic over the real encoder."""

import numpy as np
import polars as pl
import pytest

from themeloom.config import DescribeConfig, EncoderConfig
from themeloom.discovery import describe as module
from themeloom.discovery.describe import describe, to_bertopic
from themeloom.discovery.embed import Encoder, embed, encode_cached
from themeloom.discovery.quality import topic_quality
from themeloom.errors import CorpusError
from themeloom.records import Clusters

SUBJECTS = {
    "the waiting list": [
        "for therapy is two years long",
        "never moves",
        "is a waiting list for a waiting list",
    ],
    "my diagnosis": ["was changed again", "is not who I am", "came as a relief at last"],
    "the crisis team": ["did not pick up the phone", "came at three at night", "told me to have a bath"],
}


@pytest.fixture(scope="module")
def corpus():
    texts = [f"{start} {end}" for start, ends in SUBJECTS.items() for end in ends for _ in range(2)]
    texts = [f"{text} {'again' * (i % 2)}".strip() for i, text in enumerate(texts)]
    encoder = Encoder(EncoderConfig(frequent_terms=0.9))
    topic = np.repeat(np.arange(3), 6)
    clusters = Clusters(
        topic=topic,
        outlier=np.arange(18) % 6 == 5,
        membership=np.ones(18, dtype=np.float32),
        min_cluster_size=5,
        selection="eom",
        note="",
        tree=pl.DataFrame(),
    )
    return embed(texts, encoder), clusters, encoder


def test_words_say_what_a_topic_is_about(corpus):
    topics = describe(*corpus, DescribeConfig(words=5))
    assert [topic.topic for topic in topics] == [0, 1, 2]
    for topic, words in zip(topics, (["waiting", "list"], ["diagnosis"], ["crisis", "team"]), strict=True):
        assert any(word in " ".join(topic.words) for word in words)
        assert len(topic.words) == len(topic.weights) <= 5


def test_vectors_of_words_are_kept_in_one_file_not_in_one_a_topic(corpus, tmp_path):
    _, _, encoder = corpus
    cache = encoder.cache(tmp_path)
    there = describe(*corpus, DescribeConfig(words=5), cache)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1
    assert describe(*corpus, DescribeConfig(words=5), cache) == there


def test_words_of_all_topics_are_embedded_together(corpus, monkeypatch):
    asked = []
    monkeypatch.setattr(
        module,
        "encode_cached",
        lambda texts, *given: asked.append(len(texts)) or encode_cached(texts, *given),
    )
    describe(*corpus, DescribeConfig(words=5))
    assert len(asked) == 2, "single words, then the words of each topic as one text"
    assert asked[1] == 3


def test_words_are_people_s_own_and_none_that_masking_left(corpus):
    _, clusters, encoder = corpus
    texts = [
        *(f"the phone line is engaged, phone line {end}" for end in ("again", "still", "[place 1]")),
        *(f"[link {at}] [link]" for at in range(3)),
        *(f"my diagnosis was changed by [person {at}] in [place]" for at in range(6)),
        *(f"the crisis team came at night, [person] of the crisis team and [phone {at}]" for at in range(6)),
    ]
    embeddings = embed(texts, encoder)
    topics = describe(embeddings, clusters, encoder, DescribeConfig())
    words = [set(" ".join(topic.words).split()) for topic in topics]
    assert {"phone", "line"} <= words[0]
    assert set.union(*words).isdisjoint({"link", "person", "place"})
    assert "phone" not in words[2]
    assert topic_quality(texts, topics, embeddings.vectors, clusters.topic, clusters.outlier).npmi[0] > -1


def test_messages_are_read_by_bertopic_as_they_were_by_the_run(corpus, monkeypatch):
    before, clusters, encoder = corpus
    texts = [
        f"#DearTeam {text}, [person {at}] said [sic] to [handle]" for at, text in enumerate(before.masked)
    ]
    embeddings = embed(texts, encoder)
    assert "#dearteam" in embeddings.frequent_terms
    model = to_bertopic(embeddings, clusters.topic, encoder, DescribeConfig())
    monkeypatch.setattr(module, "encode_cached", None)  # they are known
    assert np.array_equal(model.embedding_model.embed(texts), embeddings.vectors)
    shown = [text for of in model.get_representative_docs().values() for text in of]
    assert set(shown) <= set(texts)


def test_representatives_are_members_and_not_outliers(corpus):
    _, clusters, _ = corpus
    for topic in describe(*corpus, DescribeConfig(representative=3)):
        assert len(topic.representative) == 3
        assert all(clusters.topic[i] == topic.topic for i in topic.representative)
        assert not clusters.outlier[list(topic.representative)].any()
        assert (topic.size, topic.outliers) == (6, 1)


def test_bertopic_holds_the_same_topics_and_its_plots_work(corpus):
    embeddings, clusters, encoder = corpus
    model = to_bertopic(embeddings, clusters.topic, encoder, DescribeConfig())
    assert model.topics_ == clusters.topic.tolist()
    assert model.get_topic_info()["Count"].tolist() == [6, 6, 6]
    assert len(model.visualize_barchart().data) == 3
    assert len(model.visualize_heatmap().data) == 1
    assert len(model.visualize_hierarchy().data) > 0
    found, _ = model.transform(["the crisis team came in the night"])
    assert found[0] == 2


def test_bertopic_s_own_save_keeps_words_and_topics(corpus, tmp_path):
    from bertopic import BERTopic

    embeddings, clusters, encoder = corpus
    model = to_bertopic(embeddings, clusters.topic, encoder, DescribeConfig())
    model.save(tmp_path / "model", serialization="safetensors", save_ctfidf=True)
    loaded = BERTopic.load(tmp_path / "model")
    assert loaded.topic_labels_ == model.topic_labels_
    assert loaded.vectorizer_model.vocabulary_ == model.vectorizer_model.vocabulary_


@pytest.mark.parametrize(
    "change",
    [
        lambda model, texts: model.merge_topics(texts, [0, 1]),
        lambda model, texts: model.reduce_topics(texts, nr_topics=2),
        lambda model, _: model.delete_topics([0]),
        lambda model, _: model.delete_topics([1]),
        lambda model, _: model.delete_topics([2]),
    ],
    ids=["merge", "reduce", "delete", "delete the second", "delete the last"],
)
def test_bertopic_changes_topics_as_its_own_are_changed(corpus, change):
    embeddings, clusters, encoder = corpus
    texts = list(embeddings.texts)
    model = to_bertopic(embeddings, (clusters.topic + 1) % 3, encoder, DescribeConfig())
    change(model, texts)
    changed = np.array(model.topics_)
    assert sorted(set(changed[changed >= 0])) == [0, 1]
    found, _ = model.transform(texts)
    assert np.array(found)[changed >= 0].tolist() == changed[changed >= 0].tolist()
    assert len(model.visualize_heatmap().data) == 1
    assert len(model.visualize_barchart().data) == 2


def test_topics_are_deleted_one_after_the_other_and_from_a_copy_on_disk(corpus, tmp_path):
    from bertopic import BERTopic

    embeddings, clusters, encoder = corpus
    texts = list(embeddings.texts)
    made = to_bertopic(embeddings, clusters.topic, encoder, DescribeConfig())
    made.save(tmp_path / "model")
    for model in (made, BERTopic.load(tmp_path / "model")):
        model.delete_topics([1])
        words = model.get_topic(0)
        model.delete_topics([1])
        changed = np.array(model.topics_)
        assert sorted(set(changed)) == [-1, 0]
        assert model.get_topic(0) == words
        found, _ = model.transform(texts)
        assert set(np.array(found)[changed == 0]) == {0}
        assert model.c_tf_idf_.shape[0] == len(model.topic_embeddings_) == 2
        assert model.approximate_distribution(texts)[0].shape == (len(texts), 1)


def test_bertopic_is_saved_by_its_default_without_messages(corpus, tmp_path):
    from bertopic import BERTopic

    embeddings, clusters, encoder = corpus
    model = to_bertopic(embeddings, clusters.topic, encoder, DescribeConfig(), encoder.cache(tmp_path))
    model.save(tmp_path / "model")
    loaded = BERTopic.load(tmp_path / "model")
    assert loaded.topics_ == model.topics_
    found, _ = loaded.transform(list(embeddings.texts))
    assert list(found) == model.topics_
    loaded.merge_topics(list(embeddings.texts), [0, 1])
    assert sorted(set(loaded.topics_)) == [0, 1]
    shown = " ".join(text for of in model.get_representative_docs().values() for text in of)
    seldom = [text for text in embeddings.texts if text not in shown]
    written = (tmp_path / "model").read_bytes()
    assert seldom
    assert not [text for text in seldom if text.encode() in written]


def test_topics_that_tie_in_size_keep_their_numbers(corpus):
    embeddings, clusters, encoder = corpus
    turned = (clusters.topic + 1) % 3
    assert to_bertopic(embeddings, turned, encoder, DescribeConfig()).topics_ == turned.tolist()


@pytest.mark.parametrize(("common", "left"), [("", "no"), (" printer", "1")])
def test_less_than_two_words_in_common_are_told_in_one_sentence(corpus, common, left):
    *_, encoder = corpus
    embeddings = embed([f"alpha{common}", f"beta{common}", "gamma", "delta"], encoder)
    said = f"most common words, {left} word stands in more than one message.* or raise encoder.frequent_terms"
    with pytest.raises(CorpusError, match=said):
        to_bertopic(embeddings, np.array([0, 0, 1, 1]), encoder, DescribeConfig())
