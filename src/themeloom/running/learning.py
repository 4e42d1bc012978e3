"""From embeddings and labels to topics, themes and their scores: the stages that look at labels, in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from themeloom.config import Experiment
from themeloom.discovery.cells import Nearest
from themeloom.discovery.cluster import FEWEST, cluster
from themeloom.discovery.describe import describe
from themeloom.discovery.embed import Encoder
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.plain import is_plain, plain_topics
from themeloom.discovery.processor import on_cores
from themeloom.discovery.quality import topic_quality
from themeloom.discovery.reduce import reduce
from themeloom.encoders import Adapted
from themeloom.history.quiet import unlogged
from themeloom.members import HeldOut, Labels, informed_vectors
from themeloom.nearest import nearest_of_all
from themeloom.progress import Stages
from themeloom.records import Codebook, Corpus, Discovery, LabelledSample, Layout, Mapping, TopicQuality
from themeloom.running.authors import authors_of
from themeloom.running.discover import codebook_vectors, discover, embed_corpus, layouts_of
from themeloom.running.evidence import Evidence, fewest_topics
from themeloom.running.shares import shares
from themeloom.running.spreading import part_of, scaled, spread
from themeloom.running.trials import learned_from, trials_of
from themeloom.scored import Scores
from themeloom.system.cache import Arrays, Cache, code_of, digest
from themeloom.system.provenance import versions
from themeloom.themes import validation
from themeloom.themes.evaluation import evaluation_table
from themeloom.themes.folds import Trial, one_author_told
from themeloom.themes.mapping import learn_mapping


@dataclass(frozen=True, slots=True)
class Study:
    """What emerged, what it was mapped to, and how far that can be trusted."""

    discovery: Discovery
    quality: TopicQuality
    mapping: Mapping
    adapted: Adapted
    scores: Scores
    judged: validation.Judged
    evaluation: pl.DataFrame  # EVALUATION, then p_KEY
    note: str  # what a reader has to know of it, if anything


@unlogged()
def learn_study(  # noqa: PLR0913 (what a run is made of, and whether it is one of a choice)
    config: Experiment,
    corpus: Corpus,
    codebook: Codebook,
    sample: LabelledSample,
    cache: Path,
    stages: Stages,
    *,
    foresees: bool = False,
) -> Study:
    """Embed, adapt, discover topics, map them to themes and validate.

    Parameters
    ----------
    config
        The experiment.
    corpus
        The anonymous corpus.
    codebook
        The themes.
    sample
        The labelled sample.
    cache
        The folder of what was computed once.
    stages
        Opens and times each stage.
    foresees
        Whether each trial also tells what it could know of its own worth (`validation.Foreseen`).
    """
    decided = sample.decided
    labels = Labels(sample.position[decided], sample.theme[decided], len(codebook.keys))
    group = authors_of(corpus)[sample.position]
    kept, trials = trials_of(corpus, sample, config)
    evidence = gather(corpus.texts, codebook, labels, config, cache, stages)
    discovery, mapping = learn_themes(evidence, labels, kept, stages, trials, foresees=foresees)
    evidence.encoded()
    with stages("validate") as progress:
        judged = validation.judge(
            evidence, labels, group[decided], trials, config.themes, progress, foresees=foresees
        )
    references = _references(evidence, discovery, labels, judged.topics, trials, config, cache, stages)
    with stages("score") as progress:
        scores = validation.scored(
            judged,
            references,
            validation.coder_pairs(sample, group),
            codebook,
            config.validate_,
            config.study.seed,
            progress,
        )
    with stages("prevalence"):
        found = shares(sample, corpus, mapping, judged, codebook, config.report.min_authors)
    with stages("quality"):
        quality = _quality(evidence, discovery)
    return Study(
        discovery,
        quality,
        mapping,
        Adapted(evidence.whole, evidence.layers),
        replace(scores, prevalence=found.table, groups=found.groups),
        judged,
        evaluation_table(
            judged, corpus.communications["doc_id"].gather(labels.position).to_list(), codebook.keys
        ),
        f"{found.note} {one_author_told(group[decided])}".strip(),
    )


def gather(
    texts: Sequence[str], codebook: Codebook, labels: Labels, config: Experiment, cache: Path, stages: Stages
) -> Evidence:
    """Embed texts and the codebook: what is known before anything is learned.

    Parameters
    ----------
    texts
        Masked texts.
    codebook
        The themes.
    labels
        All labels.
    config
        The experiment.
    cache
        The folder of what was computed once.
    stages
        Opens and times each stage.
    """
    embeddings = embed_corpus(texts, config, cache, stages)
    vectors = codebook_vectors(codebook, embeddings, Encoder(config.encoder), cache)
    return Evidence(texts, embeddings, vectors, labels.position, config, cache)


@on_cores()  # Numba, too, sets how many threads torch has
@unlogged()
def learn_themes(
    evidence: Evidence,
    labels: Labels,
    kept: Trial,
    stages: Stages,
    trials: tuple[Trial, ...] = (),
    *,
    foresees: bool = False,
) -> tuple[Discovery, Mapping]:
    """Adapt, discover topics and map them to themes: all of a study but its judgement.

    Parameters
    ----------
    evidence
        What is known of the corpus; afterwards it also knows the topics, and the encoder as it was adapted
        for this mapping and for the trials.
    labels
        All labels.
    kept
        Which of them the mapping learns from, and the folds for the choices made in it.
    stages
        Opens and times each stage.
    trials
        Mappings that will be judged: the encoder is adapted for them at the same time.
    foresees
        Whether each trial will also tell what it could know of its own worth.
    """
    config, learned = evidence.config, labels.at(kept.learned)
    if config.adapts:
        with stages("adapt") as progress:
            others = learned_from(labels, kept, trials, config, foresees=foresees)
            evidence.adapt(learned, others, progress)
    discovery = _discovered(evidence, config, evidence.cache, stages)
    with stages("map"):
        return discovery, learn_mapping(evidence, learned, kept.inner(), config.themes)


def _discovered(evidence: Evidence, config: Experiment, cache: Path, stages: Stages) -> Discovery:
    embeddings, chosen, fewest = evidence.embeddings, evidence.fitted, FEWEST
    vectors = embeddings.vectors
    if evidence.informed:
        vectors, fewest = informed_vectors(vectors, evidence.whole), fewest_topics(len(evidence.codebook))
    if evidence.sampled:
        part, asked = part_of(embeddings, chosen), scaled(config, len(chosen), len(vectors))
        found = discover(part, vectors[chosen], asked, cache, stages, fewest)
        with stages("place"):
            discovery, evidence.loss = spread(found, chosen, embeddings, vectors, config.study.seed)
    else:
        discovery = discover(embeddings, vectors, config, cache, stages, fewest)
    evidence.found(discovery.clusters)
    return discovery


def _quality(evidence: Evidence, discovery: Discovery) -> TopicQuality:
    """Judge topics where they were found; of a sample, tell also what the others lose."""
    found, fitted = discovery.clusters, evidence.fitted
    embeddings = part_of(discovery.embeddings, fitted)
    quality = topic_quality(
        embeddings.masked,
        discovery.topics,
        discovery.layout.reduced[fitted],
        found.topic[fitted],
        found.outlier[fitted],
        embeddings.frequent_terms,
    )
    return replace(quality, overall=quality.overall | evidence.loss)


def _references(  # noqa: PLR0913, PLR0917 - each is a thing of its own
    evidence: Evidence,
    discovery: Discovery,
    labels: Labels,
    judged: HeldOut,
    trials: tuple[Trial, ...],
    config: Experiment,
    cache: Path,
    stages: Stages,
) -> dict[str, HeldOut]:
    """Let the reference lines predict the same labels."""
    reusable = is_plain(config.reduce, layouts_of(config, len(evidence.fitted))) and not evidence.informed
    seed, fitted, known = config.study.seed, evidence.fitted, Cache(cache)
    embeddings, layout = part_of(evidence.embeddings, fitted), None
    if reusable:
        kept = discovery.layout
        layout = Layout(kept.reduced[fitted], kept.plane[fitted], kept.neighbors)
    labels = replace(labels, position=np.searchsorted(fitted, labels.position))

    def make() -> Arrays:
        plain = plain_topics(embeddings, seed, layout, progress, known)
        return {"topic": plain.topic, "reduced": plain.reduced}

    code = code_of(plain_topics, cluster, Nearest, describe, reduce, Neighbourhood, nearest_of_all)
    reduced = layout.reduced if layout else np.zeros(0)
    key = digest(embeddings.vectors, embeddings.texts, reduced, seed, code, versions())
    with stages("references") as progress:
        plain = stages.remembered("references", *known.remember("plain", key, make))
        topics = {
            validation.BERTOPIC: plain["topic"],
            validation.REDUCED: plain["reduced"],
        }
        if not evidence.informed:
            topics[validation.VOTE] = discovery.clusters.topic[fitted]
        lines = validation.reference_lines(topics, embeddings.vectors, evidence.codebook, labels.theme)
        return {
            name: validation.refer(line, labels, judged.group, trials, judged.coded)
            for name, line in lines.items()
        }
