"""The nearest of many members: all of them where they are few, almost always the same ones by cells."""

import numpy as np

from groups import grouped
from themeloom.discovery import cells
from themeloom.discovery.cells import Nearest

MEMBERS, GROUP = grouped(40, 60, spread=0.5, dimensions=32, seed=1)
ASKED, _ = grouped(40, 5, spread=0.5, dimensions=32, seed=1)


def exact(vectors, members, count):
    return np.argsort(-(vectors @ members.T), axis=1)[:, :count]


def test_few_members_are_all_compared():
    nearest, similarity = Nearest(MEMBERS).find(ASKED, 10)
    assert np.array_equal(np.sort(nearest), np.sort(exact(ASKED, MEMBERS, 10)))
    assert np.allclose(np.sort(similarity), np.sort(np.take_along_axis(ASKED @ MEMBERS.T, nearest, axis=1)))


def test_of_many_members_the_nearest_are_found_in_cells(monkeypatch):
    monkeypatch.setattr(cells, "FEW", 1_000)
    monkeypatch.setattr(cells, "_ROWS_A_CELL", 100)
    nearest, similarity = Nearest(MEMBERS).find(ASKED, 10)
    truth = exact(ASKED, MEMBERS, 10)
    found = np.mean([len(set(one) & set(other)) for one, other in zip(nearest, truth, strict=True)]) / 10
    assert found > 0.9
    assert np.allclose(similarity, np.take_along_axis(ASKED @ MEMBERS.T, nearest, axis=1), atol=1e-6)
    assert [len(set(row)) for row in nearest.tolist()] == [10] * len(ASKED)


def test_fewer_members_than_asked_for_are_all_given():
    nearest, _ = Nearest(MEMBERS[:3]).find(ASKED, 10)
    assert np.array_equal(np.sort(nearest), np.tile(np.arange(3), (len(ASKED), 1)))


def test_nothing_is_asked():
    nearest, similarity = Nearest(MEMBERS).find(ASKED[:0], 10)
    assert nearest.shape == similarity.shape == (0, 10)
