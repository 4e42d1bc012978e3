"""Whether there is enough in the messages for topics to emerge."""

import re

from themeloom.errors import CorpusError
from themeloom.records import UniqueCorpus

FEWEST = 20
"""Unique messages that a study needs at the least."""
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
