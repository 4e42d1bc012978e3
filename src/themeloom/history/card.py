"""The model card, and the headline that MLflow shows: Markdown from a run's record."""

import html
from collections.abc import Iterable, Mapping, Sequence

from themeloom.records import RunRecord, Score


def headline(record: RunRecord) -> str:
    """Write the scores beside the reference lines, as a Markdown table."""
    names = list(record.scores.overall)
    rows = {"themeloom": record.scores.overall, **record.scores.lines}
    return _table(
        ["held-out, 95% interval", *names],
        ([line, *(_score(scores, name) for name in names)] for line, scores in rows.items()),
    )


def model_card(record: RunRecord) -> str:
    """Write what a model is, what it rests on, how far it can be trusted and what it is not for."""
    scores = record.scores
    sections = [
        f"# {_plain(record.title or record.study)}",
        f"Run `{record.run}` of the study `{record.study}`, started {record.started_at}.",
        *([f"**Note.** {_plain(record.note)}"] if record.note else []),
        "## What it is",
        "Topics that emerged from messages without supervision, and a mapping from those topics to the "
        "themes of a codebook, learnt from a hand-labelled sample.",
        "## Data",
        _table(["flow", "messages"], [[name, str(count)] for name, count in flow_counts(record).items()]),
        f"Placeholders put in for what could identify a person: {_counts(record.masked)}. "
        "Messages are kept masked, under pseudonymous ids.",
        "## Themes",
        _table(
            ["theme", "topics", "messages", "precision", "recall", "F1"], [list(r) for r in _themes(record)]
        ),
        "## How far it can be trusted",
        headline(record),
        f"{scores.labels} labels, {scores.folds}-fold cross-fitting, {scores.repeats} repeats: each label "
        "was predicted by a mapping that had not seen it.",
        "## How it was made",
        _table(["choice", "value"], [[name, value] for name, value in _choices(record).items()]),
        _table(["version of", "is"], [[name, value] for name, value in record.versions.items()]),
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


def flow_counts(record: RunRecord) -> dict[str, int]:
    """Count each step from identified rows to unique communications."""
    flow = record.flow
    return {
        "identified": flow.identified,
        "unreadable": flow.unreadable,
        "same_id": flow.same_id,
        "retweets": flow.retweets,
        "copies": flow.copies,
        "near_duplicates": flow.near_duplicates,
        "unique": flow.unique,
    }


def _themes(record: RunRecord) -> Iterable[Sequence[str]]:
    sizes = dict(record.communications["theme"].value_counts().iter_rows())
    for index, theme in enumerate(record.codebook.themes):
        scores = record.scores.per_theme.get(theme.key, {})
        topics = int((record.mapping.theme == index).sum())
        measured = [_score(scores, name) for name in ("precision", "recall", "f1")]
        yield theme.name, str(topics), str(sizes.get(theme.key, 0)), *measured


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
        "strict outliers": f"{found.clusters.outlier.mean():.1%}",
        "left without a topic": f"{(found.clusters.topic < 0).mean():.1%}",
        "seed": str(record.config.get("study", {}).get("seed", "")),
        "git commit": record.git.get("commit", ""),
    }


def _score(scores: Mapping[str, Score], name: str) -> str:
    return str(scores[name]) if name in scores else ""


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)


def _plain(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
