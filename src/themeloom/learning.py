"""From embeddings and labels to topics, themes and their scores: the stages that look at labels, in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from themeloom.authors import authors_of
from themeloom.cache import Arrays, Cache, code_of, digest
from themeloom.config import Experiment
from themeloom.discover import codebook_vectors, discover, embed_corpus, layouts_of
from themeloom.discovery.cells import Nearest
from themeloom.discovery.cluster import FEWEST, cluster
from themeloom.discovery.describe import describe
from themeloom.discovery.embed import Encoder
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.plain import is_plain, plain_topics
from themeloom.discovery.quality import topic_quality
from themeloom.discovery.reduce import reduce
from themeloom.encoders import Adapted
from themeloom.errors import LabelError
from themeloom.evidence import Evidence, fewest_topics
from themeloom.history.quiet import unlogged
from themeloom.members import HeldOut, Labels, informed_vectors
from themeloom.nearest import nearest_of_all
from themeloom.progress import Stages
from themeloom.records import (
    Codebook,
    Corpus,
    Discovery,
    Doubles,
    Ints,
    LabelledSample,
    Layout,
    Mapping,
    Score,
    Scores,
    TopicQuality,
)
from themeloom.spreading import part_of, scaled, spread
from themeloom.themes import validation
from themeloom.themes.evaluation import evaluation_table
from themeloom.themes.folds import Trial
from themeloom.themes.mapping import learn_mapping
from themeloom.themes.prevalence import POWERED, prevalence
from themeloom.trials import chosen, learned_from, trials_of


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
    discovery, mapping = learn_themes(evidence, labels, kept, stages, trials)
    evidence.encoded()
    with stages("validate") as progress:
        judged = validation.judge(
            evidence, labels, group[decided], trials, config.themes, progress, foresees=foresees
        )
    references = _references(evidence, discovery, labels, group[decided], trials, config, cache, stages)
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
        shares = _prevalence(sample, corpus, mapping, judged, codebook)
    with stages("quality"):
        quality = _quality(evidence, discovery)
    return Study(
        discovery,
        quality,
        mapping,
        Adapted(evidence.whole, evidence.layers),
        replace(scores, prevalence=shares),
        judged,
        evaluation_table(
            judged, corpus.communications["doc_id"].gather(labels.position).to_list(), codebook.keys
        ),
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


@unlogged()
def learn_themes(
    evidence: Evidence, labels: Labels, kept: Trial, stages: Stages, trials: tuple[Trial, ...] = ()
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
    """
    config, learned = evidence.config, chosen(labels, kept.learned)
    with stages("adapt") as progress:
        evidence.adapt(learned, learned_from(labels, kept, trials, config), progress)
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
    texts = part_of(discovery.embeddings, fitted).texts
    quality = topic_quality(
        texts, discovery.topics, discovery.layout.reduced[fitted], found.topic[fitted], found.outlier[fitted]
    )
    return replace(quality, overall=quality.overall | evidence.loss)


def _references(  # noqa: PLR0913, PLR0917 - each is a thing of its own
    evidence: Evidence,
    discovery: Discovery,
    labels: Labels,
    group: Ints,
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
    key = digest(embeddings.vectors, embeddings.texts, reduced, seed, code)
    with stages("references") as progress:
        plain = stages.remembered("references", *known.remember("plain", key, make))
        topics = {
            validation.BERTOPIC: plain["topic"],
            validation.REDUCED: plain["reduced"],
        }
        if not evidence.informed:
            topics[validation.VOTE] = discovery.clusters.topic[fitted]
        lines = validation.reference_lines(topics, embeddings.vectors, evidence.codebook)
        judged = np.isin(np.arange(len(labels.theme)), np.concatenate([trial.judged for trial in trials]))
        coded = np.where(judged, labels.theme, -1)
        return {name: validation.refer(line, labels, group, trials, coded) for name, line in lines.items()}


def _prevalence(
    sample: LabelledSample,
    corpus: Corpus,
    mapping: Mapping,
    judged: validation.Judged,
    codebook: Codebook,
) -> dict[str, dict[str, Score]]:
    """Estimate how common each theme is; nothing where the labels are no probability sample."""
    if sample.inclusion is None:
        return {}
    seen = corpus.communications["times_seen"].to_numpy().astype(np.float64)
    weights = np.append(seen[sample.position], np.delete(seen, sample.position))
    labelled, rest = _posteriors(sample, mapping, judged)
    shares = _shares(sample.theme, sample.inclusion, labelled, rest, weights, codebook)
    aside = judged.messages.coded >= 0
    if aside.all():
        return shares
    # What labels were learned from is known, and of the others those held out are a sample.
    learned = np.zeros(len(sample.theme), np.bool_)
    learned[np.flatnonzero(sample.decided)[~aside]] = True
    labelled[learned] = np.eye(labelled.shape[1])[sample.theme[learned]]
    held_out = sample.inclusion * aside.mean() / (1 - sample.inclusion * (1 - aside.mean()))
    inclusion = np.where(learned, 1.0, held_out)
    powered = _shares(sample.theme, inclusion, labelled, rest, weights, codebook)
    return shares | {name: of_method for name, of_method in powered.items() if name.endswith(POWERED)}


def _shares(
    theme: Ints, inclusion: Doubles, labelled: Doubles, rest: Doubles, weights: Doubles, codebook: Codebook
) -> dict[str, dict[str, Score]]:
    try:
        found = prevalence(theme, inclusion, labelled, rest, weights, codebook).table
    except LabelError:
        return {}
    shares: dict[str, dict[str, Score]] = {}
    for row in found.fill_null(float("nan")).iter_rows(named=True):
        of_method = shares.setdefault(f"{row['weighting']}/{row['method']}", {})
        of_method[row["theme"]] = Score(row["share"], row["low"], row["high"])
    return shares


def _posteriors(
    sample: LabelledSample, mapping: Mapping, judged: validation.Judged
) -> tuple[Doubles, Doubles]:
    """Return held-out posteriors of the drawn messages, and posteriors of all others."""
    labelled = mapping.messages[sample.position]  # where coders tie nothing was learned
    labelled[sample.decided] = np.mean(judged.messages.posterior, axis=0)
    rest = np.delete(mapping.messages, sample.position, axis=0)
    tied = ~sample.decided
    if len(judged.rest) == len(rest) + int(tied.sum()):
        rest = judged.rest[~np.isin(_unlabelled(sample, len(mapping.messages)), sample.position[tied])]
    return labelled, rest


def _unlabelled(sample: LabelledSample, size: int) -> Ints:
    return np.delete(np.arange(size), sample.position[sample.decided])
