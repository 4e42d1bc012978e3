"""The static encoder: an encoder distilled to one vector a word piece, once on each machine.

Model2Vec (Tulkens & van Dongen 2024): each word piece goes through the encoder by itself; principal
components and weights by frequency make a table, and a text is the mean of its pieces. What all running text
has in common is taken out of the table (Arora, Liang & Ma 2017, A simple but tough-to-beat baseline for
sentence embeddings, ICLR). It is a folder of safetensors and JSON, as any other encoder's.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from themeloom.discovery.backend import HOME, machine_folder
from themeloom.encoders import WordVectors
from themeloom.errors import ConfigError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Doubles
from themeloom.system.cache import code_of, digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DIMENSIONS = 256
MANDELBROT = 2.7
"""What is added to a word's rank in Zipf's law (Mandelbrot 1953)."""
_CURE = "fetch the model again, or run the experiment again."


def distilled(
    fingerprint: str, load: "Callable[[], SentenceTransformer]", progress: Progress = UNWATCHED
) -> Path:
    """Return the folder of an encoder's distillation; make it if it is not there, which takes half a minute.

    Parameters
    ----------
    fingerprint
        Of the encoder.
    load
        Gives the encoder.
    progress
        Who watches, where it is made.

    Raises
    ------
    ConfigError
        If the encoder is no transformer with a word-piece vocabulary, or there is nowhere to keep the folder.
    """
    from importlib.metadata import version

    home = machine_folder("static")
    folder = home / digest(fingerprint, version("model2vec"), DIMENSIONS, code_of(distilled))[:32]
    if (folder / "modules.json").is_file():
        return folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix="making-") as beside:
            made = Path(beside) / "made"
            _distil(load(), made, home, progress)
            _rename(made, folder)
    except OSError as error:
        raise ConfigError(
            f"encoder.static: {home} cannot be written ({error.strerror or error}); "
            f"name another folder in the environment variable {HOME}."
        ) from error
    return folder


class _Bar:
    """Stands where model2vec has a bar of its own, which would write into logs: tells who watches."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        progress.begin(total, "word pieces")

    def update(self, steps: int) -> None:
        self._progress.advance(steps)

    def close(self) -> None:
        pass


@contextmanager
def _watched(progress: Progress) -> Iterator[None]:
    from model2vec.distill import inference

    theirs = inference.tqdm  # type: ignore[attr-defined]
    inference.tqdm = lambda total, **_: _Bar(progress, total)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        inference.tqdm = theirs  # type: ignore[attr-defined]


def _distil(model: "SentenceTransformer", folder: Path, home: Path, progress: Progress) -> None:
    from model2vec.distill import distill_from_model
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    transformer = getattr(model[0], "auto_model", None)
    if transformer is None:
        raise ConfigError(
            "encoder.static: this encoder is no transformer and cannot be distilled; "
            "set encoder.static to false, or name another encoder."
        )
    transformer.name_or_path = str(home)  # of a name that is no folder, model2vec would ask the model hub
    with _watched(progress):
        table = distill_from_model(
            model=transformer,
            tokenizer=model.tokenizer,
            device="cpu",
            pca_dims=DIMENSIONS,
            quantize_to="float32",
        )
    pieces = [table.tokenizer.id_to_token(at) or "" for at in range(len(table.embedding))]
    weighted = table.embedding * np.asarray(table.weights, np.float64)[:, None]
    vectors = without_common(weighted, pieces).astype(np.float32)
    static = StaticEmbedding(table.tokenizer, embedding_weights=np.ascontiguousarray(vectors))
    SentenceTransformer(modules=[static], device="cpu").save(str(folder), create_model_card=False)


def is_static(model: "SentenceTransformer") -> bool:
    """Whether a model has one vector a word piece, be it distilled here or given as such."""
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    return isinstance(model[0], StaticEmbedding)


def words_of(model: "SentenceTransformer") -> WordVectors:
    """Return what there is of a static encoder's model.

    Parameters
    ----------
    model
        As it was loaded from the folder of a distillation.
    """
    static: Any = model[0]
    vectors = static.embedding.weight.detach().cpu().numpy()
    return WordVectors(vectors, np.frombuffer(static.tokenizer.to_str().encode(), np.uint8))


def model_of(words: WordVectors, device: str) -> "SentenceTransformer":
    """Return the model of a static encoder that was kept.

    Parameters
    ----------
    words
        What `words_of` gave.
    device
        Where it shall work.

    Raises
    ------
    ConfigError
        If they are no such thing.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_buffer(words.tokenizer.tobytes())
    except Exception as error:  # of no narrower type
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(f"static.safetensors: its tokeniser cannot be read ({told}); {_CURE}") from error
    pieces = max(tokenizer.get_vocab().values(), default=-1) + 1
    if pieces > len(words.vectors):
        raise ConfigError(
            f"static.safetensors: has {len(words.vectors)} vectors for {pieces} word pieces; {_CURE}"
        )
    static = StaticEmbedding(tokenizer, embedding_weights=words.vectors)
    return SentenceTransformer(modules=[static], device=device)


def without_common(table: Doubles, pieces: Sequence[str]) -> Doubles:
    """Take out of each piece's vector the direction of running text, which every message has a share in.

    Parameters
    ----------
    table
        (pieces, dimensions): the vectors, weighted.
    pieces
        What they stand for, the most frequent first, as vocabularies have them.

    Returns
    -------
    Doubles
        (pieces, dimensions): at right angles to the sum of all words, each as often as Zipf's law has it.
    """
    words = np.flatnonzero([_is_word(piece) for piece in pieces])
    common = (1 / (np.arange(len(words)) + 1 + MANDELBROT)) @ table[words]
    common /= max(float(np.linalg.norm(common)), 1e-12)
    return np.asarray(table - np.outer(table @ common, common))


def _is_word(piece: str) -> bool:
    """Whether a piece is a word of two letters or more; some vocabularies mark where one begins."""
    plain = piece.lstrip("\u2581\u0120")
    return len(plain) > 1 and plain.isalpha()


def _rename(made: Path, folder: Path) -> None:
    """Put the folder in its place, unless another process was quicker."""
    try:
        made.rename(folder)
    except OSError:
        if not (folder / "modules.json").is_file():
            raise
