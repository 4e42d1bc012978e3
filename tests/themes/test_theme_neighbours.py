"""The nearest messages of each."""

import numpy as np
import pytest

from planted import unit
from themeloom.themes import neighbours
from themeloom.themes.neighbours import nearest_among, nearest_others

VECTORS = unit(np.random.default_rng(0).normal(size=(90, 6)))
OTHERS = unit(np.random.default_rng(1).normal(size=(25, 6)))


def by_sorting(similarity, count):
    return [set(row) for row in np.argsort(-similarity, axis=1)[:, :count].tolist()]


@pytest.mark.parametrize("chunk", [7, 90, 2048])
def test_the_nearest_others_are_those_that_sorting_finds(monkeypatch, chunk):
    monkeypatch.setattr(neighbours, "_CHUNK", chunk)
    similarity = VECTORS @ VECTORS.T
    np.fill_diagonal(similarity, -np.inf)
    found = nearest_others(VECTORS, 5)
    assert found.shape == (90, 5)
    assert [set(row) for row in found.tolist()] == by_sorting(similarity, 5)


@pytest.mark.parametrize("chunk", [7, 2048])
def test_the_nearest_members_are_those_that_sorting_finds(monkeypatch, chunk):
    monkeypatch.setattr(neighbours, "_CHUNK", chunk)
    found = nearest_among(OTHERS, VECTORS, 4)
    assert [set(row) for row in found.tolist()] == by_sorting(OTHERS @ VECTORS.T, 4)


def test_nobody_is_their_own_neighbour_even_among_copies():
    found = nearest_others(np.tile(VECTORS[:1], (6, 1)), 5)
    for row, near in enumerate(found):
        assert set(near) == set(range(6)) - {row}


def test_of_few_messages_all_are_near():
    assert nearest_others(VECTORS[:3]).shape == (3, 2)
    assert nearest_others(VECTORS[:1]).shape == (1, 0)
    assert nearest_among(OTHERS, VECTORS[:2]).shape == (25, 2)
