"""Agreement between coders in the terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from themeloom.columns import AGREEMENT
from themeloom.console.tables import new_table, score_cell

if TYPE_CHECKING:
    from themeloom.themes.agreement import Agreement

CONFUSIONS = 15  # shown at most


def show_agreement(console: Console, found: "Agreement") -> None:
    """Print how far coders agree: overall, on each theme, each pair, and on what they do not."""
    mean = ", mean over pairs" if len(found.coders) > 2 else ""
    table = new_table(f"Agreement of {len(found.coders)} coders (95% intervals)", "", "value")
    for name, (_, label) in AGREEMENT.items():
        table.add_row(label + (mean if name == "kappa" else ""), score_cell(found.scores[name]))
    console.print(table)
    console.print(
        f"{found.messages:,} messages were coded by two or more coders, {found.coded_once:,} by one alone.\n"
    )
    _show_agreement_on_themes(console, found)
    if len(found.pairs) > 1:
        names = tuple(found.pairs[0].scores)
        heads = (AGREEMENT[name][0] for name in names)
        table = new_table("Agreement of each pair", "coder", "and", "messages", *heads)
        for pair in found.pairs:
            scores = (score_cell(pair.scores[name]) for name in names)
            table.add_row(escape(pair.first), escape(pair.second), f"{pair.messages:,}", *scores)
        console.print(table)
    _show_confusions(console, found)


def _show_agreement_on_themes(console: Console, found: "Agreement") -> None:
    table = new_table("Most disputed themes", "theme", "given", "disputed", "share", "most often with")
    for theme in found.themes:
        counts = f"{theme.messages:,}", f"{theme.disputed:,}", score_cell(theme.disputed_share)
        table.add_row(escape(theme.theme), *counts, escape(theme.rival or ""))
    console.print(table)
    table = new_table("Each theme against all others", "theme", *(head for head, _ in AGREEMENT.values()))
    for theme in found.themes:
        table.add_row(escape(theme.theme), *(score_cell(theme.scores[name]) for name in AGREEMENT))
    console.print(table)
    if found.unused:
        console.print(f"Given by nobody: {escape(', '.join(found.unused))}.\n")


def _show_confusions(console: Console, found: "Agreement") -> None:
    if not found.confusions:
        console.print("No two coders disagree on any message.")
        return
    table = new_table("Who disagrees with whom, on what", "coder", "says", "and", "says", "messages")
    for one in found.confusions[:CONFUSIONS]:
        names = (one.first, one.first_theme, one.second, one.second_theme)
        table.add_row(*map(escape, names), f"{one.messages:,}")
    console.print(table)
    if (more := len(found.confusions) - CONFUSIONS) > 0:
        console.print(f"{more} rarer ones are not shown; --json writes all.")
