"""How far topics agree with themselves: one layout and the consensus of many, over disjoint sets of seeds.

Run ``python benchmarks/stability.py FOLDER [--quick]``, where the folder holds tables with the columns
``text`` and ``label``; with ``--most 1500 20000``, corpora that hold more than 1,500 messages are asked once
more, whole. Writes ``benchmarks/results/stability.json`` after each corpus.
"""

import argparse
import json
import os
import platform
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

import _asked
import numpy as np
from mapping import ROOT, Labelled, drawn, read_demo, read_table, settings
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, cohen_kappa_score
from sklearn.model_selection import StratifiedKFold

from themeloom.config import DiscoverConfig, Experiment
from themeloom.discovery.consensus import default_layouts
from themeloom.discovery.neighbours import Neighbourhood, nearest_topic
from themeloom.discovery.reduce import many_layouts
from themeloom.members import Labels
from themeloom.progress import Stages
from themeloom.records import Clusters, Embeddings, Ints
from themeloom.running.discover import embed_corpus, grouped
from themeloom.running.learning import gather
from themeloom.running.spreading import sample_of, scaled
from themeloom.system.atomic import whole_file
from themeloom.system.provenance import versions
from themeloom.themes.folds import draw_folds
from themeloom.themes.mapping import best_themes, learn

MOST = 1_500  # messages of a corpus
SAMPLE = DiscoverConfig().sample
FIRST = 401  # seed of the first run; with those from 101 to 306 the method was found
FOLDS = 5
LABELS, DRAWS = 200, 5  # labels that a run's mapping learns from; so many samples of them, in turns


@dataclass(frozen=True)
class Row:
    """What several discoveries of one corpus, which differ in their seeds alone, were worth."""

    corpus: str
    messages: int
    layouts: int  # 1: no consensus
    runs: int
    ari: float  # mean over pairs of runs
    least_ari: float
    ami: float
    seconds: float  # of processor time: reduce and cluster, the map too
    clock: float  # seconds by the clock, on as many cores as there are
    cost: float  # processor time divided by that of one layout
    clock_cost: float  # the same of time by the clock
    topics: list[int]
    outliers: float
    kappa: float  # held-out, of a vote of each topic's labels, of which four fifths are learned from
    kappa_spread: float  # its standard deviation over runs
    mapped: (
        float | None
    )  # kappa on all labels but 200, of which a run's mapping of topics learned (not adapted)
    mapped_spread: float | None  # None for both where topics are found in a sample


def measure(
    corpus: Labelled, embeddings: Embeddings, layouts: int, runs: int, cache: Path
) -> tuple[Row, Row]:
    """Discover with as many seeds as there are runs, from one layout and from many in turns."""
    kinds = (1, layouts)
    found = [[discovered(embeddings, kind, seed) for kind in kinds] for seed in range(FIRST, FIRST + runs)]
    one, many = (
        told(corpus, kind, of, cache) for kind, of in zip(kinds, zip(*found, strict=True), strict=True)
    )
    return one, replace(many, cost=many.seconds / one.seconds, clock_cost=many.clock / one.clock)


def told(corpus: Labelled, layouts: int, found: Sequence["Discovered"], cache: Path) -> Row:
    """Sum several discoveries up."""
    pairs = list(combinations([one.topic for one in found], 2))
    kappas = [held_out_kappa(one.topic, corpus.theme) for one in found]
    mapped = [
        mapped_kappa(corpus, one.clusters, draw % DRAWS + 1, cache)
        for draw, one in enumerate(found)
        if len(one.clusters.topic) == len(one.topic)
    ]
    aris = [adjusted_rand_score(one, another) for one, another in pairs]
    return Row(
        corpus=corpus.name,
        messages=len(corpus.texts),
        layouts=layouts,
        runs=len(found),
        ari=float(np.mean(aris)),
        least_ari=float(min(aris)),
        ami=float(np.mean([adjusted_mutual_info_score(*pair) for pair in pairs])),
        seconds=float(np.median([one.seconds for one in found])),
        clock=float(np.median([one.clock for one in found])),
        cost=1.0,
        clock_cost=1.0,
        topics=[one.topics for one in found],
        outliers=float(np.mean([one.outliers for one in found])),
        kappa=float(np.mean(kappas)),
        kappa_spread=float(np.std(kappas, ddof=1)),
        mapped=float(np.mean(mapped)) if mapped else None,
        mapped_spread=float(np.std(mapped, ddof=1)) if mapped else None,
    )


@dataclass(frozen=True)
class Discovered:
    """The topics of a corpus, and what they cost."""

    topic: Ints  # (messages,)
    clusters: Clusters  # of those in which topics are found
    topics: int
    outliers: float  # share of those in which topics were found
    seconds: float  # of processor time
    clock: float


def discovered(embeddings: Embeddings, layouts: int, seed: int) -> Discovered:
    """Discover once, as a run does: of a large corpus in a sample, from which the others are placed."""
    config, messages = asked(layouts, seed), len(embeddings.texts)
    began, started = time.process_time(), time.perf_counter()
    chosen = sample_of(embeddings, np.zeros(0, np.int64), config)
    vectors = embeddings.vectors[chosen]
    near = Neighbourhood(vectors)
    if len(chosen) < messages:
        config = scaled(config, len(chosen), messages)
    _, several = many_layouts(near, config.reduce, seed, layouts)
    clusters, _ = grouped(several, near, config.cluster)
    topic, others = np.full(messages, -1), np.setdiff1d(np.arange(messages), chosen)
    topic[chosen] = clusters.topic
    inside = clusters.topic >= 0
    topic[others], _ = nearest_topic(embeddings.vectors[others], vectors[inside], clusters.topic[inside])
    seconds, clock = time.process_time() - began, time.perf_counter() - started
    return Discovered(topic, clusters, clusters.count, float(clusters.outlier.mean()), seconds, clock)


def asked(layouts: int, seed: int) -> Experiment:
    """Return the settings of a consensus of so many layouts."""
    config = settings("raw", seed)
    return config.model_copy(update={"cluster": config.cluster.model_copy(update={"consensus": layouts})})


def held_out_kappa(topic: Ints, theme: Ints, repeats: int = 4) -> float:
    """Return the kappa of labels with the majority of their topic's labels in other folds."""
    warnings.filterwarnings("ignore", "The least populated class", UserWarning)  # some folds lack it
    known = np.flatnonzero(theme >= 0)
    inside, truth = topic[known] + 1, theme[known]
    kappas = []
    for repeat in range(repeats):
        said = np.zeros_like(truth)
        for learned, judged in StratifiedKFold(FOLDS, shuffle=True, random_state=repeat).split(known, truth):
            share = np.bincount(truth[learned], minlength=truth.max() + 1) / len(learned)
            votes = np.tile(share / 2, (topic.max() + 2, 1))  # a topic without labels gets the commonest
            np.add.at(votes, (inside[learned], truth[learned]), 1)
            said[judged] = votes[inside[judged]].argmax(axis=1)
        kappas.append(cohen_kappa_score(truth, said))
    return float(np.mean(kappas))


def mapped_kappa(corpus: Labelled, clusters: Clusters, draw: int, cache: Path) -> float:
    """Return the kappa of topics that a run's mapping gave themes, on labels from which it did not learn."""
    config = settings("raw", draw)
    config = config.model_copy(update={"adapt": config.adapt.model_copy(update={"enabled": False})})
    position, judged = drawn(corpus, LABELS, draw)
    labels = Labels(position, corpus.theme[position], len(corpus.codebook.keys))
    folds = tuple(draw_folds(labels.theme, np.arange(len(position)), FOLDS, draw))
    evidence = gather(corpus.texts, corpus.codebook, labels, config, cache, Stages())
    evidence.adapt(labels)
    evidence.found(clusters)
    topics = learn(evidence, labels, folds, config.themes.strategy).topics
    of_topic = np.append(best_themes(topics, config.themes.mixed_below), -1)
    return float(cohen_kappa_score(corpus.theme[judged], of_topic[clusters.topic[judged]]))


def sized(folder: Path, most: Sequence[int]) -> list[Labelled]:
    """Read all tables with so many messages at most, and each with more of them where there are more."""
    found: list[Labelled] = []
    for path in sorted(folder.glob("*.csv")):
        of_path: list[Labelled] = []
        for size in sorted(most):
            corpus = read_table(path, size)
            if not of_path or len(corpus.texts) > len(of_path[-1].texts):
                of_path.append(corpus)
        found += of_path
    return found


def keep(rows: list[Row], seconds: float, given: argparse.Namespace) -> None:
    """Write the results beside, then in place."""
    facts = {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "versions": versions(),
        "seconds": round(seconds),
        "quick": given.quick,
    }
    with whole_file(given.results) as part:
        found = {"facts": facts, "rows": [asdict(row) for row in rows]}
        part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--runs", type=int, default=12, help="runs of one layout, and of a consensus")
    parser.add_argument("--most", type=int, nargs="+", default=[MOST], help="messages of a corpus")
    parser.add_argument("--layouts", type=int, help="layouts of a consensus; by default as for a run")
    parser.add_argument("--cache", type=Path, help="a folder that keeps embeddings")
    given = _asked.read(parser, __file__, runs=2, most=[300])
    rows: list[Row] = []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        for corpus in [read_demo(Path(scratch)), *sized(given.folder, given.most)]:
            cache = given.cache or Path(scratch)
            embeddings = embed_corpus(corpus.texts, settings("raw", 1), cache, Stages())
            discovered(embeddings, 2, 0)  # the first use compiles
            layouts = given.layouts or default_layouts(min(len(corpus.texts), SAMPLE))
            rows += measure(corpus, embeddings, layouts, given.runs, cache)
            for row in rows[-2:]:
                print(json.dumps(asdict(row)), flush=True)
            keep(rows, time.perf_counter() - began, given)


if __name__ == "__main__":
    main()
