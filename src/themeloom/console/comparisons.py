"""What people see in the terminal of a comparison of runs."""

from rich.console import Console
from rich.markup import escape

from themeloom.compared import ComparisonRecord, Pairing, ScoreLine, TopicMatch
from themeloom.console.tables import new_table, score_cell
from themeloom.reporting import differences
from themeloom.reporting.differences import letter

COLOURS = {
    "same": "green",
    "split": "cyan",
    "merged": "cyan",
    "changed": "yellow",
    "vanished": "red",
    "appeared": "red",
    "unknown": "dim",
}
FLOWS = 12  # of messages between themes, shown at most
NONE = "\N{EN DASH}"


def show_comparison(console: Console, record: ComparisonRecord) -> None:
    """Print runs beside each other: topics, groupings, scores, themes and configuration."""
    _show_runs(console, record)
    _show_agreement(console, record)
    _show_topics(console, record)
    for pairing in record.pairings:
        _show_changes(console, pairing)
    _show_meanings(console, record)
    _show_scores(console, record)
    for pairing in record.pairings:
        _show_moves(console, pairing)
    _show_settings(console, record)


def _show_runs(console: Console, record: ComparisonRecord) -> None:
    columns = ("", "run", "encoder", "messages", "topics", "labels")
    table = new_table("Runs; A is the reference", *columns, right={"messages", "topics", "labels"})
    for place, run in enumerate(record.runs):
        messages = NONE if run.messages is None else f"{run.messages:,}"
        counts = (messages, str(len(run.topics)), f"{run.labels:,}" if run.labels else NONE)
        table.add_row(letter(place), escape(run.name), escape(run.encoder or NONE), *counts)
    console.print(table)


def _show_agreement(console: Console, record: ComparisonRecord) -> None:
    table = new_table("Agreement of groupings", "runs", "shared", "ARI (95%)", "AMI", "NMI", "words (RBO)")
    for found in record.agreements:
        table.add_row(
            f"{letter(found.first)}, {letter(found.second)}",
            f"{found.shared:,}",
            score_cell(found.ari) or NONE,
            _number(found.ami),
            _number(found.nmi),
            f"{found.words:.2f}",
        )
    console.print(table)


def _show_topics(console: Console, record: ComparisonRecord) -> None:
    names = [f"{letter(pairing.run)}: partner, likeness" for pairing in record.pairings]
    table = new_table("Topics of A, and their partners", "A", "words", *names)
    words = {topic.topic: topic.label for topic in record.runs[0].topics}
    for row in zip(*(pairing.topics for pairing in record.pairings), strict=True):
        topic = row[0].topic
        table.add_row(str(topic), escape(words[topic]), *map(_match, row))
    console.print(table)


def _match(found: TopicMatch) -> str:
    partner = NONE if found.partner is None else f"{found.partner} ({found.likeness:.2f})"
    into = f"; most in {found.into}" if found.into not in (None, found.partner) else ""
    return f"{partner} [{COLOURS[found.state]}]{found.state}[/]{into}"


def _show_changes(console: Console, pairing: Pairing) -> None:
    console.print(differences.fates(pairing))
    console.print(f"  {differences.basis(pairing)}")
    for sentence in differences.changes(pairing):
        console.print(f"  {sentence}")
    console.print()


def _show_meanings(console: Console, record: ComparisonRecord) -> None:
    used = {m.state for pairing in record.pairings for m in (*pairing.topics, *pairing.others)}
    for basis in dict.fromkeys(pairing.basis for pairing in record.pairings):
        console.print(f"[dim]{differences.overlap(basis)}[/]")
    for name in (name for name in record.states if name in used):
        console.print(f"[{COLOURS[name]}]{name}[/]: [dim]{differences.meaning(name)}[/]")
    console.print()


def _show_scores(console: Console, record: ComparisonRecord) -> None:
    lines = [s for s in record.scores if (s.line, s.score) in differences.HEADLINE and s.theme is None]
    if not lines:
        return
    names = [letter(place) for place in range(len(record.runs))]
    table = new_table("Scores on held-out labels (95%), and difference to A", "", *names)
    for line in lines:
        cells = (_scored(line, place) for place in range(len(record.runs)))
        table.add_row(f"{line.line}, {line.score}", *cells)
    console.print(table)
    for found in record.paired:
        console.print(escape(differences.paired(found)))
    if len(record.paired) > 1:
        console.print(f"[dim]{differences.each_by_itself()}[/]")
    console.print()


def _scored(line: ScoreLine, place: int) -> str:
    value = score_cell(line.values[place]) or NONE
    return f"{value}\n{differences.apart(line, place)}".rstrip()


def _show_moves(console: Console, pairing: Pairing) -> None:
    way = f"{letter(0)} to {letter(pairing.run)}"
    if not pairing.themes:
        console.print(f"{way}: {differences.no_themes()}")
    for found in pairing.themes:
        console.print(f"{way}: {differences.moved(found)}")
        if not found.flows:
            continue
        table = new_table(f"Messages that moved theme, {way}, {found.level}", "from", "to", "messages")
        for flow in found.flows[:FLOWS]:
            table.add_row(escape(flow.before or "none"), escape(flow.after or "none"), f"{flow.messages:,}")
        console.print(table)
        if (more := len(found.flows) - FLOWS) > 0:
            console.print(differences.unshown(more))
    console.print()


def _show_settings(console: Console, record: ComparisonRecord) -> None:
    if not record.settings:
        console.print("Nothing that is known of their configuration, data and versions differs.")
        return
    names = [letter(place) for place in range(len(record.runs))]
    table = new_table("What differs in configuration, data and versions", "key", *names)
    for setting in record.settings:
        table.add_row(escape(setting.key), *(escape("not set" if v is None else v) for v in setting.values))
    console.print(table)


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:z.2f}"
