"""Whether messages are enough for topics to emerge, and their groups few enough to be told apart."""

import re

import polars as pl

from themeloom.errors import CorpusError
from themeloom.records import UniqueCorpus

FEWEST = 20
"""Unique messages that a study needs at the least."""
MOST_GROUPS = 20
"""Groups whose shares of themes can be told apart."""
_WORD = re.compile(r"\w+")


def check_sufficient(unique: UniqueCorpus, smallest: int | None = None) -> None:
    """Make sure that topics can be sought at all.

    Parameters
    ----------
    unique
        The unique messages.
    smallest
        Messages of the smallest topic that is allowed, where the experiment says it.

    Raises
    ------
    CorpusError
        If all messages are the same, use one word at most, are fewer than twenty or too few for two such
        topics.
    """
    flow = unique.flow
    count = flow.unique
    words = {word.casefold() for text in unique.messages["text"] for word in _WORD.findall(text)}
    if count == 1 and flow.identified > 1:
        raise CorpusError(
            f"sources: all {flow.identified - flow.unreadable} messages that could be read are the same one; "
            "check that the text column is the right one."
        )
    if count and not words:
        raise CorpusError(
            f"sources: the {count} unique messages hold no word, only emoji and other signs, but topics are "
            "described by words; add messages that have some."
        )
    if count and len(words) <= 1:
        raise CorpusError(
            f"sources: the {count} unique messages use no more than one word; "
            "check that the text column is the right one."
        )
    if count < FEWEST:
        raise CorpusError(
            f"sources: {count} unique messages are left of {flow.identified} rows, fewer than the {FEWEST} "
            "that topics need; add sources or widen the search."
        )
    if smallest is not None and count < 2 * smallest:
        raise CorpusError(
            f"cluster.min_cluster_size: {count} unique messages do not hold two topics of {smallest}; "
            f"lower it to {count // 2} or less, or leave it out."
        )


def check_groups(unique: UniqueCorpus) -> None:
    """Make sure that groups, where messages have any, are few.

    Raises
    ------
    CorpusError
        If they are more than twenty: a column of names or dates was taken for one of groups.
    """
    groups = unique.messages["group"].drop_nulls().n_unique()
    if groups > MOST_GROUPS:
        raise CorpusError(
            f"sources: the messages are of {groups:,} groups, more than the {MOST_GROUPS} that can be told "
            "apart; give columns.group the name of a column with fewer values, or leave it out."
        )


def group_note(messages: pl.DataFrame, *, asked: bool) -> str:
    """Say of how many messages the group is unknown, where groups were asked for; empty if of none."""
    unknown = messages["group"].null_count()
    if not asked or not unknown:
        return ""
    if unknown == len(messages):
        return "No message has a group: all cells of the column that columns.group names are empty."
    return (
        f"Of {unknown:,} of {len(messages):,} messages the group is unknown; shares of themes by group are "
        "those of the others."
    )
