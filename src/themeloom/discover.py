"""The stages of discovery in order, each result remembered."""

from collections.abc import Sequence
from inspect import getfile
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from themeloom.cache import Arrays, Cache, VectorCache, code_digest, digest
from themeloom.config import Experiment
from themeloom.discovery.cluster import FEWEST, cluster
from themeloom.discovery.describe import describe
from themeloom.discovery.embed import Encoder, embed
from themeloom.discovery.reduce import reduce
from themeloom.progress import Stages
from themeloom.provenance import versions
from themeloom.records import Clusters, Discovery, Embeddings, Floats, Layout, Topic

_TOPICS = TypeAdapter(tuple[Topic, ...])


def embed_corpus(texts: Sequence[str], config: Experiment, cache: Path, stages: Stages) -> Embeddings:
    """Embed masked texts."""
    encoder = Encoder(config.encoder)
    with stages("embed") as progress:
        return embed(texts, encoder, VectorCache(cache, encoder.fingerprint), progress)


def discover(
    embeddings: Embeddings,
    vectors: Floats,
    config: Experiment,
    cache: Path,
    stages: Stages,
    fewest: int = FEWEST,
) -> Discovery:
    """Reduce, cluster and describe.

    Parameters
    ----------
    embeddings
        The communications' raw vectors and what was embedded.
    vectors
        (communications, dimensions): what topics are read from; the raw vectors, or others beside them.
    config
        The experiment; only its encoder, reduce, cluster and describe sections and its seed count.
    cache
        The folder of what was computed once.
    stages
        Opens and times each stage.
    fewest
        Fewer topics than this are mended.

    Raises
    ------
    CorpusError
        If no topics can emerge.
    """
    layout = _reduced(vectors, config, Cache(cache), stages)
    with stages("cluster") as progress:
        clusters = cluster(layout.reduced, vectors, config.cluster, progress, fewest)
    topics = _described(embeddings, clusters, Encoder(config.encoder), config, cache, stages)
    return Discovery(embeddings, layout, clusters, topics)


def _reduced(vectors: Floats, config: Experiment, cache: Cache, stages: Stages) -> Layout:
    seed, settings = config.study.seed, config.reduce.model_dump(mode="json")

    def make() -> Arrays:
        layout = reduce(vectors, config.reduce, seed, progress)
        return {
            "reduced": layout.reduced,
            "plane": layout.plane,
            "neighbors": np.array([layout.neighbors]),
        }

    key = digest(vectors, settings, seed, versions()["umap-learn"], code_digest(Path(getfile(reduce))))
    with stages("reduce") as progress:
        arrays = stages.remembered("reduce", *cache.remember("reduce", key, make))
    return Layout(arrays["reduced"], arrays["plane"], int(arrays["neighbors"][0]))


def _described(
    embeddings: Embeddings,
    clusters: Clusters,
    encoder: Encoder,
    config: Experiment,
    cache: Path,
    stages: Stages,
) -> tuple[Topic, ...]:
    vectors = VectorCache(cache, encoder.fingerprint)

    def make() -> Arrays:
        topics = describe(embeddings, clusters, encoder, config.describe, vectors, progress)
        return {"json": np.frombuffer(_TOPICS.dump_json(topics), dtype=np.uint8)}

    key = digest(
        embeddings.vectors,
        embeddings.texts,
        embeddings.frequent_terms,
        clusters.topic,
        clusters.outlier,
        config.describe.model_dump(mode="json"),
        versions()["bertopic"],
        code_digest(Path(getfile(describe))),
    )
    with stages("describe") as progress:
        arrays = stages.remembered("describe", *Cache(cache).remember("describe", key, make))
    return _TOPICS.validate_json(arrays["json"].tobytes())
