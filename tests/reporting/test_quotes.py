from dataclasses import replace

import polars as pl

from builders import make_record
from themeloom.reporting.quotes import quotes_of, shown_texts


def test_words_are_those_of_the_topic_that_the_message_holds() -> None:
    record = make_record()
    record = replace(record, config=record.config | {"report": {"min_authors": 1}})
    words = {topic.topic: set(topic.words) for topic in record.discovery.topics}
    shown = shown_texts(record, "words")
    for text, topic, whole in zip(
        shown, record.communications["topic"], record.communications["text"], strict=True
    ):
        held = set(text.split(", ")) - {"…"}
        assert held <= words.get(topic, set())
        assert all(word in whole for word in held)
    assert any(text != "…" for text in shown)


def test_the_kind_of_apostrophe_makes_no_difference() -> None:
    record = make_record()
    topic, *others = record.discovery.topics
    told = replace(topic, words=("nurse's round", "kettle"), weights=(0.2, 0.1))
    texts = ["The nurse\u2019s round was late", "The nurse's round", "The nurse went round"]
    messages = record.communications.head(3).with_columns(text=pl.Series(texts), topic=pl.lit(topic.topic))
    record = replace(
        record,
        config=record.config | {"report": {"min_authors": 1}},
        communications=pl.concat([messages, record.communications.slice(3)], how="vertical_relaxed"),
        discovery=replace(record.discovery, topics=(told, *others)),
    )
    assert shown_texts(record, "words")[:3] == ["nurse's round", "nurse's round", "…"]


def test_no_more_than_pairs_of_signs_are_shown_where_no_blanks_part_words() -> None:
    record = make_record()
    topic, *others = record.discovery.topics
    told = replace(topic, words=("病院", "病院の待ち時間", "待ち"), weights=(0.3, 0.2, 0.1))
    texts = ["病院の待ち時間が長い", "病院は遠い", "遠い"]
    messages = record.communications.head(3).with_columns(text=pl.Series(texts), topic=pl.lit(topic.topic))
    record = replace(
        record,
        config=record.config | {"report": {"min_authors": 1}},
        communications=pl.concat([messages, record.communications.slice(3)], how="vertical_relaxed"),
        discovery=replace(record.discovery, topics=(told, *others)),
    )
    assert shown_texts(record, "words")[:3] == ["病院, 待ち", "病院", "…"]


def test_masked_texts_stay_and_none_are_empty() -> None:
    record = make_record()
    assert shown_texts(record, "masked") == record.communications["text"].to_list()
    assert set(shown_texts(record, "none")) == {""}


def test_the_configuration_says_which() -> None:
    assert quotes_of({}) == "masked"
    assert quotes_of({}, "quotes_in_mlflow") == "words"
    said = {"report": {"quotes": "none", "quotes_in_mlflow": "masked"}}
    assert (quotes_of(said), quotes_of(said, "quotes_in_mlflow")) == ("none", "masked")
