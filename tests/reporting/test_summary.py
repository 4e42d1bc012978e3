import json
from dataclasses import FrozenInstanceError, asdict, replace

import polars as pl
import pytest

from builders import make_record
from themeloom.reporting.summary import Summary, summarise, to_json
from themeloom.scored import Score


def summary(**changes: object) -> Summary:
    return summarise(
        replace(make_record(), **changes), paths={"model": "models/x"}, tracked={"run_id": "abc"}
    )


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for entry in value.values() for leaf in leaves(entry)]
    if isinstance(value, (list, tuple)):
        return [leaf for entry in value for leaf in leaves(entry)]
    return [value]


def test_counts_add_up() -> None:
    record, seen = make_record(), summary()
    flow = seen.flow
    assert flow.ids == flow.identified - flow.unreadable - flow.same_id
    assert (
        flow.unique
        == flow.ids - flow.retweets - flow.copies - flow.near_duplicates
        == len(record.communications)
    )
    assert sum(topic.size.count for topic in seen.topics) + seen.without_topic.count == flow.unique
    assert sum(theme.size.count for theme in seen.themes) + seen.without_theme.count == flow.unique
    assert seen.outliers.count == record.communications["outlier"].sum()
    assert seen.outliers.share == pytest.approx(seen.outliers.count / flow.unique)
    assert seen.without_topic.count == 3


def test_topics_carry_words_themes_and_masked_messages() -> None:
    record, seen = make_record(), summary()
    for topic, source in zip(seen.topics, record.discovery.topics, strict=True):
        assert [word.word for word in topic.words] == list(source.words)
        assert [message.text for message in topic.representative] == [
            record.communications["text"][position] for position in source.representative
        ]
        assert sum(topic.posterior.values()) == pytest.approx(1)
        assert topic.theme is None or topic.posterior[topic.theme] == max(topic.posterior.values())
    assert seen.topics[4].theme is None
    assert {t: theme.key for theme in seen.themes for t in theme.topics} == {
        topic.topic: topic.theme for topic in seen.topics if topic.theme is not None
    }


def test_confusion_has_a_column_for_what_was_given_no_theme() -> None:
    confusion = summary().scores.confusion
    assert confusion.predicted == (*confusion.coded, None)
    assert all(len(row) == len(confusion.predicted) for row in confusion.counts)


def test_reasons_are_counted_commonest_first() -> None:
    assert [(entry.reason, entry.rows) for entry in summary().unreadable] == [
        ("no text", 2),
        ("not UTF-8", 1),
    ]
    empty = pl.DataFrame(schema={"file": pl.String, "line": pl.Int64, "reason": pl.String})
    assert summary(unreadable=empty).unreadable == ()


def test_json_is_strict() -> None:
    nothing = Score(float("nan"), float("-inf"), float("inf"))
    scores = replace(make_record().scores, overall={"kappa": nothing})
    text = to_json(summary(scores=scores))
    read = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert read["scores"]["overall"]["kappa"] == {"value": None, "low": None, "high": None}
    assert read["flow"]["unique"] == 60
    assert read["tracked"] == {"run_id": "abc"}
    assert set(read) == set(asdict(summary()))


def test_values_are_plain_python() -> None:
    assert {type(leaf) for leaf in leaves(asdict(summary()))} <= {str, int, float, bool, type(None)}


def test_summary_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        summary().title = "another"  # type: ignore[misc]


def test_secrets_and_words_to_mask_are_struck_out() -> None:
    config = {
        "tracking": {"uri": "postgresql://countess:pa55@db.example/mlflow"},
        "anonymise": {"mask": ["Lovelace", "Byron"], "keep": ["lithium"]},
    }
    record = replace(make_record(), config=config)
    seen = summarise(record, paths={}, tracked={"uri": "https://countess:p@55@host.example/x"})
    text = to_json(seen)
    assert not any(secret in text for secret in ("pa55", "p@55", "countess", "Lovelace", "Byron"))
    assert "lithium" in text
    assert seen.tracked["uri"] == "https://host.example/x"
    assert record.config["anonymise"]["mask"] == ["Lovelace", "Byron"]
