"""Drawing what to label: never twice, whatever the order of messages, with the probability that it says."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.errors import LabelError
from themeloom.themes.design import DESIGNS, DRAWN, allocate, averaged, draw_sample, evenly

IDS = [f"{number:04x}" for number in np.random.default_rng(0).permutation(300)]
TOPIC = np.array([int(one, 16) % 7 - 1 for one in IDS])
GROUP = np.where(TOPIC < 0, -1, np.arange(300) % 5 // 2 % 2)  # of an unknown one some 43, and two others
CERTAIN = np.array([int(one, 16) / 300 for one in IDS])
POSTERIOR = np.column_stack([0.5 + CERTAIN / 2, 0.5 - CERTAIN / 2])  # the first ids are the least certain


def draw(design, n=40, *, labelled=(), seed=3, order=slice(None)):
    ids = [IDS[place] for place in np.arange(len(IDS))[order]]
    of_each = {"topic": TOPIC[order], "group": GROUP[order], "posterior": POSTERIOR[order]}
    return draw_sample(ids, labelled, n, design, seed, **of_each)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_order_of_messages_makes_no_difference(design):
    drawn = draw(design)
    assert dict(drawn.schema) == DRAWN
    assert drawn["doc_id"].n_unique() == 40
    assert draw(design, order=slice(None, None, -1)).equals(drawn)
    assert draw(design).equals(drawn)


@pytest.mark.parametrize("design", ["random", "stratified", "grouped"])
def test_another_seed_draws_others(design):
    assert not draw(design, seed=4).equals(draw(design))


@pytest.mark.parametrize("design", DESIGNS)
def test_more_can_be_drawn_until_nothing_is_left(design):
    taken = []
    while len(taken) < len(IDS):
        more = draw(design, min(60, len(IDS) - len(taken)), labelled=taken)["doc_id"].to_list()
        assert not set(more) & set(taken)
        taken += more
    assert sorted(taken) == sorted(IDS)
    with pytest.raises(LabelError, match="0 of 300 are not labelled"):
        draw(design, 1, labelled=taken)


def test_labelled_ids_of_other_corpora_do_not_matter():
    assert draw("random", 300, labelled=["elsewhere"])["inclusion_probability"].to_list() == [1.0] * 300


def test_every_message_is_as_likely_as_any_in_a_random_sample():
    seen = np.zeros(len(IDS))
    place = {one: number for number, one in enumerate(IDS)}
    for seed in range(300):
        drawn = draw("random", 60, labelled=IDS[:100], seed=seed)
        assert set(drawn["inclusion_probability"]) == {60 / 200}
        np.add.at(seen, [place[one] for one in drawn["doc_id"]], 1)
    assert (seen[:100] == 0).all()
    assert abs(seen[100:] / 300 - 0.3).max() < 5 * np.sqrt(0.3 * 0.7 / 300)


def test_each_topic_gives_its_share_of_a_stratified_sample():
    drawn = draw("stratified", 30, labelled=IDS[:20])
    topic = dict(zip(IDS, TOPIC, strict=True))
    left = np.bincount(TOPIC[20:] + 1)
    counts = np.bincount([topic[one] + 1 for one in drawn["doc_id"]], minlength=7)
    assert (abs(counts - 30 * left / 280) < 1).all()
    for one, inclusion in zip(drawn["doc_id"], drawn["inclusion_probability"], strict=True):
        assert inclusion == pytest.approx(counts[topic[one] + 1] / left[topic[one] + 1])
    assert (1 / drawn["inclusion_probability"]).sum() == pytest.approx(280)


def test_each_group_gives_as_many_to_a_grouped_sample_as_far_as_it_has_them():
    group = dict(zip(IDS, GROUP.tolist(), strict=True))
    left = Counter(GROUP[20:].tolist())
    drawn = draw("grouped", 120, labelled=IDS[:20])
    counts = Counter(group[one] for one in drawn["doc_id"])
    assert counts[-1] == left[-1] < 40, "all of it"
    assert abs(counts[0] - counts[1]) <= 1
    for one, inclusion in zip(drawn["doc_id"], drawn["inclusion_probability"], strict=True):
        assert inclusion == pytest.approx(counts[group[one]] / left[group[one]])
    assert (1 / drawn["inclusion_probability"]).sum() == pytest.approx(280)


@pytest.mark.parametrize(
    ("design", "n", "said"), [("stratified", 6, "from 7 topics"), ("grouped", 2, "from 3 groups")]
)
def test_a_sample_by_strata_needs_one_message_of_each(design, n, said):
    with pytest.raises(LabelError, match=f"{n} messages {said}"):
        draw(design, n)


def test_the_least_certain_are_drawn_first_and_stand_for_nobody():
    drawn = draw("uncertain", 25)
    assert drawn["doc_id"].to_list() == sorted(IDS)[:25]
    assert drawn["inclusion_probability"].null_count() == 25


def test_where_all_are_as_uncertain_the_lot_decides_and_unknown_ones_come_first():
    posterior = np.full((300, 3), 1 / 3)
    posterior[[5, 9]] = np.nan
    first, second = (
        draw_sample(IDS, (), 20, "uncertain", seed, posterior=posterior)["doc_id"].to_list()
        for seed in (1, 2)
    )
    assert set(first[:2]) == set(second[:2]) == {IDS[5], IDS[9]}
    assert set(first[2:]) != set(second[2:])


@pytest.mark.parametrize("n", [0, -1, 301])
def test_impossible_numbers_are_refused(n):
    with pytest.raises(LabelError, match=f"cannot draw {n} messages: 300 of 300"):
        draw("random", n)


@pytest.mark.parametrize(
    ("design", "needed"), [("stratified", "topic"), ("grouped", "group"), ("uncertain", "posterior")]
)
def test_a_design_without_what_it_draws_by_is_a_programming_error(design, needed):
    with pytest.raises(ValueError, match=needed):
        draw_sample(IDS, (), 20, design, 0)


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 500), min_size=1, max_size=30), share=st.floats(0, 1))
def test_shares_of_a_sample_are_proportional(sizes, share):
    sizes = np.array(sizes)
    n = len(sizes) + round(share * (sizes.sum() - len(sizes)))
    numbers = allocate(sizes, n)
    assert numbers.sum() == n
    assert (numbers >= 1).all()
    assert (numbers <= sizes).all()
    wanted = n * sizes / sizes.sum()
    assert (numbers < np.maximum(wanted, 1) + 1 + 1e-9).all()


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=20), share=st.floats(0, 1))
def test_an_even_sample_differs_only_where_a_stratum_is_used_up(sizes, share):
    sizes = np.array(sizes)
    n = len(sizes) + round(share * (sizes.sum() - len(sizes)))
    numbers = evenly(sizes, n)
    assert numbers.sum() == n
    assert (numbers >= 1).all()
    assert (numbers <= sizes).all()
    assert ((numbers >= numbers.max() - 1) | (numbers == sizes)).all()


def test_drawings_are_averaged_by_how_much_they_tell():
    first = np.append(np.full(100, 4.0), np.zeros(20))
    second = np.append(np.ones(100), np.full(20, 15.0))
    weight = 1 / averaged(np.stack([first, second]))
    assert weight.sum() == pytest.approx(400)
    assert weight == pytest.approx(np.full(120, 400 / 120), rel=0.02)  # as if all had been drawn at once
    assert averaged(first[None, :100]) == pytest.approx(np.full(100, 1 / 4))


def test_where_a_drawing_tells_all_nothing_is_left_to_the_others():
    found = averaged(np.array([[2.0, 2.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]))
    assert found.tolist() == [1, 1, 1, 1]
