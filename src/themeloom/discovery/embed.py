"""A vector for each communication: sentence-transformers, cached by text and model."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError

from themeloom.cache import VectorCache
from themeloom.config import EncoderConfig
from themeloom.discovery.weights import check, folder_of, unloadable, weights_digest
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Embeddings, Floats

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_HANDLE = re.compile(r"\[handle(?: \d{1,9})?\]")
_PLACEHOLDER = re.compile(r"\[([a-z]{1,20})(?: \d{1,9})?\]")
_TERM = re.compile(r"#?\w+(?:['\u2019]\w+)?")
_SPACE = re.compile(r"\s+")


class Encoder:
    """A sentence-transformers model, loaded when first used.

    Parameters
    ----------
    config
        Which model, and how many messages a batch.

    Raises
    ------
    ConfigError
        When the model is used but cannot be loaded, or the bundled weights are not what they should be.
    """

    def __init__(self, config: EncoderConfig) -> None:
        self.config = config

    def __getstate__(self) -> dict[str, EncoderConfig]:
        """Leave the loaded model behind: a copy loads its own when it needs one."""
        return {"config": self.config}

    @property
    def name(self) -> str:
        """What the run records."""
        return "all-MiniLM-L6-v2 (bundled)" if self.config.name == "bundled" else self.config.name

    @cached_property
    def fingerprint(self) -> str:
        """What cached vectors are filed under: the weights' digest, or the name where there are none."""
        return self.weights or self.config.name

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the weights; empty where there are none as safetensors."""
        return weights_digest(self._folder)

    @cached_property
    def model(self) -> "SentenceTransformer":
        """The loaded model."""
        check(self.config, self._folder, self.weights)
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            return SentenceTransformer(
                str(self._folder),
                trust_remote_code=self.config.trust_remote_code,
                model_kwargs={"use_safetensors": True},
            )
        except (
            OSError,
            ValueError,
            RuntimeError,
            ImportError,
            KeyError,
            TypeError,
            SafetensorError,
        ) as error:
            raise unloadable(self.config, error) from error

    @cached_property
    def _folder(self) -> Path:
        return folder_of(self.config)

    def encode(self, texts: Sequence[str], progress: Progress = UNWATCHED) -> Floats:
        """Return unit vectors, float32, (texts, dimensions).

        Texts go through the model sorted by length, then alphabetically, so that a batch is the same
        whatever the order they came in.
        """
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        size = self.config.batch_size
        progress.begin(len(distinct), "messages")
        parts = []
        for start in range(0, len(distinct), size):
            batch = distinct[start : start + size]
            parts.append(
                self.model.encode(
                    batch,
                    batch_size=size,
                    normalize_embeddings=True,
                    convert_to_numpy=True,
                    show_progress_bar=False,
                )
            )
            progress.advance(len(batch))
        vectors = np.concatenate(parts).astype(np.float32)
        row = {text: i for i, text in enumerate(distinct)}
        return vectors[[row[text] for text in texts]]


def embed(
    texts: Sequence[str],
    encoder: Encoder,
    cache: VectorCache | None = None,
    progress: Progress = UNWATCHED,
) -> Embeddings:
    """Embed communications, each distinct text once.

    Parameters
    ----------
    texts
        Masked texts.
    encoder
        The model.
    cache
        Where vectors are kept; without one nothing is kept.
    progress
        Who watches.

    Returns
    -------
    Embeddings
        One unit vector a text; terms that nearly every text carries are left out and named.
    """
    frequent = frequent_terms(texts, encoder.config.frequent_terms)
    clean = tuple(embedded_text(text, frequent) for text in texts)
    return Embeddings(encode_cached(clean, encoder, cache, progress), clean, frequent, encoder.name)


def encode_cached(
    texts: Sequence[str], encoder: Encoder, cache: VectorCache | None, progress: Progress = UNWATCHED
) -> Floats:
    """Return the texts' vectors, float32 (texts, dimensions); only what the cache lacks is computed."""
    known = cache.find(texts) if cache else {}
    missing = sorted(set(texts) - known.keys())
    if missing:
        vectors = encoder.encode(missing, progress)
        if cache:
            cache.add(missing, vectors)
        known |= dict(zip(missing, vectors, strict=True))
    return np.stack([known[text] for text in texts])


def frequent_terms(texts: Sequence[str], share: float) -> tuple[str, ...]:
    """Return the terms (lower case, a hashtag with its #) in more than `share` of the texts, sorted.

    Function words are never counted: they carry the grammar that an encoder reads.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    counts = Counter(term for text in texts for term in set(_TERM.findall(_plain(text).lower())))
    enough = share * len(texts)
    return tuple(sorted(t for t, n in counts.items() if n > enough and t not in ENGLISH_STOP_WORDS))


def embedded_text(text: str, frequent: Collection[str]) -> str:
    """Return what the encoder reads: no frequent terms or handles, placeholders without numbers."""
    left_out = set(frequent)
    kept = _TERM.sub(lambda term: "" if term[0].lower() in left_out else term[0], _plain(text))
    return _SPACE.sub(" ", kept).strip()


def _plain(text: str) -> str:
    # A handle is an address and says nothing of the message; a link or a name does, by being there.
    return _PLACEHOLDER.sub(r"\1", _HANDLE.sub(" ", text))
