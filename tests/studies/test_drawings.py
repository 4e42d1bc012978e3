"""From batches to probabilities: what coded messages stand for."""

import numpy as np
import pytest

from themeloom.studies.drawings import drawn_of
from themeloom.themes.design import draw_sample

SIZE = 200
CORPUS = [f"m{place:03}" for place in range(SIZE)]
TOPIC = np.repeat([0, 1, 2, 3], [100, 60, 30, 10])


def sample(*batches):
    """Batches of (how many, design), as a label file has them."""
    rows = []
    for number, (count, design) in enumerate(batches, start=1):
        taken = [row["doc_id"] for row in rows]
        posterior = np.ones((SIZE, 2)) / 2
        known = {"topic": TOPIC, "group": TOPIC % 2, "posterior": posterior}
        table = draw_sample(CORPUS, taken, count, design, number, **known)
        rows += [
            {"doc_id": doc_id, "inclusion": inclusion, "design": name, "batch": number}
            for doc_id, inclusion, name in table.iter_rows()
        ]
    return rows


def drawn(rows, coded=None, communications=SIZE, there=None):
    ids = [row["doc_id"] for row in rows]
    here, said = (set(ids if some is None else some) for some in (there, coded))
    return drawn_of(rows, here, said, communications)


def of_batch(rows, number):
    return [row["doc_id"] for row in rows if row["batch"] == number]


def test_random_batches_are_one_random_sample():
    rows = sample((40, "random"), (20, "random"))
    found = drawn(rows)
    assert found.random
    assert set(found.inclusion.values()) == {60 / SIZE}
    part = drawn(rows, coded=[row["doc_id"] for row in rows][:30])
    assert part.random
    assert set(part.inclusion.values()) == {30 / SIZE}


@pytest.mark.parametrize("more", ["stratified", "grouped", "random"])
def test_what_is_drawn_and_not_coded_changes_nothing(more):
    rows = sample((40, "random"), (20, more))
    found = drawn(rows, coded=of_batch(rows, 1))
    assert found.random
    assert set(found.inclusion.values()) == {40 / SIZE}


def test_labels_of_several_designs_stand_for_the_corpus_once():
    rows = sample((50, "random"), (20, "stratified"))
    found = drawn(rows)
    assert not found.random
    assert sum(1 / one for one in found.inclusion.values()) == pytest.approx(SIZE)
    assert all(
        one < 0.5 for one in found.inclusion.values()
    )  # neither is for itself alone: both tell of others


def test_a_batch_coded_in_part_weighs_as_little_as_it_tells():
    rows = sample((50, "random"), (40, "stratified"))
    found = drawn(rows, coded=of_batch(rows, 1) + of_batch(rows, 2)[:3])
    first = [found.inclusion[one] for one in of_batch(rows, 1)]
    assert first == pytest.approx([50 / SIZE] * 50, rel=0.1)
    assert sum(1 / one for one in found.inclusion.values()) == pytest.approx(SIZE, rel=0.05)


def test_shares_are_right_on_average_and_closer_than_by_the_first_batch_alone():
    generator = np.random.default_rng(5)
    theme = (generator.random(SIZE) < np.array([0.1, 0.3, 0.7, 0.9])[TOPIC]).astype(float)
    of = dict(zip(CORPUS, theme, strict=True))
    errors = []
    for seed in range(400):
        first = draw_sample(CORPUS, [], 40, "random", seed)
        second = draw_sample(CORPUS, first["doc_id"], 40, "stratified", seed, topic=TOPIC)
        rows = [
            {"doc_id": doc_id, "inclusion": inclusion, "design": design, "batch": number}
            for number, table in enumerate((first, second), start=1)
            for doc_id, inclusion, design in table.iter_rows()
        ]
        shares = []
        for coded in (of_batch(rows, 1), None, of_batch(rows, 1) + of_batch(rows, 2)[::2]):
            weight = {one: 1 / inclusion for one, inclusion in drawn(rows, coded).inclusion.items()}
            shares.append(sum(of[one] * each for one, each in weight.items()) / sum(weight.values()))
        errors.append(np.array(shares) - theme.mean())
    mean, deviation = np.mean(errors, axis=0), np.std(errors, axis=0)
    assert (np.abs(mean) < 3.5 * deviation / np.sqrt(400)).all()
    assert deviation[1] < deviation[2] < deviation[0]


def test_chosen_messages_stand_for_no_others_before_and_after():
    rows = sample((40, "random"), (10, "uncertain"))
    found = drawn(rows)
    assert not found.random
    assert set(found.inclusion) == set(of_batch(rows, 1))
    assert set(found.inclusion.values()) == {40 / SIZE}
    rows = sample((10, "uncertain"), (40, "random"))
    found = drawn(rows)
    assert {found.inclusion[one] for one in of_batch(rows, 1)} == {1}
    assert [found.inclusion[one] for one in of_batch(rows, 2)] == pytest.approx([40 / 190] * 40)
    assert drawn(sample((10, "uncertain"))) is None


def test_chosen_messages_without_codes_have_nobody_to_stand_for_them():
    rows = sample((10, "uncertain"), (40, "random"))
    found = drawn(rows, coded=of_batch(rows, 2))
    assert found.inclusion == {}
    assert found.unfit.startswith(
        "the 10 messages of batch 1 were chosen, not drawn by lot, and none of them has"
    )


def test_a_corpus_that_grew_since_is_told_and_a_new_sample_of_it_counts():
    rows = sample((100, "random"))
    found = drawn(rows, communications=398)
    assert (found.inclusion, found.random) == ({}, False)
    assert found.unfit.startswith(
        "the coded messages were drawn from a corpus of 200 messages, but it has 398 now;"
    )
    assert "draw a new random sample from the corpus as it is now by `themeloom label`" in found.unfit
    later = [
        {"doc_id": f"n{place}", "inclusion": 50 / 298, "design": "random", "batch": 2} for place in range(50)
    ]
    found = drawn(rows + later, communications=398)
    assert {found.inclusion[row["doc_id"]] for row in rows} == {1}
    assert [found.inclusion[row["doc_id"]] for row in later] == pytest.approx([50 / 298] * 50)
    assert not found.unfit


def test_a_few_messages_more_change_no_share_by_much():
    assert drawn(sample((100, "random")), communications=203).random
    assert drawn(sample((100, "random")), communications=205).unfit


def test_messages_that_are_gone_are_neither_drawn_nor_coded():
    rows = sample((40, "stratified"))
    gone = rows[0]["doc_id"]
    found = drawn(rows, coded=[row["doc_id"] for row in rows[1:]], there=[row["doc_id"] for row in rows[1:]])
    assert gone not in found.inclusion
    assert found.inclusion == {row["doc_id"]: pytest.approx(row["inclusion"]) for row in rows[1:]}


def test_a_sheet_of_several_designs_is_taken_at_its_word_unless_it_stands_for_another_corpus():
    rows = [row | {"batch": 1} for row in sample((50, "random"), (40, "stratified"))]
    assert drawn(rows).unfit.startswith(
        "by the probabilities of its sheet, batch 1 was drawn from a corpus of 350 messages, but it has 200"
    )
    rows = [row | {"batch": 1} for row in sample((50, "random"), (10, "uncertain"))]
    assert set(drawn(rows).inclusion) == {row["doc_id"] for row in rows if row["inclusion"]}
