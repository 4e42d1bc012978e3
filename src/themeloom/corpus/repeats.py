"""Repeats: one message counts once, and every raw row is accounted for."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import polars as pl

from themeloom.columns import OUTCOMES, ROWS, UNIQUE
from themeloom.config import RepeatsConfig
from themeloom.corpus.matching import Message, match, prepare
from themeloom.corpus.wording import CUT, CUT_OFF
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Flow, RawCorpus, UniqueCorpus


@dataclass(frozen=True, slots=True)
class _Family:
    """A message and its native retweets; where it is not among the rows, the earliest of these stands in."""

    head: int
    members: tuple[int, ...]
    message: Message
    stands_in: bool

    @property
    def precedence(self) -> tuple[int, int]:
        """Originals before repeats, whole texts before openings, then the earliest."""
        is_repeat = self.stands_in or self.message.reading.marked
        return is_repeat + self.message.opens_only, self.head


def find_repeats(raw: RawCorpus, config: RepeatsConfig, progress: Progress = UNWATCHED) -> UniqueCorpus:
    """Find which messages repeat which, and keep the earliest original of each.

    Repeats are rows with the same id; native retweets; copies marked RT, MT, by quotation marks or 'via';
    the same words with other case, spacing, punctuation, links or outer hashtags; openings cut short by an
    ellipsis; and near-duplicates. A repeat whose original is not among the rows stands in for it, without
    its mark.

    Parameters
    ----------
    raw
        What ingest read.
    config
        `near_duplicates` is the least Jaccard similarity of five-character shingles (MinHash with
        locality-sensitive hashing: Broder 1997, Leskovec et al. 2020, chapter 3).
    progress
        Who watches.

    Returns
    -------
    UniqueCorpus
        `messages` sorted by time (unknown times last) and id, `outcomes` with one row for every raw
        row, sorted by file and line, and `flow`. The order of the rows makes no difference.
    """
    ids = _one_row_an_id(raw.rows)
    fates = _fates(ids, config.near_duplicates, progress)
    messages = _messages(ids, fates)
    outcomes = _outcomes(raw, ids, fates)
    return UniqueCorpus(messages, outcomes, _flow(outcomes))


def _one_row_an_id(rows: pl.DataFrame) -> pl.DataFrame:
    """Choose for each id the row that tells most, filled up with what the others tell.

    Returns
    -------
    polars.DataFrame
        The columns of ROWS, `row` being the chosen one; earliest first.
    """
    to_the_minute = (pl.col("created_at").dt.second() == 0) & (pl.col("created_at").dt.microsecond() == 0)
    ranked = rows.with_columns(vague=to_the_minute).sort(
        pl.col("text").str.contains(CUT),
        pl.col("repeat_of").is_null(),
        pl.col("author_id").is_null(),
        pl.col("author").is_null(),
        "vague",
        -pl.col("text").str.len_chars().cast(pl.Int64),
        "text",
        "file",
        "line",
        "row",
    )
    when = pl.col("created_at").sort_by("vague", "created_at", nulls_last=True).first()
    filled = ("author_id", "author", "lang", "group", "repeat_of")
    known = [pl.col(name).drop_nulls().first() for name in filled]
    first = [pl.col(name).first() for name in ("row", "file", "line", "text")]
    chosen = ranked.group_by("source_id", maintain_order=True).agg(*first, *known, when)
    return chosen.select(list(ROWS)).sort("created_at", "source_id", nulls_last=True)


def _fates(ids: pl.DataFrame, threshold: float, progress: Progress) -> pl.DataFrame:
    """Say for each id which message it belongs to.

    Returns
    -------
    polars.DataFrame
        source_id, kept_id, outcome, text (a stand-in's has no mark), in the order of `ids`.
    """
    source_ids: list[str] = ids["source_id"].to_list()
    texts: list[str] = ids["text"].to_list()
    outcomes = ["kept"] * len(source_ids)
    kept_ids = list(source_ids)
    families = sorted(_families(ids, progress), key=lambda family: family.precedence)
    matches = match([family.message for family in families], threshold, progress.advance)
    for family, owner, is_near in zip(families, matches.owner, matches.near, strict=True):
        keeper = families[owner]
        for member in family.members:
            kept_ids[member] = source_ids[keeper.head]
            outcomes[member] = "near-duplicate" if is_near else "copy"
        outcomes[family.head] = "kept" if keeper is family else outcomes[family.head]
        texts[family.head] = family.message.reading.stand_in or family.message.text
    fates = ids.select("source_id", "repeat_of").with_columns(
        kept_id=pl.Series(kept_ids, dtype=pl.String),
        outcome=pl.Series(outcomes, dtype=pl.String),
        text=pl.Series(texts, dtype=pl.String),
    )
    is_retweet = pl.col("repeat_of").is_not_null() & (pl.col("outcome") != "kept")
    return fates.with_columns(outcome=pl.when(is_retweet).then(pl.lit("retweet")).otherwise("outcome"))


def _families(ids: pl.DataFrame, progress: Progress) -> list[_Family]:
    """Gather native retweets under what they repeat and read one message of each family."""
    source_ids: list[str] = ids["source_id"].to_list()
    position = {source_id: place for place, source_id in enumerate(source_ids)}
    texts: list[str] = ids["text"].to_list()
    authors: list[str | None] = ids["author"].to_list()
    gathered = defaultdict(list)
    for member, root in enumerate(_roots(ids)):
        gathered[root].append(member)
    progress.begin(2 * len(gathered), "messages")
    families = []
    for root, members in gathered.items():
        head = position.get(root, members[0])
        fullest = head if root in position else min(members, key=lambda member: _fullness(texts[member]))
        message = prepare(authors[head], texts[fullest])
        families.append(_Family(head, tuple(members), message, root not in position))
        progress.advance()
    return families


def _fullness(text: str) -> tuple[bool, int, str]:
    return CUT_OFF.search(text) is not None, -len(text), text


def _roots(ids: pl.DataFrame) -> list[str]:
    """Follow each chain of native retweets to its end; of a circle the least id is the end."""
    follows = {
        source_id: repeat_of
        for source_id, repeat_of in ids.select("source_id", "repeat_of").iter_rows()
        if repeat_of is not None
    }
    ends: dict[str, str] = {}
    for start in follows:
        path: dict[str, None] = {}
        here = start
        while here in follows and here not in path and here not in ends:
            path[here] = None
            here = follows[here]
        steps = list(path)
        end = min(steps[steps.index(here) :]) if here in path else ends.get(here, here)
        ends.update(dict.fromkeys(path, end))
    return [ends.get(source_id, source_id) for source_id in ids["source_id"]]


def _messages(ids: pl.DataFrame, fates: pl.DataFrame) -> pl.DataFrame:
    who = pl.coalesce("author", "author_id")
    repeats = pl.col("outcome") != "kept"
    groups = (
        fates.with_columns(ids["author"], ids["author_id"])
        .group_by("kept_id")
        .agg(
            times_seen=pl.len().cast(pl.Int64),
            repeated_by=who.filter(repeats).drop_nulls().unique().sort(),
        )
    )
    kept = ids.with_columns(fates["text"]).filter(fates["outcome"] == "kept")
    joined = kept.join(groups, left_on="source_id", right_on="kept_id", how="left")
    return _shaped(joined, UNIQUE).sort("created_at", "source_id", nulls_last=True)


def _outcomes(raw: RawCorpus, ids: pl.DataFrame, fates: pl.DataFrame) -> pl.DataFrame:
    """Account for every raw row."""
    is_chosen = pl.col("row").is_in(ids["row"].implode())
    read = raw.rows.join(
        fates.select("source_id", "kept_id", "outcome"), on="source_id", how="left"
    ).with_columns(
        outcome=pl.when(is_chosen).then("outcome").otherwise(pl.lit("same-id")),
        reason=pl.lit(None, dtype=pl.String),
    )
    unread = raw.unreadable.with_columns(outcome=pl.lit("unreadable"), kept_id=pl.lit(None))
    rows = pl.concat([_shaped(read, OUTCOMES), _shaped(unread, OUTCOMES)])
    return rows.sort("file", "line", "source_id", "outcome", nulls_last=True)


def _shaped(table: pl.DataFrame, schema: dict[str, Any]) -> pl.DataFrame:
    return table.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _flow(outcomes: pl.DataFrame) -> Flow:
    counts: dict[str, int] = dict(outcomes["outcome"].value_counts().iter_rows())
    return Flow(
        identified=outcomes.height,
        unreadable=counts.get("unreadable", 0),
        same_id=counts.get("same-id", 0),
        retweets=counts.get("retweet", 0),
        copies=counts.get("copy", 0),
        near_duplicates=counts.get("near-duplicate", 0),
        unique=counts.get("kept", 0),
    )
