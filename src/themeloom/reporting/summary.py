"""A run in plain, typed records: what the report shows and what ``--json`` writes. Knows no HTML."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

import polars as pl
from pydantic_core import to_json as dump_json

from themeloom import records
from themeloom.author_counts import AuthorCounts, author_counts
from themeloom.records import RunRecord
from themeloom.reporting.contents import (
    FORMAT,
    Bin,
    Conformal,
    Confusion,
    Count,
    Difference,
    FlowSummary,
    GroupSummary,
    Kept,
    Message,
    Reason,
    ScoresSummary,
    Settings,
    Summary,
    ThemeSummary,
    TopicSummary,
    Word,
)
from themeloom.reporting.examples import confusions, examples
from themeloom.reporting.methods import methods
from themeloom.reporting.periods import over_time
from themeloom.reporting.quotes import Quotes, quotes_of, shown_texts
from themeloom.reporting.tree import merges
from themeloom.scored import Score
from themeloom.system.addresses import without_secrets

__all__ = ["Summary", "summarise", "to_json"]


def summarise(
    record: RunRecord,
    *,
    paths: Mapping[str, str],
    tracked: Mapping[str, str],
    quotes: Quotes | None = None,
) -> Summary:
    """Sum up a run.

    Parameters
    ----------
    record
        The run.
    paths
        What was written where: name → path ('model', 'report', …).
    tracked
        Where it was tracked: 'run_id', 'experiment', 'uri', ….
    quotes
        How messages are shown: 'masked', 'words' or 'none'; by default as the run's configuration says.

    Returns
    -------
    Summary
        Plain Python values throughout; passwords in addresses are struck out.
    """
    communications = record.communications
    quotes = quotes or quotes_of(record.config)
    authors = author_counts(record)
    texts = shown_texts(record, quotes, authors)
    return Summary(
        format=FORMAT,
        run=record.run,
        study=record.study,
        title=record.title,
        note=record.note,
        started_at=record.started_at,
        seconds=float(sum(time.seconds for time in record.times)),
        flow=_flow(record.flow),
        unreadable=_reasons(record.unreadable),
        masked=dict(sorted(record.masked.items())),
        outliers=_count(communications["outlier"]),
        without_topic=_count(communications["topic"] < 0),
        without_theme=_count(communications["theme"].is_null()),
        settings=_settings(record.discovery),
        informed=record.informed,
        quality=record.quality.overall,
        topics=tuple(_topic(record, topic, texts, authors) for topic in record.discovery.topics),
        candidates=tuple(candidate.topic for candidate in record.candidates),
        themes=tuple(
            _theme(record, index, texts, quotes, authors) for index in range(len(record.codebook.themes))
        ),
        groups=tuple(_groups(record.scores.groups)),
        scores=_scores(record),
        parameters=_parameters(record.config),
        versions=_texts(record.versions),
        digests=_texts(record.digests),
        git=_texts(record.git),
        times=record.times,
        paths=_texts(paths),
        tracked=_texts(tracked),
        stability=record.discovery.stability,
        quotes=quotes,
        merges=merges(record),
        over_time=over_time(record),
        methods=methods(record, quotes),
        min_authors=authors.least,
        authorless=record.authorless,
        tied=record.tied,
        coded=record.coded,
    )


def to_json(summary: object) -> str:
    """Write a summary, or another record, as strict JSON; what is no number (NaN, infinity) becomes null."""
    return dump_json(summary, indent=2, inf_nan_mode="null").decode() + "\n"


def _count(holds: pl.Series) -> Count:
    count = len(holds.filter(holds))
    return Count(count, count / len(holds) if len(holds) else float("nan"))


def _flow(flow: records.Flow) -> FlowSummary:
    counts = {step.name: getattr(flow, step.name) for step in fields(FlowSummary)}
    return FlowSummary(**counts)


def _reasons(unreadable: pl.DataFrame) -> tuple[Reason, ...]:
    rows = unreadable.group_by("reason").len("rows").sort(["rows", "reason"], descending=[True, False])
    return tuple(Reason(row["reason"], row["rows"]) for row in rows.iter_rows(named=True))


def _settings(discovery: records.Discovery) -> Settings:
    return Settings(
        encoder=discovery.embeddings.encoder,
        dimensions=discovery.embeddings.vectors.shape[1],
        frequent_terms=discovery.embeddings.frequent_terms,
        neighbors=discovery.layout.neighbors,
        min_cluster_size=discovery.clusters.min_cluster_size,
        selection=discovery.clusters.selection,
        note=discovery.clusters.note,
    )


def _topic(
    record: RunRecord, topic: records.Topic, texts: Sequence[str], authors: AuthorCounts
) -> TopicSummary:
    keys, mapping = record.codebook.keys, record.mapping
    theme, held = int(mapping.theme[topic.topic]), record.discovery.stability
    return TopicSummary(
        topic=topic.topic,
        label=topic.label,
        size=_count(record.communications["topic"] == topic.topic),
        outliers=topic.outliers,
        words=tuple(Word(*each) for each in zip(topic.words, topic.weights, strict=True)),
        theme=keys[theme] if theme >= 0 else None,
        posterior=dict(zip(keys, mapping.posterior[topic.topic].tolist(), strict=True)),
        labels=dict(zip(keys, mapping.labels[topic.topic].tolist(), strict=True)),
        representative=tuple(_message(record, position, texts) for position in topic.representative),
        npmi=float(record.quality.npmi[topic.topic]),
        c_v=float(record.quality.c_v[topic.topic]),
        candidate=next((c.reason for c in record.candidates if c.topic == topic.topic), None),
        unstable=bool(held and held.unstable[topic.topic]),
        authors=authors.topics[topic.topic],
        of_few=topic.topic in authors.few_topics,
    )


def _message(record: RunRecord, position: int, texts: Sequence[str]) -> Message:
    row = record.communications.row(position, named=True)
    return Message(row["doc_id"], texts[position], row["times_seen"])


def _theme(
    record: RunRecord, index: int, texts: Sequence[str], quotes: Quotes, authors: AuthorCounts
) -> ThemeSummary:
    theme = record.codebook.themes[index]
    typical, borderline = examples(record, index, texts, quotes, authors)
    missed, taken = confusions(record, index)
    return ThemeSummary(
        key=theme.key,
        name=theme.name,
        definition=theme.definition,
        residual=theme.residual,
        topics=tuple(t for t, of in enumerate(record.mapping.theme.tolist()) if of == index),
        size=_count(record.communications["theme"].eq_missing(theme.key)),
        prevalence=record.scores.prevalence.get("communications/prediction-powered", {}).get(theme.key),
        scores=record.scores.per_theme.get(theme.key, {}),
        message_scores=record.scores.message_per_theme.get(theme.key, {}),
        typical=typical,
        borderline=borderline,
        missed=missed,
        taken=taken,
        authors=authors.themes[index],
        of_few=index in authors.few_themes,
    )


def _groups(table: pl.DataFrame) -> Iterator[GroupSummary]:
    for (name,), of_group in table.partition_by("group", maintain_order=True, as_dict=True).items():
        first = of_group.row(0, named=True)
        known = of_group.drop_nulls("share")
        shares = dict(_told(known, "share", "low", "high"))
        differences = dict(_told(known, "difference", "difference_low", "difference_high"))
        yield GroupSummary(str(name), first["communications"], first["labels"], shares, differences)


def _told(table: pl.DataFrame, *columns: str) -> Iterator[tuple[str, Score]]:
    for key, *figures in table.select("theme", *columns).drop_nulls().iter_rows():
        yield key, Score(*figures)


def _scores(record: RunRecord) -> ScoresSummary:
    scores, keys = record.scores, record.codebook.keys
    return ScoresSummary(
        labels=scores.labels,
        folds=scores.folds,
        repeats=scores.repeats,
        held_out=float(record.config.get("validate", {}).get("held_out", 0)),
        overall=scores.overall,
        lines=scores.lines,
        confusion=_confusion(keys, scores.confusion),
        message_confusion=_confusion(keys, scores.message_confusion),
        differences=tuple(_difference(name, found) for name, found in scores.differences.items()),
        calibration=tuple(
            Bin(row["messages"], row["confidence"], row["accuracy"])
            for row in scores.calibration.iter_rows(named=True)
        ),
        coverage=tuple(
            Kept(*(_number(row[step.name]) for step in fields(Kept)))
            for row in scores.coverage.iter_rows(named=True)
        ),
        conformal=Conformal(
            scores.conformal,
            _count(pl.Series(record.sets.sum(axis=1) == 1)),
            _count(pl.Series(record.undecided)),
        ),
    )


def _confusion(keys: tuple[str, ...], counts: records.Doubles) -> Confusion:
    return Confusion(keys, (*keys, None), tuple(tuple(row) for row in counts.tolist()))


def _difference(name: str, scores: dict[str, Score]) -> Difference:
    level, _, line = name.partition(", less ")
    return Difference(level, line, scores)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _parameters(config: Mapping[str, object]) -> dict[str, object]:
    """Keep all but the words to mask, which may be people's names."""
    parameters = {name: _plain(value) for name, value in config.items()}
    section = parameters.get("anonymise")
    if isinstance(section, dict) and isinstance(section.get("mask"), list):
        section["mask"] = f"{len(section['mask'])} words, not shown"
    return parameters


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {str(key): _text(value) for key, value in values.items()}


def _plain(value: object) -> object:
    """Only what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _text(value)


def _text(value: object) -> str:
    """Strike out what can be secret in an address, as reports travel: user, password, query and fragment."""
    return without_secrets(str(value))
