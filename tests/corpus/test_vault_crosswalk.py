"""The crosswalk of a study, kept and read back."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

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


def test_added_ids_stay_beside_those_of_the_sources(tmp_path):
    vault = Vault.open(tmp_path, "study")
    own, added = (pl.DataFrame({"source_id": [one], "doc_id": [vault.doc_id(one)]}) for one in ("a", "b"))
    vault.add_ids(added)
    for _ in range(2):
        vault.write_crosswalk(own)
        vault.add_ids(added)
        assert vault.read_crosswalk().equals(pl.concat([own, added]))
    before = (vault.folder / "crosswalk.parquet").stat()
    vault.write_crosswalk(own)
    assert (vault.folder / "crosswalk.parquet").stat().st_ino == before.st_ino
    of_another_model = added.with_columns(doc_id=pl.lit(vault.doc_id("a")))
    vault.add_ids(of_another_model)
    assert set(vault.read_crosswalk().iter_rows()) >= {*added.iter_rows(), *of_another_model.iter_rows()}


def add(folder, name):
    vault = Vault.open(folder, "study")
    vault.add_ids(pl.DataFrame({"source_id": [name], "doc_id": [vault.doc_id(name)]}))


def test_two_batches_that_are_added_at_once_are_both_kept(tmp_path):
    names = [f"m{number}" for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(add, tmp_path), names))
    assert set(Vault.open(tmp_path, "study").read_crosswalk()["source_id"]) == set(names)


def test_damaged_added_ids_are_told_and_stay_as_they_are(tmp_path):
    vault = Vault.open(tmp_path, "study")
    (vault.folder / "added.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match=r"added\.parquet: cannot be read"):
        add(tmp_path, "a")
    vault.write_crosswalk(pl.DataFrame({"source_id": ["a"], "doc_id": ["b"]}))
    assert (vault.folder / "added.parquet").read_bytes() == b"PAR1 no more"
