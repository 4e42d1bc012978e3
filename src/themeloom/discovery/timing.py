"""How fast each backend of an encoder is on this machine, and how near to the reference."""

import time
from collections.abc import Sequence

import numpy as np

from themeloom.config import EncoderConfig
from themeloom.discovery.backend import OTHERS, REFERENCE, Finding, Line, facts
from themeloom.discovery.embed import Encoder
from themeloom.progress import UNWATCHED, Progress

ROUNDS = 5


def measured(
    config: EncoderConfig, texts: Sequence[str], rounds: int = ROUNDS, progress: Progress = UNWATCHED
) -> Finding:
    """Let every backend embed the same messages, in turn, in one process.

    Parameters
    ----------
    config
        The encoder.
    texts
        Distinct messages.
    rounds
        How often each of them does it; the first time, which warms up, aside.
    progress
        Told of rounds.

    Raises
    ------
    ConfigError
        If the encoder cannot be loaded.
    """
    encoders = {
        name: Encoder(config.model_copy(update={"backend": name, "static": False}))
        for name in (REFERENCE, *OTHERS)
    }
    progress.begin((rounds + 1) * len(encoders), "rounds")
    vectors = {}
    for name, encoder in encoders.items():
        vectors[name] = encoder.encode(texts)
        progress.advance()
    rates: dict[str, list[float]] = {name: [] for name in encoders}
    for turn in range(rounds):
        for name in list(encoders)[:: 1 if turn % 2 else -1]:
            began = time.perf_counter()
            encoders[name].encode(texts)
            rates[name].append(len(texts) / (time.perf_counter() - began))
            progress.advance()
    reference = vectors[REFERENCE]
    lines = {
        name: Line(
            rates=tuple(rates[name]),
            rate=float(np.median(rates[name])),
            difference=float(np.abs(found - reference).max()),
            cosine=float((found * reference).sum(axis=1).min()),
        )
        for name, found in vectors.items()
    }
    return Finding(encoders[REFERENCE].name, facts(), len(texts), lines)
