"""What each of many layouts says of who belongs together: HDBSCAN, at one density or another."""

from dataclasses import replace
from itertools import cycle

from threadpoolctl import threadpool_limits

from themeloom.config import ClusterConfig
from themeloom.discovery.cluster import FEWEST, MIN_SAMPLES, cluster
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.errors import CorpusError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Clusters, Floats

DENSER = (0, 1)
"""Layouts are clustered in turns with so many more `min_samples` than are asked for.

Small differences of density decide which topics a layout has. Two estimates of density differ in these, so
that what all layouts agree on hangs less on either.
"""


def voices(
    layouts: Floats,
    near: Neighbourhood,
    config: ClusterConfig,
    progress: Progress = UNWATCHED,
    fewest: int = FEWEST,
) -> list[Clusters]:
    """Find topics in each layout by itself; outliers get a second-best topic in any case.

    Parameters
    ----------
    layouts
        float32, (layouts, communications, components).
    near
        The messages' neighbours: among them an outlier's topic is sought.
    config, progress, fewest
        As for `cluster`.

    Returns
    -------
    list
        One clustering a layout, without its tree; none of those in which no topic emerges, as happens with
        very few messages.

    Raises
    ------
    CorpusError
        If in no layout any topic emerges.
    """
    found, faults = [], []
    progress.begin(len(layouts), "layouts")
    with threadpool_limits(1, "blas"):  # each step is so short that threads would mostly wait for one another
        for layout, settings in zip(layouts, cycle(_asked(config)), strict=False):
            try:
                clusters = cluster(layout, near.vectors, settings, fewest=fewest, tree=False)
                found.append(replace(clusters, topic=near.second_best(clusters.topic)))
            except CorpusError as fault:
                faults.append(fault)
            progress.advance()
    if not found:
        raise faults[0]
    return found


def _asked(config: ClusterConfig) -> list[ClusterConfig]:
    least = config.min_samples or MIN_SAMPLES
    return [config.model_copy(update={"second_best": False, "min_samples": least + more}) for more in DENSER]
