"""UMAP, seeded, in any row order."""

import sys

import numpy as np
import pytest
from umap.layouts import optimize_layout_euclidean

from themeloom.config import ReduceConfig
from themeloom.discovery import reduce as module
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.reduce import layouts, reduce
from themeloom.errors import CorpusError, OutputError


class _Watched:
    """A function that remembers what it is given."""

    def __init__(self, function):
        self.function, self.given = function, []

    def __call__(self, *given, **named):
        self.given.append(given)
        return self.function(*given, **named)


def test_shapes_and_types(vectors_and_groups):
    vectors, _ = vectors_and_groups
    layout = reduce(Neighbourhood(vectors), ReduceConfig(), 1)
    assert layout.reduced.shape == (len(vectors), 5)
    assert layout.plane.shape == (len(vectors), 2)
    assert layout.reduced.dtype == layout.plane.dtype == np.float32
    assert layout.neighbors == 15


def test_row_order_makes_no_difference(vectors_and_groups):
    vectors, _ = vectors_and_groups
    order = np.random.default_rng(3).permutation(len(vectors))
    there, back = (
        reduce(Neighbourhood(vectors), ReduceConfig(), 1),
        reduce(Neighbourhood(vectors[order]), ReduceConfig(), 1),
    )
    assert np.array_equal(there.reduced[order], back.reduced)
    assert np.array_equal(there.plane[order], back.plane)


def test_another_seed_gives_another_layout(vectors_and_groups):
    vectors, _ = vectors_and_groups
    assert not np.array_equal(
        reduce(Neighbourhood(vectors), ReduceConfig(), 1).reduced,
        reduce(Neighbourhood(vectors), ReduceConfig(), 2).reduced,
    )


def test_equal_vectors_get_equal_places(vectors_and_groups):
    vectors, _ = vectors_and_groups
    layout = reduce(Neighbourhood(np.vstack([vectors, vectors[:5]])), ReduceConfig(), 1)
    assert np.array_equal(layout.reduced[:5], layout.reduced[-5:])


def test_layouts_for_clustering_alone_are_the_same(vectors_and_groups):
    near = Neighbourhood(vectors_and_groups[0])
    alone = layouts(near, ReduceConfig(), [1])
    assert np.array_equal(alone[0], reduce(near, ReduceConfig(), 1).reduced)


def test_layouts_of_many_have_fewer_epochs_and_keep_groups_together(vectors_and_groups, monkeypatch):
    near, groups = Neighbourhood(vectors_and_groups[0]), vectors_and_groups[1]
    whole = reduce(near, ReduceConfig(), 1)
    monkeypatch.setattr(module, "LARGE", len(groups) - 1)
    monkeypatch.setattr(
        "umap.umap_.optimize_layout_euclidean", watched := _Watched(optimize_layout_euclidean)
    )
    layout = reduce(near, ReduceConfig(), 1)
    assert [given[4] for given in watched.given] == [module.ENOUGH] * 2
    assert not np.array_equal(layout.reduced, whole.reduced)
    apart = np.linalg.norm(layout.reduced[:, None] - layout.reduced[None], axis=2)
    same = groups[:, None] == groups[None]
    assert np.median(apart[same]) < np.median(apart[~same]) / 2


def test_the_spectral_start_is_sought_once_for_topics_and_map(vectors_and_groups, monkeypatch):
    from umap import spectral

    monkeypatch.setattr(spectral, "spectral_layout", watched := _Watched(spectral.spectral_layout))
    reduce(Neighbourhood(vectors_and_groups[0]), ReduceConfig(), 1)
    assert len(watched.given) == 1


def test_a_graph_in_parts_is_laid_out_and_the_map_has_a_start_of_its_own(monkeypatch):
    from umap import spectral

    centres = np.eye(12)[:6] * 40
    vectors = np.repeat(centres, 30, axis=0) + np.random.default_rng(0).normal(size=(180, 12))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    monkeypatch.setattr(spectral, "spectral_layout", watched := _Watched(spectral.spectral_layout))
    layout = reduce(Neighbourhood(vectors), ReduceConfig(), 1)
    assert sorted(given[2] for given in watched.given) == [2, 5]
    middle = np.stack([layout.plane[start : start + 30].mean(axis=0) for start in range(0, 180, 30)])
    apart = np.linalg.norm(middle[:, None] - middle[None], axis=2)[np.triu_indices(6, 1)]
    assert apart.min() > np.std(layout.plane[:30])


def test_umap_compares_no_pair_of_a_small_corpus_itself(vectors_and_groups, monkeypatch):
    monkeypatch.setattr("umap.umap_.pairwise_distances", lambda *_, **__: pytest.fail("pair after pair"))
    assert np.isfinite(reduce(Neighbourhood(vectors_and_groups[0]), ReduceConfig(), 1).plane).all()


def test_a_small_corpus_is_laid_out():
    vectors = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    assert np.isfinite(reduce(Neighbourhood(vectors), ReduceConfig(), 1).reduced).all()


def test_where_numba_can_keep_nothing_is_one_sentence(monkeypatch, tmp_path):
    package = tmp_path / "umap" / "__init__.py"
    package.parent.mkdir()
    package.write_text("raise RuntimeError('cannot cache function: no locator available')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "umap")
    module._library.cache_clear()
    with pytest.raises(OutputError, match=r"UMAP cannot be loaded \(cannot cache .* NUMBA_CACHE_DIR\.$"):
        module._library()


def test_too_few_different_messages_is_one_sentence():
    vectors = np.ones((50, 8), dtype=np.float32)
    with pytest.raises(CorpusError, match=r"only 1 of 50 messages differ.* another by encoder\.name\.$"):
        reduce(Neighbourhood(vectors), ReduceConfig(), 1)
    with pytest.raises(CorpusError, match="only 1 of 50 messages differ"):
        layouts(Neighbourhood(vectors), ReduceConfig(), [1])


@pytest.mark.parametrize("short", [True, False])
def test_layouts_are_the_same_on_one_core_and_on_many(vectors_and_groups, monkeypatch, short):
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
        found[number] = layouts(Neighbourhood(vectors), ReduceConfig(), range(4), short=short)
        assert (max(most) > 1) == (number > 1)
    assert np.array_equal(found[1], found[4])
