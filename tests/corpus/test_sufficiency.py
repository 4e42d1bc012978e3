"""Whether there is enough for topics to emerge."""

import polars as pl
import pytest

from themeloom.columns import ROWS, UNREADABLE
from themeloom.config import RepeatsConfig
from themeloom.corpus.repeats import find_repeats
from themeloom.corpus.sufficiency import FEWEST, MOST_GROUPS, check_groups, check_sufficient, group_note
from themeloom.errors import CorpusError
from themeloom.records import RawCorpus, UniqueCorpus

SUBJECTS = ("trains", "gardens", "kettles", "violins", "harbours", "ladders", "maps")
SAYINGS = ("are late again today", "grow best in April", "make an odd noise", "cost more than they did")


def _unique(texts: list[str]) -> UniqueCorpus:
    rows = [
        dict.fromkeys(ROWS)
        | {"row": row, "file": "a.csv", "line": row + 2, "source_id": str(row), "text": text}
        for row, text in enumerate(texts)
    ]
    raw = RawCorpus(pl.DataFrame(rows, schema=ROWS), pl.DataFrame(schema=UNREADABLE))
    return find_repeats(raw, RepeatsConfig())


def _different(count: int) -> list[str]:
    return [f"{subject} {saying}" for saying in SAYINGS for subject in SUBJECTS][:count]


def test_enough_is_enough() -> None:
    unique = _unique(_different(FEWEST))
    assert unique.flow.unique == FEWEST
    check_sufficient(unique)


def test_too_few_messages_are_told_with_their_number() -> None:
    with pytest.raises(CorpusError, match=r"19 unique messages are left of 19 rows, fewer than the 20"):
        check_sufficient(_unique(_different(FEWEST - 1)))


def test_repeats_do_not_make_it_enough() -> None:
    with pytest.raises(CorpusError, match=r"5 unique messages are left of 30 rows"):
        check_sufficient(_unique(_different(5) * 6))


def test_the_same_message_over_and_over_is_told() -> None:
    with pytest.raises(CorpusError, match="all 40 messages that could be read are the same one"):
        check_sufficient(_unique(["the trains are late again"] * 40))


def test_a_corpus_of_one_word_is_told() -> None:
    messages = pl.DataFrame({"text": [("word " * times).strip() for times in range(1, 31)]})
    unique = _unique(_different(28))
    of_one_word = UniqueCorpus(messages, unique.outcomes, unique.flow)
    with pytest.raises(CorpusError, match="no more than one word"):
        check_sufficient(of_one_word)


@pytest.mark.parametrize("smallest", [FEWEST // 2, None])
def test_topics_of_the_size_that_is_asked_for_have_room(smallest: int | None) -> None:
    check_sufficient(_unique(_different(FEWEST)), smallest)


def test_a_smallest_topic_of_more_than_half_of_the_messages_is_told() -> None:
    said = (
        r"cluster\.min_cluster_size: 21 unique messages do not hold two topics of 11; lower it to 10 or less"
    )
    with pytest.raises(CorpusError, match=said):
        check_sufficient(_unique(_different(FEWEST + 1)), 11)


def test_a_corpus_of_emoji_alone_is_told_as_what_it_is() -> None:
    signs = "🐶🚆🍳🐾🎫"
    texts = [f"{one} {other} {third}!" for one in signs for other in signs for third in signs]
    unique = _unique(_different(FEWEST))
    of_signs = UniqueCorpus(pl.DataFrame({"text": texts}), unique.outcomes, unique.flow)
    with pytest.raises(CorpusError, match="hold no word, only emoji and other signs") as found:
        check_sufficient(of_signs)
    assert "column" not in str(found.value)


def _grouped(groups: list[str | None]) -> UniqueCorpus:
    messages = pl.DataFrame({"group": groups}, schema={"group": pl.String})
    return UniqueCorpus(messages, pl.DataFrame(), _unique(_different(FEWEST)).flow)


def test_so_many_groups_are_those_of_a_wrong_column() -> None:
    names = [f"group {number}" for number in range(MOST_GROUPS + 1)]
    for few in ([], [None], [*names[:-1] * 3, None]):
        check_groups(_grouped(few))
    with pytest.raises(CorpusError, match=r"of 21 groups, more than the 20 .* give columns\.group the name"):
        check_groups(_grouped(names * 2))


def test_it_is_told_of_how_many_messages_the_group_is_unknown() -> None:
    for whole in ([], ["a", "b"]):
        assert not group_note(_grouped(whole).messages, asked=True)
    assert not group_note(_grouped([None] * 3).messages, asked=False)
    assert group_note(_grouped([None] * 3).messages, asked=True).startswith(
        "No message has a group: all cells"
    )
    told = "Of 2 of 3 messages the group is unknown; shares of themes by group are those of the others."
    assert group_note(_grouped(["a", None, None]).messages, asked=True) == told
