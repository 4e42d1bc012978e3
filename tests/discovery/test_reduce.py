"""UMAP, seeded, in any row order."""

import numpy as np
import pytest

from themeloom.config import ReduceConfig
from themeloom.discovery import alongside
from themeloom.discovery import reduce as module
from themeloom.discovery.reduce import SHORT, layouts, reduce, reduced
from themeloom.errors import CorpusError
from themeloom.nearest import nearest_of_all


def test_shapes_and_types(vectors_and_groups):
    vectors, _ = vectors_and_groups
    layout = reduce(vectors, ReduceConfig(), 1)
    assert layout.reduced.shape == (len(vectors), 5)
    assert layout.plane.shape == (len(vectors), 2)
    assert layout.reduced.dtype == layout.plane.dtype == np.float32
    assert layout.neighbors == 15


def test_row_order_makes_no_difference(vectors_and_groups):
    vectors, _ = vectors_and_groups
    order = np.random.default_rng(3).permutation(len(vectors))
    there, back = reduce(vectors, ReduceConfig(), 1), reduce(vectors[order], ReduceConfig(), 1)
    assert np.array_equal(there.reduced[order], back.reduced)
    assert np.array_equal(there.plane[order], back.plane)


def test_another_seed_gives_another_layout(vectors_and_groups):
    vectors, _ = vectors_and_groups
    assert not np.array_equal(
        reduce(vectors, ReduceConfig(), 1).reduced, reduce(vectors, ReduceConfig(), 2).reduced
    )


def test_equal_vectors_get_equal_places(vectors_and_groups):
    vectors, _ = vectors_and_groups
    layout = reduce(np.vstack([vectors, vectors[:5]]), ReduceConfig(), 1)
    assert np.array_equal(layout.reduced[:5], layout.reduced[-5:])


def test_what_is_laid_out_for_clustering_alone_is_the_same(vectors_and_groups):
    vectors, _ = vectors_and_groups
    assert np.array_equal(reduced(vectors, ReduceConfig(), 1), reduce(vectors, ReduceConfig(), 1).reduced)


@pytest.mark.parametrize("most", [60_000, 0])
def test_neighbours_of_many_vectors_are_sought_once(vectors_and_groups, monkeypatch, most):
    vectors, groups = vectors_and_groups
    monkeypatch.setattr(module, "FEW", 0)
    monkeypatch.setattr(module, "MANY", most)
    sought = []
    monkeypatch.setattr(
        module, "nearest_of_all", lambda *given: sought.append(given) or nearest_of_all(*given)
    )
    layout = reduce(vectors, ReduceConfig(), 1)  # where neighbours are known, one part in another process
    assert len(sought) == (most > 0)
    monkeypatch.setattr(alongside, "cores", lambda: 1)
    order = np.random.default_rng(3).permutation(len(vectors))
    here = reduce(vectors[order], ReduceConfig(), 1)
    assert np.array_equal(layout.plane[order], here.plane)
    assert np.array_equal(layout.reduced[order], here.reduced)
    assert np.array_equal(layout.reduced, reduced(vectors, ReduceConfig(), 1))
    apart = np.linalg.norm(layout.reduced[:, None] - layout.reduced[None], axis=2)
    same = groups[:, None] == groups[None]
    assert np.median(apart[same]) < np.median(apart[~same]) / 2


def test_umap_compares_no_pair_of_a_small_corpus_itself(vectors_and_groups, monkeypatch):
    monkeypatch.setattr("umap.umap_.pairwise_distances", lambda *_, **__: pytest.fail("pair after pair"))
    assert np.isfinite(reduce(vectors_and_groups[0], ReduceConfig(), 1).plane).all()


def test_a_small_corpus_is_laid_out():
    vectors = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    assert np.isfinite(reduce(vectors, ReduceConfig(), 1).reduced).all()


def test_too_few_different_messages_is_one_sentence():
    vectors = np.ones((50, 8), dtype=np.float32)
    with pytest.raises(CorpusError, match="only 1 of 50 messages differ"):
        reduce(vectors, ReduceConfig(), 1)
    with pytest.raises(CorpusError, match="only 1 of 50 messages differ"):
        reduced(vectors, ReduceConfig(), 1)


@pytest.mark.parametrize("epochs", [SHORT, None])
def test_layouts_are_the_same_on_one_core_and_on_many(vectors_and_groups, monkeypatch, epochs):
    vectors, _ = vectors_and_groups
    at_work, most = [], []
    laid = module._Graph._laid

    def watched(*given):
        at_work.append(given)
        most.append(len(at_work))
        try:
            return laid(*given)
        finally:
            at_work.pop()

    monkeypatch.setattr(module._Graph, "_laid", watched)
    found = {}
    for number in (1, 4):
        monkeypatch.setattr(module, "cores", lambda number=number: number)
        most.clear()
        found[number] = layouts(vectors, ReduceConfig(), 1, range(12), epochs)
        assert (max(most) > 1) == (number > 1)
    assert np.array_equal(found[1], found[4])
