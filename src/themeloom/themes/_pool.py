"""Several posteriors made one, and calibrated: a log-linear pool (Genest & Zidek 1986; Hinton 2002).

The pooled posterior is proportional to the product of the parts' posteriors and the themes' shares, each
raised to a weight of its own. With a single part this is temperature scaling (Guo et al. 2017), corrected
for themes that the part was taught to weigh evenly.
"""

import numpy as np
from numpy.typing import NDArray

from themeloom.records import Doubles, Ints

TRUST = 5.0
"""How strongly weights are drawn to their starting point: where labels are few, they stay near it."""
_LEAST = 1e-6


def log_parts(posteriors: list[Doubles], shares: Doubles) -> Doubles:
    """Return what is pooled, (parts + 1, messages, themes): logs, last of the shares."""
    messages = posteriors[0].shape[0]
    parts = [*posteriors, np.broadcast_to(shares, (messages, len(shares)))]
    return np.log(np.maximum(np.stack(parts), _LEAST))


def fit_weights(parts: Doubles, theme: Ints, start: Doubles) -> Doubles:
    """Find the weights, none below 0, that make held-out labels most likely.

    Parameters
    ----------
    parts
        (parts + 1, labels, themes): by `log_parts`, each label's by parts that had not seen it.
    theme
        (labels,): the labels.
    start
        (parts + 1,): where the weights start, and near to which they stay.

    Returns
    -------
    Doubles
        (parts + 1,).
    """
    from scipy.optimize import minimize

    rows = np.arange(len(theme))

    def cost(weights: Doubles) -> tuple[float, Doubles]:
        posterior = pooled(parts, weights)
        likelihood = np.log(np.maximum(posterior[rows, theme], 1e-300)).sum()
        gradient = parts[:, rows, theme].sum(axis=1) - (parts * posterior).sum(axis=(1, 2))
        away = weights - start
        return float(TRUST * away @ away - likelihood), np.asarray(2 * TRUST * away - gradient)

    found: NDArray[np.float64] = minimize(
        cost, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(start)
    ).x
    return found


def pooled(parts: Doubles, weights: Doubles) -> Doubles:
    """Return the pooled posterior, (messages, themes); rows sum to 1."""
    odds = np.tensordot(weights, parts, axes=1)
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def log_loss(parts: Doubles, theme: Ints, weights: Doubles) -> float:
    """Return the mean surprise of the labels, in nats."""
    found = pooled(parts, weights)[np.arange(len(theme)), theme]
    return float(-np.log(np.maximum(found, 1e-300)).mean())
