"""What an adapted encoder would make of a message, told from its raw vector."""

import numpy as np

from themeloom.records import Floats

_STRENGTH = 1.0
_CHUNK = 8_192


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
    mean_raw, mean_adapted = raw.mean(axis=0), adapted.mean(axis=0)
    centred = (raw - mean_raw).astype(np.float64)
    gram = centred.T @ centred + _STRENGTH * np.eye(raw.shape[1])
    turn = np.linalg.solve(gram, centred.T @ (adapted - mean_adapted)).astype(np.float32)
    found = np.empty((len(others), adapted.shape[1]), np.float32)
    for start in range(0, len(others), _CHUNK):
        part = (others[start : start + _CHUNK] - mean_raw) @ turn + mean_adapted
        found[start : start + _CHUNK] = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)
    return found
