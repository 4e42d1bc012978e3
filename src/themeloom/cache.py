"""What was computed once is kept: arrays on disk, addressed by the content they were made from.

Entries are safetensors files (no pickle), written beside and renamed, so that several processes can share a
cache and a killed one leaves nothing half-written. An entry that cannot be read is computed again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from themeloom.atomic import whole_file
from themeloom.records import Floats

Arrays = dict[str, NDArray[Any]]


def digest(*parts: object) -> str:
    """Return the SHA-256 (hex) of arrays (dtype, shape and bytes) and JSON-like values, in order."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            sha.update(f"{part.dtype.str}{part.shape}".encode())
            sha.update(np.ascontiguousarray(part).tobytes())
        else:
            sha.update(json.dumps(part, sort_keys=True, ensure_ascii=True, default=list).encode())
        sha.update(b"\0")
    return sha.hexdigest()


def code_digest(*files: Path) -> str:
    """Return the SHA-256 (hex) of source files: what they computed must not outlive a change of them."""
    return digest(*(hashlib.sha256(file.read_bytes()).hexdigest() for file in files))


class Cache:
    """Results of stages, by content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def knows(self, stage: str, key: str) -> bool:
        """Whether there is an entry for this key, and one that can be read."""
        return _read(self.folder / stage / f"{key}.safetensors") is not None

    def remember(self, stage: str, key: str, make: Callable[[], Arrays]) -> tuple[Arrays, bool]:
        """Return what `make` gave for this key before, or make it now; and whether it was known.

        Parameters
        ----------
        stage
            Name of the stage: a folder of the cache.
        key
            Digest of all that the result depends on.
        make
            Computes the named arrays.
        """
        path = self.folder / stage / f"{key}.safetensors"
        known = _read(path)
        if known is not None:
            return known, True
        made = make()
        _write(path, made)
        return made, False


class VectorCache:
    """Vectors by text, for one encoder: segments of digests and vectors, only ever added to."""

    def __init__(self, folder: Path, encoder: str) -> None:
        self.folder = folder / "vectors" / digest(encoder)[:16]

    def find(self, texts: Sequence[str]) -> dict[str, Floats]:
        """Return the vectors of those texts that are known."""
        wanted = {_text_digest(text): text for text in texts}
        found: dict[str, Floats] = {}
        for path in sorted(self.folder.glob("*.safetensors")):
            segment = _read(path)
            if segment is None:
                continue
            if not _is_segment(segment, next(iter(found.values()), None)):
                path.unlink(missing_ok=True)
                continue
            for row, key in enumerate(segment["digests"]):
                text = wanted.get(key.tobytes())
                if text is not None:
                    found[text] = segment["vectors"][row].astype(np.float32, copy=False)
        return found

    def add(self, texts: Sequence[str], vectors: Floats) -> None:
        """Keep these vectors.

        Parameters
        ----------
        texts
            Distinct texts.
        vectors
            float32, (texts, dimensions).
        """
        digests = np.array([list(_text_digest(text)) for text in texts], dtype=np.uint8)
        name = digest(digests)[:32]
        _write(self.folder / f"{name}.safetensors", {"digests": digests, "vectors": vectors})


def _is_segment(segment: Arrays, like: Floats | None) -> bool:
    """Whether an entry is what `VectorCache.add` writes, with vectors as long as those of others."""
    if segment.keys() != {"digests", "vectors"}:
        return False
    digests, vectors = segment["digests"], segment["vectors"]
    if digests.dtype != np.uint8 or digests.shape != (len(vectors), 32) or vectors.ndim != 2:
        return False
    alike = like is None or vectors.shape[1] == len(like)
    return alike and vectors.dtype.kind == "f" and bool(np.isfinite(vectors).all())


def _text_digest(text: str) -> bytes:
    # Hex of half a SHA-256: 32 bytes without NULs, which numpy's fixed-width strings would strip.
    return hashlib.sha256(text.encode()).hexdigest()[:32].encode()


def _read(path: Path) -> Arrays | None:
    try:
        return dict(load_file(path))
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, ValueError):
        path.unlink(missing_ok=True)
        return None


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with whole_file(path) as draft:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, draft)
