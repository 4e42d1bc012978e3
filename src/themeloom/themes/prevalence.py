"""How common each theme is in the corpus, with 95% intervals: from labels, predictions, and both."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from themeloom.errors import LabelError
from themeloom.records import Codebook, Doubles, Ints
from themeloom.themes._estimates import Drawn, Estimate, Sample

LABELS, MAPPING, POWERED = "labels", "mapping", "prediction-powered"
COMMUNICATIONS, MESSAGES = "communications", "messages"
PREVALENCE = {
    "weighting": pl.String,  # communications: each counts once; messages: as often as it was seen
    "method": pl.String,
    "theme": pl.String,
    "share": pl.Float64,
    "low": pl.Float64,  # of the 95% interval; null where the method has none
    "high": pl.Float64,
}
"""Columns of the table."""

STANDS_FOR = (2 / 3, 3 / 2)  # how far what the labels stand for may be from the corpus


@dataclass(frozen=True, slots=True)
class Prevalence:
    """How common each theme is in the corpus."""

    table: pl.DataFrame  # PREVALENCE
    labels: int
    communications: int


def prevalence(
    labels: Ints,
    inclusion: Doubles,
    predicted_labelled: Doubles,
    predicted_rest: Doubles,
    weights: Doubles | None,
    codebook: Codebook,
) -> Prevalence:
    """Estimate the share of each theme in the corpus, in three ways.

    ``labels``
        The Hájek estimate: the labelled messages, each weighted by one over its inclusion probability. Its
        variance has the finite-population correction; strata are not used, which makes it too large if
        anything. Intervals are those of Clopper and Pearson (1934) at the
        effective sample size (Korn and Graubard, 1998).
    ``mapping``
        The share of messages whose most probable theme this is. It has no interval: what is wrong
        with it is the mapping's errors, not chance.
    ``prediction-powered``
        PPI++ of Angelopoulos, Duchi and Zrnic (2023) for a mean: the predictions' mean over the corpus, plus
        the mean difference between labels and predictions. Predictions are scaled by a factor of each theme's
        own, tuned between 0 and 1: near 0 where they make nothing surer, so that the labels alone are left.
        Whether predictions are used never hangs on the share that the labels happen to have, which would
        make low shares more frequent than high ones. As the corpus is finite and wholly predicted, only the
        difference is uncertain. These shares need not sum to 1.

    Parameters
    ----------
    labels
        (drawn,): theme indices; -1 where a message was drawn but has no label, as its coders tie or it is
        unclear. Those are taken to be like the others.
    inclusion
        (drawn,): the probability with which each was drawn. Where messages were labelled before a
        sample of the others was drawn, they stand for themselves and have probability 1.
    predicted_labelled
        (drawn, themes): posterior by models that did not see the message's label.
    predicted_rest
        (rest, themes): posterior for all other messages, best the mean over the models that predicted the
        labelled ones (Zrnic and Candès, 2024), so that both predict equally well.
    weights
        (drawn + rest,): how often each message was seen, the drawn ones first; with it, shares are also given
        of all messages, repeats included.
    codebook
        The themes.

    Returns
    -------
    Prevalence
        A row for each weighting, method and theme.

    Raises
    ------
    LabelError
        If the labels are no probability sample of the corpus, or fewer than two.
    ValueError
        If the arrays do not fit each other.
    """
    predicted = np.vstack([predicted_labelled, predicted_rest])
    _check_shapes(labels, inclusion, predicted, weights, len(codebook.keys))
    check_inclusion(labels, inclusion, len(predicted))
    drawn = Drawn.answered(labels, inclusion, len(codebook.keys))
    counted = {COMMUNICATIONS: np.ones(len(predicted))} | ({} if weights is None else {MESSAGES: weights})
    rows = [
        (name, method, *row)
        for name, weight in counted.items()
        for method, estimate in _estimates(drawn, predicted, weight).items()
        for row in _rows(codebook, estimate)
    ]
    table = pl.DataFrame(rows, PREVALENCE, orient="row").fill_nan(None)
    return Prevalence(table, len(drawn.place), len(predicted))


def check_inclusion(labels: Ints, inclusion: Doubles, communications: int) -> None:
    """Refuse labels that are no probability sample of the corpus.

    Raises
    ------
    LabelError
        If there are fewer than two labels, an inclusion probability is unknown or outside (0, 1], or
        the labels stand for far more or fewer messages than the corpus has.
    """
    if (labels >= 0).sum() < 2:
        raise LabelError("the labelled sample: has fewer than two labels; label more messages.")
    unknown = int((~np.isfinite(inclusion)).sum())
    if unknown:
        raise LabelError(
            f"the labelled sample: the inclusion probability of {unknown} of {len(labels)} messages is "
            "unknown; set themes.sample or themes.inclusion, or label a random sample."
        )
    impossible = int(((inclusion <= 0) | (inclusion > 1)).sum())
    if impossible:
        raise LabelError(
            f"the labelled sample: {impossible} of {len(labels)} messages have an inclusion probability that "
            "is not above 0 and at most 1; correct the column of themes.inclusion."
        )
    stands_for = float((1 / inclusion).sum())
    if not STANDS_FOR[0] <= stands_for / communications <= STANDS_FOR[1]:
        raise LabelError(
            f"the labelled sample: by their inclusion probabilities, the labels stand for {stands_for:,.0f} "
            f"messages, but the corpus has {communications:,}; correct the column of themes.inclusion."
        )


def half_widths(
    coded: Doubles, inclusion: Doubles, predicted: Doubles, corpus_mean: Doubles, communications: int
) -> tuple[Doubles, Doubles]:
    """Tell how wide `prevalence` would find the intervals of shares, each communication counting once.

    Columns may be themes, or themes of many samples that were drawn with the same probabilities.

    Parameters
    ----------
    coded
        (labels, columns): 1 where a message has the theme, else 0.
    inclusion
        (labels,): the probability with which each was drawn and labelled.
    predicted
        (labels, columns): posterior by models that did not see the message's label.
    corpus_mean
        (columns,): mean posterior over the corpus.
    communications
        Size of the corpus.

    Returns
    -------
    tuple
        (columns,) half-widths of the 95% intervals by labels alone, and prediction-powered.
    """
    sample = Sample(Drawn(np.arange(len(coded)), coded, inclusion), np.ones(communications))
    return sample.from_labels().half_width, sample.powered(predicted, corpus_mean).half_width


def _estimates(drawn: Drawn, predicted: Doubles, weight: Doubles) -> dict[str, Estimate]:
    chosen = np.eye(predicted.shape[1])[predicted.argmax(axis=1)]
    sample = Sample(drawn, weight)
    return {
        LABELS: sample.from_labels(),
        MAPPING: Estimate.without_interval(weight @ chosen / weight.sum()),
        POWERED: sample.powered(predicted[drawn.place], weight @ predicted / weight.sum()),
    }


def _check_shapes(
    labels: Ints, inclusion: Doubles, predicted: Doubles, weights: Doubles | None, themes: int
) -> None:
    if predicted.shape[1] != themes or not np.isfinite(predicted).all():
        raise ValueError("predictions must be finite, a column a theme")
    if labels.shape != inclusion.shape or len(labels) > len(predicted):
        raise ValueError("labels and inclusion must have a value for each message drawn")
    if labels.max(initial=-1) >= themes or labels.min(initial=-1) < -1:
        raise ValueError("labels must be indices of themes, or -1")
    if weights is not None and (weights.shape != (len(predicted),) or not (weights > 0).all()):
        raise ValueError("weights must be above 0, one for each message of the corpus")


def _rows(codebook: Codebook, estimate: Estimate) -> Iterator[tuple[str, float, float, float]]:
    """Give each theme's key, share and interval."""
    figures = (estimate.share.tolist(), estimate.low.tolist(), estimate.high.tolist())
    return zip(codebook.keys, *figures, strict=True)
