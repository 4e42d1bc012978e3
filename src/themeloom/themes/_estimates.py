"""Estimates of shares in a finite corpus, from labels of known probability: alone, and with predictions."""

from dataclasses import dataclass

import numpy as np

from themeloom.records import Doubles, Ints

TINY = np.finfo(np.float64).tiny
ROUNDING = 1e-9  # a share this near to 0 or 1 is 0 or 1


@dataclass(frozen=True, slots=True)
class Drawn:
    """The messages with a label."""

    place: Ints  # (labels,): where they are in the corpus
    coded: Doubles  # (labels, themes): 1 where this is the theme
    inclusion: Doubles  # (labels,)

    @classmethod
    def answered(cls, labels: Ints, inclusion: Doubles, themes: int) -> "Drawn":
        """Take those that have a label of all that were drawn, which stand first in the corpus.

        The probability of being drawn is lowered to that of being drawn and labelled.
        """
        known = labels >= 0
        return cls(np.flatnonzero(known), np.eye(themes)[labels[known]], inclusion[known] * known.mean())


@dataclass(frozen=True, slots=True)
class Estimate:
    """Shares, or differences of shares, with 95% intervals; NaN where there are none."""

    share: Doubles  # (themes,)
    low: Doubles
    high: Doubles

    @classmethod
    def without_interval(cls, share: Doubles) -> "Estimate":
        """Take shares as they are."""
        return cls(share, np.full_like(share, np.nan), np.full_like(share, np.nan))

    @property
    def half_width(self) -> Doubles:
        """Half of the interval's width."""
        return np.asarray((self.high - self.low) / 2)

    def less(self, other: "Estimate") -> "Estimate":
        """Tell how much larger shares are than others, which were estimated from other messages.

        Newcombe 1998, *Statistics in Medicine* 17, 873-890, method 10; for intervals of any kind Zou and
        Donner 2008, *Statistics in Medicine* 27, 1693-1702.
        """
        value = self.share - other.share
        below = np.hypot(self.share - self.low, other.high - other.share)
        above = np.hypot(self.high - self.share, other.share - other.low)
        return Estimate(value, value - below, value + above)


class Sample:
    """Design-based estimates of weighted means over the corpus."""

    def __init__(self, drawn: Drawn, weight: Doubles) -> None:
        stands_for = weight[drawn.place] / drawn.inclusion
        self._coded = drawn.coded
        self._share = stands_for / stands_for.sum()
        chance = 1 - drawn.inclusion  # none for a message that was certain to be drawn
        by_chance = int((chance > 0).sum())
        # Where the sample happens to hold few of the much repeated messages, it knows too little of
        # how much they sway a mean; the corpus tells.
        expected = (weight[drawn.place] ** 2 / drawn.inclusion).sum() / stands_for.sum() ** 2
        swayed = max(1.0, float((weight**2).sum() / weight.sum() ** 2 / expected))
        self._spread = chance * self._share**2 * swayed * by_chance / max(by_chance - 1, 1)
        self._freedom = max(by_chance - 1, 1)

    def from_labels(self) -> Estimate:
        """Use the labels alone."""
        share = self._share @ self._coded
        return self._interval(share, self._variance(self._coded - share), share * (1 - share))

    def powered(self, predicted: Doubles, corpus_mean: Doubles) -> Estimate:
        """Use the labels to correct the predictions' mean over the corpus."""
        share, mean = self._share @ self._coded, self._share @ predicted
        coded, moved = self._coded - share, predicted - mean
        together = self._spread @ (coded * moved)
        factor = np.clip(together / np.maximum(self._spread @ moved**2, TINY), 0, 1)
        # A factor above 0 costs a degree of freedom. And predictions that made no error on the labels will
        # err elsewhere: one error each way is added, which is the rule of three where there is none.
        variance = self._variance(coded - factor * moved) * (1 + 1 / self._freedom)
        variance += 2 * factor**2 * self._spread.mean()
        powered = (share + factor * (corpus_mean - mean)).clip(0, 1)
        # With its factor tuned, it is no less sure than the labels alone; of these, a share that happens to
        # be low in the sample would tell too little, so that they are asked at the powered share too.
        alone = np.maximum(self._variance(coded), self._spread.sum() * powered * (1 - powered))
        binomial = np.maximum(share * (1 - share), powered * (1 - powered))
        return self._interval(powered, np.minimum(variance, alone), binomial)

    def _variance(self, residual: Doubles) -> Doubles:
        """Give the variance of the mean of residuals.

        Never less than if residuals had nothing to do with weights: few labels may carry most of the weight.
        """
        alike = self._spread.sum() * (self._share @ residual**2)
        return np.asarray(np.maximum(self._spread @ residual**2, alike))

    def _interval(self, share: Doubles, variance: Doubles, binomial: Doubles) -> Estimate:
        """Give Clopper and Pearson's interval at the size of a random sample with this variance."""
        from scipy.special import betaincinv, ndtri, stdtrit

        share = np.clip(share, 0, 1)
        per_label = np.where(
            binomial > ROUNDING, variance / np.maximum(binomial, ROUNDING), self._spread.sum()
        )
        if not per_label.any():
            return Estimate(share, share, share)
        shrunk = (ndtri(0.975) / stdtrit(self._freedom, 0.975)) ** 2
        size = shrunk / np.maximum(per_label, TINY)
        low = betaincinv(np.maximum(share * size, TINY), (1 - share) * size + 1, 0.025)
        high = betaincinv(share * size + 1, np.maximum((1 - share) * size, TINY), 0.975)
        return Estimate(share, np.clip(low, 0, share), np.clip(high, share, 1))
