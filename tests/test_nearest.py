"""The nearest of all vectors, held against sorting all similarities."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom import nearest
from themeloom.nearest import nearest_among, nearest_of_all


def unit_vectors(seed: int, number: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(number, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(seed=st.integers(0, 2**32 - 1), number=st.integers(2, 700), count=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_the_nearest_are_those_that_sorting_finds(seed: int, number: int, count: int) -> None:
    vectors, count = unit_vectors(seed, number), min(count, number - 1)
    found, similarity = nearest_of_all(vectors, count)
    expected = vectors @ vectors.T
    np.fill_diagonal(expected, 1)
    assert found[:, 0].tolist() == list(range(number))
    assert (similarity[:, 0] == 1).all()
    assert (np.diff(similarity[:, 1:], axis=1) <= 0).all()
    np.testing.assert_allclose(similarity, np.take_along_axis(expected, found, axis=1), atol=1e-6)
    np.testing.assert_allclose(similarity[:, 1:], -np.sort(-expected, axis=1)[:, 1:count], atol=1e-6)


def test_cores_make_no_difference(monkeypatch) -> None:
    vectors = unit_vectors(1, 1_500)
    many = nearest_of_all(vectors, 15)
    monkeypatch.setattr(nearest, "cores", lambda: 1)
    for one, another in zip(many, nearest_of_all(vectors, 15), strict=True):
        assert np.array_equal(one, another)


@given(seed=st.integers(0, 2**32 - 1), members=st.integers(1, 300), count=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_the_nearest_members_are_those_that_sorting_finds(seed: int, members: int, count: int) -> None:
    vectors, among = unit_vectors(seed, 30), unit_vectors(seed + 1, members)
    found, similarity = nearest_among(vectors, among, count)
    expected = vectors @ among.T
    assert found.shape == (30, min(count, members))
    np.testing.assert_allclose(similarity, np.take_along_axis(expected, found, axis=1), atol=1e-6)
    np.testing.assert_allclose(similarity, -np.sort(-expected, axis=1)[:, :count], atol=1e-6)


def test_nobody_is_their_own_neighbour_even_among_copies() -> None:
    found, _ = nearest_of_all(np.tile(unit_vectors(0, 1), (6, 1)), 6)
    for row, near in enumerate(found.tolist()):
        assert near[0] == row
        assert sorted(near) == list(range(6))


def test_of_few_all_are_near() -> None:
    assert nearest_of_all(unit_vectors(0, 3), 13)[0].shape == (3, 3)
    assert nearest_among(unit_vectors(0, 0), unit_vectors(0, 2), 13)[0].shape == (0, 2)
