"""Who wrote what, without saying who: a number for each author, and how many speak in a group."""

from typing import Any

import numpy as np

from themeloom.records import Corpus, Ints, RunRecord


def authors_of(corpus: Corpus) -> Ints:
    """Give each author a number, (communications,); a message whose author is unknown has one of its own."""
    return numbered(corpus.communications["author"].to_list())


def numbered(names: list[str | None]) -> Ints:
    """Give each name a number, (messages,), by first appearance; what has no name has one of its own."""
    # Not by name: the order of pseudonyms would hang on the study's key.
    known: dict[str, int] = {}
    alone = (f"\0{row}" for row in range(len(names)))
    return np.array([known.setdefault(name or next(alone), len(known)) for name in names], dtype=np.int64)


def in_topics(author: Ints, topic: Ints, topics: int) -> tuple[int, ...]:
    """Count the different authors of each topic's messages, or each theme's.

    Parameters
    ----------
    author
        (messages,): number of the author.
    topic
        (messages,): number of the topic; -1: none.
    topics
        How many there are.
    """
    pairs = np.unique(np.stack([topic, author])[:, topic >= 0], axis=1)
    return tuple(np.bincount(pairs[0], minlength=topics).tolist())


def with_more(record: RunRecord, grown: RunRecord, author: Ints) -> dict[str, Any]:
    """Give what a record says of authors once messages stand behind its own.

    Who wrote the earlier ones is not known any more, and may have written the later ones too: of a topic's
    earlier and later authors the greater number counts, so that no topic is taken for one of many.

    Parameters
    ----------
    record
        Before.
    grown
        After, with the new messages last.
    author
        (new messages,): number of the author.
    """
    counts: dict[str, Any] = {}
    for name, group, groups in _groups(grown):
        before = getattr(record, name)
        if before:
            later = in_topics(author, group[len(record.communications) :], groups)
            padded = (*before, *[0] * (groups - len(before)))
            counts[name] = tuple(map(max, padded, later))
    return counts


def counted(record: RunRecord, author: Ints) -> dict[str, Any]:
    """Give what a record says of authors: how many speak in each topic and each theme."""
    return {name: in_topics(author, group, groups) for name, group, groups in _groups(record)}


def _groups(record: RunRecord) -> tuple[tuple[str, Ints, int], ...]:
    topic, themes = record.discovery.clusters.topic, len(record.codebook.themes)
    return (
        ("topic_authors", topic, record.discovery.clusters.count),
        ("theme_authors", record.mapping.messages.argmax(axis=1), themes),
    )
