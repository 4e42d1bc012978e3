"""How much memory an adaptation takes while it learns: for each number that it works with, some bytes."""

from collections.abc import Sequence

from themeloom.config import AdaptConfig
from themeloom.discovery.adapt import TOKENS
from themeloom.records import Floats

_SQUARES = 12
"""A layer's weights, in squares of its width: four of attention, eight after it (Vaswani et al. 2017)."""
_WEIGHT = 32
"""Bytes for each weight: itself, its gradient, AdamW's two moments, and copies."""
_NUMBER = 80
"""Bytes for each number that a layer hands on, with what is kept for the way back."""


def footprint(states: Sequence[Floats], config: AdaptConfig) -> int:
    """Return about how many bytes an adaptation takes while it learns; 0 where there is nothing to read.

    Parameters
    ----------
    states
        What enters the adapted layers, one a message: (tokens, hidden).
    config
        ``layers`` and ``batch_size``.

    Notes
    -----
    Measured with one, three and six layers of MiniLM and batches of 8 to 96 messages: from a third less than
    this to a quarter more.
    """
    if not states:
        return 0
    width = int(states[0].shape[1])
    weights = _SQUARES * width * width * config.layers
    handed_on = config.batch_size * TOKENS * width * config.layers
    return _WEIGHT * weights + _NUMBER * handed_on
