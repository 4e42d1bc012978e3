"""Fewer dimensions: UMAP (McInnes, Healy & Melville 2018, arXiv:1802.03426)."""

from typing import TYPE_CHECKING

import numpy as np

from themeloom.config import ReduceConfig
from themeloom.errors import CorpusError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Floats, Ints, Layout

if TYPE_CHECKING:
    from umap import UMAP

DEFAULT_NEIGHBORS = 15
MIN_DISTINCT = 10
"""Fewer distinct messages than this have no neighbourhoods to speak of."""


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
    topics = _umap(config.components, neighbors, config.min_dist, seed, len(distinct)).fit_transform(distinct)
    progress.advance()
    plane = _umap(2, neighbors, 0.1, seed, len(distinct)).fit_transform(distinct)
    progress.advance()
    return Layout(topics.astype(np.float32)[place], plane.astype(np.float32)[place], neighbors)


def reduced(vectors: Floats, config: ReduceConfig, seed: int) -> Floats:
    """Do what `reduce` does, for clustering alone: float32, (communications, components)."""
    distinct, place, neighbors = _prepared(vectors, config)
    found = _umap(config.components, neighbors, config.min_dist, seed, len(distinct)).fit_transform(distinct)
    return np.asarray(found, dtype=np.float32)[place]


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


def _umap(components: int, neighbors: int, min_dist: float, seed: int, rows: int) -> "UMAP":
    from umap import UMAP

    # The spectral start needs clearly more rows than dimensions.
    init = "spectral" if rows > 4 * components else "random"
    return UMAP(
        n_neighbors=neighbors,
        n_components=min(components, rows - 2),
        min_dist=min_dist,
        metric="cosine",
        init=init,
        random_state=seed,
        n_jobs=1,
    )
