"""How a run was done, in words for a paper, from its configuration and its results."""

from collections.abc import Iterable
from typing import Any

from themeloom.members import MESSAGE_LEVEL, strategy_of
from themeloom.records import RunRecord
from themeloom.reporting.checklist import checklist
from themeloom.reporting.contents import Methods
from themeloom.reporting.formats import share
from themeloom.reporting.quotes import Quotes
from themeloom.reporting.references import cited, references
from themeloom.reporting.sentences import (
    coded_told,
    files_told,
    left_out_told,
    score_told,
    shares_told,
    strategy_told,
    unnamed_told,
)
from themeloom.reporting.texts import counted, say

ALWAYS = ("umap", "hdbscan", "density", "bertopic", "sbert", "kappa", "bca", "conformal", "themeloom", "srqr")


def methods(record: RunRecord, quotes: Quotes | None = None) -> Methods:
    """Write the methods text, the references that it cites, and the reporting checklist."""
    config = record.config
    study = config.get("study", {})
    paragraphs = [_corpus(record), _topics(record), _themes(record), _validation(record)]
    if shares := shares_told(record):
        both = {"cite_ppi": cited("ppi"), "cite_ppi_plus": cited("ppi_plus")}
        paragraphs.append(say("methods.prevalence", shares=shares, **both) + _by_group(record))
    seed = say("methods.seed", seed=study["seed"]) if "seed" in study else ""
    version = record.versions.get("themeloom", "")
    paragraphs.append(say("methods.software", version=version, seed=seed, run=record.run))
    found = references(_keys(record), study=str(study.get("citation", "")), version=version)
    return Methods(tuple(paragraphs), found, checklist(record, quotes))


def _keys(record: RunRecord) -> Iterable[str]:
    yield from ALWAYS
    config = record.config
    if _bundled(record):
        yield "minilm"
    if _static(record):
        yield "model2vec"
    if record.adapted.known:
        yield "supcon"
    if record.discovery.clusters.layouts > 1:
        yield "consensus"
    if not config.get("validate", {}).get("held_out"):
        yield "nadeau"
    if shares_told(record):
        yield from ("ppi", "ppi_plus")
    if _by_group(record):
        yield "newcombe"


def _by_group(record: RunRecord) -> str:
    groups = record.scores.groups.drop_nulls("difference")["group"].unique(maintain_order=True)
    cite = cited("newcombe")
    return " " + say("methods.by_group", groups=", ".join(groups), cite_newcombe=cite) if len(groups) else ""


def _bundled(record: RunRecord) -> bool:
    return "bundled" in record.discovery.embeddings.encoder


def _static(record: RunRecord) -> bool:
    return bool(record.config.get("encoder", {}).get("static"))


def _corpus(record: RunRecord) -> str:
    flow = record.flow
    masked, unnamed = sum(record.masked.values()), unnamed_told(record.config)
    return say(
        "methods.corpus",
        title=record.title or record.study,
        files=files_told(record.config),
        rows=counted(flow.identified, "row"),
        aside=f"{flow.unreadable + flow.same_id:,}",
        repeats=f"{flow.retweets + flow.copies + flow.near_duplicates:,}",
        retweets=counted(flow.retweets, "retweet"),
        copies=counted(flow.copies, "copy"),
        near=counted(flow.near_duplicates, "near"),
        unique=counted(flow.unique, "communication"),
        what=say("methods.masked_forms" if unnamed else "methods.masked_names"),
        masked=f"{masked:,}" if masked else say("methods.nothing_masked"),
        unnamed=unnamed and f" {unnamed}",
    )


def _topics(record: RunRecord) -> str:
    found, clusters = record.discovery, record.discovery.clusters
    terms = ", ".join(found.embeddings.frequent_terms)
    embedded = say(
        "methods.embed",
        encoder=_encoder(record),
        dimensions=f"{found.embeddings.vectors.shape[1]:,}",
        cite_sbert=cited("sbert"),
        frequent=say("methods.frequent", terms=terms) if terms else "",
    )
    consensus = say("methods.consensus", layouts=clusters.layouts, cite_consensus=cited("consensus"))
    described = say(
        "methods.discover",
        informed=say("methods.informed") if record.informed else "",
        neighbors=found.layout.neighbors,
        smallest=clusters.min_cluster_size,
        selection=say(f"methods.{'leaf' if clusters.selection == 'leaf' else 'eom'}"),
        count=counted(clusters.count, "topic"),
        outliers=f"{_mean(clusters.outlier):.0%}",
        left=f"{_mean(clusters.topic < 0):.0%}",
        sampled=_sampled(record),
        origin=(consensus if clusters.layouts > 1 else "")
        + say("methods.origin_informed" if record.informed else "methods.origin_plain"),
        **{f"cite_{key}": cited(key) for key in ("umap", "density", "hdbscan", "bertopic")},
    )
    return f"{embedded} {described}"


def _encoder(record: RunRecord) -> str:
    name = record.discovery.embeddings.encoder.removesuffix(", distilled").replace("\\", "/")
    if _bundled(record):
        encoder = say("methods.bundled", cite_minilm=cited("minilm"))
    else:
        encoder = say("methods.encoder", name=name.rpartition("/")[2])
    if not _static(record):
        return encoder
    return say("methods.distilled", encoder=encoder, cite_model2vec=cited("model2vec"))


def _sampled(record: RunRecord) -> str:
    placed = record.quality.overall.get("placed")
    if placed is None:
        return ""
    return say("methods.sampled", sample=f"{record.config['discover']['sample']:,}", placed=f"{placed:.0%}")


def _themes(record: RunRecord) -> str:
    residual = sum(theme.residual for theme in record.codebook.themes)
    coded = coded_told(record.coded)
    return say(
        "methods.map",
        labels=counted(len(record.labelled), "message"),
        tied=left_out_told(record.tied, record.coded),
        coded=coded and f"{coded} ",
        themes=counted(len(record.codebook.themes) - residual, "theme"),
        residual=say("methods.residual", categories=counted(residual, "residual")) if residual else "",
        strategy=_strategy(record),
        adapted=_adapted(record),
    )


def _strategy(record: RunRecord) -> str:
    """Tell what speaks for a theme; of 'auto', first which strategy it took."""
    asked = record.config.get("themes", {}).get("strategy", "auto")
    taken = strategy_of(record.mapping) if asked == "auto" else asked
    return f"{strategy_told(record)} {say(f'methods.strategy_{taken}')}".lstrip()


def _adapted(record: RunRecord) -> str:
    if not record.adapted.known:
        return ""
    adapted = say("methods.adapted", cite_supcon=cited("supcon"))
    return say("methods.adapted_static", adapted=adapted) if _static(record) else adapted


def _validation(record: RunRecord) -> str:
    scores, held_out = record.scores, record.config.get("validate", {}).get("held_out")
    labels = counted(scores.labels, "label")
    drawn = say("methods.drawn", repeats=scores.repeats) if scores.repeats > 1 else ""
    fitted = say("methods.cross_fitted", labels=labels, folds=scores.folds, drawn=drawn)
    coders = scores.lines.get("coders", {}).get("kappa")
    alone = share(_mean(record.sets.sum(axis=1) == 1))
    sets = "methods.sets" if scores.conformal else "methods.sets_none"
    return say(
        "methods.validate",
        validation=say("methods.held_out", labels=labels) if held_out else fitted,
        widened="" if held_out else say("methods.widened", cite_nadeau=cited("nadeau")),
        topics=score_told(scores.overall.get("kappa")),
        messages=score_told(scores.lines.get(MESSAGE_LEVEL, {}).get("kappa")),
        coders=say("methods.coders", kappa=score_told(coders)) if coders else "",
        sets=say(sets, alone=alone, cite_conformal=cited("conformal")),
        **{f"cite_{key}": cited(key) for key in ("kappa", "bca")},
    )


def _mean(holds: Any) -> float:  # noqa: ANN401 - an array of truth values
    return float(holds.mean()) if len(holds) else 0.0
