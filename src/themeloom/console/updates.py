"""What an update found, in the terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from themeloom.console.tables import new_table

if TYPE_CHECKING:
    from themeloom.assigning.updating import Update
    from themeloom.scored import Score


def show_update(console: Console, found: "Update") -> None:
    """Print what was added, whether it fits, whose share moved and what is new."""
    from themeloom.assigning.fitting import VERDICTS

    flow = found.flow
    console.print(
        f"{found.messages:,} messages added; {flow.same_id:,} rows were known by their id, "
        f"{flow.retweets + flow.copies + flow.near_duplicates:,} repeat others, {flow.unreadable:,} could "
        "not be read.",
        highlight=False,
    )
    if not found.vault:
        console.print(
            "The study's key was not here, so a new one was made: what the model has already was told by its "
            "text alone."
        )
    console.print(f"\n[bold]{VERDICTS[found.verdict]}[/bold]", highlight=False)
    console.print(
        f"  fit nowhere           {_percent(found.misfits)}; {found.expected:.0%} is to be expected "
        f"({_p(found.p_misfits)})\n"
        f"  differ from the model  MMD\u00b2 = {found.discrepancy:.4f} ({_p(found.p_discrepancy)})\n",
        highlight=False,
    )
    _show_shares(console, found)
    _show_new(console, found)
    console.print(f"  model   {found.folder}\n  parent  {found.parent}", markup=False, highlight=False)


def _show_shares(console: Console, found: "Update") -> None:
    if not found.shares:
        console.print("So few messages tell of no topic's share.\n")
        return
    moved = [one for one in found.shares if one.difference.low > 0 or one.difference.high < 0]
    if not moved:
        console.print("No topic's share moved by more than chance.\n")
        return
    table = new_table(
        "Topics whose share moved (95% intervals, each by itself)", "topic", "words", "before", "now", "moved"
    )
    for one in sorted(moved, key=lambda share: -abs(share.difference.value)):
        words = escape(", ".join(one.words[:4]))
        table.add_row(
            str(one.topic),
            words,
            f"{one.before.value:.1%}",
            f"{one.after.value:.1%}",
            _points(one.difference),
        )
    console.print(table)


def _show_new(console: Console, found: "Update") -> None:
    if not found.new_topics:
        console.print("No topic is new.\n")
        return
    table = new_table("Topics that are new: no theme explains them yet", "topic", "messages", "words")
    for one in found.new_topics:
        table.add_row(str(one.topic), f"{one.size:,}", escape(", ".join(one.words[:6])))
    console.print(table)


def _percent(share: "Score") -> str:
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"


def _points(score: "Score") -> str:
    # what rounds to 0 keeps its sign: an interval that ends below 0 does not hold it
    return f"{100 * score.value:+.1f} ({100 * score.low:+.1f} to {100 * score.high:+.1f}) points"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
