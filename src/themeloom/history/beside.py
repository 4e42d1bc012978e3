"""Scores, configuration and themes of several runs, side by side."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl

from themeloom.compared import ComparedRun, Moves, ScoreLine, Setting, ThemeFlow, ThemeMove
from themeloom.config import dotted
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL
from themeloom.scored import Score

Key = tuple[str, str | None, str]

THEMES = {MESSAGE_LEVEL: "theme", TOPIC_LEVEL: "topic_theme"}
"""What a message's theme can mean → where it stands."""


def score_lines(runs: Sequence[ComparedRun]) -> tuple[ScoreLine, ...]:
    """Put the runs' scores side by side, with each run's difference to the first one's.

    Parameters
    ----------
    runs
        The runs; some may have no scores.
    """
    tables = [_scores(run) for run in runs]
    keys = dict.fromkeys(key for table in tables for key in table)
    return tuple(_line(key, [table.get(key) for table in tables]) for key in keys)


def _scores(run: ComparedRun) -> dict[Key, Score]:
    if run.scores is None:
        return {}
    rows = run.scores.select("line", "theme", "score", "value", "low", "high").iter_rows()
    return {(line, theme, name): Score(value, low, high) for line, theme, name, value, low, high in rows}


def _line(key: Key, values: list[Score | None]) -> ScoreLine:
    first, *others = values
    pairs = [None if first is None or other is None else (other, first) for other in others]
    differences = (None if pair is None else _difference(*pair) for pair in pairs)
    apart = (None if pair is None else _apart(*pair) for pair in pairs)
    return ScoreLine(*key, tuple(values), (None, *differences), (None, *apart))


def _apart(other: Score, first: Score) -> bool | None:
    if any(math.isnan(end) for score in (other, first) for end in (score.low, score.high)):
        return None
    return other.low > first.high or first.low > other.high


def _difference(other: Score, first: Score) -> float | None:
    difference = other.value - first.value
    return None if math.isnan(difference) else difference


def settings_of(configs: Sequence[Mapping[str, str]]) -> tuple[Setting, ...]:
    """Give the keys of which the runs do not all have the same value, in order of their names."""
    keys = sorted({key for config in configs for key in config})
    rows = [Setting(key, tuple(config.get(key) for config in configs)) for key in keys]
    return tuple(row for row in rows if len(set(row.values)) > 1)


def flat(config: Mapping[str, object]) -> dict[str, str]:
    """Flatten a configuration to dotted keys, with values as text; what is not set is left out."""
    return {key: _text(value) for key, value in dotted(config) if value is not None}


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(entry) for entry in value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def theme_moves(messages: pl.DataFrame) -> tuple[Moves, ...]:
    """Tell which messages have another theme in the second run: their own, and that of their topic.

    Parameters
    ----------
    messages
        Messages of both runs, sorted by id: ``doc_id``, ``theme`` and ``topic_theme`` in the first run, and
        with ``_right`` in the second.

    Returns
    -------
    tuple
        A level each; one at which either run gave no theme at all is left out.
    """
    columns = {level: (name, f"{name}_right") for level, name in THEMES.items()}
    return tuple(
        _moves(messages, level, *names)
        for level, names in columns.items()
        if all(messages[name].null_count() < len(messages) for name in names)
    )


def _moves(messages: pl.DataFrame, level: str, before: str, after: str) -> Moves:
    moved = messages.filter(pl.col(before).ne_missing(pl.col(after))).select("doc_id", before, after)
    moves = tuple(ThemeMove(*row) for row in moved.iter_rows())
    counts = Counter((move.before, move.after) for move in moves)
    flows = [ThemeFlow(*key, number) for key, number in counts.items()]
    most_first = sorted(flows, key=lambda flow: (-flow.messages, str(flow.before), str(flow.after)))
    return Moves(level, len(messages), moves, tuple(most_first))
