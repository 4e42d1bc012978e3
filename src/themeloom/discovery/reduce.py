"""Fewer dimensions: UMAP (McInnes, Healy & Melville 2018, arXiv:1802.03426)."""

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from themeloom.config import ReduceConfig
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.errors import CorpusError, OutputError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Doubles, Floats, Ints, Layout
from themeloom.system.compiled import keep_compiled
from themeloom.system.cores import cores

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from umap import UMAP

DEFAULT_NEIGHBORS = 15
MIN_DISTINCT = 10
"""Fewer distinct messages than this have no neighbourhoods to speak of."""
PLANE = {"components": 2, "min_dist": 0.1}
"""What is other in the map that people see."""
LARGE = 20_000
"""Layouts of more distinct messages have `ENOUGH` epochs in place of UMAP's 200."""
ENOUGH = 100
"""Topics of so many epochs agree with labels, and with those of other seeds, as well as topics of 200."""
SHORT = 30
"""Epochs of a layout that is one voice of many: many short ones agree better than fewer long ones do."""
NEGATIVES = 3
"""Negative samples per edge of a short layout, each as much heavier as they are fewer than UMAP's five: the
time that is saved gives more layouts a voice."""
NOISE = 1e-4
"""How far layouts are moved from the spectral start that they share; UMAP moves each start as far."""


def reduce(near: Neighbourhood, config: ReduceConfig, seed: int, progress: Progress = UNWATCHED) -> Layout:
    """Lay messages out in a few dimensions for clustering, and in two for the map.

    Parameters
    ----------
    near
        The messages' vectors and neighbours.
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
    return many_layouts(near, config, seed, 1, progress)[0]


def many_layouts(
    near: Neighbourhood, config: ReduceConfig, seed: int, number: int, progress: Progress = UNWATCHED
) -> tuple[Layout, Floats]:
    """Lay messages out several times for clustering, and once in two dimensions for the map.

    Parameters
    ----------
    near, config, seed, progress
        As for `reduce`.
    number
        How many layouts; where there are more than one, each is short: one voice in a consensus.

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
    seeds = [seed] if number == 1 else seeds_of(seed, 0, number)
    graph, plane = _Graph.of(near, config), config.model_copy(update=PLANE)
    progress.begin(number + 1, "layouts")
    with ThreadPoolExecutor(1) as beside:  # what UMAP has compiled lets other threads work
        mapped = beside.submit(lambda: next(graph.lay(plane, [seed], UNWATCHED)))
        found = np.stack(list(graph.lay(config, seeds, progress, short=number > 1)))
        layout = Layout(found[0], mapped.result(), graph.neighbors)
    progress.advance()
    return layout, found


def layouts(
    near: Neighbourhood, config: ReduceConfig, seeds: Sequence[int], *, short: bool = False
) -> Floats:
    """Lay messages out several times, for clustering alone.

    Parameters
    ----------
    near
        The messages' vectors and neighbours.
    config
        UMAP's settings.
    seeds
        The seed of each layout.
    short
        Whether each has few epochs, as one voice of many.

    Returns
    -------
    Floats
        float32, (layouts, communications, components): the same for the same vectors in any order.

    Raises
    ------
    CorpusError
        If there are fewer than ten distinct vectors.
    """
    return np.stack(list(_Graph.of(near, config).lay(config, seeds, UNWATCHED, short=short)))


def seeds_of(seed: int, run: int, number: int) -> list[int]:
    """Return so many seeds for one of several runs, all derived from one seed: no two runs share theirs."""
    state: list[int] = np.random.SeedSequence(seed, spawn_key=(run,)).generate_state(number).tolist()
    return state


@dataclass(frozen=True, slots=True)
class _Graph:
    """UMAP's neighbour graph of distinct vectors, to be laid out more than once."""

    graph: "csr_matrix"
    distinct: Floats
    place: Ints  # each message's place among the distinct ones
    neighbors: int
    spectral: Doubles | None  # start of layouts for clustering; None where the graph falls into parts

    @classmethod
    def of(cls, near: Neighbourhood, config: ReduceConfig) -> "_Graph":
        from scipy.sparse.csgraph import connected_components

        distinct, place = near.distinct
        if len(distinct) < MIN_DISTINCT:
            raise CorpusError(
                f"corpus: only {len(distinct)} of {len(place)} messages differ in what they say; "
                f"topics need at least {MIN_DISTINCT} different ones, so gather more messages. "
                "Where the encoder has no signs for their script, all look the same to it: name another by "
                "encoder.name."
            )
        neighbors = min(config.neighbors or DEFAULT_NEIGHBORS, len(distinct) - 1)
        nearest, similarity = near.nearest(neighbors)
        model = _umap(config, neighbors, len(distinct)).set_params(
            transform_mode="graph", precomputed_knn=(nearest, np.maximum(1 - similarity, 0))
        )
        with warnings.catch_warnings():
            # It will not be asked to transform others.
            warnings.filterwarnings("ignore", r"precomputed_knn\[2\]", UserWarning)
            model.fit(distinct)
        one = connected_components(model.graph_, return_labels=False) == 1
        spectral = _spectral(model, distinct, model.graph_) if one and model.init == "spectral" else None
        return cls(model.graph_, distinct, place, neighbors, spectral)

    def lay(
        self, config: ReduceConfig, seeds: Sequence[int], progress: Progress, *, short: bool = False
    ) -> Iterator[Floats]:
        """Yield the layout of each seed, as many at once as there are cores."""
        model = _umap(config, self.neighbors, len(self.distinct))
        curve = _library().umap_.find_ab_params(model.spread, model.min_dist)
        laid = partial(self._laid, model, curve, self._start(model), short)
        with ThreadPoolExecutor(cores()) as pool:
            for layout in pool.map(laid, seeds):
                progress.advance()
                yield layout[self.place]

    def _laid(
        self, model: "UMAP", curve: Sequence[float], start: Doubles | None, short: bool, seed: int
    ) -> Floats:
        random = np.random.RandomState(seed)
        negatives = NEGATIVES if short else model.negative_sample_rate
        layout: Floats = _library().umap_.simplicial_set_embedding(
            self.distinct,
            self.graph.copy(),  # faint edges are struck out in place
            n_components=model.n_components,
            initial_alpha=model.learning_rate,
            a=curve[0],
            b=curve[1],
            gamma=model.repulsion_strength * model.negative_sample_rate / negatives,
            negative_sample_rate=negatives,
            n_epochs=SHORT if short else self._epochs,
            init=model.init if start is None else start + random.normal(scale=NOISE, size=start.shape),
            random_state=random,
            metric=model.metric,
            metric_kwds={},
            densmap=False,
            densmap_kwds={},
            output_dens=False,
        )[0]
        return np.asarray(layout, dtype=np.float32)

    @property
    def _epochs(self) -> int | None:
        return ENOUGH if len(self.distinct) > LARGE else None  # UMAP's own

    def _start(self, model: "UMAP") -> Doubles | None:
        """Return the spectral start, which hangs on the graph alone; None where UMAP starts at random."""
        if model.init != "spectral":
            return None
        found = self.spectral
        if found is None or found.shape[1] < model.n_components:
            found = _spectral(model, self.distinct, self.graph)
        found = found[:, : model.n_components]  # of fewer dimensions it is the first of these
        return np.asarray(10 * found / np.abs(found).max())


def _spectral(model: "UMAP", distinct: Floats, graph: "csr_matrix") -> Doubles:
    found: Doubles = _library().spectral.spectral_layout(
        distinct, graph, model.n_components, np.random.RandomState(0), metric=model.metric
    )
    return found


@cache
def _library() -> ModuleType:
    try:
        import umap
    except RuntimeError as error:  # numba has nowhere to keep what it compiles, and UMAP insists on it
        raise OutputError(
            f"UMAP cannot be loaded ({error}); name a folder that can be written in the environment variable "
            "NUMBA_CACHE_DIR."
        ) from error
    keep_compiled("umap")
    library: ModuleType = umap
    return library


def _umap(config: ReduceConfig, neighbors: int, rows: int) -> "UMAP":
    # The spectral start needs clearly more rows than dimensions.
    init = "spectral" if rows > 4 * config.components else "random"
    return _library().UMAP(
        n_neighbors=neighbors,
        n_components=min(config.components, rows - 2),
        min_dist=config.min_dist,
        metric="cosine",
        init=init,
        random_state=0,
        n_jobs=1,
    )
