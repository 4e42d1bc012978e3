"""The stages of discovery in order, each result remembered."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from themeloom.assigning.ray_engine import Ray
from themeloom.config import ClusterConfig, Experiment
from themeloom.discovery.cells import Nearest
from themeloom.discovery.cluster import FEWEST, cluster
from themeloom.discovery.consensus import consensus, default_layouts, halves
from themeloom.discovery.describe import describe
from themeloom.discovery.embed import Encoder, embed, encode_cached
from themeloom.discovery.encoder_text import embedded_text, frequent_terms
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.reduce import layouts, many_layouts, seeds_of
from themeloom.discovery.stability import stability
from themeloom.discovery.together import Together
from themeloom.discovery.voices import voices
from themeloom.discovery.weights import PINS, check_pinned
from themeloom.discovery.words import term_splitter
from themeloom.nearest import nearest_of_all
from themeloom.progress import UNWATCHED, Progress, Stages
from themeloom.records import Clusters, Codebook, Discovery, Embeddings, Floats, Ints, Layout, Topic
from themeloom.scored import Stability
from themeloom.system.cache import Arrays, Cache, code_of, digest
from themeloom.system.provenance import versions

_TOPICS = TypeAdapter(tuple[Topic, ...])
_ARRAYS = ("topic", "outlier", "membership")
_TREE = ("parent", "child", "lambda", "size")
_FACTS = ("min_cluster_size", "selection", "note", "layouts")
_GROUPING = (cluster, Nearest, nearest_of_all, Neighbourhood, Together, voices, consensus)
"""What topics are found by."""


def embed_corpus(texts: Sequence[str], config: Experiment, cache: Path, stages: Stages) -> Embeddings:
    """Embed masked texts.

    Raises
    ------
    ConfigError
        If the encoder cannot be loaded, or is another one than at its first use.
    """
    encoder = Encoder(config.encoder)
    check_pinned(config.encoder, encoder.parent.folder, cache.parent / PINS)
    with stages("embed") as progress:
        return embed(texts, encoder, encoder.cache(cache, progress), progress)


def embed_ahead(
    texts: Sequence[str], config: Experiment, cache: Path, cluster: Ray, progress: Progress
) -> None:
    """Embed masked texts on a cluster, into the cache in which `embed_corpus` finds them."""
    encoder = Encoder(config.encoder)
    frequent = frequent_terms(texts, config.encoder.frequent_terms)
    read = sorted({embedded_text(text, frequent) for text in texts})
    kept = encoder.cache(cache, progress)
    missing = [text for text, known in zip(read, kept.find(read)[0], strict=True) if not known]
    for part, vectors in cluster.embed(missing, encoder.settled, cache, progress):
        kept.add(part, vectors)


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
        The experiment; only its encoder, discover, reduce, cluster and describe sections and its seed
        count.
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
    kept = Cache(cache)
    near = Neighbourhood(vectors, kept)
    layout, several = _reduced(near, config, kept, stages)
    clusters, parts = _clustered(several, near, config, kept, stages, fewest)
    held = _repeated(clusters, near, config, kept, stages, fewest)
    if held is None and len(parts):
        held = stability(clusters.topic, list(parts), "halves", config.study.seed)
    topics = _described(embeddings, clusters, Encoder(config.encoder), config, cache, stages)
    return Discovery(embeddings, layout, clusters, topics, held)


def grouped(
    several: Floats,
    near: Neighbourhood,
    config: ClusterConfig,
    progress: Progress = UNWATCHED,
    fewest: int = FEWEST,
) -> tuple[Clusters, list[Clusters]]:
    """Find topics in one layout, or those on which several agree.

    Parameters
    ----------
    several
        float32, (layouts, communications, components).
    near
        The communications' vectors, and neighbours where they are asked for.
    config
        How topics are found.
    progress, fewest
        As for `cluster`.

    Returns
    -------
    clusters
        The topics.
    found
        Those of each layout, where there are several.
    """
    if len(several) == 1:
        return cluster(several[0], near.vectors, config, progress, fewest), []
    found = voices(several, near, config, progress, fewest)
    return consensus(found, near, second_best=config.second_best, fewest=fewest), found


def grouped_key(several: Floats, vectors: Floats, config: ClusterConfig, fewest: int) -> str:
    """Return the digest of all that topics hang on, as `grouped` finds them."""
    code = code_of(grouped, *_GROUPING)
    return digest(several, vectors, config.model_dump(mode="json"), fewest, versions(), code)


def packed(clusters: Clusters) -> Arrays:
    """Return topics as arrays, to be kept."""
    facts = {name: getattr(clusters, name) for name in _FACTS}
    return {
        **{name: getattr(clusters, name) for name in _ARRAYS},
        **{f"tree.{name}": clusters.tree[name].to_numpy() for name in _TREE},
        "facts": np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8),
    }


def unpacked(arrays: Arrays) -> Clusters:
    """Return the topics that `packed` made arrays of."""
    known: dict[str, Any] = {name: arrays[name] for name in _ARRAYS} | json.loads(arrays["facts"].tobytes())
    return Clusters(**known, tree=pl.DataFrame({name: arrays[f"tree.{name}"] for name in _TREE}))


def layouts_of(config: Experiment, messages: int) -> int:
    """Return how many layouts the topics of so many messages are the consensus of; 1 for no consensus."""
    return config.cluster.consensus or default_layouts(messages)


def laid_out(near: Neighbourhood, config: Experiment, run: int = 0, runs: int = 1) -> Floats:
    """Lay messages out for clustering alone, as often as the experiment asks for.

    Parameters
    ----------
    near
        The messages' vectors and neighbours.
    config
        The experiment: its reduce section, consensus and seed.
    run, runs
        The first repetition of discovery that layouts are for, and how many; 0 is the one that is kept.

    Returns
    -------
    Floats
        float32, (layouts, communications, components), one repetition after the other.
    """
    seed, number = config.study.seed, layouts_of(config, len(near.vectors))
    if number == 1 and run == 0:
        return layouts(near, config.reduce, [seed])
    seeds = [own for at in range(run, run + runs) for own in seeds_of(seed, at, number)]
    return layouts(near, config.reduce, seeds, short=number > 1)


def layout_key(vectors: Floats, config: Experiment, *more: object) -> str:
    """Return the digest of all that layouts hang on, as many as the experiment asks for."""
    number, settings = layouts_of(config, len(vectors)), config.reduce.model_dump(mode="json")
    code = code_of(layouts, Neighbourhood, Nearest, nearest_of_all)
    return digest(vectors, settings, config.study.seed, number, versions(), code, *more)


def _reduced(near: Neighbourhood, config: Experiment, cache: Cache, stages: Stages) -> tuple[Layout, Floats]:
    """Return the layout that is kept, and those in which topics are sought."""
    seed, number = config.study.seed, layouts_of(config, len(near.vectors))

    def make() -> Arrays:
        layout, several = many_layouts(near, config.reduce, seed, number, progress)
        return {"several": several, "plane": layout.plane, "neighbors": np.array([layout.neighbors])}

    with stages("reduce") as progress:
        key = layout_key(near.vectors, config)
        arrays = stages.remembered("reduce", *cache.remember("reduce", key, make))
    several = arrays["several"]
    return Layout(several[0], arrays["plane"], int(arrays["neighbors"][0])), several


def _clustered(
    several: Floats, near: Neighbourhood, config: Experiment, cache: Cache, stages: Stages, fewest: int
) -> tuple[Clusters, Ints]:
    """Return the topics, and those of halves of the layouts: (halves, communications)."""
    asked = config.discover.seeds == 1

    def make() -> Arrays:
        clusters, found = grouped(several, near, config.cluster, progress, fewest)
        parts = halves(found, near, config.study.seed, fewest) if len(found) > 1 and asked else []
        return {**packed(clusters), "halves": np.array(parts, dtype=np.int64)}

    key = digest(grouped_key(several, near.vectors, config.cluster, fewest), [config.study.seed, asked])
    with stages("cluster") as progress:
        arrays = stages.remembered("cluster", *cache.remember("cluster", key, make))
    return unpacked(arrays), arrays["halves"]


def _repeated(
    clusters: Clusters, near: Neighbourhood, config: Experiment, cache: Cache, stages: Stages, fewest: int
) -> Stability | None:
    """Discover again with other seeds, where that is asked for, and tell how far topics come back."""
    more, number = config.discover.seeds - 1, layouts_of(config, len(near.vectors))
    if not more:
        return None

    def make() -> Arrays:
        several = laid_out(near, config, 1, more)
        progress.begin(more, "repetitions")
        topics = []
        for run in range(more):
            part = several[run * number : (run + 1) * number]
            topics.append(grouped(part, near, config.cluster, fewest=fewest)[0].topic)
            progress.advance()
        return {"topics": np.stack(topics)}

    settings = [part.model_dump(mode="json") for part in (config.reduce, config.cluster)]
    asked = [config.study.seed, more, fewest]
    key = digest(near.vectors, settings, asked, versions(), code_of(grouped, layouts, *_GROUPING))
    with stages("repeat") as progress:
        found = stages.remembered("repeat", *cache.remember("repeat", key, make))["topics"]
        return stability(clusters.topic, list(found), "runs", config.study.seed)


def _described(
    embeddings: Embeddings,
    clusters: Clusters,
    encoder: Encoder,
    config: Experiment,
    cache: Path,
    stages: Stages,
) -> tuple[Topic, ...]:
    vectors = encoder.cache(cache)

    def make() -> Arrays:
        topics = describe(embeddings, clusters, encoder, config.describe, vectors, progress)
        return {"json": np.frombuffer(_TOPICS.dump_json(topics), dtype=np.uint8)}

    key = digest(
        embeddings.vectors,
        embeddings.masked,
        embeddings.frequent_terms,
        clusters.topic,
        clusters.outlier,
        config.describe.model_dump(mode="json"),
        encoder.fingerprint,
        versions(),
        code_of(describe, term_splitter),
    )
    with stages("describe") as progress:
        arrays = stages.remembered("describe", *Cache(cache).remember("describe", key, make))
    return _TOPICS.validate_json(arrays["json"].tobytes())


def codebook_vectors(codebook: Codebook, embeddings: Embeddings, encoder: Encoder, cache: Path) -> Floats:
    """Return one unit vector a theme, (themes, dimensions): the mean of all that is said of it."""
    texts = [
        [
            f"{theme.name}. {theme.definition}",
            *theme.other_names,
            *theme.other_definitions,
            *theme.include,
        ]
        for theme in codebook.themes
    ]
    read = [[embedded_text(text, embeddings.frequent_terms) for text in of_theme] for of_theme in texts]
    flat = [text for of_theme in read for text in of_theme]
    vectors = encode_cached(flat, encoder, encoder.cache(cache))
    starts = np.cumsum([0, *(len(of_theme) for of_theme in read[:-1])])
    sums = np.add.reduceat(vectors, starts, axis=0)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12), dtype=np.float32)
