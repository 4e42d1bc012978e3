"""Topics as dense regions: HDBSCAN (Campello, Moulavi & Sander 2013; McInnes, Healy & Astels 2017)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from themeloom.config import ClusterConfig
from themeloom.discovery.neighbours import nearest_topic
from themeloom.errors import CorpusError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Clusters, Doubles, Floats, Ints

if TYPE_CHECKING:
    import fast_hdbscan
    import hdbscan
    from sklearn.cluster import HDBSCAN as SklearnHDBSCAN  # noqa: N811 - two of one name

SMALLEST = 5
"""The smallest topic that the defaults allow."""
FEWEST = 4
"""Fewer topics than this, and the defaults call the clustering collapsed."""
MIN_SAMPLES = 1
"""HDBSCAN's min_samples: the least conservative, so that few short messages become noise."""
DOMINANT = 0.5
"""So does a topic with more than this share of all clustered messages."""
FEW = 3_000
"""Of fewer messages the spanning tree is quicker found by Prim's algorithm than by Borůvka's."""
FEW_ALONE = 6_000
"""Of fewer messages scikit-learn, which gives no condensed tree, finds the same topics sooner."""
VALIDATED, VALIDATED_IN_ONE = 5_000, 2_000
"""So many messages, evenly spread over many topics or lying in one, tell how dense a larger corpus is."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    size: int
    selection: str
    label: Ints
    probability: Floats
    tree: pl.DataFrame

    @property
    def count(self) -> int:
        return len(set(self.label.tolist()) - {-1})

    def collapsed(self, fewest: int) -> bool:
        if self.count < fewest:
            return True
        sizes = np.bincount(self.label[self.label >= 0])
        return bool(sizes.max() > DOMINANT * sizes.sum())


def cluster(
    reduced: Floats,
    vectors: Floats,
    config: ClusterConfig,
    progress: Progress = UNWATCHED,
    fewest: int = FEWEST,
    *,
    tree: bool = True,
) -> Clusters:
    """Find topics, and give outliers the topic of their nearest neighbours.

    Parameters
    ----------
    reduced
        float32, (communications, components): UMAP's layout.
    vectors
        float32, (communications, dimensions), unit length: where neighbours of outliers are sought.
    config
        HDBSCAN's settings; what is not set follows from the corpus size.
    progress
        Who watches.
    fewest
        Fewer topics than this are mended.
    tree
        Whether the condensed tree is asked for. Without it, it may be empty, and topics are found sooner.

    Returns
    -------
    Clusters
        Topics numbered by size, largest first; the same for the same rows in any order. In the
        tree, numbers below that of communications are their positions, the others clusters, lowest the root.

    Raises
    ------
    CorpusError
        If no topic at all emerges.

    Notes
    -----
    Excess-of-mass selection at times collapses a corpus into two or three topics. Unless the selection is
    set, such a result is mended: leaves are taken instead, then smaller topics allowed, until there are at
    least `fewest` and none holds more than half of what was clustered. `Clusters.note` says so.
    """
    order = np.lexsort(reduced.T)  # an order of their own; rows that tie are alike
    attempts = _attempts(reduced[order].astype(np.float64), config, progress, tree=tree)
    first = next(attempts)
    chosen = first if not first.collapsed(fewest) else _mended(first, attempts, fewest)
    if chosen.count == 0:
        raise CorpusError(
            f"corpus: no topic emerges from {len(reduced)} messages at min_cluster_size {chosen.size}; "
            "gather more messages or lower cluster.min_cluster_size."
        )
    topic, membership = _with_second_best(chosen, vectors[order], config)
    back = np.argsort(order)
    return Clusters(
        topic=_by_size(topic)[back],
        outlier=(chosen.label < 0)[back],
        membership=membership[back],
        min_cluster_size=chosen.size,
        selection=chosen.selection,
        note=_note(first, chosen),
        tree=_of_the_corpus(chosen.tree, order) if tree else chosen.tree,
    )


def default_size(messages: int) -> int:
    """Return the smallest topic for a corpus: half the square root of its size (515 → 11, 500,000 → 354)."""
    return max(SMALLEST, round(math.sqrt(messages) / 2))


def dense_regions(reduced: Floats, min_cluster_size: int, min_samples: int) -> Ints:
    """Run HDBSCAN once, by excess of mass: nothing is mended, and outliers stay outliers.

    Parameters
    ----------
    reduced
        float32, (communications, components).
    min_cluster_size, min_samples
        HDBSCAN's settings.

    Returns
    -------
    Ints
        int64, (communications,): topics numbered by size, largest first; -1 for noise. The same for the same
        rows in any order.
    """
    order = np.lexsort(reduced.T)
    settings = ClusterConfig(min_samples=min_samples)
    found = _hdbscan(reduced[order].astype(np.float64), min_cluster_size, "eom", settings)
    return _by_size(found.label)[np.argsort(order)]


def density_validity(reduced: Floats, topic: Ints) -> float:
    """Return DBCV (Moulavi et al. 2014): whether topics are dense within and sparse between.

    Parameters
    ----------
    reduced
        float32, (communications, components): where topics were sought.
    topic
        int64, (communications,): -1 for noise, which does not count.

    Returns
    -------
    float
        From -1 to 1, higher is better; NaN where fewer than two topics can be compared, or none of their
        messages differ. The cost grows with the square of the messages, so of a large corpus an even
        selection of each topic's messages is judged: the same for the same rows in any order.
    """
    from hdbscan.validity import validity_index

    chosen = _spread(reduced, topic)
    _, label, sizes = np.unique(topic[chosen], return_inverse=True, return_counts=True)
    compared = sizes[label] > 1  # a message alone has no density
    _, label = np.unique(label[compared], return_inverse=True)
    if label.max(initial=0) < 1:
        return math.nan
    with np.errstate(all="ignore"):  # topics in one place: nothing by nothing
        return float(validity_index(reduced[chosen][compared].astype(np.float64), label))


def _spread(reduced: Floats, topic: Ints) -> Ints:
    """Return positions of clustered messages, topic by topic and evenly within each: not too many."""
    clustered = np.flatnonzero(topic >= 0)
    inner = np.lexsort((*reduced[clustered].T, topic[clustered]))
    # Validation compares all with all, and within topics costs most.
    heaviest = max(1.0, float(np.linalg.norm(np.bincount(topic[clustered]))))
    share = min(1.0, VALIDATED / max(len(inner), 1), VALIDATED_IN_ONE / heaviest)
    kept = np.linspace(0, len(inner) - 1, round(share * len(inner))).astype(np.int64)
    return clustered[inner[kept]]


def _attempts(rows: Doubles, config: ClusterConfig, progress: Progress, *, tree: bool) -> Iterator[_Attempt]:
    """Yield clusterings from the default one to ever finer ones."""
    sizes = [config.min_cluster_size] if config.min_cluster_size else _sizes(len(rows))
    selections = ("eom", "leaf") if config.selection == "auto" else (config.selection,)
    progress.begin(None, "clusterings")
    for size in sizes:
        for selection in selections:
            yield _hdbscan(rows, size, selection, config, tree=tree)
            progress.advance()


def _sizes(messages: int) -> list[int]:
    size = default_size(messages)
    halved = [size >> times for times in range(size.bit_length()) if size >> times > SMALLEST]
    return [*halved, SMALLEST, SMALLEST - 2]


def _hdbscan(
    rows: Doubles, size: int, selection: str, config: ClusterConfig, *, tree: bool = True
) -> _Attempt:
    settings = {
        "min_cluster_size": size,
        "min_samples": min(config.min_samples or MIN_SAMPLES, len(rows) - 1),
        "cluster_selection_method": selection,
    }
    if config.backend == "fast-hdbscan":
        model = _fast(settings)
    else:
        model = _reference(settings, len(rows)) if tree or len(rows) >= FEW_ALONE else _alone(settings)
    model.fit(rows)
    return _Attempt(
        size=size,
        selection=selection,
        label=model.labels_.astype(np.int64),
        probability=model.probabilities_.astype(np.float32),
        tree=_table(model.condensed_tree_.to_numpy()) if tree else pl.DataFrame(),
    )


def _fast(settings: dict[str, Any]) -> "fast_hdbscan.HDBSCAN":
    """Return what clusters as the reference does, on all cores, and has the same attributes once fitted."""
    import fast_hdbscan

    return fast_hdbscan.HDBSCAN(**settings)


def _reference(settings: dict[str, Any], rows: int) -> "hdbscan.HDBSCAN":
    import hdbscan

    # Both find the same: Prim's spanning tree grows with the square of the rows, but begins sooner.
    spanning = "prims_kdtree" if rows < FEW else "best"
    return hdbscan.HDBSCAN(**settings, algorithm=spanning, approx_min_span_tree=False, core_dist_n_jobs=1)


def _alone(settings: dict[str, Any]) -> "SklearnHDBSCAN":
    from sklearn.cluster import HDBSCAN

    # A message is its own first neighbour there.
    asked = settings | {"min_samples": settings["min_samples"] + 1}
    return HDBSCAN(**asked, algorithm="kd_tree", copy=False)


def _table(tree: Any) -> pl.DataFrame:  # noqa: ANN401 - an array of records
    return pl.DataFrame(
        {
            "parent": tree["parent"].astype(np.int64),
            "child": tree["child"].astype(np.int64),
            "lambda": tree["lambda_val"].astype(np.float64),
            "size": tree["child_size"].astype(np.int64),
        }
    )


def _of_the_corpus(tree: pl.DataFrame, order: Ints) -> pl.DataFrame:
    """Give the points of a tree their positions in the corpus: HDBSCAN saw rows in an order of their own."""
    child = tree["child"].to_numpy()
    point = child < len(order)
    return tree.with_columns(child=np.where(point, order[np.where(point, child, 0)], child))


def _by_size(label: Ints) -> Ints:
    """Give numbers by size, largest first; ties by the first member in canonical order."""
    found, first, sizes = np.unique(label[label >= 0], return_index=True, return_counts=True)
    rank = np.empty(len(found), dtype=np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(found))
    numbered = label.copy()
    numbered[label >= 0] = rank[label[label >= 0]]
    return numbered


def _mended(first: _Attempt, others: Iterator[_Attempt], fewest: int) -> _Attempt:
    tried = [first]
    for attempt in others:
        if not attempt.collapsed(fewest):
            return attempt
        tried.append(attempt)
    return max(tried, key=lambda attempt: attempt.count)


def _with_second_best(chosen: _Attempt, vectors: Floats, config: ClusterConfig) -> tuple[Ints, Floats]:
    if not config.second_best:
        return chosen.label, chosen.probability
    clustered = chosen.label >= 0
    topic, membership = chosen.label.copy(), chosen.probability.copy()
    topic[~clustered], membership[~clustered] = nearest_topic(
        vectors[~clustered], vectors[clustered], chosen.label[clustered]
    )
    return topic, membership


def _note(first: _Attempt, chosen: _Attempt) -> str:
    if chosen is first:
        return ""
    return (
        f"The default clustering collapsed to {first.count} topics ({first.selection} selection, smallest "
        f"topic {first.size}); {chosen.selection} selection with smallest topic {chosen.size} mended it."
    )
