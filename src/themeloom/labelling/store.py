"""The study's label file, opened: one writer at a time, and on disk before anybody is told so."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Event, RLock, Thread

import polars as pl

from themeloom.errors import LabelError, OutputError
from themeloom.labelling.schema import FORMAT, SCHEMA
from themeloom.system.atomic import behind_links, whole_file
from themeloom.system.locks import alone

PATIENCE = 10
"""Seconds to wait while another process writes."""

SETTLES = 5.0
"""Seconds after which what was written is in the file itself, and not only in the log beside it."""

DRAWN_COLUMNS = ("doc_id", "text", "inclusion_probability", "design")


class Store:
    """A label file. Open it with `Store.open`, and close it.

    Events are only ever added. WAL mode with full synchronisation: what `add` has returned from is on disk,
    whether the process or the machine dies next.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = RLock()
        self._settled = -1  # changes by this connection that are in the file itself

    @classmethod
    def open(cls, path: Path, study: str, *, make: bool = True) -> "Store":
        """Open a study's label file; make it where there is none.

        Raises
        ------
        LabelError
            If there is none and none shall be made, it is no label file, or it is another study's.
        OutputError
            If it cannot be written.
        """
        if not make and not path.exists():
            raise LabelError(f"{path}: there is no label file yet; make one by `themeloom label`.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _make(behind_links(path), study)
            connection = sqlite3.connect(
                path, timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=200
            )
        except (OSError, sqlite3.Error) as error:
            raise OutputError(f"{path}: cannot be opened ({error}); choose another --root.") from None
        connection.row_factory = sqlite3.Row
        store = cls(path, connection)
        try:
            store._prepare(study)
        except sqlite3.OperationalError as error:
            connection.close()
            raise store._unusable(error) from None
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            connection.close()
            raise store._damaged(error) from None
        except (LabelError, OutputError):
            connection.close()
            raise
        return store

    def _prepare(self, study: str) -> None:
        self._connection.execute("PRAGMA trusted_schema = OFF")
        if not _made(self._connection):  # `_make` leaves none without tables, however it ends
            raise LabelError(
                f"{self.path}: is empty; perhaps it is a copy that was made without its -wal file. Put back "
                "all that was beside it, or a copy that was made while the page was stopped; to begin a new "
                "label file, remove it."
            )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self.path.chmod(0o600)
        [(found,)] = self._connection.execute("PRAGMA quick_check(1)").fetchall()
        if found != "ok":  # a page is damaged: SQLite tells it, but raises nothing
            raise sqlite3.DatabaseError(found.rpartition("\n")[2])
        with self.writing() as connection:
            found = _made(connection)
            if not found.keys() >= {"study", "events", "messages"}:
                raise LabelError(f"{self.path}: is no label file, but another SQLite file; move it away.")
            if found != _sound():
                raise LabelError(
                    f"{self.path}: its tables are not those that Themeloom makes (a view or trigger of "
                    f"others could do anything to codes); {self._put_back}."
                )
        self._check_facts(study)

    def _check_facts(self, study: str) -> None:
        facts = dict(self._connection.execute("SELECT key, value FROM study").fetchall())
        if facts.get("format") != FORMAT:
            raise LabelError(f"{self.path}: was written by another version of Themeloom; use that one.")
        if facts.get("study") != study:
            raise LabelError(
                f"{self.path}: holds the labels of the study '{facts.get('study')}', not of '{study}'."
            )

    def _damaged(self, error: Exception) -> LabelError:
        return LabelError(f"{self.path}: is no label file, or is damaged ({error}); {self._put_back}.")

    @property
    def _put_back(self) -> str:
        """Say how a backup takes its place: SQLite would write what is in a log that was left into it."""
        name = self.path.name
        return f"remove {name}-wal and {name}-shm if they are there, then put it back from a backup"

    def _unusable(self, error: Exception) -> OutputError:
        return OutputError(
            f"{self.path}: cannot be used ({error}); see that you may write there, that there is room on the "
            "disk, and that no other program holds it."
        )

    def settle(self) -> None:
        """Take the log of writes into the file, if that can be now: a copy of the file is then whole."""
        with self._lock, suppress(sqlite3.Error):  # the log has it all the same
            changes = self._connection.total_changes
            if changes == self._settled:
                return
            self._connection.execute("PRAGMA busy_timeout = 0")  # whoever reads is not waited for
            try:
                [(busy, *_)] = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self._settled = self._settled if busy else changes
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")

    @contextmanager
    def settling(self, every: float = SETTLES) -> Iterator[None]:
        """Settle the file every few seconds meanwhile, where anything was written."""
        ended = Event()

        def settle() -> None:
            while not ended.wait(every):
                self.settle()

        thread = Thread(target=settle, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def close(self) -> None:
        """Close the file; the log of writes goes into it."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction: all of it is on disk when the block ends well, or none of it.

        Raises
        ------
        OutputError
            If the disk is full, or another program holds the file; what was kept before stays.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")  # fails where the disk is full
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise self._unusable(error) from None
                raise

    def read(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Give the rows of a query."""
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.OperationalError as error:
                raise self._unusable(error) from None
            except sqlite3.DatabaseError as error:
                raise self._damaged(error) from None

    def add(self, kind: str, coder: str, **values: object) -> int:
        """Add an event; give its number. One with the `client` of an earlier event is that event."""
        with self.writing() as connection:
            return insert(connection, kind, coder, **values)

    def add_messages(self, drawn: pl.DataFrame, who: str) -> int:
        """Take messages into the sample as one batch; those that are in it already stay as they are.

        Parameters
        ----------
        drawn
            Columns ``doc_id``, ``text`` (masked), ``inclusion_probability`` and ``design``.
        who
            Who drew them.

        Returns
        -------
        int
            How many are new.
        """
        with self.writing() as connection:
            known = {row[0] for row in connection.execute("SELECT doc_id FROM messages")}
            rows = [row for row in drawn.select(DRAWN_COLUMNS).iter_rows() if row[0] not in known]
            if not rows:
                return 0
            batch = connection.execute("SELECT COALESCE(MAX(batch), 0) + 1 FROM messages").fetchone()[0]
            time = now()
            connection.executemany(
                "INSERT INTO messages (doc_id, text, inclusion, design, batch, drawn_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [(*row, batch, time) for row in rows],
            )
            insert(connection, "drawn", who, detail=f"batch {batch}: {len(rows)} messages")
        self.settle()
        return len(rows)

    def messages(self) -> list[sqlite3.Row]:
        """Give the whole sample, batch by batch."""
        return self.read("SELECT * FROM messages ORDER BY batch, doc_id")


def insert(connection: sqlite3.Connection, kind: str, coder: str, **values: object) -> int:
    """Add an event inside a transaction; give its number."""
    client = values.get("client")
    if client is not None:
        known = connection.execute("SELECT id FROM events WHERE client = ?", (client,)).fetchone()
        if known:
            return int(known[0])
    row = {"at": now(), "kind": kind, "coder": coder, **values}
    names, places = ", ".join(row), ", ".join("?" * len(row))
    statement = f"INSERT INTO events ({names}) VALUES ({places})"  # noqa: S608 (names of our own)
    done = connection.execute(statement, list(row.values()))
    return int(done.lastrowid or 0)


def now() -> str:
    """Tell the time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _make(path: Path, study: str) -> None:
    """Make a label file, whole or not at all."""
    log = path.with_name(f"{path.name}-wal")
    with alone(path.with_name(f".{path.name}.lock")):
        if path.exists():
            return  # another process was first
        if log.exists() and log.stat().st_size:  # SQLite would write it into the new file
            raise LabelError(
                f"{log}: is there without {path.name}, and may hold codes; put that file back beside it, or "
                "move it away to begin a new label file."
            )
        with whole_file(path) as draft:
            draft.touch(mode=0o600)
            with closing(sqlite3.connect(draft)) as connection, connection:
                connection.executescript(SCHEMA)
                facts = {"format": FORMAT, "study": study, "made_at": now()}
                connection.executemany("INSERT INTO study VALUES (?, ?)", list(facts.items()))


def _made(connection: sqlite3.Connection) -> dict[str, str]:
    """Give the statements by which tables, indexes, triggers and views were made."""
    return dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'"
        )
    )


@cache
def _sound() -> dict[str, str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        return _made(connection)
