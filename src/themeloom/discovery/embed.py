"""A vector for each communication: sentence-transformers, cached by text and model."""

import threading
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from safetensors import SafetensorError

from themeloom.config import EncoderConfig
from themeloom.discovery.backend import REFERENCE, fastest
from themeloom.discovery.batches import encode_each
from themeloom.discovery.encoder_text import embedded_text, frequent_terms
from themeloom.discovery.processor import device, on_cores
from themeloom.discovery.static import distilled, is_static, model_of, words_of
from themeloom.discovery.weights import BUNDLED, check, files_digest, folder_of, unloadable, weights_digest
from themeloom.encoders import NO_WORDS, WordVectors
from themeloom.errors import ConfigError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Embeddings, Floats
from themeloom.system.cache import VectorCache, code_digest, digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_NOTHING = np.zeros((0, 0), np.float32)
_TYPES: dict[str, dict[str, str]] = {REFERENCE: {}, "bfloat16": {"dtype": "bfloat16"}}
"""Backend → how transformers loads the weights."""

PART = 32_768
"""Distinct texts that are encoded before their vectors are kept."""
STATIC_BATCH = 1_024
"""Messages a batch at least where no transformer has to be padded for."""

_LAST = threading.local()
"""A thread's last model, and by what it was asked for. Threads share none: adapting listens in on it."""


def unload() -> None:
    """Let go of the thread's last model, as it takes memory; who asks for it again loads it again."""
    _LAST.__dict__.clear()


class Encoder:
    """A sentence-transformers model, loaded when first used.

    Parameters
    ----------
    config
        Which model, and how many messages a batch.
    kept
        Of a static one that was kept, the vectors: nothing is distilled then.
    from_folder
        Whether it came from a folder of which only the name is known: if it is not here, nothing is fetched.

    Raises
    ------
    ConfigError
        When the model is used but cannot be loaded, or the bundled weights are not what they should be.
    """

    def __init__(
        self, config: EncoderConfig, kept: WordVectors = NO_WORDS, *, from_folder: bool = False
    ) -> None:
        self.config, self._kept, self._from_folder = config, kept, from_folder

    def __getstate__(self) -> dict[str, object]:
        """Leave the loaded model behind: a copy loads its own when it needs one."""
        return {"config": self.config, "_kept": self._kept, "_from_folder": self._from_folder}

    @property
    def name(self) -> str:
        """What the run records."""
        name = "all-MiniLM-L6-v2 (bundled)" if self.config.name == "bundled" else self.config.name
        if self.config.static:
            return f"{name}, distilled"
        return name if self.backend == REFERENCE else f"{name}, {self.backend}"

    @cached_property
    def backend(self) -> str:
        """With which arithmetic it works: of 'auto', what was found on this machine."""
        if self.config.static:
            return REFERENCE
        return fastest(self.weights) if self.config.backend == "auto" else self.config.backend

    @property
    def settled(self) -> EncoderConfig:
        """What another machine has to be told to get the same vectors."""
        return self.config.model_copy(update={"backend": self.backend})

    def as_it_is(self) -> "Encoder":
        """Return this encoder wherever the process stands, and with the files it has now: no others."""
        name = self.config.name
        where = str(Path(name).resolve()) if Path(name).is_dir() else name
        return Encoder(self.config.model_copy(update={"name": where, "sha256": self.parent.files or None}))

    @cached_property
    def fingerprint(self) -> str:
        """What cached vectors are filed under: its files (without a digest, its name), code, the backend."""
        known = [self.files or self.config.name]
        if self.config.trust_remote_code:
            known.append(code_digest(*sorted(self.folder.rglob("*.py"))))
        return ", ".join(known if self.backend == REFERENCE else [*known, self.backend])

    @cached_property
    def parent(self) -> "Encoder":
        """The transformer in float32 that this one is made from, which can be adapted; maybe itself."""
        plain = {"static": False, "backend": REFERENCE}
        if not self.config.static and self.backend == REFERENCE:
            return self
        return Encoder(self.config.model_copy(update=plain), from_folder=self._from_folder)

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the weights; empty where there are none as safetensors."""
        if self._kept.known:
            return digest(self._kept.vectors, self._kept.tokenizer)
        return weights_digest(self.folder)

    @cached_property
    def files(self) -> str:
        """SHA-256 of all files that its vectors hang on; of the bundled one, or a kept one, the weights'."""
        is_bundled = self.config.name == BUNDLED and not self.config.static
        return self.weights if self._kept.known or is_bundled else files_digest(self.folder)

    @property
    def word_vectors(self) -> WordVectors:
        """Of a static encoder all that is needed to have it again; empty of a transformer."""
        if self._kept.known or not self.config.static:
            return self._kept
        return words_of(self.model)

    def cache(self, folder: Path, progress: Progress = UNWATCHED) -> VectorCache:
        """Open the cache of this encoder's vectors; one that is static is made first, and watched."""
        if self.config.static and not self._kept.known:
            self.folder = self._distilled(progress)
        return VectorCache(folder, self.fingerprint, 1e9 * self.config.cache_gigabytes)

    @cached_property
    def model(self) -> "SentenceTransformer":
        """The loaded model. A thread keeps its last one, as the stages of a run ask for it one by one."""
        if not self._kept.known:
            check(self.parent.config, self.parent.folder, self.parent.weights)
        asked = (self._kept.known or self.folder, self.fingerprint, self.config.trust_remote_code, device())
        if getattr(_LAST, "asked", None) != asked:
            _LAST.__dict__.clear()
            _LAST.model, _LAST.asked = self._load(), asked
        return cast("SentenceTransformer", _LAST.model)

    def _load(self) -> "SentenceTransformer":
        if self._kept.known:
            return model_of(self._kept, device())
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        told = logging.get_verbosity()
        # Some versions report weights that no encoder needs as if there were a fault.
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        try:
            return SentenceTransformer(
                str(self.folder),
                trust_remote_code=self.config.trust_remote_code,
                device=device(),
                model_kwargs={"use_safetensors": True, **_TYPES[self.backend]},
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
        finally:
            logging.set_verbosity(told)

    @cached_property
    def folder(self) -> Path:
        """Where the encoder is; a static one is made where it is not there yet."""
        if self.config.static:
            return self._distilled(UNWATCHED)
        if self._from_folder and not Path(self.config.name).is_dir():
            name = Path(self.config.name).name
            raise ConfigError(
                f"encoder.name: this run took its encoder from a folder called '{name}'; "
                "say where it is by --encoder FOLDER (in Python: load(..., encoder=FOLDER))."
            )
        return folder_of(self.config)

    @on_cores()
    def _distilled(self, progress: Progress) -> Path:
        return distilled(self.parent.fingerprint, lambda: self.parent.model, progress)

    def encode(self, texts: Sequence[str], progress: Progress = UNWATCHED) -> Floats:
        """Return unit vectors, float32, (texts, dimensions), each distinct text once through the model."""
        distinct = sorted(set(texts), key=_by_length)
        progress.begin(len(distinct), "messages")
        vectors = self.encode_sorted(distinct, progress)
        row = {text: i for i, text in enumerate(distinct)}
        return vectors[[row[text] for text in texts]]

    @on_cores()
    def encode_sorted(self, distinct: Sequence[str], progress: Progress = UNWATCHED) -> Floats:
        """Return unit vectors, float32, (texts, dimensions), of texts sorted by length, then alphabetically.

        A vector is its text's own to the last bit, whatever else is encoded.
        """
        if not is_static(self.model):
            return encode_each(self.model, distinct, self.config.batch_size, progress)
        size = max(self.config.batch_size, STATIC_BATCH)
        vectors = _NOTHING
        for start in range(0, len(distinct), size):
            batch = list(distinct[start : start + size])
            made = self.model.encode(
                batch,
                batch_size=size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            if not start:
                vectors = np.zeros((len(distinct), made.shape[1]), np.float32)
            vectors[start : start + size] = made
            progress.advance(len(batch))
        return vectors


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
    vectors = encode_cached(clean, encoder, cache, progress)
    return Embeddings(vectors, clean, frequent, encoder.name, tuple(texts))


def encode_cached(
    texts: Sequence[str], encoder: Encoder, cache: VectorCache | None, progress: Progress = UNWATCHED
) -> Floats:
    """Return the texts' vectors, float32 (texts, dimensions); only what the cache lacks is computed.

    Of many texts each part is kept as soon as it is computed: a run that was killed goes on from there.
    """
    known, vectors = cache.find(texts) if cache else (np.zeros(len(texts), dtype=bool), _NOTHING)
    rows = sorted(np.flatnonzero(~known).tolist(), key=lambda row: _by_length(texts[row]))
    if not rows:
        return vectors
    number = np.cumsum([0, *(texts[a] != texts[b] for a, b in pairwise(rows))])  # of its distinct text
    distinct = [texts[row] for row, new in zip(rows, np.diff(number, prepend=-1), strict=True) if new]
    progress.begin(len(distinct), "messages")
    for start in range(0, len(distinct), PART):
        part = distinct[start : start + PART]
        made = encoder.encode_sorted(part, progress)
        if not vectors.shape[1]:
            vectors = np.zeros((len(texts), made.shape[1]), np.float32)
        first, end = np.searchsorted(number, [start, start + len(part)])
        vectors[rows[first:end]] = made[number[first:end] - start]
        if cache:
            cache.add(part, made)
    return vectors


def _by_length(text: str) -> tuple[int, str]:
    return len(text), text
