"""A posterior made to agree with what held-out labels say of it."""

import numpy as np

from themeloom.records import Doubles

FITTED = 5000  # messages that are asked, at most
LEAST = 1e-6  # probability of a theme that a mapping calls impossible
SHARPEST = 20.0
STEPS = 30  # halvings of the range of sharpness
ROUNDS = 10  # of fitting the shares, in each step


def calibrate(predicted: Doubles, shares: Doubles, accuracy: float) -> Doubles:
    """Make a posterior as sure as it should be, with themes as common as they are.

    Log-probabilities are multiplied by one factor (temperature scaling: Guo, Pleiss, Sun and Weinberger,
    2017), and each theme gets odds of its own (Saerens, Latinne and Decaestecker, 2002), so that the mean
    over messages is `shares`, and the theme that was most probable is right as often as `accuracy` says.

    Parameters
    ----------
    predicted
        (messages, themes).
    shares
        (themes,): above 0, sum to 1.
    accuracy
        Share of messages whose most probable theme is right; what cannot be reached is approached.

    Returns
    -------
    Doubles
        (messages, themes); rows sum to 1.
    """
    odds = np.log(np.maximum(predicted, LEAST))
    best = predicted.argmax(axis=1)
    asked = np.linspace(0, len(odds) - 1, min(len(odds), FITTED)).astype(np.int64)
    prior = np.log(shares)
    low, high = 0.0, SHARPEST
    for _ in range(STEPS):
        sharpness = (low + high) / 2
        for _ in range(ROUNDS):
            found = _softmax(sharpness * odds[asked] + prior)
            prior += np.log(shares / np.maximum(found.mean(axis=0), LEAST))
        right = found[np.arange(len(asked)), best[asked]].mean()
        low, high = (sharpness, high) if right < accuracy else (low, sharpness)
    return _softmax(sharpness * odds + prior)


def _softmax(odds: Doubles) -> Doubles:
    powers = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
