"""Texts through a transformer, so that each vector is its text's own.

The last bits of what a transformer computes depend on how far a text is padded and on how many threads share
a batch; UMAP makes other topics of other last bits. Thus a batch holds texts of as many tokens, nothing is
padded, and one thread computes it, as many batches at once as there are cores: a vector is the same whatever
else is encoded, whatever the cache knew before, and however many cores there are. Nor does padding take time.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from themeloom.discovery.processor import at_once
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Floats

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

T = TypeVar("T")
Features = dict[str, Any]
"""What a model reads of some texts: tokens and mask."""

_READ = 512  # texts that are split into tokens at a time, only to count these
_LEAST = 32
"""Tokens of a batch: on matrices of a few rows libraries of linear algebra compute in another order."""
MOST = 2_048
"""Tokens of a batch on the processor: more are no quicker there, and each takes some 26 KB meanwhile."""


def encode_each(
    model: "SentenceTransformer", texts: Sequence[str], size: int, progress: Progress = UNWATCHED
) -> Floats:
    """Return the texts' unit vectors, each the same as if its text were alone.

    Parameters
    ----------
    model
        A sentence-transformers model that reads tokens.
    texts
        Best sorted by length, so that little is padded while tokens are counted.
    size
        How many texts a batch may hold; on the processor fewer, where they have more than `MOST` tokens.
    progress
        Told of each text that is done; it has begun already.

    Returns
    -------
    Floats
        float32, (texts, dimensions).
    """
    if not texts:
        return np.zeros((0, model.get_embedding_dimension() or 0), np.float32)
    return np.stack(through(model, texts, size, lambda read: list(unit_vectors(model, read)), progress))


def unit_vectors(model: "SentenceTransformer", features: Features) -> Floats:
    """Return unit vectors, float32 (texts, dimensions), of what a model reads of some texts."""
    from torch.nn.functional import normalize

    vectors = normalize(model(features)["sentence_embedding"].float(), dim=1).cpu().numpy()
    return np.asarray(vectors, dtype=np.float32)


def through(
    model: "SentenceTransformer",
    texts: Sequence[str],
    size: int,
    ask: Callable[[Features], Sequence[T]],
    progress: Progress = UNWATCHED,
) -> list[T]:
    """Put texts through a model, in batches of texts of as many tokens, and return what is asked of each.

    Parameters
    ----------
    model, texts, size, progress
        As for `encode_each`.
    ask
        Given what the model reads of a batch, returns something of each of its texts; called by several
        threads at once where the model is on the processor.
    """
    tokens, guard = _tokens(model, texts), Lock()

    def asked(rows: Sequence[int]) -> Sequence[T]:
        from torch import inference_mode

        with guard:  # tokenisers keep settings of their own and may not be asked by two threads
            features = features_of(model, [texts[row] for row in _filled(rows, tokens[rows[0]])])
        with inference_mode():
            told = ask(features)
        with guard:
            progress.advance(len(rows))
        return told[: len(rows)]

    here = model.device.type == "cpu"
    batches = list(_alike(tokens, size, MOST if here else sys.maxsize))
    tasks: list[Callable[[], Sequence[T]]] = [partial(asked, batch) for batch in batches]
    # Another device than the processor takes one batch after the other.
    made = at_once(tasks) if here else [task() for task in tasks]
    found = dict(zip(chain(*batches), chain(*made), strict=True))
    return [found[row] for row in range(len(texts))]


def of_like_length(lengths: Sequence[int], size: int, even: int = 1) -> Iterator[list[int]]:
    """Yield batches of places, the shortest texts first.

    Parameters
    ----------
    lengths
        Tokens of each text.
    size
        How many texts a batch may hold; fewer, where they are filled to more than `MOST` tokens.
    even
        They are filled to the length of the longest, and to a multiple of this.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        filled = lengths[place] + -lengths[place] % even
        if batch and (len(batch) == size or (len(batch) + 1) * filled > MOST):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _alike(tokens: Sequence[int], size: int, most: int) -> Iterator[list[int]]:
    """Yield batches of places at which there are as many tokens, the longest first; in all `most` at most."""
    order = sorted(range(len(tokens)), key=lambda place: -tokens[place])
    for length, places in groupby(order, key=lambda place: tokens[place]):
        same, step = list(places), max(min(size, most // max(length, 1)), 1)
        yield from (same[start : start + step] for start in range(0, len(same), step))


def _filled(rows: Sequence[int], tokens: int) -> list[int]:
    """Repeat the last text where a batch would have too few tokens."""
    wanted = -(-_LEAST // max(tokens, 1))
    return [*rows, *[rows[-1]] * (wanted - len(rows))]


def _tokens(model: "SentenceTransformer", texts: Sequence[str]) -> list[int]:
    counts: list[int] = []
    for start in range(0, len(texts), _READ):
        features = features_of(model, texts[start : start + _READ])
        counts += features["attention_mask"].sum(dim=1).tolist()
    return counts


def features_of(model: "SentenceTransformer", texts: Sequence[str]) -> Features:
    """Return what a model reads of texts, on its device: tokens and mask, padded to the longest."""
    from sentence_transformers.util import batch_to_device

    prompt = model.prompts.get(model.default_prompt_name or "")
    return dict(batch_to_device(model.preprocess(list(texts), prompt=prompt), model.device))
