"""What an adapted encoder would make of a message, told from another vector of it (ridge regression)."""

from collections.abc import Sequence

import numpy as np

from themeloom.records import Floats

_STRENGTH = 1.0
_CHUNK = 8_192
PARTS = 5
"""Of messages: each is told from what was fitted on the others."""


def estimated(raw: Floats, adapted: Floats, others: Floats) -> Floats:
    """Estimate the adapted vectors of messages that the adapted encoder did not read, by ridge regression.

    Parameters
    ----------
    raw, adapted
        float32, (messages, dimensions), unit length: of messages that it read.
    others
        float32, (others, dimensions): raw vectors of the others.

    Returns
    -------
    Floats
        float32, (others, dimensions), unit length.
    """
    return turned(others, turn_of(raw, adapted))


def turn_of(raw: Floats, adapted: Floats) -> Floats:
    """Fit the turn that takes raw vectors to adapted ones: float32, (raw dimensions + 1, adapted dimensions).

    Its last row is what is added.
    """
    mean_raw, mean_adapted = raw.mean(axis=0), adapted.mean(axis=0)
    centred = (raw - mean_raw).astype(np.float64)
    gram = centred.T @ centred + _STRENGTH * np.eye(raw.shape[1])
    turn = np.linalg.solve(gram, centred.T @ (adapted - mean_adapted))
    return np.vstack([turn, mean_adapted - mean_raw @ turn]).astype(np.float32)


def turned(raw: Floats, turn: Floats) -> Floats:
    """Turn raw vectors: float32, (messages, adapted dimensions), unit length."""
    found = np.empty((len(raw), turn.shape[1]), np.float32)
    for start in range(0, len(raw), _CHUNK):
        part = raw[start : start + _CHUNK] @ turn[:-1] + turn[-1]
        found[start : start + _CHUNK] = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)
    return found


def distilled(raw: Floats, layers: Floats) -> Floats:
    """Turn raw vectors by a turn that is kept as a model's adapted layers are: in one row."""
    return turned(raw, layers.reshape(raw.shape[1] + 1, -1))


def cross_estimated(raw: Floats, adapted: Floats, texts: Sequence[str]) -> Floats:
    """Estimate the adapted vectors of messages that it did read, each as if it had not.

    So they are as far off as those of new messages, and what learns from them expects that.

    Parameters
    ----------
    raw, adapted
        float32, (messages, dimensions), unit length.
    texts
        What the messages say: equal ones are left out together, in parts that do not hang on their order.

    Returns
    -------
    Floats
        float32, (messages, adapted dimensions), unit length.
    """
    number = {text: place % PARTS for place, text in enumerate(sorted(set(texts)))}
    part = np.array([number[text] for text in texts], dtype=np.int64)
    found = np.empty_like(adapted)
    for own in range(PARTS):
        out = part == own
        kept = ~out if not out.all() else out
        found[out] = estimated(raw[kept], adapted[kept], raw[out])
    return found
