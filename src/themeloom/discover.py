"""The stages of discovery in order, each result remembered: topics emerge without any label."""

from collections.abc import Sequence
from inspect import getfile
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from themeloom.cache import Arrays, Cache, VectorCache, code_digest, digest
from themeloom.config import Experiment
from themeloom.discovery.cluster import cluster
from themeloom.discovery.describe import describe
from themeloom.discovery.embed import Encoder, embed
from themeloom.discovery.reduce import reduce
from themeloom.progress import Stages
from themeloom.provenance import versions
from themeloom.records import Clusters, Discovery, Embeddings, Layout, Topic

_TOPICS = TypeAdapter(tuple[Topic, ...])


def discover(texts: Sequence[str], config: Experiment, cache: Path, stages: Stages) -> Discovery:
    """Embed, reduce, cluster and describe.

    Parameters
    ----------
    texts
        Masked texts of the communications.
    config
        The experiment; only its encoder, reduce, cluster and describe sections and its seed count.
    cache
        The folder of what was computed once.
    stages
        Opens and times each stage.

    Raises
    ------
    CorpusError
        If no topics can emerge.
    """
    encoder = Encoder(config.encoder)
    vectors = VectorCache(cache, encoder.fingerprint)
    with stages("embed") as progress:
        embeddings = embed(texts, encoder, vectors, progress)
    layout = _reduced(embeddings, config, Cache(cache), stages)
    with stages("cluster") as progress:
        clusters = cluster(layout.reduced, embeddings.vectors, config.cluster, progress)
    topics = _described(embeddings, clusters, encoder, config, cache, stages)
    return Discovery(embeddings, layout, clusters, topics)


def _reduced(embeddings: Embeddings, config: Experiment, cache: Cache, stages: Stages) -> Layout:
    seed, settings = config.study.seed, config.reduce.model_dump(mode="json")

    def make() -> Arrays:
        layout = reduce(embeddings.vectors, config.reduce, seed, progress)
        return {
            "reduced": layout.reduced,
            "plane": layout.plane,
            "neighbors": np.array([layout.neighbors]),
        }

    key = digest(
        embeddings.vectors, settings, seed, versions()["umap-learn"], code_digest(Path(getfile(reduce)))
    )
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
