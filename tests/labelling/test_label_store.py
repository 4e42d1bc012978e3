"""The label file: events are kept, the last one counts, and what was answered is on disk."""

import re
import shutil
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import polars as pl
import pytest

from builders import make_codebook
from coding_server import STUDY, invented, label_file, open_store
from themeloom.errors import LabelError, OutputError
from themeloom.labelling import codes
from themeloom.labelling.codes import Coding
from themeloom.labelling.store import PATIENCE, Store

BOOK = make_codebook()
ONE, TWO = f"{1:016x}", f"{2:016x}"


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path, 10) as opened:
        yield opened


def said(store, coder="Ana"):
    return {doc_id: one["code"] for doc_id, one in codes.codes_of(store, coder).items()}


def test_events_are_neither_changed_nor_removed(store):
    codes.save(store, "Ana", Coding(ONE, "power"), BOOK)
    for statement in ("UPDATE events SET code = 'thanks'", "DELETE FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="events are never"), store.writing() as connection:
            connection.execute(statement)
    assert said(store) == {ONE: "power"}


def test_the_file_waits_for_the_disk(store):
    assert store.read("PRAGMA journal_mode")[0][0] == "wal"
    assert store.read("PRAGMA synchronous")[0][0] == 2  # full


def test_the_last_code_counts_and_undo_brings_back_the_one_before(store):
    codes.save(store, "Ana", Coding(ONE, "power"), BOOK)
    codes.save(store, "Ana", Coding(ONE, "support"), BOOK)
    codes.save(store, "Ben", Coding(ONE, "thanks"), BOOK)
    assert said(store) == {ONE: "support"}
    assert codes.withdraw(store, "Ana", "a" * 36) == ONE
    assert codes.withdraw(store, "Ana", "a" * 36) == ONE  # the same, sent twice
    assert said(store) == {ONE: "power"}
    assert codes.withdraw(store, "Ana", "b" * 36) == ONE
    assert said(store) == {}
    assert codes.withdraw(store, "Ana", "c" * 36) is None
    assert said(store, "Ben") == {ONE: "thanks"}


def test_what_is_sent_twice_is_kept_once(store):
    first = codes.save(store, "Ana", Coding(ONE, "power", client="x" * 36), BOOK)
    assert codes.save(store, "Ana", Coding(ONE, "power", client="x" * 36), BOOK) == first
    assert len(store.read("SELECT 1 FROM events WHERE kind = 'code'")) == 1


def test_many_threads_lose_and_double_nothing(store):
    def code(coder):
        for place in range(10):
            for _ in range(2):
                said = Coding(f"{place:016x}", "power", client=f"{coder}-{place}")
                codes.save(store, coder, said, BOOK)

    threads = [threading.Thread(target=code, args=(f"coder {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.read("SELECT 1 FROM events WHERE kind = 'code'")) == 80
    assert len(store.read("SELECT 1 FROM current_codes")) == 80


def test_more_messages_are_a_batch_of_their_own_and_none_comes_twice(store):
    first = codes.order_of(store, "Ana", 1)
    assert store.add_messages(invented(14), "test") == 4
    assert store.add_messages(invented(14), "test") == 0
    assert [row["batch"] for row in store.messages()] == [1] * 10 + [2] * 4
    assert codes.order_of(store, "Ana", 1)[:10] == first
    assert codes.order_of(store, "Ana", 2)[:10] != first
    assert codes.order_of(store, "Ben", 1)[:10] != first


def test_a_batch_is_finished_when_all_of_it_is_coded(store):
    for place in range(10):
        assert codes.finished(store) == {}
        codes.save(
            store,
            "Ana",
            Coding(f"{place:016x}", None, unclear=place == 9, second=None)
            if place == 9
            else Coding(f"{place:016x}", "power"),
            BOOK,
        )
    assert codes.finished(store) == {1: {"Ana"}}
    assert codes.coded_times(store) == {1: 10}


def test_an_assisted_code_is_one_that_followed_the_guess(store):
    codes.save(store, "Ana", Coding(ONE, "power"), BOOK)
    store.add("guess", "Ana", doc_id=ONE)
    store.add("guess", "Ben", doc_id=TWO)
    codes.save(store, "Ana", Coding(TWO, "power"), BOOK)
    assert {one: row["assisted"] for one, row in codes.codes_of(store, "Ana").items()} == {ONE: 0, TWO: 0}
    codes.save(store, "Ana", Coding(ONE, "power"), BOOK)
    assert codes.codes_of(store, "Ana")[ONE]["assisted"] == 1
    store.add("code", "Ben", doc_id=ONE, code="power", assisted=1)  # taken in from elsewhere
    codes.save(store, "Ben", Coding(ONE, "thanks"), BOOK)
    assert codes.codes_of(store, "Ben")[ONE]["assisted"] == 1


def test_another_studys_file_is_refused(tmp_path):
    open_store(tmp_path).close()
    with pytest.raises(LabelError, match=f"of the study '{STUDY}', not of 'other'"):
        Store.open(label_file(tmp_path), "other")


@pytest.mark.parametrize("content", [b"not a database at all" * 50, b"SQLite format 3\0" + b"x" * 4000])
def test_what_is_no_label_file_is_told_and_left_alone(tmp_path, content):
    path = label_file(tmp_path)
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(LabelError, match="is no label file, or is damaged"):
        Store.open(path, STUDY)
    assert path.read_bytes() == content


def copied_alone(tmp_path):
    """Copy the file without the log beside it; give its folder."""
    copy = label_file(tmp_path / "copy")
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(label_file(tmp_path), copy)
    return tmp_path / "copy"


def test_a_copy_of_the_file_alone_holds_what_was_drawn_and_soon_what_was_said(tmp_path):
    with open_store(tmp_path, 10) as store:
        with open_store(copied_alone(tmp_path), 10) as copy:
            assert len(copy.messages()) == 10
        log = label_file(tmp_path).with_name(f"{STUDY}.sqlite-wal")
        with store.settling(0.01):
            codes.save(store, "Ana", Coding(ONE, "power"), BOOK)
            for _ in range(500):
                if not log.stat().st_size:
                    break
                time.sleep(0.01)
        with open_store(copied_alone(tmp_path), 10) as copy:
            assert said(copy) == {ONE: "power"}


def test_whoever_reads_is_not_waited_for_and_the_log_is_taken_in_later(tmp_path):
    with open_store(tmp_path, 10) as store, closing(sqlite3.connect(label_file(tmp_path))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM messages").fetchall()
        log = label_file(tmp_path).with_name(f"{STUDY}.sqlite-wal")
        codes.save(store, "Ana", Coding(ONE, "power"), BOOK)
        began = time.monotonic()
        store.settle()
        assert (time.monotonic() - began < PATIENCE / 2, log.stat().st_size > 0) == (True, True)
        reader.execute("COMMIT")
        store.settle()
        assert log.stat().st_size == 0
        assert store.read("PRAGMA busy_timeout")[0][0] == PATIENCE * 1000


@pytest.mark.parametrize("pages", [0, 1])
def test_a_copy_that_was_made_without_the_log_is_told_and_not_filled(tmp_path, pages):
    path = label_file(tmp_path)
    path.parent.mkdir()
    if pages:  # what the file alone is while all of it is in the log
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    else:
        path.touch()
    content = path.read_bytes()
    assert len(content) == pages * 4096
    with pytest.raises(LabelError, match="is empty; perhaps it is a copy"):
        Store.open(path, STUDY)
    assert path.read_bytes() == content


def test_a_log_without_its_file_is_told_and_kept(tmp_path):
    path = label_file(tmp_path)
    log = path.with_name(f"{path.name}-wal")
    path.parent.mkdir()
    log.write_bytes(b"codes")
    with pytest.raises(LabelError, match="may hold codes; put that file back beside it"):
        Store.open(path, STUDY)
    assert [one.name for one in path.parent.iterdir()] == [log.name]


def test_those_who_make_a_label_file_at_once_make_one(tmp_path):
    path = label_file(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: Store.open(path, STUDY), range(4)))
    stores[0].add("note", "Ana")
    assert [len(store.read("SELECT 1 FROM events")) for store in stores] == [1] * 4
    for store in stores:
        store.close()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("removed", [True, False])
def test_a_backup_takes_the_files_place_once_the_log_is_gone(tmp_path, removed):
    """What is told of a damaged file is so: a log that was left is written into what is put back."""
    path = label_file(tmp_path)
    with open_store(tmp_path, 10) as store:
        backup = copied_alone(tmp_path)
        codes.save(store, "Ana", Coding(ONE, "power"), BOOK)
        left = {one: one.read_bytes() for one in path.parent.iterdir() if one != path}
    path.write_bytes(b"damaged" * 100)
    with pytest.raises(LabelError) as told:
        Store.open(path, STUDY)
    for log, content in left.items():  # as where the server was killed, and nobody opened the file since
        log.write_bytes(content)
    for name in re.findall(r"\S+-(?:wal|shm)\b", str(told.value)):
        if removed:
            path.with_name(name).unlink()
    shutil.copy(label_file(backup), path)
    with Store.open(path, STUDY) as store:
        assert said(store) == ({} if removed else {ONE: "power"})


def test_another_table_is_no_label_file(tmp_path):
    path = label_file(tmp_path)
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE things (name TEXT)")
    connection.close()
    with pytest.raises(LabelError, match="no label file"):
        Store.open(path, STUDY)


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "labels").write_text("a file")
    with pytest.raises(OutputError, match="cannot be opened"):
        Store.open(label_file(tmp_path), STUDY)


def test_a_transaction_is_whole_or_not_at_all(store):
    def broken():
        with store.writing() as connection:
            connection.execute("INSERT INTO study VALUES ('half', 'done')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert store.read("SELECT 1 FROM study WHERE key = 'half'") == []


def test_messages_keep_how_they_were_drawn(store):
    drawn = pl.DataFrame(
        {
            "doc_id": ["x", "y"],
            "text": ["a", "b"],
            "inclusion_probability": [0.5, None],
            "design": ["stratified", "uncertain"],
        }
    )
    store.add_messages(drawn, "test")
    rows = store.read("SELECT doc_id, design, inclusion FROM messages WHERE batch = 2 ORDER BY doc_id")
    assert [tuple(row) for row in rows] == [("x", "stratified", 0.5), ("y", "uncertain", None)]
