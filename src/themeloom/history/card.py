"""The model card, and the headline that MLflow shows: Markdown from a run's record."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from themeloom.author_counts import author_counts
from themeloom.members import TOPIC_LEVEL, strategy_of
from themeloom.records import RunRecord
from themeloom.scored import Score

BY_THEME = tuple(
    f"{name}, {level}" for level in ("topics", "messages") for name in ("precision", "recall", "F1")
)


def headline(record: RunRecord) -> str:
    """Write the scores of both levels beside the reference lines, as a Markdown table."""
    names = list(record.scores.overall)
    rows = {TOPIC_LEVEL: record.scores.overall, **record.scores.lines}
    return table(
        ["held-out, 95% interval", *names],
        ([line, *(_score(scores, name) for name in names)] for line, scores in rows.items()),
    )


def model_card(record: RunRecord) -> str:
    """Write what a model is, what it rests on, how far it can be trusted and what it is not for."""
    sections = [
        f"# {_plain(record.title or record.study)}",
        f"Run `{record.run}` of the study `{record.study}`, started {record.started_at}.",
        *([f"**Note.** {_plain(record.note)}"] if record.note else []),
        "## What it is",
        "Topics that emerged from messages, and a mapping from topics and messages to the themes of a "
        "codebook, learnt from a hand-labelled sample. "
        + (
            "**Labels informed the topics**: they were read from raw vectors and those of the encoder "
            "adapted to the labels, which count twice."
            if record.informed
            else "No label had a say in the topics."
        ),
        "## Data",
        table(["flow", "messages"], [[name, str(count)] for name, count in asdict(record.flow).items()]),
        f"Placeholders put in for what could identify a person: {_counts(record.masked)}. "
        f"Messages are kept masked{_unnamed(record)}, under pseudonymous ids.",
        "## Themes",
        table(["theme", "topics", "messages", *BY_THEME], [list(r) for r in _themes(record)]),
        "## Topics",
        table(
            ["quality", "value"], [[name, f"{value:.2f}"] for name, value in record.quality.overall.items()]
        ),
        few_authors(record) or _enough_authors(record),
        *_stability(record),
        *_candidates(record),
        "## How far it can be trusted",
        headline(record),
        design(record),
        table(
            ["kappa of", "less", "difference, 95% interval"],
            [
                [*name.split(", less ", 1), str(scores["kappa"])]
                for name, scores in record.scores.differences.items()
            ],
        ),
        _left_to_people(record),
        "## How it was made",
        table(["choice", "value"], [[name, value] for name, value in _choices(record).items()]),
        table(["version of", "is"], [[name, value] for name, value in record.versions.items()]),
        "## Intended use",
        "Description of what a corpus of messages talks about, in aggregate, by researchers who know the "
        "study; and assignment of further messages of the same kind.",
        "## Limits",
        "- It says what messages are about, not who wrote them or how they are; it must not be used to "
        "decide anything about a person.\n"
        "- Masking lowers the risk that somebody is recognised; it cannot exclude it. Do not publish "
        "messages without thinking of their authors.\n"
        "- Messages of another platform, time, language or subject can fall outside the topics: label a "
        "sample and score again before trusting the themes there.\n"
        "- Scores hold for the population that the labelled sample was drawn from.",
    ]
    return "\n\n".join(sections) + "\n"


def _left_to_people(record: RunRecord) -> str:
    undecided = f"{record.undecided.sum()} without a label are undecided."
    if not record.scores.conformal:
        return f"There are too few labels to promise more than a set of all themes: {undecided}"
    alone = f"{(record.sets.sum(axis=1) == 1).sum()} of {len(record.sets)} messages"
    return f"{alone} have a prediction set of one theme, at 90% confidence; {undecided}"


def few_authors(record: RunRecord) -> str:
    """Name the topics and themes of so few authors that to quote one is to expose them; empty without any."""
    authors, keys = author_counts(record), record.codebook.keys
    named = {
        "topics": ", ".join(map(str, authors.few_topics)),
        "themes": ", ".join(keys[theme] for theme in authors.few_themes),
    }
    told = "; ".join(f"{what} {which}" for what, which in named.items() if which)
    return told and f"Of fewer than {authors.least} authors: {told}."


def _unnamed(record: RunRecord) -> str:
    sought = record.config.get("anonymise", {}).get("names", True)
    return "" if sought else ", but for names, which were not recognised (`anonymise.names = false`)"


def _enough_authors(record: RunRecord) -> str:
    least = author_counts(record).least
    return f"Every topic and theme has at least {least} author{'s' if least > 1 else ''}."


def _themes(record: RunRecord) -> Iterable[Sequence[str]]:
    sizes = dict(record.communications["theme"].value_counts().iter_rows())
    for index, theme in enumerate(record.codebook.themes):
        levels = (record.scores.per_theme, record.scores.message_per_theme)
        topics = int((record.mapping.theme == index).sum())
        measured = [
            _score(scores.get(theme.key, {}), name)
            for scores in levels
            for name in ("precision", "recall", "f1")
        ]
        yield theme.name, str(topics), str(sizes.get(theme.key, 0)), *measured


def _stability(record: RunRecord) -> list[str]:
    held = record.discovery.stability
    if held is None:
        return []
    runs, halves = (
        "further runs with other seeds",
        "random halves of the layouts of which topics are the consensus",
    )
    what = runs if held.over == "runs" else halves
    rows = [
        [
            f"{topic.topic}, unstable" if unstable else str(topic.topic),
            ", ".join(topic.words[:5]),
            f"{back} of {held.repeats}",
            str(jaccard),
        ]
        for topic, back, jaccard, unstable in zip(
            record.discovery.topics, held.comes_back, held.jaccard, held.unstable, strict=True
        )
    ]
    return [
        f"Looked for in {held.repeats} {what}: adjusted Rand index {held.overall['ari']}, adjusted "
        f"mutual information {held.overall['ami']}.",
        table(["topic", "words", "comes back in", "Jaccard similarity"], rows),
    ]


def _candidates(record: RunRecord) -> list[str]:
    found = {topic.topic: topic for topic in record.discovery.topics}
    rows = [
        [str(c.topic), ", ".join(found[c.topic].words[:5]), str(found[c.topic].size), c.reason]
        for c in record.candidates
    ]
    head = ["explained by no theme: topic", "words", "messages", "why"]
    return [table(head, rows)] if rows else []


def design(record: RunRecord) -> str:
    """Say in a sentence on which labels the scores rest."""
    scores, held_out = record.scores, record.config.get("validate", {}).get("held_out", 0)
    if held_out:
        return f"{scores.labels} labels, set aside: nothing was learned from them."
    repeats = f", drawn {scores.repeats} times" if scores.repeats > 1 else ""
    return (
        f"{scores.labels} labels, {scores.folds} folds{repeats}: each label was predicted by a mapping that "
        "had not seen it. The model that is kept learned from all of them."
    )


def _choices(record: RunRecord) -> dict[str, str]:
    found = record.discovery
    return {
        "encoder": found.embeddings.encoder,
        "left out as too frequent": ", ".join(found.embeddings.frequent_terms) or "nothing",
        "UMAP neighbours": str(found.layout.neighbors),
        "HDBSCAN min_cluster_size": str(found.clusters.min_cluster_size),
        "HDBSCAN selection": found.clusters.selection,
        "changed for this corpus": found.clusters.note or "nothing",
        "topics": str(found.clusters.count),
        "topics read from": str(record.config.get("discover", {}).get("vectors", "")),
        "mapping by": _strategy(record),
        "encoder adapted": "yes" if record.adapted.known else "no",
        "strict outliers": f"{found.clusters.outlier.mean():.1%}",
        "left without a topic": f"{(found.clusters.topic < 0).mean():.1%}",
        "seed": str(record.config.get("study", {}).get("seed", "")),
        "git commit": record.git.get("commit", ""),
    }


def _strategy(record: RunRecord) -> str:
    asked, taken = str(record.config.get("themes", {}).get("strategy", "")), strategy_of(record.mapping)
    if asked != "auto" or taken == "auto":
        return asked
    judged = record.config.get("validate", {}).get("held_out")
    return f"{taken}, which auto chose" + ("" if judged else "; each fold that is judged chose for itself")


def _score(scores: Mapping[str, Score], name: str) -> str:
    return str(scores[name]) if name in scores else ""


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table; nothing in a cell is taken for Markdown or HTML."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)


def _plain(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
