"""The reference: what BERTopic (Grootendorst 2022) makes of the same vectors when nothing is set."""

from themeloom.config import ReduceConfig
from themeloom.discovery.cluster import dense_regions
from themeloom.discovery.describe import without_outliers
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.reduce import DEFAULT_NEIGHBORS, layouts
from themeloom.members import PlainTopics
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Embeddings, Layout
from themeloom.system.cache import Cache

REDUCE = ReduceConfig(neighbors=15, components=5, min_dist=0.0)
"""BERTopic's UMAP."""
MIN_TOPIC_SIZE = 10
"""BERTopic's smallest topic, and as HDBSCAN has it where it is not told otherwise, its min_samples too."""


def plain_topics(
    embeddings: Embeddings,
    seed: int,
    layout: Layout | None = None,
    progress: Progress = UNWATCHED,
    cache: Cache | None = None,
) -> PlainTopics:
    """Find topics as plain BERTopic does: UMAP, HDBSCAN, and `reduce_outliers` by its default strategy.

    Of more than `reduce.LARGE` messages the layout has fewer epochs than BERTopic's own.

    Parameters
    ----------
    embeddings
        The communications' vectors and the texts that were embedded.
    seed
        Seed of UMAP, where it has to run.
    layout
        The same vectors' layout, if it was made as BERTopic would (`is_plain`); made here if not given.
    progress
        Who watches.
    cache
        Where neighbours are kept on disk; nowhere if not given.

    Returns
    -------
    PlainTopics
        The same for the same communications in any order. No label is involved. Where HDBSCAN finds nothing
        but noise, all stay outliers.

    Raises
    ------
    CorpusError
        If a layout has to be made, and there are fewer than ten distinct vectors.
    """
    progress.begin(3, "steps")
    if layout:
        places = layout.reduced
    else:
        places = layouts(Neighbourhood(embeddings.vectors, cache), REDUCE, [seed])[0]
    progress.advance()
    topic = dense_regions(places, MIN_TOPIC_SIZE, MIN_TOPIC_SIZE)
    progress.advance()
    reduced = without_outliers(embeddings.texts, embeddings.vectors, topic)
    progress.advance()
    return PlainTopics(topic, reduced)


def is_plain(config: ReduceConfig, layouts: int = 1) -> bool:
    """Whether a layout by these settings, one of so many, is BERTopic's own; of many each is short."""
    settings = config.model_copy(update={"neighbors": config.neighbors or DEFAULT_NEIGHBORS})
    return settings == REDUCE and layouts == 1
