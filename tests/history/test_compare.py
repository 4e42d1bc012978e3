"""What a comparison says of runs whose differences are known."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparisons import make_run, wordy_run
from themeloom.compared import LINES, STATES
from themeloom.history.beside import flat
from themeloom.history.compare import compare_runs
from themeloom.reporting.summary import to_json

partitions = st.lists(st.integers(-1, 4), min_size=4, max_size=60)


def of(first, second):
    record = compare_runs([first, second])
    return record.pairings[0], record.agreements[0]


def states(matches):
    return {match.topic: match.state for match in matches}


@given(partitions)
@settings(deadline=None, max_examples=40)
def test_a_run_beside_itself_is_the_same(topics):
    pairing, agreement = of(make_run(topics), make_run(topics, "b"))
    assert agreement.ari.value == agreement.nmi == 1
    assert (agreement.ari.low, agreement.ari.high) == (1, 1)
    assert agreement.words == pytest.approx(1.0 if pairing.topics else 0.0)
    assert all(match.partner == match.topic and match.likeness == 1 for match in pairing.topics)
    assert set(states(pairing.topics).values()) | set(states(pairing.others).values()) <= {"same"}
    assert pairing.splits == pairing.merges == ()
    assert all(found.moves == found.flows == () for found in pairing.themes)


@given(partitions, partitions, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_numbers_of_topics_and_order_of_rows_change_nothing_else(first, second, random):
    size = min(len(first), len(second))
    first, second = first[:size], second[:size]
    new = dict(zip(range(5), random.sample(range(10, 20), 5), strict=True)) | {-1: -1}
    rows = random.sample(range(size), size)
    one, other = make_run(first), make_run(second, "b")
    moved = renamed(other, new, rows)
    before, after = of(one, other), of(one, moved)
    assert close(after[1]) == pytest.approx(close(before[1]))
    told = [(m.topic, m.state, None if m.partner is None else new[m.partner]) for m in before[0].topics]
    assert [(m.topic, m.state, m.partner) for m in after[0].topics] == told
    assert [m.likeness for m in after[0].topics] == [m.likeness for m in before[0].topics]
    assert {new[t]: s for t, s in states(before[0].others).items()} == states(after[0].others)
    assert after[0].themes == before[0].themes
    counted = {(s.first, new[s.second], s.messages) for s in before[0].streams}
    assert {(s.first, s.second, s.messages) for s in after[0].streams} == counted


def close(agreement):
    """The numbers of an agreement; sums in another order differ in the last digit."""
    ari = agreement.ari
    return [ari.value, ari.low, ari.high, agreement.ami, agreement.nmi, agreement.words, agreement.with_topic]


def renamed(run, new, rows):
    """The same run under other topic numbers, its topics and rows in another order."""
    topics = sorted((replace(topic, topic=new[topic.topic]) for topic in run.topics), key=lambda t: t.topic)
    table = run.membership[rows].with_columns(pl.col("topic").replace_strict(new, return_dtype=pl.Int64))
    return replace(run, topics=tuple(topics), membership=table)


def test_a_split_is_told_with_its_shares():
    pairing, agreement = of(make_run([0] * 20 + [1] * 10), make_run([5] * 12 + [6] * 8 + [7] * 10, "b"))
    assert states(pairing.topics) == {0: "split", 1: "same"}
    assert states(pairing.others) == {5: "split", 6: "split", 7: "same"}
    ((split,), merges) = pairing.splits, pairing.merges
    assert (split.topic, [(p.topic, p.share) for p in split.parts]) == (0, [(5, 0.6), (6, 0.4)])
    assert merges == ()
    assert pairing.topics[0].partner == 5
    assert pairing.topics[0].jaccard.value == 0.6
    assert pairing.topics[0].jaccard.low < 0.6 < pairing.topics[0].jaccard.high
    assert 0 < agreement.ari.low < agreement.ari.value < agreement.ari.high < 1


def test_a_merge_is_the_split_seen_from_the_other_side():
    pairing, _ = of(make_run([5] * 12 + [6] * 8 + [7] * 10), make_run([0] * 20 + [1] * 10, "b"))
    assert states(pairing.topics) == {5: "merged", 6: "merged", 7: "same"}
    assert states(pairing.others) == {0: "merged", 1: "same"}
    (merge,) = pairing.merges
    assert (merge.topic, [(p.topic, p.share) for p in merge.parts]) == (0, [(5, 0.6), (6, 0.4)])
    assert pairing.splits == ()


def test_topics_vanish_and_appear():
    first = [0] * 20 + [1] * 9 + [-1] * 9
    second = [0] * 20 + [-1] * 9 + [3] * 9
    pairing, agreement = of(make_run(first), make_run(second, "b"))
    assert states(pairing.topics) == {0: "same", 1: "vanished"}
    assert states(pairing.others) == {0: "same", 3: "appeared"}
    assert pairing.numbers("appeared") == (3,)
    assert pairing.topics[1].partner is pairing.topics[1].likeness is None
    assert (agreement.shared, agreement.with_topic, agreement.ari_with_topic) == (38, 20, 1.0)
    assert agreement.words == pytest.approx(0.5)


def test_a_topic_scattered_over_many_has_changed_or_vanished():
    pairing, _ = of(make_run([0] * 30), make_run([0] * 16 + [1] * 8 + [-1] * 6, "b", ids=ids(range(30))))
    assert states(pairing.topics) == {0: "split"}
    few = make_run([-1] * 14 + [0] * 16, "b")
    assert states(of(make_run([0] * 30), few)[0].topics) == {0: "changed"}
    scattered = make_run([0, 1, 2] * 10 + [0] * 11 + [1] * 11 + [2] * 11, "b")
    whole = make_run([0] * 30 + [1] * 33)
    assert states(of(whole, scattered)[0].topics)[0] == "vanished"


def ids(numbers):
    return [f"{number:04d}" for number in numbers]


def test_topics_of_messages_that_the_other_run_lacks_are_unknown():
    more = make_run([0] * 30 + [1] * 30, ids=ids(range(60)))
    pairing, agreement = of(more, make_run([0] * 30, "b", ids=ids(range(30))))
    assert pairing.basis == "membership"
    assert agreement.shared == 30
    assert states(pairing.topics) == {0: "same", 1: "unknown"}
    assert (pairing.numbers("unknown"), pairing.unseen) == ((1,), ())
    back, _ = of(make_run([0] * 30, ids=ids(range(30))), replace(more, name="b"))
    assert (back.numbers("unknown"), back.unseen) == ((), (1,))


def test_without_shared_messages_words_decide():
    first = wordy_run([["wait", "list", "month", "delay"], ["nurse", "kind", "smile"]], "a")
    second = wordy_run(
        [["smile", "nurse", "kind"], ["wait", "list", "delay", "month"], ["cost", "money"]], "b"
    )
    pairing, agreement = of(first, second)
    assert pairing.basis == "words"
    assert not pairing.encoders_agree
    assert [match.partner for match in pairing.topics] == [1, 0]
    assert states(pairing.topics)[0] == "same"
    assert states(pairing.others)[2] == "appeared"
    assert (agreement.shared, agreement.ari, agreement.ami, agreement.nmi) == (0, None, None, None)
    assert 0.3 < agreement.words < 0.7  # the third topic has no partner
    assert pairing.streams == ()
    assert pairing.themes == ()
    assert all(match.jaccard is None for match in pairing.topics)


def test_vectors_have_a_say_where_the_encoder_is_the_same():
    vectors = np.eye(2, dtype=np.float32)
    words = [["a", "b"], ["a", "b"]]
    first = wordy_run(words, "a", vectors=vectors, encoder="minilm")
    same = wordy_run(words, "b", vectors=vectors[::-1].copy(), encoder="minilm")
    pairing, _ = of(first, same)
    assert pairing.encoders_agree
    assert [match.partner for match in pairing.topics] == [1, 0]
    assert [match.vectors for match in pairing.topics] == [1, 1]
    for other in (
        wordy_run(words, "b", vectors=vectors, encoder="other"),
        wordy_run(words, "b", vectors=np.eye(2, 3, dtype=np.float32), encoder="minilm"),
        wordy_run(words, "b"),
    ):
        pairing, _ = of(first, other)
        assert not pairing.encoders_agree
        assert all(match.vectors is None for match in pairing.topics)
    one, other = (
        wordy_run(words, name, vectors=vectors, encoder=encoder)
        for name, encoder in (
            ("a", "all-MiniLM-L6-v2 (bundled)"),
            ("b", "sentence-transformers/all-MiniLM-L6-v2"),
        )
    )
    assert of(one, other)[0].encoders_agree
    unnamed = [wordy_run(words, name, vectors=vectors) for name in "ab"]
    assert not of(*unnamed)[0].encoders_agree


def test_weights_tell_better_than_names_whether_the_encoder_is_the_same():
    vectors = np.eye(2, dtype=np.float32)

    def run(name, encoder, weights):
        return wordy_run([["a"], ["b"]], name, vectors=vectors, encoder=encoder, weights=weights)

    bundled = run("a", "all-MiniLM-L6-v2 (bundled)", "53aa")
    assert of(bundled, run("b", "some/folder", "53aa"))[0].encoders_agree
    assert not of(bundled, run("b", "all-MiniLM-L6-v2", "0000"))[0].encoders_agree
    assert of(bundled, run("b", "all-MiniLM-L6-v2", ""))[0].encoders_agree


def test_the_same_texts_in_the_same_order_are_shared_whatever_their_ids():
    first = make_run([0] * 10 + [1] * 10, corpus="5a")
    plain = make_run([1] * 9 + [0] * 11, "b", ids=ids(range(100, 120)), corpus="5a")
    pairing, agreement = of(first, plain)
    assert (pairing.basis, pairing.shared, agreement.shared) == ("membership", 20, 20)
    assert [match.partner for match in pairing.topics] == [1, 0]
    moved = {move.doc_id for moves in pairing.themes for move in moves.moves}
    assert len(moved) > 0
    assert moved <= set(first.membership["doc_id"])
    others = replace(plain, corpus="6b"), replace(plain, corpus="")
    assert [of(first, other)[0].shared for other in others] == [0, 0]
    assert of(replace(first, corpus=""), others[1])[0].shared == 0


def test_a_few_shared_messages_do_not_decide():
    first = make_run([0] * 100 + [1] * 100, ids=ids(range(200)))
    second = make_run([1] * 100 + [0] * 100, "b", ids=ids(range(195, 395)))
    pairing, agreement = of(first, second)
    assert (pairing.basis, agreement.shared) == ("words", 5)
    assert agreement.ari is not None


def test_three_runs_are_compared_with_the_first_and_each_with_each():
    runs = [make_run([0] * 10 + [1] * 10, name) for name in "abc"]
    record = compare_runs(runs)
    assert [pairing.run for pairing in record.pairings] == [1, 2]
    assert [(a.first, a.second) for a in record.agreements] == [(0, 1), (0, 2), (1, 2)]
    assert json.loads(to_json(record))["states"] == STATES


@pytest.mark.parametrize("topics", [[], [-1, -1, -1], [0]])
def test_runs_with_hardly_a_topic_are_compared_too(topics):
    pairing, agreement = of(make_run(topics), make_run([0] * 10, "b"))
    assert len(pairing.topics) == len(set(topics) - {-1})
    assert len(pairing.others) == 1
    assert (agreement.ari is None) == (len(topics) < 2)
    assert json.loads(to_json(compare_runs([make_run(topics), make_run([], "b")])))["pairings"]


@pytest.mark.parametrize("names", ["a", "aa"])
def test_too_few_runs_and_names_twice_are_refused(names):
    with pytest.raises(ValueError, match="two runs or more"):
        compare_runs([make_run([0, 1], name) for name in names])


def test_messages_that_moved_theme_are_named():
    first, second = make_run([0, 0, 1, 1, -1]), make_run([0, 1, 1, -1, -1], "b")
    second = replace(second, membership=second.membership.with_columns(theme=first.membership["theme"]))
    own, topics = of(first, second)[0].themes
    assert (own.level, own.messages, own.moves, own.flows) == ("message level", 5, (), ())
    told = [(move.doc_id, move.before, move.after) for move in topics.moves]
    assert told == [("0001", "theme-0", "theme-1"), ("0003", "theme-1", None)]
    assert (topics.level, topics.messages) == ("topic level", 5)
    assert [flow.messages for flow in topics.flows] == [1, 1]


def test_levels_at_which_a_run_has_no_theme_are_left_out():
    first, second = make_run([0, 0, 1]), make_run([0, 1, 1], "b")
    without = second.membership.with_columns(topic_theme=pl.lit(None, pl.String))
    (found,) = of(first, replace(second, membership=without))[0].themes
    assert found.level == "message level"


def test_scores_stand_side_by_side():
    def scored(name, kappa, low, high):
        rows = [("topic level", None, "kappa", kappa, low, high), (name, "care", "f1", 0.5, 0.4, 0.6)]
        return make_run([0, 1], name, scores=pl.DataFrame(rows, schema=LINES, orient="row"))

    nan = float("nan")
    runs = [
        scored("a", 0.3, 0.2, 0.4),
        scored("b", 0.5, 0.45, 0.6),
        scored("c", 0.4, nan, nan),
        make_run([0], "d"),
    ]
    kappa, own, *_ = compare_runs(runs).scores
    assert (kappa.line, kappa.theme, kappa.score) == ("topic level", None, "kappa")
    assert [value and value.value for value in kappa.values] == [0.3, 0.5, 0.4, None]
    assert kappa.differences == (None, pytest.approx(0.2), pytest.approx(0.1), None)
    assert kappa.apart == (None, True, None, None)
    assert [value and value.value for value in own.values] == [0.5, None, None, None]


def test_only_keys_that_differ_are_told():
    configs = [
        {"study": {"seed": 1}, "sources": [{"path": "a.csv"}], "cluster": {"words": ["x", "y"], "on": True}},
        {"study": {"seed": 2}, "sources": [{"path": "a.csv"}, {"path": "b.csv"}], "cluster": {"words": []}},
    ]
    record = compare_runs(
        [make_run([0], name, config=flat(config)) for name, config in zip("ab", configs, strict=True)]
    )
    assert {setting.key: setting.values for setting in record.settings} == {
        "cluster.on": ("true", None),
        "cluster.words": ("x, y", "none"),
        "sources.1.path": (None, "b.csv"),
        "study.seed": ("1", "2"),
    }
