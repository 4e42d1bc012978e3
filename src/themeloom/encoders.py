"""What a run keeps of its encoder, where it is not the encoder as it came: adapted to labels, or static."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Adapted:
    """The encoder adapted to all labels; empty where it was not."""

    vectors: NDArray[np.float32]  # (communications, dimensions): unit length
    layers: NDArray[np.float32]  # (weights,): its upper layers

    @property
    def known(self) -> bool:
        """Whether it was."""
        return len(self.layers) > 0


@dataclass(frozen=True, slots=True)
class WordVectors:
    """The static encoder: a vector for each word piece; none where the encoder is a transformer."""

    vectors: NDArray[np.float32]  # (word pieces, dimensions)
    tokenizer: NDArray[np.uint8]  # (bytes,): what cuts texts into these pieces, as JSON

    @property
    def known(self) -> bool:
        """Whether there are any."""
        return len(self.vectors) > 0


NO_WORDS = WordVectors(np.zeros((0, 0), np.float32), np.zeros(0, np.uint8))
