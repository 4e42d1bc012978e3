"""A run in the terminal: its flow, topics, themes and scores."""

from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from themeloom.console.tables import new_table, percent, score_cell, stacked
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL
from themeloom.reporting.sentences import (
    authorless_told,
    comparisons,
    few_told,
    origin,
    sets_told,
    sparse_told,
    strategy_told,
    validation,
)
from themeloom.reporting.texts import form

if TYPE_CHECKING:
    from themeloom.records import Flow, Ints
    from themeloom.reporting.summary import Summary
    from themeloom.running.result import RunResult
    from themeloom.scored import Score

WIDE = 120  # characters in which a row of scores fits with its intervals
BESIDE = 6  # groups that fit beside each other
QUALITY = {"npmi": "NPMI", "c_v": "C_v", "diversity": "diversity", "dbcv": "DBCV"}

SHOWN = {"kappa": "kappa", "macro_f1": "macro-F1", "accuracy": "accuracy", "coverage": "coverage"}


def show_flow(console: Console, flow: "Flow") -> None:
    """Print the flow from rows to unique communications."""
    table = new_table("From rows to unique communications", "step", "messages")
    steps = {
        "rows identified": flow.identified,
        "could not be read": -flow.unreadable,
        "same id as another row": -flow.same_id,
        "messages read": flow.ids,
        "retweets": -flow.retweets,
        "copies": -flow.copies,
        "near-duplicates": -flow.near_duplicates,
        "unique communications": flow.unique,
    }
    for step, count in steps.items():
        table.add_row(step, f"{count:,}")
    console.print(table)


def show_groups(console: Console, group: pl.Series, labelled: "Ints") -> None:
    """Print how many messages, and labels, each group has; nothing where no message has a group."""
    if group.null_count() == len(group):
        return
    from themeloom.running.shares import as_people_count

    table = new_table("Groups", "group", "messages", "labels")
    sizes = dict(group.value_counts().iter_rows())
    labels = dict(group.gather(labelled).value_counts().iter_rows())
    names = sorted(filter(None, sizes), key=as_people_count)
    for name in [*names, *([None] if None in sizes else [])]:
        table.add_row(escape(name or "(unknown)"), f"{sizes[name]:,}", f"{labels.get(name, 0):,}")
    console.print(table)


def show_result(console: Console, result: "RunResult") -> None:
    """Print a run's flow, topics, themes and scores, and where everything is."""
    record = result.model.record
    show_flow(console, record.flow)
    _show_topics(console, result)
    _show_themes(console, result)
    _show_scores(console, result)
    if record.discovery.clusters.note:
        console.print(f"[yellow]Note:[/] {escape(record.discovery.clusters.note)}")
    if record.note:
        console.print(f"[yellow]Note:[/] {escape(record.note)}")
    for name, place in {
        "model": result.folder,
        "report": result.report,
        "MLflow": result.place_in_mlflow,
    }.items():
        console.print(f"{name:>8}  {escape(str(place))}", soft_wrap=True)


def _show_topics(console: Console, result: "RunResult") -> None:
    summary = result.summary
    title = "Topics, informed by labels" if summary.informed else "Topics"
    table = new_table(title, "topic", "messages", "outliers", "theme", "words")
    for row, of in zip(result.topics.iter_rows(named=True), summary.topics, strict=True):
        flags = "few authors: " * of.of_few + "unstable: " * of.unstable
        words = flags + ", ".join(row["words"][:6])
        theme = f"{row['theme']} ({row['probability']:.2f})" if row["theme"] else "mixed"
        table.add_row(str(row["topic"]), str(row["size"]), str(row["outliers"]), escape(theme), escape(words))
    console.print(table)
    console.print(
        f"{summary.outliers.share:.0%} of the messages are strict outliers (HDBSCAN noise); "
        f"{summary.without_topic.share:.0%} are left without any topic."
    )
    measured = {name: summary.quality[key] for key, name in QUALITY.items() if key in summary.quality}
    console.print("Topic quality: " + ", ".join(f"{name} {value:.2f}" for name, value in measured.items()))
    if summary.candidates:
        named = [
            f"{at} ({', '.join(w.word for w in summary.topics[at].words[:3])})" for at in summary.candidates
        ]
        console.print(escape(f"Explained by no theme, perhaps a new one: {'; '.join(named)}."))
    if told := few_told(summary):
        console.print(f"[yellow]{escape(told)}[/] {escape(authorless_told(summary))}")
    console.print(f"{origin(summary)}\n")


def _show_themes(console: Console, result: "RunResult") -> None:
    from themeloom.running.shares import NOT_STATED

    stated = result.model.record.config.get("themes", {})
    shares = result.model.record.scores.prevalence.get("communications/prediction-powered", {})
    table = new_table("Themes", "theme", "messages", "share", "estimated (95%)", "topics")
    for row in result.themes.iter_rows(named=True):
        topics = ", ".join(str(topic) for topic in row["topics"])
        table.add_row(
            escape(row["theme"] or "(none, or mixed)"),
            str(row["communications"]),
            f"{row['share']:.0%}",
            percent(shares.get(row["theme"])),
            topics,
        )
    console.print(table)
    if len(result.summary.groups) > BESIDE:
        console.print(f"Shares of themes in {len(result.summary.groups)} groups stand in the report.")
    elif result.summary.groups:
        console.print(_by_group(result.summary))
        if any(map(_apart, (of for one in result.summary.groups for of in one.differences.values()))):
            console.print("*: the 95% interval of the difference from all other groups does not hold 0.")
    if told := strategy_told(result.model.record):
        console.print(escape(told))
    if not shares and stated.get("sample") != "random" and not stated.get("inclusion"):
        console.print(NOT_STATED, markup=False)


def _by_group(summary: "Summary") -> Table:
    table = new_table(
        "Themes by group, estimated (95%)", "theme", *(escape(group.name) for group in summary.groups)
    )
    table.add_row("messages, labels", *(f"{one.communications:,}, {one.labels:,}" for one in summary.groups))
    for theme in summary.themes:
        of = [(group.shares.get(theme.key), group.differences.get(theme.key)) for group in summary.groups]
        table.add_row(escape(theme.key), *(stacked(_share(*known)) for known in of))
    return table


def _share(share: "Score | None", difference: "Score | None") -> str:
    star = "* (" if difference and _apart(difference) else " ("
    return percent(share).replace(" (", star) if share else "fewer than two labels"


def _apart(difference: "Score") -> bool:
    return difference.low > 0 or difference.high < 0


def _show_scores(console: Console, result: "RunResult") -> None:
    scores = result.summary.scores
    title = f"Scores on {validation(scores)}; 95% intervals"
    table = new_table(title, "", *SHOWN.values())
    for name, line in {TOPIC_LEVEL: scores.overall, **scores.lines}.items():
        told = (score_cell(line.get(figure)) for figure in SHOWN)
        table.add_row(escape(name), *(told if console.width >= WIDE else map(stacked, told)))
    console.print(table)
    for level in (TOPIC_LEVEL, MESSAGE_LEVEL):
        if said := comparisons(scores.differences, level):
            console.print(escape(said))
    if error := scores.lines.get(MESSAGE_LEVEL, {}).get("ece"):
        console.print(f"Calibration error of the message level: {score_cell(error)}.")
    console.print(sets_told(scores.conformal))
    tied = result.summary.tied
    left_out = form(tied, "told.left_out").format(number=f"{tied:,}") if tied else ""
    for sentence in filter(None, (left_out, sparse_told(scores))):
        console.print(f"[yellow]{escape(sentence)}[/]")
    console.print()
