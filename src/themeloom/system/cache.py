"""What was computed once is kept: arrays on disk, addressed by the content they were made from.

Entries are safetensors files (no pickle), written beside and renamed, so that several processes can share a
cache and a killed one leaves nothing half-written. An entry that cannot be read is computed again.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from inspect import getfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from themeloom.records import Bools, Floats
from themeloom.system.atomic import whole_file

Arrays = dict[str, NDArray[Any]]
LIMIT = 20e9
"""Bytes of vectors that are kept unless told otherwise: those of some 13 million texts in 384 dimensions."""
SEGMENT = ("digests", "vectors", "checksums")
_TYPES = {"U8": np.uint8, "F32": np.float32}
"""What arrays of a segment may be of, as safetensors calls it."""


def digest(*parts: object) -> str:
    """Return the SHA-256 (hex) of arrays (dtype, shape and bytes) and JSON-like values, in order."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            sha.update(f"{part.dtype.str}{part.shape}".encode())
            sha.update(np.ascontiguousarray(part).data)
        else:
            sha.update(json.dumps(part, sort_keys=True, ensure_ascii=True, default=list).encode())
        sha.update(b"\0")
    return sha.hexdigest()


def code_digest(*files: Path) -> str:
    """Return the SHA-256 (hex) of source files: what they computed must not outlive a change of them."""
    return digest(*(hashlib.sha256(file.read_bytes()).hexdigest() for file in files))


def code_of(*made: Callable[..., object]) -> str:
    """Return the digest of the source files of functions or classes."""
    return code_digest(*(Path(getfile(one)) for one in made))


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

    def forget(self, stage: str, key: str) -> None:
        """Remove the entry for this key, if there is one."""
        (self.folder / stage / f"{key}.safetensors").unlink(missing_ok=True)


class VectorCache:
    """Vectors by text, for one encoder: segments of digests and vectors, only ever added to.

    Segments are mapped and not read: looking texts up costs what is found, however much is kept. Each row
    carries a checksum; a segment that gives one that does not hold is removed, and its vectors are computed
    again.

    Parameters
    ----------
    folder
        The cache's folder.
    encoder
        What the vectors are of: other fingerprints have other vectors.
    limit
        Bytes that the vectors of all encoders may take; segments that were not used for longest leave first.
    """

    def __init__(self, folder: Path, encoder: str, limit: float = LIMIT) -> None:
        self.folder = folder / "vectors" / digest(encoder)[:16]
        self.limit = limit

    def find(self, texts: Sequence[str]) -> tuple[Bools, Floats]:
        """Look texts up, which may repeat.

        Returns
        -------
        known
            (texts,): whether there is a vector.
        vectors
            float32, (texts, dimensions): zeros for a text that is not known; no dimensions if none is.
        """
        wanted = np.array([_text_digest(text) for text in texts], dtype="S32")
        known, vectors = np.zeros(len(texts), dtype=bool), np.zeros((len(texts), 0), dtype=np.float32)
        for path in sorted(self.folder.glob("*.safetensors")):
            if known.all():
                break
            asked = np.flatnonzero(~known)
            found = _found(path, wanted[asked])
            if found is None:
                continue
            there, of_segment = found
            if vectors.shape[1] not in {0, of_segment.shape[1]}:
                path.unlink(missing_ok=True)
                continue
            if not vectors.shape[1]:
                vectors = np.zeros((len(texts), of_segment.shape[1]), dtype=np.float32)
            _used(path)
            vectors[asked[there]] = of_segment
            known[asked[there]] = True
        return known, vectors

    def add(self, texts: Sequence[str], vectors: Floats) -> None:
        """Keep these vectors.

        Parameters
        ----------
        texts
            Distinct texts.
        vectors
            float32, (texts, dimensions).
        """
        if not len(texts):
            return
        keys = np.array([_text_digest(text) for text in texts], dtype="S32")
        order = np.argsort(keys)  # a row is found by bisection
        digests = keys[order].view(np.uint8).reshape(-1, 32)
        kept = np.ascontiguousarray(vectors[order], dtype=np.float32)
        path = self.folder / f"{digest(digests)[:32]}.safetensors"
        _write(path, {"digests": digests, "vectors": kept, "checksums": _checksums(digests, kept)})
        self._trim(path)

    def _trim(self, newest: Path) -> None:
        """Let segments go, those not used for longest first, until the rest is within the limit."""
        found = [(path.stat(), path) for path in self.folder.parent.rglob("*.safetensors")]
        surplus = sum(stat.st_size for stat, _ in found) - self.limit
        for stat, path in sorted(found, key=lambda entry: entry[0].st_mtime_ns):
            if surplus <= 0:
                return
            if path != newest:
                path.unlink(missing_ok=True)
                surplus -= stat.st_size


def _found(path: Path, wanted: NDArray[Any]) -> tuple[Bools, Floats] | None:
    """Look keys up in a segment: which are there, and their vectors; nothing where none is.

    A segment that is none, or has a row that does not hold, is removed.
    """
    try:
        segment = _mapped(path)
    except OSError:  # missing, or not to be read just now: no reason to remove it
        return None
    except (SafetensorError, ValueError, KeyError, TypeError):
        segment = {}
    if not _is_segment(segment):
        path.unlink(missing_ok=True)
        return None
    keys = segment["digests"].view("S32").ravel()
    places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    there = np.asarray(keys[places] == wanted)
    if not there.any():
        return None
    rows, again = np.unique(places[there], return_inverse=True)
    digests, vectors, checksums = (np.asarray(segment[name][rows]) for name in SEGMENT)
    if not np.isfinite(vectors).all() or not np.array_equal(checksums, _checksums(digests, vectors)):
        path.unlink(missing_ok=True)
        return None
    return there, vectors[again]


def _mapped(path: Path) -> Arrays:
    """Map a safetensors file: its arrays are read where they are looked at."""
    with safe_open(path, "numpy"):  # compares what the head promises with the file's size
        pass
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        head = json.loads(file.read(size))
    return {
        name: np.memmap(path, _TYPES[facts["dtype"]], "r", 8 + size + facts["data_offsets"][0], shape)
        for name, facts in head.items()
        if (shape := tuple(facts.get("shape", ())))
    }


def _checksums(digests: NDArray[np.uint8], vectors: Floats) -> NDArray[np.uint8]:
    """Return 8 bytes a row, uint8 (rows, 8), of its digest and its vector."""
    sums = (
        hashlib.blake2b(vector, digest_size=8, key=key).digest()
        for key, vector in zip(digests, vectors, strict=True)
    )
    return np.frombuffer(b"".join(sums), dtype=np.uint8).reshape(-1, 8)


def _used(path: Path) -> None:
    with suppress(OSError):  # a cache that may only be read is still of use
        os.utime(path)


def _is_segment(segment: Arrays) -> bool:
    """Whether an entry is what `VectorCache.add` writes."""
    if set(segment) != set(SEGMENT):
        return False
    digests, vectors, checksums = (segment[name] for name in SEGMENT)
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        return False
    bytes_ = digests.dtype == checksums.dtype == np.uint8
    return bytes_ and digests.shape == (len(vectors), 32) and checksums.shape == (len(vectors), 8)


def _text_digest(text: str) -> bytes:
    # Hex of half a SHA-256: 32 bytes without NULs, which numpy's fixed-width strings would strip.
    return hashlib.sha256(text.encode()).hexdigest()[:32].encode()


def unreadable(folder: Path) -> list[Path]:
    """List the entries of a cache folder that cannot be read, without removing them."""
    return [path for path in sorted(folder.rglob("*.safetensors")) if not _is_whole(path)]


def _is_whole(path: Path) -> bool:
    try:
        with safe_open(path, "numpy"):  # reads the head, and compares what it promises with the file's size
            return True
    except FileNotFoundError:
        return True
    except (SafetensorError, OSError, ValueError):
        return False


def _read(path: Path) -> Arrays | None:
    try:
        return dict(load_file(path))
    except OSError:  # missing, or not to be read just now: no reason to remove it
        return None
    except (SafetensorError, ValueError):
        path.unlink(missing_ok=True)
        return None


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with whole_file(path) as draft:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, draft)
