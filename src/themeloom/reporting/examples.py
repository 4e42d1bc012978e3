"""Messages that show what a theme is, those that show where it ends, and what it was confused with."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from themeloom.author_counts import AuthorCounts
from themeloom.records import Doubles, RunRecord
from themeloom.reporting.contents import Confused, Example
from themeloom.reporting.quotes import Quotes

MOST = 3
"""Examples of a kind, and themes that one was confused with."""


def examples(
    record: RunRecord, index: int, texts: Sequence[str], quotes: Quotes, authors: AuthorCounts
) -> tuple[tuple[Example, ...], ...]:
    """Give the messages of a theme that are most typical of it, and those that are most borderline.

    Parameters
    ----------
    record
        The run.
    index
        The theme's place in the codebook.
    texts
        What is shown of each communication.
    quotes
        How messages are shown: where by their words, those of few authors are passed over.
    authors
        Who speaks in topics and themes.

    Returns
    -------
    tuple
        The typical ones: the theme's probability is highest. The borderline ones: it is least above that of
        the second-best theme; none that is typical already.
    """
    posterior = record.mapping.messages
    key = record.codebook.keys[index]
    inside = (record.communications["theme"] == key).fill_null(value=False).to_numpy()
    members = np.flatnonzero(inside & ~authors.of_few if quotes == "words" else inside)
    ranked = np.sort(posterior[members], axis=1)
    margin = ranked[:, -1] - ranked[:, -2] if ranked.shape[1] > 1 else ranked[:, -1]
    typical = members[np.argsort(-posterior[members, index], kind="stable")[:MOST]]
    near = members[np.argsort(margin, kind="stable")[: 2 * MOST]]
    borderline = near[~np.isin(near, typical)][:MOST]
    return tuple(
        tuple(
            replace(
                _example(record, posterior[place], int(place), index, texts),
                of_few=bool(authors.of_few[place]),
            )
            for place in places
        )
        for places in (typical, borderline)
    )


def _example(record: RunRecord, posterior: Doubles, place: int, index: int, texts: Sequence[str]) -> Example:
    others = np.where(np.arange(len(posterior)) == index, -1.0, posterior)
    rival, keys = int(others.argmax()), record.codebook.keys
    has_rival = len(keys) > 1
    row = record.communications.row(place, named=True)
    return Example(
        doc_id=row["doc_id"],
        text=texts[place],
        times_seen=row["times_seen"],
        probability=float(posterior[index]),
        rival=keys[rival] if has_rival else None,
        rival_probability=float(posterior[rival]) if has_rival else 0.0,
    )


def confusions(record: RunRecord, index: int) -> tuple[tuple[Confused, ...], ...]:
    """Say what messages coded with a theme were given instead, and what those given it were coded with.

    Both at the message level, held-out, most frequent first. Counts are means over the repeats.
    """
    keys, counts = record.codebook.keys, np.asarray(record.scores.message_confusion)
    missed = _most(counts[index], index, (*keys, None))
    taken = _most(counts[:, index], index, keys)
    return missed, taken


def _most(counts: Doubles, index: int, names: Sequence[str | None]) -> tuple[Confused, ...]:
    total = float(counts.sum())
    order = [place for place in np.argsort(-counts, kind="stable").tolist() if place != index]
    return tuple(
        Confused(names[place], float(counts[place]), total) for place in order[:MOST] if counts[place] > 0
    )
