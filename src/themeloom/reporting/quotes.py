"""How much of a message is shown: its masked text, the words it shares with its topic, or nothing."""

import re
from collections.abc import Mapping
from typing import Literal, get_args

from themeloom.author_counts import AuthorCounts, author_counts
from themeloom.letters import LETTERS, in_pairs, is_clause, lowered
from themeloom.records import RunRecord
from themeloom.reporting.texts import say

Quotes = Literal["masked", "words", "none"]
QUOTES: tuple[Quotes, ...] = get_args(Quotes)

_WORD = re.compile(rf"[{LETTERS}#']+")
_NO_WORDS = "…"


def quotes_of(config: Mapping[str, object], key: str = "quotes") -> Quotes:
    """Read from a run's configuration how messages are shown; runs of older versions show them masked."""
    section = config.get("report")
    said = section.get(key) if isinstance(section, Mapping) else None
    default: Quotes = "masked" if key == "quotes" else "words"
    return next((known for known in QUOTES if known == said), default)


def shown_texts(record: RunRecord, quotes: Quotes, authors: AuthorCounts | None = None) -> list[str]:
    """Give what may be shown of each communication, in order.

    Parameters
    ----------
    record
        The run.
    quotes
        'masked': the masked text. 'words': the words of its topic that it holds, in the topic's order, from
        which nobody finds the message again, and only that they are of few where a topic or theme has fewer
        authors than `report.min_authors`. 'none': nothing.
    authors
        Who speaks in topics and themes, where that is counted already.
    """
    texts: list[str] = record.communications["text"].to_list()
    if quotes == "masked":
        return texts
    if quotes == "none":
        return [""] * len(texts)
    words = {topic.topic: _parts(topic.words) for topic in record.discovery.topics}
    topics = record.communications["topic"].to_list()
    of_few = (authors or author_counts(record)).of_few.tolist()
    return [
        say("few.hidden") if few else _shared(text, words.get(topic, []))
        for text, topic, few in zip(texts, topics, of_few, strict=True)
    ]


def _parts(words: tuple[str, ...]) -> list[tuple[str, frozenset[str]]]:
    # A clause would be found again: older models have some among their words.
    return [(word, _single(word)) for word in words if not is_clause(word)]


def _shared(text: str, words: list[tuple[str, frozenset[str]]]) -> str:
    held = _single(text)
    return ", ".join(word for word, parts in words if parts <= held) or _NO_WORDS


def _single(text: str) -> frozenset[str]:
    """Return the words of a text; words of topics have straight apostrophes, whichever people typed."""
    return frozenset(_WORD.findall(in_pairs(lowered(text)).replace("\u2019", "'")))
