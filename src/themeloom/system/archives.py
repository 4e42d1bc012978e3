"""ZIP archives of strangers, looked over before anything in them is unpacked."""

import re
import struct
import zipfile
import zlib

MOST_MEMBERS = 200_000
HARMLESS = 2**26
"""Bytes that any archive may unpack to."""
RATIO = 200
"""And beyond, so many times its own size; texts and sheets compress 5 to 30 times."""
LARGEST = 2**30
"""And no more than that, however large it is itself."""

DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError, OSError)
"""What reading a damaged or encrypted archive raises."""

_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpacking_fault(archive: zipfile.ZipFile, size: int) -> str:
    """Say why an archive must not be unpacked; nothing if it may.

    What a member says of its size is all that is ever read of it, so that the sum of these is trusted.

    Parameters
    ----------
    archive
        The archive.
    size
        Its own bytes.
    """
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS:
        return f"holds more than {MOST_MEMBERS:,} files"
    if total > LARGEST:
        return f"unpacks to more than {LARGEST // 2**20:,} MiB"
    if total > max(HARMLESS, size * RATIO):
        return f"unpacks to more than {RATIO} times its size"
    if any(member.compress_type not in _PLAIN for member in members):
        return "is compressed in a way that is not read"
    return "holds a file that would lie outside of it" if any(map(_outside, members)) else ""


def _outside(member: zipfile.ZipInfo) -> bool:
    parts = re.split(r"[/\\]", member.filename)
    return ".." in parts or parts[0] == "" or ":" in parts[0]
