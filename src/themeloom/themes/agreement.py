"""How far coders agree: coefficients overall and a theme, who disagrees with whom, and on what."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from themeloom.errors import LabelError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Codebook, Doubles, Ints, LabelledSample
from themeloom.scored import Score
from themeloom.themes._bca import bca
from themeloom.themes._coefficients import ac1, against_rest, alpha, count_codes, mean_kappa, observed
from themeloom.themes._scoring import ratio, tables

DRAWS = 2000

Figures = dict[tuple[str, ...], Doubles]
"""Figures by what they are of; each (draws,)."""


@dataclass(frozen=True, slots=True)
class ThemeAgreement:
    """How far coders agree on one theme, against all others together."""

    theme: str
    messages: int  # given the theme by at least one coder, of those that two or more coded
    disputed: int  # of these, the messages that not all of their coders gave the theme
    disputed_share: Score
    rival: str | None  # the theme that another coder gave most often instead
    scores: dict[str, Score]  # observed, kappa, alpha, ac1


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """How far two coders agree, on the messages that both coded."""

    first: str
    second: str
    messages: int
    scores: dict[str, Score]  # observed, kappa


@dataclass(frozen=True, slots=True)
class Confusion:
    """Two coders saying different things of the same messages."""

    first: str
    second: str
    first_theme: str
    second_theme: str
    messages: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the coders of a sample agree."""

    coders: tuple[str, ...]
    messages: int  # coded by two or more
    coded_once: int
    scores: dict[str, Score]  # observed, kappa, alpha, ac1
    themes: tuple[ThemeAgreement, ...]  # those that anybody gave, most disputed messages first
    unused: tuple[str, ...]  # themes that nobody gave
    pairs: tuple[PairAgreement, ...]
    confusions: tuple[Confusion, ...]  # most frequent first


def agreement(
    sample: LabelledSample,
    codebook: Codebook,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress = UNWATCHED,
) -> Agreement:
    """Measure the agreement between any number of coders, who need not all have coded every message.

    ``observed`` is the share of pairs of coders who agree on a message; ``kappa`` Cohen's (1960), for more
    than two coders the mean over their pairs (Light, 1971); ``alpha`` Krippendorff's (2011) for nominal
    codes; ``ac1`` Gwet's (2008). Of a theme, they tell that theme from all others. A coefficient is NaN
    where it is undefined: kappa and alpha where only one code was ever used.

    Parameters
    ----------
    sample
        The labelled sample, messages on which coders tie included. Its adjudicated labels play no part.
    codebook
        All the codes that coders could give: AC1 depends on their number.
    draws
        Bootstrap draws of messages behind each 95% interval (BCa; Efron, 1987).
    seed
        Seed of the bootstrap.
    progress
        Told of the draws.

    Raises
    ------
    LabelError
        If there are fewer than two coders, or no message was coded by two of them.
    """
    given = (sample.codes >= 0).sum(axis=1)
    _check(sample, given)
    kinds = _Kinds(sample, codebook.keys)
    figures = kinds.figures(kinds.weights)
    scores = dict(
        zip(
            figures,
            bca(lambda w: np.stack([*kinds.figures(w).values()], axis=1), kinds.size, draws, seed, progress),
            strict=True,
        )
    )
    confusions = sorted(_confusions(kinds), key=lambda confusion: -confusion.messages)
    themes = _themes(kinds, scores, _rivals(confusions))
    return Agreement(
        sample.coders,
        int((given >= 2).sum()),
        int((given == 1).sum()),
        _of(scores, "all"),
        tuple(sorted(themes, key=lambda theme: -theme.disputed)),
        tuple(key for theme, key in enumerate(codebook.keys) if theme not in kinds.used),
        tuple(_pairs(kinds, scores)),
        tuple(confusions),
    )


def _check(sample: LabelledSample, given: Ints) -> None:
    if len(sample.coders) < 2:
        raise LabelError(
            f"the labels: agreement needs two coders, but there is {len(sample.coders)}; name a column each."
        )
    if not (given >= 2).any():
        raise LabelError("the labels: no message was coded by two coders; let them code some of the same.")


class _Kinds:
    """Messages that got the same codes from the same coders are one kind.

    Kinds are in the order of the coders' names: neither rows nor columns in another order change a draw.
    """

    def __init__(self, sample: LabelledSample, themes: tuple[str, ...]) -> None:
        order = np.argsort(sample.coders)
        rows = sample.codes[(sample.codes >= 0).any(axis=1)]
        kinds, self.size = np.unique(rows[:, order], axis=0, return_counts=True)
        self.codes: Ints = kinds[:, np.argsort(order)]
        self.coders, self.themes = sample.coders, themes
        self.counts = count_codes(self.codes, len(themes))
        self.used = [int(theme) for theme in np.flatnonzero(self.counts.sum(axis=0))]
        self.pairs = list(combinations(range(len(self.coders)), 2))
        twice = self.counts.sum(axis=1) >= 2
        self.named = (self.counts > 0) & twice[:, None]
        self.disputed = self.named & (self.counts < self.counts.sum(axis=1)[:, None])

    @property
    def weights(self) -> Doubles:
        """All messages, each once: (1, kinds)."""
        return self.size[None].astype(np.float64)

    def pair_table(self, pair: tuple[int, int], weights: Doubles) -> Doubles:
        """Count what one coder says against what another says: (draws, themes, themes + 1)."""
        first, second = self.codes[:, pair].T
        both = (first >= 0) & (second >= 0)
        return tables(first[both], second[both], weights[:, both], len(self.themes))

    def figures(self, weights: Doubles) -> Figures:
        """Give every figure of every draw."""
        found = [self.pair_table(pair, weights) for pair in self.pairs]
        figures = _scores(("all",), self.counts, weights, mean_kappa(found))
        apart = mean_kappa(against_rest(table) for table in found)
        total = self.counts.sum(axis=1)
        for theme in self.used:
            name, count = ("theme", self.themes[theme]), self.counts[:, theme]
            counts = np.stack([count, total - count], axis=1)
            figures |= _scores(name, counts, weights, apart[:, theme])
            figures[*name, "disputed"] = ratio(
                weights @ self.disputed[:, theme], weights @ self.named[:, theme]
            )
        for (first, second), table in zip(self.pairs, found, strict=True):
            pair = ("pair", self.coders[first], self.coders[second])
            figures[*pair, "observed"] = ratio(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))
            figures[*pair, "kappa"] = mean_kappa([table])
        return figures


def _scores(name: tuple[str, ...], counts: Ints, weights: Doubles, kappa: Doubles) -> Figures:
    return {
        (*name, "observed"): observed(counts, weights),
        (*name, "kappa"): kappa,
        (*name, "alpha"): alpha(counts, weights),
        (*name, "ac1"): ac1(counts, weights),
    }


def _of(scores: dict[tuple[str, ...], Score], *name: str) -> dict[str, Score]:
    return {key[-1]: score for key, score in scores.items() if key[:-1] == name}


def _rivals(confusions: Iterable[Confusion]) -> dict[str, str]:
    """Find what each theme is most often confused with, over all pairs of coders."""
    confused: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for confusion in confusions:
        confused[confusion.first_theme][confusion.second_theme] += confusion.messages
        confused[confusion.second_theme][confusion.first_theme] += confusion.messages
    return {theme: min(others, key=lambda one: (-others[one], one)) for theme, others in confused.items()}


def _themes(
    kinds: _Kinds, scores: dict[tuple[str, ...], Score], rivals: dict[str, str]
) -> Iterable[ThemeAgreement]:
    for theme in kinds.used:
        key = kinds.themes[theme]
        found = _of(scores, "theme", key)
        share = found.pop("disputed")
        named, disputed = (int(kinds.size @ flags[:, theme]) for flags in (kinds.named, kinds.disputed))
        yield ThemeAgreement(key, named, disputed, share, rivals.get(key), found)


def _pairs(kinds: _Kinds, scores: dict[tuple[str, ...], Score]) -> Iterable[PairAgreement]:
    for pair in kinds.pairs:
        first, second = (kinds.coders[coder] for coder in pair)
        messages = int(kinds.pair_table(pair, kinds.weights).sum())
        yield PairAgreement(first, second, messages, _of(scores, "pair", first, second))


def _confusions(kinds: _Kinds) -> Iterable[Confusion]:
    for pair in kinds.pairs:
        first, second = (kinds.coders[coder] for coder in pair)
        table = kinds.pair_table(pair, kinds.weights)[0, :, :-1]
        for said, other in np.argwhere(table * (1 - np.eye(len(table)))):
            messages = int(table[said, other])
            yield Confusion(first, second, kinds.themes[said], kinds.themes[other], messages)
