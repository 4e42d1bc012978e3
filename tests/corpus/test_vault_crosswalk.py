"""The crosswalk of a study, kept and read back."""

import polars as pl
import pytest

from themeloom.corpus.vault import Vault
from themeloom.errors import InputError


def test_a_crosswalk_is_read_back_and_a_damaged_one_is_told(tmp_path):
    vault = Vault.open(tmp_path, "study")
    assert len(vault.read_crosswalk()) == 0
    table = pl.DataFrame({"source_id": ["a"], "doc_id": [vault.doc_id("a")]})
    vault.write_crosswalk(table)
    assert vault.read_crosswalk().equals(table)
    (vault.folder / "crosswalk.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match="put it back from a backup"):
        vault.read_crosswalk()
    vault.write_crosswalk(table)
    assert vault.read_crosswalk().equals(table)


def test_what_is_known_already_is_not_written_again(tmp_path):
    vault = Vault.open(tmp_path, "study")
    table = pl.DataFrame({"source_id": ["a"], "doc_id": [vault.doc_id("a")]})
    vault.write_crosswalk(table)
    before = (vault.folder / "crosswalk.parquet").stat()
    vault.write_crosswalk(table)
    assert (vault.folder / "crosswalk.parquet").stat().st_ino == before.st_ino
    vault.write_crosswalk(pl.concat([table, table]))
    assert len(vault.read_crosswalk()) == 2
