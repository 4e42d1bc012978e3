"""A corpus with some labels, of which more can be simulated."""

from functools import cached_property

import numpy as np

from themeloom.errors import LabelError
from themeloom.records import Doubles, Ints, LabelledSample
from themeloom.themes._calibration import calibrate
from themeloom.themes.design import averaged
from themeloom.themes.prevalence import half_widths

DRAWS = 200  # samples simulated for one number of labels
LEAST_DRAWS = 2  # of large samples, which differ little
LABELS = 100_000  # simulated at once, and for one number of labels where that leaves draws enough


class Outlook:
    """What is known of a corpus and its labels, from which further labels are drawn.

    Themes of messages without label are drawn from the posterior, calibrated so that themes are as common as
    among the labels and the most probable theme is right as often as held-out scores say. Predictions of
    labelled messages are drawn from those of the others, given the label: their own have seen it.

    Parameters
    ----------
    predicted
        (communications, themes): the mapping's posterior; rows of NaN where it says nothing.
    sample
        The labels there are. Where their inclusion probabilities are unknown, they stand for themselves alone
        once a sample of the others is drawn.
    random
        Whether they are a simple random sample: further random ones are one sample with them.
    accuracy
        Share of held-out labels that the most probable theme gets right.
    seed
        Seed of all draws.
    listed
        Of a label store: positions of messages that were drawn, whether they have a label or not, as none
        comes twice. What further ones tell is averaged with what the labels tell now.

    Raises
    ------
    LabelError
        If there are fewer than two labels, or no message is left to label.
    """

    def __init__(
        self,
        predicted: Doubles,
        sample: LabelledSample,
        *,
        random: bool,
        accuracy: float,
        seed: int,
        listed: Ints | None = None,
    ) -> None:
        self.communications, self._themes = predicted.shape
        self._sample, self._random, self._seed = sample, random, seed
        self._averages = listed is not None
        self._coded = sample.theme[sample.decided]
        taken = sample.position if listed is None else np.union1d(sample.position, listed)
        self.labels, self.left = len(self._coded), self.communications - len(taken)
        self.tied = len(sample.theme) - self.labels
        if self.labels < 2:
            aside = f", and {self.tied} message(s) tied or unclear" if self.tied else ""
            cure = "adjudicate them, or label" if self.tied else "label"
            raise LabelError(
                f"the labelled sample: has fewer than two labels{aside}; {cure} more messages first."
            )
        if self.left < 1:
            raise LabelError("the labelled sample: holds every message already; there is nothing to plan.")
        rest = np.delete(predicted, taken, axis=0)
        rest = np.where(np.isnan(rest), self._coded_shares, rest)
        self._rest, self._posterior = rest, calibrate(rest, self._coded_shares, accuracy)
        self._below, self._mean = np.cumsum(self._posterior, axis=1), rest.mean(axis=0)

    @property
    def shares(self) -> Doubles:
        """How common each theme is among all messages, (themes,), by the labels."""
        return self._coded_shares

    def confusion(self, labels: int) -> Doubles:
        """Expect a confusion matrix of most probable themes, (themes, themes + 1), on so many labels."""
        chosen = np.eye(self._themes, self._themes + 1)[self._rest.argmax(axis=1)]
        return np.asarray(self._posterior.T @ chosen * (labels / self.left))

    def expected_labels(self, more: int) -> Doubles:
        """How many messages are expected to be coded as each theme, (themes,)."""
        there = np.bincount(self._coded, minlength=self._themes)
        return np.asarray(there + more * self._posterior.mean(axis=0))

    def half_widths(self, more: int) -> tuple[Doubles, Doubles]:
        """Expect half-widths of the 95% intervals of shares.

        Parameters
        ----------
        more
            How many messages are drawn at random from those that are left.

        Returns
        -------
        tuple
            (themes,) by labels alone, and (themes,) prediction-powered; NaN where the labels, as yet,
            are no probability sample.

        Raises
        ------
        LabelError
            If more are asked for than are left.
        """
        if not 0 <= more <= self.left:
            raise LabelError(
                f"cannot plan {more:,} more labels: {self.left:,} of {self.communications:,} messages are "
                "not labelled yet; ask for numbers from 1 to that."
            )
        inclusion = self._inclusion(more)
        if np.isnan(inclusion).any():
            return np.full(self._themes, np.nan), np.full(self._themes, np.nan)
        labels = self.labels + more
        draws = min(DRAWS, max(LEAST_DRAWS, LABELS // labels))
        at_once = max(1, LABELS // labels)
        generator = np.random.default_rng([self._seed, more])
        found = []
        for start in range(0, draws, at_once):
            coded, row = self._draw(more, min(at_once, draws - start), generator)
            truth = np.eye(self._themes)[coded].reshape(labels, -1)
            seen = self._rest[row].reshape(labels, -1)
            mean = np.tile(self._mean, row.shape[1])
            widths = half_widths(truth, inclusion, seen, mean, self.communications)
            found.append(np.stack(widths).reshape(2, row.shape[1], self._themes))
        by_labels, powered = np.concatenate(found, axis=1).mean(axis=1)
        return by_labels, powered

    @cached_property
    def _coded_shares(self) -> Doubles:
        """Shares among the labels, with one label more spread evenly: no theme is impossible."""
        weights = np.ones(len(self._sample.theme))
        if self._sample.inclusion is not None and np.isfinite(self._sample.inclusion).all():
            weights = 1 / self._sample.inclusion
        weights = weights[self._sample.decided] / weights[self._sample.decided].mean()
        counts = np.bincount(self._coded, weights, self._themes) + 1 / self._themes
        return np.asarray(counts / counts.sum())

    def _inclusion(self, more: int) -> Doubles:
        """With which probability each label was drawn, (labels,), those to come last."""
        if self._random:
            return np.full(self.labels + more, (self.labels + more) / self.communications)
        now = np.full(self.labels, np.nan)
        if self._sample.inclusion is not None:
            now = self._sample.inclusion[self._sample.decided] * self._sample.decided.mean()
        if not more:
            return now
        later = np.append(np.ones(self.labels), np.full(more, more / self.left))
        if not self._averages or not np.isfinite(now).any():
            return later
        before = np.append(np.where(np.isfinite(now), 1 / now, 0.0), np.zeros(more))
        return averaged(np.stack([before, 1 / later]))

    def _draw(self, more: int, draws: int, generator: np.random.Generator) -> tuple[Ints, Ints]:
        """Draw labels, and the messages whose predictions go with them; both (labels, draws)."""
        coded = np.repeat(self._coded[:, None], draws, axis=1)
        alike = np.zeros(coded.shape, dtype=np.int64)
        for theme in np.unique(self._coded):
            here, weights = self._coded == theme, self._posterior[:, theme]
            size = (int(here.sum()), draws)
            alike[here] = generator.choice(self.left, size, p=weights / weights.sum())
        drawn = [generator.choice(self.left, more, replace=False, shuffle=False) for _ in range(draws)]
        row = np.stack(drawn, axis=1).astype(np.int64)
        at = generator.random(row.shape)[:, :, None]
        new = np.minimum((self._below[row] < at).sum(axis=2), self._themes - 1)
        return np.vstack([coded, new]), np.vstack([alike, row])
