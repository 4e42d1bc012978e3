"""A theme for each message: logistic regression on its vector (Cox 1958), themes weighted evenly."""

import numpy as np

from themeloom.members import Labels
from themeloom.records import Doubles, Floats

STRENGTH = 1.5
"""scikit-learn's C: inverse strength of the penalty on coefficients, for vectors of unit length."""
_NEVER = -1e3  # log-odds of a theme that no label names


def fit_classifier(vectors: Floats, labels: Labels, strength: float = STRENGTH) -> Doubles:
    """Learn themes from labelled messages.

    Parameters
    ----------
    vectors
        (labels, dimensions): unit length.
    labels
        Their labels.
    strength
        scikit-learn's C.

    Returns
    -------
    Doubles
        (dimensions + 1, themes): coefficients, and in the last row intercepts.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    fitted = np.zeros((vectors.shape[1] + 1, labels.themes))
    fitted[-1] = _NEVER
    named = np.unique(labels.theme)
    if len(named) < 2:
        fitted[-1, named] = 0
        return fitted
    model = LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")
    with threadpool_limits(1):  # several threads hinder each other on arrays so small
        model.fit(vectors, labels.theme)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(named) == 2:  # scikit-learn gives the second one's only
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        intercepts = np.append(0.0, intercepts)
    fitted[:-1, named] = coefficients.T
    fitted[-1, named] = intercepts
    return fitted


def posterior_of(vectors: Floats, fitted: Doubles) -> Doubles:
    """Give the probability of each theme, (messages, themes); rows sum to 1."""
    odds = vectors @ fitted[:-1] + fitted[-1]
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
