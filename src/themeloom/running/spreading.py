"""Topics of a large corpus: found in a sample of it, spread to all others, and what is lost by that."""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import polars as pl

from themeloom.config import ClusterConfig, Experiment
from themeloom.discovery.cells import Nearest
from themeloom.discovery.cluster import SMALLEST, default_size
from themeloom.discovery.neighbours import FLOOR, NEIGHBOURS
from themeloom.discovery.sample import choose_sample, spread_evenly
from themeloom.records import Bools, Clusters, Discovery, Embeddings, Floats, Ints, Layout, Topic
from themeloom.scored import Stability

A = TypeVar("A", bound="np.ndarray[Any, Any]")

HELD_OUT = 0.1
"""Share of the sample that is held out to measure the loss."""
AGREEMENT, AGREEMENT_LOW, AGREEMENT_HIGH, ARI = "placed", "placed_low", "placed_high", "placed_ari"
"""What `spread` tells of the loss: names in `TopicQuality.overall`."""


def sample_of(embeddings: Embeddings, labelled: Ints, config: Experiment) -> Ints:
    """Return the positions of the communications in which topics are found: of a small corpus, all."""
    size, texts = config.discover.sample, embeddings.texts
    if len(texts) <= size:
        return np.arange(len(texts))
    return choose_sample(texts, embeddings.vectors, size, labelled)


def part_of(embeddings: Embeddings, chosen: Ints) -> Embeddings:
    """Return the embeddings of some communications."""
    texts, masked = (
        tuple(of_all[place] for place in chosen.tolist()) for of_all in (embeddings.texts, embeddings.masked)
    )
    return replace(embeddings, vectors=embeddings.vectors[chosen], texts=texts, masked=masked)


def scaled(config: Experiment, sample: int, messages: int) -> Experiment:
    """Return an experiment whose smallest topic is as large a share of a sample as it is of the corpus."""
    smallest = config.cluster.min_cluster_size or default_size(messages)
    size = max(SMALLEST, round(smallest * sample / messages))
    cluster = ClusterConfig.model_validate({**config.cluster.model_dump(), "min_cluster_size": size})
    return config.model_copy(update={"cluster": cluster})


def spread(
    found: Discovery, chosen: Ints, embeddings: Embeddings, vectors: Floats, seed: int
) -> tuple[Discovery, dict[str, float]]:
    """Give every communication the topic that its nearest neighbours in the sample vote for.

    Parameters
    ----------
    found
        What emerged in the sample.
    chosen
        int64, ascending: the sample's positions among all communications.
    embeddings
        Of all communications.
    vectors
        float32, (communications, dimensions), unit length: what topics were read from.
    seed
        Seed of the measure of loss.

    Returns
    -------
    discovery
        Of all communications. Those of the sample have what they had; each other one has its neighbours'
        topic (weighted by squared cosine similarity), their share of the vote as membership, their mean place
        on the map; it is an outlier where most of their weight is outliers'. Topics are numbered by their
        size among all. The tree is the sample's.
    loss
        How far those that were held out of the sample and placed so come to the topic that the clustering had
        given them: the share that does, its 95% interval, and the adjusted Rand index. Outliers do not count:
        their topics are their neighbours' anyway.
    """
    loss = _loss(found, embeddings, chosen, vectors[chosen], seed)
    others = np.setdiff1d(np.arange(len(vectors)), chosen)
    placed = _Voted.of(vectors[others], vectors[chosen], found)
    clusters, messages = found.clusters, len(vectors)

    def whole(sampled: A, rest: A) -> A:
        every: A = np.empty_like(sampled, shape=(messages, *sampled.shape[1:]))
        every[chosen], every[others] = sampled, rest
        return every

    topic = whole(clusters.topic, placed.topic)
    outlier = whole(clusters.outlier, placed.outlier)
    number = _by_size(topic, clusters.count)
    layout = Layout(
        whole(found.layout.reduced, placed.mean(found.layout.reduced)),
        whole(found.layout.plane, placed.mean(found.layout.plane)),
        found.layout.neighbors,
    )
    topic = np.append(number, -1)[topic]
    spread_clusters = replace(
        clusters,
        topic=topic,
        outlier=outlier,
        membership=whole(clusters.membership, placed.share),
        note=" ".join(filter(None, (clusters.note, _note(len(chosen), messages, loss)))),
        tree=_renumbered(clusters.tree, chosen, messages),
    )
    return replace(
        found,
        embeddings=embeddings,
        layout=layout,
        clusters=spread_clusters,
        topics=_topics(found, number, chosen, spread_clusters),
        stability=_reordered(found.stability, np.argsort(number)),
    ), loss


def in_order(found: Discovery, place: Ints) -> Discovery:
    """Return what emerged, with the communications in another order: int64, where each of them goes."""
    clusters, layout, order = found.clusters, found.layout, np.argsort(place)
    return replace(
        found,
        embeddings=part_of(found.embeddings, order),
        layout=replace(layout, reduced=layout.reduced[order], plane=layout.plane[order]),
        clusters=replace(
            clusters,
            topic=clusters.topic[order],
            outlier=clusters.outlier[order],
            membership=clusters.membership[order],
            tree=_renumbered(clusters.tree, place, len(place)),
        ),
        topics=tuple(
            replace(one, representative=tuple(place[list(one.representative)].tolist()))
            for one in found.topics
        ),
    )


@dataclass(frozen=True, slots=True)
class _Voted:
    """What the nearest neighbours say of messages."""

    topic: Ints  # (messages,): -1 where even the nearest is far, or most have none
    share: Floats  # (messages,): of the vote
    outlier: Bools
    nearest: Ints  # (messages, neighbours)
    weight: Floats  # (messages, neighbours): of those that voted for the topic that won

    @classmethod
    def of(cls, vectors: Floats, members: Floats, found: Discovery) -> "_Voted":
        nearest, similarity = Nearest(members).find(vectors, NEIGHBOURS)
        weight = np.clip(similarity, 1e-6, None) ** 2
        said = found.clusters.topic[nearest]
        votes = _votes(said, weight)
        best = votes.argmax(axis=1)
        winner = np.take_along_axis(said, best[:, None], axis=1)[:, 0]
        total = weight.sum(axis=1)
        near = similarity.max(axis=1) >= FLOOR
        topic = np.where(near, winner, -1)
        outlier = ~near | ((weight * found.clusters.outlier[nearest]).sum(axis=1) > total / 2)
        share = np.where(topic >= 0, votes.max(axis=1) / total, 0).astype(np.float32)
        return cls(topic, share, outlier, nearest, weight * (said == winner[:, None]))

    def mean(self, places: Floats) -> Floats:
        """Return the mean place of the neighbours, (messages, components)."""
        sums = np.zeros((len(self.nearest), places.shape[1]), np.float32)
        for neighbour, weight in zip(self.nearest.T, self.weight.T, strict=True):
            sums += weight[:, None] * places[neighbour]
        return np.asarray(sums / self.weight.sum(axis=1, keepdims=True))


def _votes(said: Ints, weight: Floats) -> Floats:
    """Return for each neighbour the weight of all that say as it does: (messages, neighbours)."""
    votes = np.zeros_like(weight)
    for one in range(said.shape[1]):
        votes[:, one] = (weight * (said == said[:, one, None])).sum(axis=1)
    return votes


def _loss(
    found: Discovery, embeddings: Embeddings, chosen: Ints, vectors: Floats, seed: int
) -> dict[str, float]:
    from scipy.stats import binomtest
    from sklearn.metrics import adjusted_rand_score

    out = spread_evenly([embeddings.texts[place] for place in chosen.tolist()], HELD_OUT, seed)
    kept = np.setdiff1d(np.arange(len(chosen)), out)
    out = out[~found.clusters.outlier[out]]
    if not len(out):
        return {}
    clusters = found.clusters
    members = replace(clusters, topic=clusters.topic[kept], outlier=clusters.outlier[kept])
    placed = _Voted.of(vectors[out], vectors[kept], replace(found, clusters=members)).topic
    same = binomtest(int((placed == clusters.topic[out]).sum()), len(out))
    interval = same.proportion_ci(0.95, "wilson")
    return {
        AGREEMENT: float(same.statistic),
        AGREEMENT_LOW: float(interval.low),
        AGREEMENT_HIGH: float(interval.high),
        ARI: float(adjusted_rand_score(clusters.topic[out], placed)),
    }


def _note(sample: int, messages: int, loss: dict[str, float]) -> str:
    told = (
        f"Topics were found in a sample of {sample:,} of {messages:,} communications, all labelled ones "
        "among them; each other one has the topic of its nearest neighbours in the sample."
    )
    if not loss:
        return told
    low, high = loss[AGREEMENT_LOW], loss[AGREEMENT_HIGH]
    return (
        f"{told} Of those held out of the sample and placed in the same way, {loss[AGREEMENT]:.1%} "
        f"({low:.1%} to {high:.1%}) came to the topic that the clustering had given them (adjusted Rand "
        f"index {loss[ARI]:.2f})."
    )


def _by_size(topic: Ints, count: int) -> Ints:
    """Return each topic's number by its size among all, largest first."""
    sizes = np.bincount(topic[topic >= 0], minlength=count)
    number = np.empty(count, dtype=np.int64)
    number[np.argsort(-sizes, kind="stable")] = np.arange(count)
    return number


def _renumbered(tree: pl.DataFrame, chosen: Ints, messages: int) -> pl.DataFrame:
    """Give the sample's points their positions, and move the clusters beyond all messages."""
    beyond = messages - len(chosen)
    child = tree["child"].to_numpy()
    point = child < len(chosen)
    place = np.where(point, chosen[np.where(point, child, 0)], child + beyond)
    return tree.with_columns(pl.col("parent") + beyond, child=place)


def _topics(found: Discovery, number: Ints, chosen: Ints, clusters: Clusters) -> tuple[Topic, ...]:
    inside = clusters.topic[clusters.topic >= 0]
    sizes = np.bincount(inside, minlength=len(number)).tolist()
    outliers = np.bincount(
        clusters.topic[clusters.outlier & (clusters.topic >= 0)], minlength=len(number)
    ).tolist()
    return tuple(
        replace(
            found.topics[old],
            topic=new,
            size=sizes[new],
            outliers=outliers[new],
            representative=tuple(chosen[list(found.topics[old].representative)].tolist()),
        )
        for new, old in enumerate(np.argsort(number).tolist())
    )


def _reordered(held: Stability | None, order: Ints) -> Stability | None:
    if held is None:
        return None
    back, unstable, jaccard = (
        tuple(values[old] for old in order.tolist())
        for values in (held.comes_back, held.unstable, held.jaccard)
    )
    return replace(held, comes_back=back, unstable=unstable, jaccard=jaccard)
