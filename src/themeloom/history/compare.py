"""Runs beside each other: topics, groupings, themes, scores and configuration."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl

from themeloom.compared import (
    FORMAT,
    MEMBERSHIP,
    Agreement,
    ComparedRun,
    ComparisonRecord,
    PairedScores,
    Pairing,
    RunOverview,
    Stream,
)
from themeloom.history.alignment import Aligned, Overlap, align, matches, splits
from themeloom.history.beside import score_lines, settings_of, theme_moves
from themeloom.history.likeness import (
    adjusted_rand,
    cosines,
    jaccard,
    word_likeness,
    word_shares,
)
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Doubles, Floats, Ints

SHARED_OF_SMALLER = 0.5
SHARED_PER_TOPIC = 10
"""Memberships decide where runs share half of the smaller one's messages, or so many a topic."""


def compare_runs(
    runs: Sequence[ComparedRun],
    paired: Sequence[PairedScores] = (),
    progress: Progress = UNWATCHED,
) -> ComparisonRecord:
    """Compare runs; the first one is the reference.

    Topics of two runs are matched so that their likeness is largest in all (Hungarian matching). Where the
    runs share enough messages, likeness is the Jaccard coefficient of the topics' members among these.
    Elsewhere it is rank-biased overlap of their words; where the same encoder made both runs' vectors, the
    mean of that and the cosine of the topics' vectors.

    Parameters
    ----------
    runs
        Two runs or more, of different names.
    paired
        Differences in scores of each other run to the reference, if somebody told them.
    progress
        Told of every two runs.

    Returns
    -------
    ComparisonRecord
        Plain Python values throughout.

    Raises
    ------
    ValueError
        If there are fewer than two runs, or two of the same name.
    """
    if len(runs) < 2 or len({run.name for run in runs}) < len(runs):
        raise ValueError("a comparison needs two runs or more, each with a name of its own")
    places = list(combinations(range(len(runs)), 2))
    progress.begin(len(places), "pairs")
    pairings, agreements = [], []
    for first, second in places:
        pair = _Pair(runs[first], runs[second])
        agreements.append(_agreement(pair, first, second))
        if first == 0:
            pairings.append(_pairing(pair, second))
        progress.advance()
    return ComparisonRecord(
        format=FORMAT,
        runs=tuple(_overview(run) for run in runs),
        pairings=tuple(pairings),
        agreements=tuple(agreements),
        scores=score_lines(runs),
        paired=tuple(paired),
        settings=settings_of([run.config for run in runs]),
    )


class _Pair:
    """Two runs, and what they have in common."""

    def __init__(self, first: ComparedRun, second: ComparedRun) -> None:
        self.first, self.second = first, second
        self.numbers = ([t.topic for t in first.topics], [t.topic for t in second.topics])
        self.messages = _shared(first, second)
        self.counts = _counts(self.messages, self.numbers)  # last row and column: no topic
        self.by_membership = _enough(len(self.messages), first, second)
        self.encoders_agree = _encoders_agree(first, second)
        self.overlap = self._overlap()
        self.aligned: Aligned = align(self.overlap, (_order(first), _order(second)))

    def _overlap(self) -> Overlap:
        first, second = self.first.topics, self.second.topics
        words = [[topic.words for topic in topics] for topics in (first, second)]
        weights = [[topic.weights for topic in topics] for topics in (first, second)]
        ranked = word_likeness(*words)
        near = _cosines(self.first, self.second) if self.encoders_agree else None
        if self.by_membership:
            inside = self.counts[:-1, :-1]
            sizes = self.counts.sum(axis=1)[:-1], self.counts.sum(axis=0)[:-1]
            coefficients, unions = jaccard(self.counts)
            went, came = _shares(inside, sizes[0][:, None]), _shares(inside, sizes[1][None])
            return Overlap(coefficients, ranked, near, went, came, unions, (sizes[0] > 0, sizes[1] > 0))
        went, came = (
            word_shares(words[0], weights[0], words[1]),
            word_shares(words[1], weights[1], words[0]).T,
        )
        likeness = ranked if near is None else (ranked + np.clip(near, 0, 1)) / 2
        known = np.ones(len(first), dtype=bool), np.ones(len(second), dtype=bool)
        return Overlap(likeness, ranked, near, went, came, None, known)


def _shared(first: ComparedRun, second: ComparedRun) -> pl.DataFrame:
    """Give the messages of both, sorted: MEMBERSHIP, and the second's columns with _right."""
    nothing = pl.DataFrame(schema=MEMBERSHIP)
    runs = first, with_ids_of(first, second)
    one, other = (nothing if run.membership is None else run.membership for run in runs)
    return one.join(other, on="doc_id", how="inner").sort("doc_id")


def with_ids_of(first: ComparedRun, other: ComparedRun) -> ComparedRun:
    """Give a run's messages the ids that they have in the first run, where it had the same corpus.

    That is, the same texts in the same order: ids are made with a study's key, and two studies on the same
    texts have different ones.
    """
    ours, theirs = first.membership, other.membership
    if first.corpus != other.corpus or not other.corpus or ours is None or theirs is None:
        return other
    if len(ours) != len(theirs):
        return other
    found = replace(other, membership=theirs.with_columns(ours["doc_id"]))
    if other.evaluation is None:
        return found
    ids = pl.col("doc_id").replace(theirs["doc_id"], ours["doc_id"])
    return replace(found, evaluation=other.evaluation.with_columns(ids))


def _counts(messages: pl.DataFrame, numbers: tuple[list[int], list[int]]) -> Ints:
    found = np.zeros((len(numbers[0]) + 1, len(numbers[1]) + 1), dtype=np.int64)
    row, column = (
        _places(messages[name], of) for name, of in zip(("topic", "topic_right"), numbers, strict=True)
    )
    np.add.at(found, (row, column), 1)
    return found


def _places(topics: pl.Series, numbers: list[int]) -> Ints:
    """Which place each message's topic has among the topics; the last one stands for none."""
    place = {number: at for at, number in enumerate(numbers)}
    return np.array([place.get(topic, len(numbers)) for topic in topics.to_list()], dtype=np.int64)


def _enough(shared: int, first: ComparedRun, second: ComparedRun) -> bool:
    if first.membership is None or second.membership is None:
        return False
    half = SHARED_OF_SMALLER * min(len(first.membership), len(second.membership))
    each = SHARED_PER_TOPIC * max(len(first.topics), len(second.topics))
    return shared > 0 and shared >= min(half, each)


def _encoders_agree(first: ComparedRun, second: ComparedRun) -> bool:
    one, other = first.vectors, second.vectors
    alike = one is not None and other is not None and one.shape[1] == other.shape[1]
    if first.weights and second.weights:
        return alike and first.weights == second.weights
    return alike and _encoder(first) == _encoder(second) != ""


def _encoder(run: ComparedRun) -> str:
    """Name an encoder as all do: without the library's folder, or where it was taken from."""
    return run.encoder.removesuffix(" (bundled)").rpartition("/")[2]


def _cosines(first: ComparedRun, second: ComparedRun) -> Doubles:
    nothing: Floats = np.zeros((0, 0), dtype=np.float32)
    one, other = (nothing if run.vectors is None else run.vectors for run in (first, second))
    return cosines(one, other)


def _shares(inside: Ints, sizes: Ints) -> Doubles:
    return np.divide(inside, sizes, out=np.zeros(inside.shape), where=sizes > 0)


def _order(run: ComparedRun) -> Ints:
    """Order topics by what they are, not by their numbers: by size, words, and their first message's id."""
    least: dict[int, str] = {}
    if run.membership is not None:
        ids = run.membership.group_by("topic").agg(pl.col("doc_id").min())
        least = dict(ids.iter_rows())
    keys = [(-topic.size, topic.words, least.get(topic.topic, "")) for topic in run.topics]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def _agreement(pair: _Pair, first: int, second: int) -> Agreement:
    counts, shared = pair.counts, len(pair.messages)
    inside = counts[:-1, :-1]
    both, least = int(inside.sum()), shared >= 2
    mutual = _mutual_information(counts) if least else (None, None)
    partners = np.flatnonzero(pair.aligned.partner >= 0)
    alike = pair.overlap.words[partners, pair.aligned.partner[partners]].sum()
    return Agreement(
        first=first,
        second=second,
        shared=shared,
        with_topic=both,
        ari=adjusted_rand(counts) if least else None,
        ami=mutual[0],
        nmi=mutual[1],
        ari_with_topic=adjusted_rand(inside).value if both >= 2 else None,
        words=float(alike) / max(*map(len, pair.numbers), 1),
    )


def _mutual_information(counts: Ints) -> tuple[float, float]:
    """Give adjusted and normalised mutual information (Vinh, Epps and Bailey, 2010)."""
    from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

    row, column = np.nonzero(counts)
    labels = np.repeat(row, counts[row, column]), np.repeat(column, counts[row, column])
    return float(adjusted_mutual_info_score(*labels)), float(normalized_mutual_info_score(*labels))


def _pairing(pair: _Pair, place: int) -> Pairing:
    overlap, aligned, numbers = pair.overlap, pair.aligned, pair.numbers
    back = numbers[::-1]
    return Pairing(
        run=place,
        basis="membership" if pair.by_membership else "words",
        encoders_agree=pair.encoders_agree,
        shared=len(pair.messages),
        topics=matches(overlap, aligned, numbers),
        others=matches(overlap.reverse, aligned.reverse, back, "appeared"),
        splits=splits(overlap, aligned, numbers),
        merges=splits(overlap.reverse, aligned.reverse, back),
        likeness=tuple(tuple(row) for row in overlap.likeness.tolist()),
        streams=_streams(pair.counts, numbers),
        themes=theme_moves(pair.messages),
    )


def _streams(counts: Ints, numbers: tuple[list[int], list[int]]) -> tuple[Stream, ...]:
    here, there = [*numbers[0], -1], [*numbers[1], -1]
    return tuple(
        Stream(here[row], there[column], int(counts[row, column]))
        for row, column in zip(*np.nonzero(counts), strict=True)
    )


def _overview(run: ComparedRun) -> RunOverview:
    messages = run.membership
    known = messages is not None and len(messages) > 0
    return RunOverview(
        name=run.name,
        started_at=run.started_at,
        encoder=run.encoder,
        messages=None if messages is None else len(messages),
        without_topic=len(messages.filter(pl.col("topic") < 0)) / len(messages)
        if messages is not None and known
        else None,
        labels=run.labels,
        topics=run.topics,
    )
