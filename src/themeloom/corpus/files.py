"""Source files: opened, decompressed bit by bit, and looked into."""

import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import zstandard

from themeloom.corpus.drafts import RowError
from themeloom.errors import InputError
from themeloom.progress import UNWATCHED, Progress

Kind = Literal["json", "text", "parquet", "xlsx", "other"]

LONGEST_LINE = 2**24
"""Characters; a longer line is set aside."""

DAMAGED = "the compressed data is damaged; what follows it is lost"
CUT_OFF = "the compressed data is cut off; what follows is lost"
_HEAD = 2**20
_PIECE = 2**10  # compressed bytes at a time: no bomb makes more than 32 MiB of them
_HARMLESS = 2**28  # bytes that any file may expand to
_RATIO = 200  # and beyond, so many times its own size; messages compress 5 to 30 times
EXPANDS = f"the compressed data expands more than {_RATIO} times and is not read on"
LOST = (DAMAGED, CUT_OFF, EXPANDS)
"""Why a row stands for all that would have followed."""
_WINDOW = 2**31  # of zstd --long=31, as the Reddit dumps are written
_GZIP, _ZSTD, _SKIPPABLE = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd]")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class _Inflater(Protocol):
    """What zlib and zstandard have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Raw(io.RawIOBase):
    """The bytes of a file; tells how many were read."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._file = path.open("rb")
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview, /) -> int:  # type: ignore[override]
        count = self._file.readinto(target)
        self._progress.advance(count)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Inflated(io.RawIOBase):
    """The decompressed bytes of a .gz or .zst file, frame after frame, never many at a time.

    Raises `RowError` from where on the file is damaged, cut off, or expands beyond reason.
    """

    def __init__(self, raw: BinaryIO, *, zstd: bool) -> None:
        self._raw, self._zstd = raw, zstd
        self._inflater: _Inflater | None = None
        self._ready = memoryview(b"")
        self._read = self._made = 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview, /) -> int:  # type: ignore[override]
        while not self._ready:
            piece = self._raw.read(_PIECE)
            if not piece:
                return self._end()
            self._ready = memoryview(self._inflate(piece))
            self._guard(len(piece))
        count = min(len(target), len(self._ready))
        target[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()

    def _inflate(self, piece: bytes) -> bytes:
        out = []
        try:
            while piece:
                if self._inflater is None or self._inflater.eof:
                    piece = piece.lstrip(b"\x00")  # padding after a frame
                    self._inflater = self._new() if piece else None
                    continue
                out.append(self._inflater.decompress(piece))
                piece = self._inflater.unused_data
        except (zlib.error, zstandard.ZstdError):
            raise RowError(DAMAGED) from None
        return b"".join(out)

    def _new(self) -> _Inflater:
        if self._zstd:
            return zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        return zlib.decompressobj(wbits=31)

    def _end(self) -> int:
        if self._inflater and not self._inflater.eof:
            self._inflater = None
            raise RowError(CUT_OFF)
        return 0

    def _guard(self, count: int) -> None:
        self._read += count
        self._made += len(self._ready)
        check_expansion(self._made, self._read)


def check_expansion(made: int, read: int) -> None:
    """Check that bytes that were read did not make too many.

    Raises
    ------
    RowError
        If they did.
    """
    if made > _HARMLESS and made > read * _RATIO:
        raise RowError(EXPANDS)


def open_bytes(path: Path, progress: Progress = UNWATCHED) -> io.BufferedReader:
    """Open a plain, .gz or .zst file; which of them is told by its first bytes.

    Reading raises `RowError` where compressed data is damaged.

    Raises
    ------
    InputError
        If there is no such file, it is empty, or it may not be read.
    """
    try:
        raw: io.BufferedReader = io.BufferedReader(_Raw(path, progress))
        magic = raw.peek(4)[:4]
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the path of the source.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}); give a file that may be read.") from None
    if not magic:
        raw.close()
        raise InputError(f"{path}: is empty; give a file that holds messages.")
    if compressed(magic):
        return io.BufferedReader(_Inflated(raw, zstd=not magic.startswith(_GZIP)), _HEAD)
    return raw


def compressed(magic: bytes) -> bool:
    """Say whether these first bytes are those of a .gz or .zst file."""
    return magic.startswith((_GZIP, _ZSTD)) or magic[1:4] == _SKIPPABLE


def is_compressed(path: Path) -> bool:
    """Say whether a file is a .gz or .zst file, by its first bytes."""
    with path.open("rb") as file:
        return compressed(file.read(4))


def open_text(path: Path, progress: Progress = UNWATCHED) -> io.TextIOWrapper:
    """Open a file as UTF-8 text; a byte order mark is left out, invalid bytes become surrogates."""
    return _text(open_bytes(path, progress))


def head_of(path: Path) -> bytes:
    """Return the first MiB of what a file holds, decompressed.

    Raises
    ------
    InputError
        If there is no such file, it is empty, or it may not be read.
    """
    out = bytearray()
    with open_bytes(path) as file:
        try:
            while len(out) < _HEAD and (piece := file.read1(_HEAD)):
                out += piece
        except RowError as damage:
            if not out:
                raise InputError(f"{path}: {damage}; give the whole file.") from None
    if not out:
        raise InputError(f"{path}: is empty once decompressed; give a file that holds messages.")
    return bytes(out[:_HEAD])


def text_of(head: bytes) -> str:
    """Return the first bytes of a file as text, read as `open_text` reads them."""
    return _text(io.BytesIO(head)).read()


def kind_of(head: bytes) -> Kind:
    """Tell what kind of file begins so. What looks like JSON may turn out to be a table after all."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    text = head[: 2**16].decode("utf-8-sig", "replace")
    if len(_NO_TEXT.findall(text)) * 4 > len(text):
        return "other"
    return "json" if text.lstrip().startswith(("{", "[", "window.YTD")) else "text"


def lines(text: io.TextIOBase) -> Iterator[tuple[int, str]]:
    """Give the lines of a text and their numbers; one that is too long is cut to ``LONGEST_LINE + 1``."""
    number = 1
    while line := text.readline(LONGEST_LINE + 1):
        yield number, line
        while len(line) > LONGEST_LINE and not line.endswith(("\n", "\r")):
            line = text.readline(LONGEST_LINE + 1)
        number += 1


def fault_of(line: str) -> RowError | None:
    """Tell why a line cannot be read, whatever it says."""
    if len(line) > LONGEST_LINE:
        return RowError(f"a line of more than {LONGEST_LINE:,} characters; write one message a line")
    if not line.isascii() and _NOT_UTF8.search(line):
        return RowError("not valid UTF-8; save the file as UTF-8")
    return None


def _text(file: BinaryIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
