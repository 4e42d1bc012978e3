"""The speed of an encoder's backends in the terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from themeloom.console.tables import new_table

if TYPE_CHECKING:
    from themeloom.discovery.backend import Finding


def show_finding(console: Console, found: "Finding") -> None:
    """Print what was measured, and what 'auto' makes of it."""
    rounds = len(found.lines["torch"].rates)
    table = new_table(
        f"{escape(found.encoder)}: {found.messages:,} messages, {rounds} rounds in turn",
        "backend",
        "messages/s",
        "range",
        "times",
        "cosine",
        "difference",
    )
    for name, line in found.lines.items():
        table.add_row(
            name,
            f"{line.rate:,.1f}",
            f"{min(line.rates):,.1f} to {max(line.rates):,.1f}",
            f"{found.times(name):.2f}",
            f"{line.cosine:.5f}",
            f"{line.difference:.1e}",
        )
    console.print(table)
    about = found.facts
    console.print(
        f"{escape(about['processor'] or about['machine'])}, {about['device']}, {about['cores']} cores, "
        f"torch {about['torch']}. Cosine is the least similarity of a vector to "
        "the reference's, difference the greatest of any entry.\n\n"
        f'backend = "auto" uses {found.fastest} on this machine.',
        highlight=False,
    )
