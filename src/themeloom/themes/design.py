"""Which messages to label next: drawn so that it is known what they stand for."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from themeloom.errors import LabelError
from themeloom.records import Doubles, Ints

T = TypeVar("T", bound=np.generic)

Design = Literal["random", "stratified", "grouped", "uncertain"]
DESIGNS: tuple[Design, ...] = get_args(Design)

DRAWN: dict[str, Any] = {
    "doc_id": pl.String,
    "inclusion_probability": pl.Float64,  # among the messages not yet labelled; null where there is none
    "design": pl.String,
}
"""Columns of a drawn sample."""


def draw_sample(  # noqa: PLR0913 (three of them are for one design each)
    doc_ids: Sequence[str],
    labelled: Iterable[str],
    n: int,
    design: Design,
    seed: int,
    *,
    topic: Ints | None = None,
    group: Ints | None = None,
    posterior: Doubles | None = None,
) -> pl.DataFrame:
    """Draw messages that are not labelled yet.

    ``random``
        A simple random sample without replacement.
    ``stratified``
        A simple random sample within each topic, as many as its share of the messages, but at least one;
        messages without topic (-1) are a stratum of their own.
    ``grouped``
        A simple random sample within each group, of all the same size as far as they have so many messages;
        those of an unknown group (-1) are a group of their own.
    ``uncertain``
        The messages whose theme is least certain (largest entropy), drawn by lot where they tie. They teach a
        mapping most, but stand for no others: their inclusion probability is null.

    The order of the messages makes no difference, and what is labelled is never drawn again: the same seed
    draws on.

    Parameters
    ----------
    doc_ids
        The corpus.
    labelled
        Which of them are labelled, or were drawn to be.
    n
        How many to draw.
    design
        How to draw them.
    seed
        Seed of the draw.
    topic
        (communications,): the topic of each, for ``stratified``.
    group
        (communications,): the group of each, for ``grouped``.
    posterior
        (communications, themes): for ``uncertain``; NaN where nothing is known: most uncertain.

    Returns
    -------
    polars.DataFrame
        ``DRAWN``, in the order in which they were drawn: any first part of a random sample is one too.

    Raises
    ------
    LabelError
        If `n` is below 1, below the number of topics or groups to draw from, or above the number of messages
        left.
    ValueError
        If the design lacks what it needs.
    """
    taken = set(labelled)
    places = np.array([place for place, one in enumerate(doc_ids) if one not in taken], np.int64)
    places = places[np.argsort(np.array(doc_ids, dtype=object)[places], kind="stable")]
    if not 1 <= n <= len(places):
        raise LabelError(
            f"cannot draw {n:,} messages: {len(places):,} of {len(doc_ids):,} are not labelled yet; "
            "ask for a number from 1 to that, by --draw of `label`, or --number of `sample`."
        )
    # Not the same numbers again for the next draw, which has other messages to choose from.
    places = np.random.default_rng([seed, len(taken)]).permutation(places)
    inclusion: Doubles | None = np.full(n, n / len(places))
    if design == "stratified":
        strata = _given(topic, "topic")[places]
        places, inclusion = _within(places, n, strata, allocate, "topics")
    if design == "grouped":
        strata = _given(group, "group")[places]
        places, inclusion = _within(places, n, strata, evenly, "groups")
    if design == "uncertain":
        places, inclusion = places[_by_entropy(_given(posterior, "posterior")[places])], None
    return pl.DataFrame(
        {
            "doc_id": [doc_ids[int(place)] for place in places[:n]],
            "inclusion_probability": inclusion,
            "design": design,
        },
        schema=DRAWN,
    )


def allocate(sizes: Ints, n: int) -> Ints:
    """Share out a sample in proportion to the sizes of strata, at least one each.

    Parameters
    ----------
    sizes
        (strata,): all above 0.
    n
        From the number of strata to the sum of sizes.

    Returns
    -------
    Ints
        (strata,): sums to `n`, none above its size.
    """
    wanted = n * sizes / sizes.sum()
    given = np.maximum(np.floor(wanted), 1)
    # Those that got one for the least would have had less; who is furthest above its share gives way.
    while given.sum() > n:
        given[np.argmax(np.where(given > 1, given - wanted, -np.inf))] -= 1
    while given.sum() < n:
        given[np.argmax(wanted - given)] += 1
    return np.asarray(given, np.int64)


def evenly(sizes: Ints, n: int) -> Ints:
    """Share out a sample evenly over strata, as far as they have so many.

    Parameters
    ----------
    sizes
        (strata,): all above 0.
    n
        From the number of strata to the sum of sizes.

    Returns
    -------
    Ints
        (strata,): sums to `n`, none above its size.
    """
    given = np.zeros_like(sizes)
    for _ in range(n):
        given[np.argmin(np.where(given < sizes, given, n))] += 1
    return given


def averaged(weights: Doubles) -> Doubles:
    """Average what several drawings tell of one corpus; give it as an inclusion probability of each message.

    Each drawing was made given those before it, so that what it tells is right by itself, and uncorrelated
    with what they tell (Des Raj, 1956). They are averaged by one over their variances, as far as these are
    known from weights alone: codes have no part in it.

    Parameters
    ----------
    weights
        (drawings, messages): for how many messages each one stands by each drawing; 0 for none.

    Returns
    -------
    Doubles
        (messages,): each stands for one over this many.
    """
    spread = (weights * (weights - 1)).sum(axis=1) / weights.sum(axis=1) ** 2
    tells = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0.0)
    if (spread <= 0).any():  # everything is known: nothing is left to chance
        tells = (spread <= 0).astype(np.float64)
    return np.asarray(np.minimum(1 / (tells / tells.sum() @ weights), 1.0))


def _given(values: NDArray[T] | None, name: str) -> NDArray[T]:
    if values is None:
        raise ValueError(f"this design needs the {name} of each message")
    return values


def _within(
    places: Ints, n: int, of: Ints, share_out: Callable[[Ints, int], Ints], what: str
) -> tuple[Ints, Doubles]:
    strata, stratum, sizes = np.unique(of, return_inverse=True, return_counts=True)
    if n < len(strata):
        raise LabelError(
            f"cannot draw {n:,} messages from {len(strata):,} {what}, at least one from each; "
            "ask for more messages, or for a random sample."
        )
    numbers = share_out(sizes, n)
    chosen = np.concatenate(
        [np.flatnonzero(stratum == one)[:number] for one, number in enumerate(numbers.tolist())]
    )
    chosen.sort()  # back into the order of the lot
    return places[chosen], (numbers / sizes)[stratum[chosen]]


def _by_entropy(posterior: Doubles) -> Ints:
    """Order by falling entropy; where it ties, the order stays that of the lot."""
    entropy = -(posterior * np.log(np.where(posterior > 0, posterior, 1))).sum(axis=1)
    return np.argsort(-np.where(np.isnan(entropy), np.inf, entropy.round(9)), kind="stable")
