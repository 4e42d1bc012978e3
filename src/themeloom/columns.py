"""The columns of every table that one stage hands to another."""

from typing import Any

import polars as pl

UTC_TIME = pl.Datetime("us", "UTC")

ROWS: dict[str, Any] = {
    "row": pl.Int64,  # 0, 1, 2, … over all sources, in the order read
    "file": pl.String,
    "line": pl.Int64,  # 1-based line (or record, where the format has no lines) in the file
    "source_id": pl.String,
    "author_id": pl.String,  # null where unknown
    "author": pl.String,  # handle, lower case, no @; null where unknown
    "created_at": UTC_TIME,  # null where unknown
    "text": pl.String,
    "lang": pl.String,  # null where unknown
    "group": pl.String,  # what it belongs to, of a few; null where unknown
    "repeat_of": pl.String,  # source id of the message that this one natively repeats; null for others
}
"""Columns of the rows that could be read."""

UNREADABLE: dict[str, Any] = {
    "file": pl.String,
    "line": pl.Int64,
    "source_id": pl.String,  # null where it could not be told
    "reason": pl.String,
}
"""Columns of the rows that could not be read."""

UNIQUE: dict[str, Any] = {
    "source_id": pl.String,
    "author_id": pl.String,
    "author": pl.String,
    "created_at": UTC_TIME,
    "text": pl.String,  # without the marks of a repeat ("RT @name: ")
    "lang": pl.String,
    "group": pl.String,
    "times_seen": pl.Int64,  # distinct source ids that carry this message, itself included
    "repeated_by": pl.List(pl.String),  # authors of the repeats, sorted
}
"""Columns of the unique messages, one row each, sorted by (created_at, source_id)."""

MADE_ID = "content-"
"""What source ids begin with that are made from the content, where a source names no column of ids."""

OUTCOMES: dict[str, Any] = {
    "file": pl.String,
    "line": pl.Int64,
    "source_id": pl.String,
    "outcome": pl.String,  # kept, same-id, retweet, copy, near-duplicate or unreadable
    "kept_id": pl.String,  # source id of the unique message it belongs to; null for unreadable rows
    "reason": pl.String,  # for unreadable rows
}
"""Columns of the audit: one row for every raw row."""

ASIDE: dict[str, Any] = UNREADABLE | {"doc_id": pl.String}
"""Columns of the rows that could not be read, with the pseudonyms that their messages would have had."""

AUDITED = ("source_id", "file", "line", "outcome", "doc_id", "reason")
"""Columns of what `themeloom audit` writes."""

COMMUNICATIONS: dict[str, Any] = {
    "doc_id": pl.String,  # keyed hash of the source id
    "text": pl.String,  # masked
    "created_at": UTC_TIME,
    "times_seen": pl.Int64,
    "author": pl.String,  # keyed hash of the handle, else of the author's id; null where unknown
    "repeated_by": pl.List(pl.String),  # keyed hashes, sorted
    "group": pl.String,  # null where unknown; no run keeps it of a single message
}
"""Columns of the anonymous corpus, in the order of the unique messages."""

MESSAGE = ("doc_id", "text", "created_at", "times_seen")
"""Columns of a communication that its run keeps, before it has a topic."""

ASSIGNED: dict[str, Any] = {
    **{name: COMMUNICATIONS[name] for name in MESSAGE},
    "topic": pl.Int64,
    "outlier": pl.Boolean,
    "topic_theme": pl.String,
    "theme": pl.String,
    "theme_probability": pl.Float64,
}
"""Columns of models/RUN/communications.parquet."""

GROUPS: dict[str, Any] = {
    "group": pl.String,
    "theme": pl.String,
    "communications": pl.Int64,  # of the group
    "labels": pl.Int64,  # of the group, that the shares rest on
    "share": pl.Float64,  # prediction-powered; null where too little is known to tell
    "low": pl.Float64,  # of the 95% interval
    "high": pl.Float64,
    "difference": pl.Float64,  # from the share among the messages of all other groups
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
}
"""Columns of the shares of themes by group, a row for each of both."""

CALIBRATION: dict[str, Any] = {
    "bin": pl.Int64,  # 0, 1, 2, …: from the least confident to the most
    "messages": pl.Float64,  # mean over repeats
    "confidence": pl.Float64,  # mean of the top posterior
    "accuracy": pl.Float64,  # how often the theme of the top posterior was right
}
"""Columns of the reliability diagram: bins of about equal size."""

COVERAGE_CURVE: dict[str, Any] = {
    "threshold": pl.Float64,  # messages with at least this top posterior are kept
    "coverage": pl.Float64,  # share of messages kept
    "accuracy": pl.Float64,  # among those kept
    "kappa": pl.Float64,  # among those kept; null where undefined
}
"""Columns of the curve of accuracy against coverage, from all kept to few."""

EVALUATION: dict[str, Any] = {
    "doc_id": pl.String,
    "coded": pl.String,  # the label
    "topic_level": pl.String,  # held-out: the theme of its topic; null where that is mixed, or it has none
    "message_level": pl.String,  # held-out: its own most probable theme
    "author": pl.Int64,  # a number; messages of one author have the same
}
"""First columns of the judged messages, one row each; then one a theme, of the held-out posterior."""

POSTERIOR = "p_"
"""Begins the name of such a column; the theme's key ends it."""

AGREEMENT: dict[str, tuple[str, str]] = {
    "observed": ("agreement", "percent agreement"),
    "kappa": ("kappa", "Cohen's kappa"),
    "alpha": ("alpha", "Krippendorff's alpha"),
    "ac1": ("AC1", "Gwet's AC1"),
}
"""Figures of how far coders agree: what each is called at the head of a column, and in full."""
