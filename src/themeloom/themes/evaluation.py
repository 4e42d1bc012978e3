"""The judged messages, one by one: how each was coded, and what was said of it by who had not seen that."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from themeloom.columns import EVALUATION, POSTERIOR
from themeloom.records import Ints
from themeloom.themes.validation import Judged


def evaluation_table(judged: Judged, doc_ids: Sequence[str], keys: Sequence[str]) -> pl.DataFrame:
    """Tell of each judged message how it was coded and what was predicted, in the first repeat.

    Parameters
    ----------
    judged
        Predictions of the labelled messages by mappings that did not see them.
    doc_ids
        Ids of the labelled messages, in the order of the predictions.
    keys
        The codebook's keys.

    Returns
    -------
    polars.DataFrame
        ``EVALUATION``, then ``p_KEY`` for each theme: the message level's held-out posterior. Messages that
        nobody judged, since they were learned from, have no row.
    """
    seen = np.flatnonzero(judged.messages.coded >= 0)
    posterior = judged.messages.posterior[0][seen]
    names = [*keys, None]

    def named(theme: Ints) -> list[str | None]:
        return [names[index] for index in theme[seen]]

    columns = {
        "doc_id": [doc_ids[place] for place in seen.tolist()],
        "coded": named(judged.messages.coded),
        "topic_level": named(judged.topics.predicted[0]),
        "message_level": named(judged.messages.predicted[0]),
        "author": judged.messages.group[seen],
        **{f"{POSTERIOR}{key}": posterior[:, at] for at, key in enumerate(keys)},
    }
    kinds = EVALUATION | {f"{POSTERIOR}{key}": pl.Float64 for key in keys}
    return pl.DataFrame(columns, schema=kinds)
