"""The private folder."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest

from themeloom.corpus.patterns import Span
from themeloom.corpus.vault import Vault
from themeloom.errors import InputError, OutputError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def doc_id(folder: str) -> str:
    return Vault.open(Path(folder), "study").doc_id("1")


def test_only_the_owner_can_look_into_it(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "private", "study")
    vault.write_crosswalk(pl.DataFrame({"source_id": ["1"], "doc_id": [vault.doc_id("1")]}))
    vault.add_ids(pl.DataFrame({"source_id": ["2"], "doc_id": [vault.doc_id("2")]}))
    with vault.numbering() as meanings:
        meanings["[person 1]", "Trudy"] = None
    vault.write_spans("v1", {"Trudy": [Span(0, 5, "person")]})
    files = sorted(path.name for path in vault.folder.iterdir())
    assert files == ["added.parquet", "crosswalk.parquet", "key", "placeholders.parquet", "spans.parquet"]
    assert mode(vault.folder) == mode(tmp_path / "private") == 0o700
    assert {mode(path) for path in vault.folder.iterdir()} == {0o600}


def test_a_folder_open_to_others_is_closed(tmp_path: Path) -> None:
    first = Vault.open(tmp_path, "study")
    first.folder.chmod(0o755)
    (first.folder / "key").chmod(0o644)
    again = Vault.open(tmp_path, "study")
    assert (mode(again.folder), mode(again.folder / "key")) == (0o700, 0o600)


def test_pseudonyms_last_and_differ_by_study_and_by_domain(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path, "study")
    assert vault.doc_id("7") == Vault.open(tmp_path, "study").doc_id("7")
    assert len({vault.doc_id("7"), vault.doc_id("8"), vault.pseudonym("7")}) == 3
    assert vault.doc_id("7") != Vault.open(tmp_path, "other").doc_id("7")
    assert len(vault.doc_id("7")) == 16
    assert set(vault.doc_id("7")) <= set("0123456789abcdef")


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        assert len(set(pool.map(doc_id, [str(tmp_path)] * 8))) == 1
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["key"]


@pytest.mark.parametrize("damage", [b"", b"abc", b"\xff\xfe" * 32, b"g" * 64])
def test_a_damaged_key_is_told_and_not_replaced(tmp_path: Path, damage: bytes) -> None:
    key = Vault.open(tmp_path, "study").folder / "key"
    key.write_bytes(damage)
    with pytest.raises(InputError, match="is not a key"):
        Vault.open(tmp_path, "study")
    assert key.read_bytes() == damage


@pytest.mark.parametrize("keep", [Vault.write_crosswalk, Vault.add_ids])
def test_a_lost_key_is_told_where_pseudonyms_are_left(
    tmp_path: Path, keep: Callable[[Vault, pl.DataFrame], None]
) -> None:
    vault = Vault.open(tmp_path, "study")
    keep(vault, pl.DataFrame({"source_id": ["1"], "doc_id": [vault.doc_id("1")]}))
    (vault.folder / "key").unlink()
    with pytest.raises(InputError, match="is missing"):
        Vault.open(tmp_path, "study")
    assert not (vault.folder / "key").exists()


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="private folder cannot be used"):
        Vault.open(tmp_path / "file", "study")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_place_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="private folder cannot be used"):
        Vault.open(tmp_path, "study")


def as_another_user(folder: str) -> str:
    os.setuid(65534)
    try:
        return doc_id(folder)
    except OutputError as error:
        return str(error)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_another_users_folder_is_told() -> None:
    with TemporaryDirectory() as place, ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        Path(place).chmod(0o755)
        Vault.open(Path(place) / "private", "study")
        said = pool.submit(as_another_user, f"{place}/private").result()
    assert said.startswith(f"{place}/private/study: the private folder cannot be used (Permission denied)")
    assert said.endswith(
        "it belongs to another user, and keys are not shared: use --root FOLDER of your own."
    )


def test_found_spans_are_kept_by_text_and_version(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path, "study")
    assert vault.read_spans("v1", ["Trudy"]) == {}
    vault.write_spans("v1", {"Trudy": [Span(0, 5, "person")], "nobody": []})
    assert vault.read_spans("v1", ["Trudy", "nobody", "else"]) == {
        "Trudy": [Span(0, 5, "person")],
        "nobody": [],
    }
    assert vault.read_spans("v2", ["Trudy"]) == {}
    assert b"Trudy" not in (vault.folder / "spans.parquet").read_bytes()


def test_what_placeholders_stand_for_is_kept_and_told_where_it_is_damaged(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path, "study")
    for name in ("Trudy", "Ibrahim"):
        with vault.numbering() as meanings:
            meanings[f"[person {len(meanings) + 1}]", name] = None
    path = vault.folder / "placeholders.parquet"
    before = path.stat()
    with vault.numbering() as meanings:
        assert list(meanings) == [("[person 1]", "Trudy"), ("[person 2]", "Ibrahim")]
    assert path.stat().st_ino == before.st_ino
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match="put it back from a backup"), vault.numbering():
        pass
    assert path.read_bytes() == b"PAR1 no more"


@pytest.mark.parametrize("damage", [b"", b"PAR1 not parquet", None])
def test_a_damaged_cache_counts_as_none(tmp_path: Path, damage: bytes | None) -> None:
    vault = Vault.open(tmp_path, "study")
    vault.write_spans("v1", {"Trudy": [Span(0, 99, "person")]})  # a span that its text has no room for
    if damage is not None:
        (vault.folder / "spans.parquet").write_bytes(damage)
    assert vault.read_spans("v1", ["Trudy"]) == {}
