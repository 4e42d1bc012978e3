"""Compressed files that end before their end: why is said in words that are known elsewhere."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from themeloom.corpus.drafts import RowError
from themeloom.corpus.files import CUT_OFF, DAMAGED, EXPANDS, LOST, check_expansion, open_bytes

LINES = "".join(f'{{"text": "message {number}"}}\n' for number in range(5000)).encode()


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_what_follows_a_break_is_said_to_be_lost(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    whole = compress(LINES)
    for content, reason in ((whole[:-9], CUT_OFF), (whole[:10] + b"\xff" * 99 + whole[10:], DAMAGED)):
        (tmp_path / "x").write_bytes(content)
        with open_bytes(tmp_path / "x") as file, pytest.raises(RowError) as caught:
            file.read()
        assert str(caught.value) == reason
        assert reason in LOST


def test_what_expands_beyond_reason_is_said_to_be_lost() -> None:
    with pytest.raises(RowError) as caught:
        check_expansion(2**30, 2**20)
    assert str(caught.value) == EXPANDS
    assert EXPANDS in LOST
