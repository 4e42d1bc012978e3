"""Fewer dimensions: UMAP (McInnes, Healy & Melville 2018, arXiv:1802.03426)."""

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from themeloom.compiled import keep_compiled
from themeloom.config import ReduceConfig
from themeloom.cores import cores
from themeloom.discovery.alongside import alongside
from themeloom.errors import CorpusError
from themeloom.nearest import nearest_of_all
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Doubles, Floats, Ints, Layout

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from umap import UMAP

Neighbours = tuple[Any, ...]
"""As UMAP takes them: the nearest of each vector, itself first, and their cosine distances; none if empty."""
DEFAULT_NEIGHBORS = 15
FEW = 4_096
"""Fewer are laid out sooner than another process begins to help."""
MANY = 60_000
"""Among more UMAP seeks neighbours by approximation, as comparing all grows with their square."""
MIN_DISTINCT = 10
"""Fewer distinct messages than this have no neighbourhoods to speak of."""
PLANE = {"components": 2, "min_dist": 0.1}
"""What is other in the map that people see."""
SHORT = 30
"""Epochs of a layout that is one voice of many: many short ones agree better than fewer long ones do."""
NEGATIVES = 4
"""Negative samples per edge of a short layout, each as much heavier as they are fewer than UMAP's five: the
time that is saved gives more layouts a voice."""
NOISE = 1e-4
"""How far short layouts are moved from the start that they share; UMAP moves each start as far."""


def reduce(vectors: Floats, config: ReduceConfig, seed: int, progress: Progress = UNWATCHED) -> Layout:
    """Lay the vectors out in a few dimensions for clustering, and in two for the map.

    Parameters
    ----------
    vectors
        float32, (communications, dimensions), unit length.
    config
        UMAP's settings.
    seed
        Seed of UMAP.
    progress
        Who watches.

    Returns
    -------
    Layout
        The same for the same vectors in any order: rows are put into an order of their own first, and equal
        vectors get equal places.

    Raises
    ------
    CorpusError
        If there are fewer than ten distinct vectors.
    """
    distinct, place, neighbors = _prepared(vectors, config)
    progress.begin(2, "layouts")
    known = _neighbours(distinct, neighbors)
    first = _umap(config.components, neighbors, config.min_dist, seed, len(distinct))
    other = {"neighbors": neighbors, "seed": seed}
    helped = known and len(distinct) >= FEW
    with alongside(plane_of, (distinct, *known), **other) if helped else nullcontext() as wait:
        topics = _fitted(first, distinct, known).embedding_
        progress.advance()
        plane = wait() if wait else plane_of(distinct, *(known or _sought(first)), **other)
    progress.advance()
    return Layout(topics.astype(np.float32)[place], plane[place], neighbors)


def plane_of(distinct: Floats, *known: object, neighbors: int, seed: int) -> Floats:
    """Lay distinct vectors out for the map, over neighbours that are known: float32, (vectors, 2)."""
    model = _umap(2, neighbors, PLANE["min_dist"], seed, len(distinct))
    return np.asarray(_fitted(model, distinct, known).embedding_, dtype=np.float32)


def reduced(vectors: Floats, config: ReduceConfig, seed: int) -> Floats:
    """Do what `reduce` does, for clustering alone: float32, (communications, components)."""
    distinct, place, neighbors = _prepared(vectors, config)
    model = _umap(config.components, neighbors, config.min_dist, seed, len(distinct))
    found = _fitted(model, distinct, _neighbours(distinct, neighbors)).embedding_
    return np.asarray(found, dtype=np.float32)[place]


def layouts(
    vectors: Floats,
    config: ReduceConfig,
    seed: int,
    seeds: Sequence[int],
    epochs: int | None = None,
    progress: Progress = UNWATCHED,
) -> Floats:
    """Lay the vectors out several times over one neighbour graph, for clustering alone.

    Parameters
    ----------
    vectors
        float32, (communications, dimensions), unit length.
    config
        UMAP's settings.
    seed
        Seed of the neighbour graph, where neighbours are sought by approximation (more than `MANY` vectors).
    seeds
        The seed of each layout.
    epochs
        Epochs of each layout; UMAP's own default if not given.
    progress
        Who watches.

    Returns
    -------
    Floats
        float32, (layouts, communications, components): the same for the same vectors in any order.

    Raises
    ------
    CorpusError
        If there are fewer than ten distinct vectors.
    """
    graph = _Graph.of(vectors, config, seed)
    progress.begin(len(seeds), "layouts")
    return np.stack(list(graph.lay(config, seeds, epochs, progress)))


def many_layouts(
    vectors: Floats, config: ReduceConfig, seed: int, number: int, progress: Progress = UNWATCHED
) -> tuple[Layout, Floats]:
    """Lay the vectors out for a consensus: many times and shortly, and once in two for the map.

    Parameters
    ----------
    vectors, config, seed, progress
        As for `reduce`.
    number
        How many layouts.

    Returns
    -------
    layout
        The first of them, and the map.
    layouts
        float32, (number, communications, components).

    Raises
    ------
    CorpusError
        If there are fewer than ten distinct vectors.
    """
    graph, plane = _Graph.of(vectors, config, seed), config.model_copy(update=PLANE)
    progress.begin(number + 1, "layouts")
    with ThreadPoolExecutor(1) as beside:  # the map takes as long as many short ones do
        mapped = beside.submit(next, graph.lay(plane, [seed], None, UNWATCHED))
        found = np.stack(list(graph.lay(config, seeds_of(seed, 0, number), SHORT, progress)))
        layout = Layout(found[0], mapped.result(), graph.neighbors)
    progress.advance()
    return layout, found


def seeds_of(seed: int, run: int, number: int) -> list[int]:
    """Return so many seeds for one of several runs, all derived from one seed: no two runs share theirs."""
    state: list[int] = np.random.SeedSequence(seed, spawn_key=(run,)).generate_state(number).tolist()
    return state


@dataclass(frozen=True, slots=True)
class _Graph:
    """UMAP's neighbour graph of distinct vectors, to be laid out more than once."""

    graph: "csr_matrix"
    distinct: Floats
    place: Ints  # each vector's place among the distinct ones
    neighbors: int

    @classmethod
    def of(cls, vectors: Floats, config: ReduceConfig, seed: int) -> "_Graph":
        distinct, place, neighbors = _prepared(vectors, config)
        model = _umap(config.components, neighbors, config.min_dist, seed, len(distinct))
        _fitted(model.set_params(transform_mode="graph"), distinct, _neighbours(distinct, neighbors))
        return cls(model.graph_, distinct, place, neighbors)

    def lay(
        self, config: ReduceConfig, seeds: Sequence[int], epochs: int | None, progress: Progress
    ) -> Iterator[Floats]:
        """Yield the layout of each seed, as many at once as there are cores."""
        model = _umap(config.components, self.neighbors, config.min_dist, 0, len(self.distinct))
        curve = _library().umap_.find_ab_params(model.spread, model.min_dist)
        laid = partial(self._laid, model, curve, None if epochs is None else self._start(config), epochs)
        with ThreadPoolExecutor(cores()) as pool:
            for layout in pool.map(laid, seeds):
                progress.advance()
                yield layout[self.place]

    def _laid(
        self, model: "UMAP", curve: Sequence[float], start: Doubles | None, epochs: int | None, seed: int
    ) -> Floats:
        random = np.random.RandomState(seed)
        negatives = model.negative_sample_rate if epochs is None else NEGATIVES
        layout: Floats = _library().umap_.simplicial_set_embedding(
            self.distinct,
            self.graph.copy(),  # faint edges are struck out in place
            n_components=model.n_components,
            initial_alpha=model.learning_rate,
            a=curve[0],
            b=curve[1],
            gamma=model.repulsion_strength * model.negative_sample_rate / negatives,
            negative_sample_rate=negatives,
            n_epochs=epochs,
            init=model.init if start is None else start + random.normal(scale=NOISE, size=start.shape),
            random_state=random,
            metric=model.metric,
            metric_kwds={},
            densmap=False,
            densmap_kwds={},
            output_dens=False,
        )[0]
        return layout

    def _start(self, config: ReduceConfig) -> Doubles | None:
        """Return the spectral start, which hangs on the graph alone; None where UMAP starts at random."""
        model = _umap(config.components, self.neighbors, config.min_dist, 0, len(self.distinct))
        if model.init != "spectral":
            return None
        random = np.random.RandomState(0)
        found = _library().spectral.spectral_layout(
            self.distinct, self.graph, model.n_components, random, metric=model.metric
        )
        return np.asarray(10 * found / np.abs(found).max(), dtype=np.float64)


def _prepared(vectors: Floats, config: ReduceConfig) -> tuple[Floats, Ints, int]:
    distinct, place = _canonical(vectors)
    if len(distinct) < MIN_DISTINCT:
        raise CorpusError(
            f"corpus: only {len(distinct)} of {len(vectors)} messages differ in what they say; "
            f"topics need at least {MIN_DISTINCT} different ones, so gather more messages."
        )
    return distinct, place, min(config.neighbors or DEFAULT_NEIGHBORS, len(distinct) - 1)


def _canonical(vectors: Floats) -> tuple[Floats, Ints]:
    """Return the distinct rows in an order that does not depend on theirs, and each row's place in it."""
    distinct, place = np.unique(vectors, axis=0, return_inverse=True)
    return distinct, place.ravel()


def _neighbours(distinct: Floats, count: int) -> Neighbours:
    """Compare all with all, unless that takes too long; UMAP itself asks Python for each pair of a few."""
    if len(distinct) > MANY:
        return ()
    nearest, similarity = nearest_of_all(distinct, count)
    return nearest.astype(np.int32), np.maximum(1 - similarity, 0)


def _sought(model: "UMAP") -> Neighbours:
    """Return the neighbours that a model has sought by approximation."""
    found = tuple(getattr(model, f"_knn_{name}", None) for name in ("indices", "dists", "search_index"))
    return found if found[2] is not None else ()


def _fitted(model: "UMAP", distinct: Floats, known: Neighbours) -> "UMAP":
    with warnings.catch_warnings():
        # It will not be asked to transform others.
        warnings.filterwarnings("ignore", r"precomputed_knn\[2\]", UserWarning)
        return model.set_params(precomputed_knn=known or (None, None, None)).fit(distinct)


@cache
def _library() -> ModuleType:
    import umap

    keep_compiled("umap")
    library: ModuleType = umap
    return library


def _umap(components: int, neighbors: int, min_dist: float, seed: int, rows: int) -> "UMAP":
    # The spectral start needs clearly more rows than dimensions.
    init = "spectral" if rows > 4 * components else "random"
    return _library().UMAP(
        n_neighbors=neighbors,
        n_components=min(components, rows - 2),
        min_dist=min_dist,
        metric="cosine",
        init=init,
        random_state=seed,
        n_jobs=1,
    )
