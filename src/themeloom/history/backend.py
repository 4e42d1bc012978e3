"""Where MLflow keeps runs: which store, whether it answers, and what to say when it does not."""

import os
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from themeloom.errors import TrackingError
from themeloom.system.addresses import public_uri, without_secrets
from themeloom.system.atomic import draft_of, scratch

CURE = "see that it is up, and that the address is right (tracking.uri or MLFLOW_TRACKING_URI)"
_ADDRESS = "correct the address (tracking.uri or MLFLOW_TRACKING_URI)"
_SECONDS = 5
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9.-]+)(?:\+[A-Za-z0-9.-]*)?:")
_SERVED = {"http", "https", "databricks", "databricks-uc", "uc"}


@dataclass(frozen=True, slots=True)
class Backend:
    """An MLflow store."""

    uri: str  # may hold a password: never shown
    artifacts: str | None  # where artifacts of new experiments go; None: the server decides
    database: Path | None  # the SQLite file
    own: bool  # whether it is the study's own store, whose artifacts lie beside it

    @property
    def public(self) -> str:
        """The URI as it may be shown."""
        return public_uri(self.uri)

    def fault(self, error: BaseException | str, cure: str) -> TrackingError:
        """Say in one sentence what went wrong, without the secrets of the URI."""
        reason = without_secrets(" ".join(str(error).split()), self.uri)
        return TrackingError(f"{self.public}: {reason[:300].rstrip('.;: ')}; {cure}.")


def backend_of(uri: str | None, root: Path) -> Backend:
    """Choose the store: what the config says, else ``MLFLOW_TRACKING_URI``, else the study's own.

    The study's own is ``sqlite:///ROOT/mlruns/mlflow.db``, with artifacts under ``ROOT/mlruns/artifacts``.

    Raises
    ------
    TrackingError
        If the address can lead to no store, whether or not anything is up.
    """
    root = root.resolve()
    artifacts = (root / "mlruns" / "artifacts").as_uri()
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI")
    if chosen and _scheme(chosen) not in {"sqlite", *_PORTS}:
        return _known(Backend(chosen, None, None, own=False))
    _check_unicode(root)
    if not chosen:
        database = root / "mlruns" / "mlflow.db"
        return Backend(sqlite_uri(database), artifacts, database, own=True)
    if _scheme(chosen) in _PORTS:
        return Backend(chosen, artifacts, None, own=False)
    file = unquote(chosen.partition(":///")[2].partition("?")[0])  # as SQLAlchemy reads it
    backend = Backend(chosen, artifacts, Path(file), own=False)
    if not file:
        raise backend.fault("names no file", f"{_ADDRESS}, such as sqlite:///mlruns/mlflow.db")
    return backend


def _known(backend: Backend) -> Backend:
    """Give back a store that is no database, unless its address tells already that MLflow has none there.

    Raises
    ------
    TrackingError
        If it does.
    """
    scheme = _scheme(backend.uri)
    if not scheme or scheme == "file":
        if os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() not in {"true", "1"}:
            raise backend.fault(
                "MLflow keeps no runs in a folder without a database",
                "name a database instead, such as sqlite:///mlruns/mlflow.db (tracking.uri or "
                "MLFLOW_TRACKING_URI; for what waits already, sync --uri)",
            )
    elif scheme in {"http", "https"} and not _host(backend.uri):
        raise backend.fault("names no server", _ADDRESS)
    elif scheme not in _SERVED and scheme not in entry_points(group="mlflow.tracking_store").names:
        raise backend.fault("MLflow knows no such kind of address", _ADDRESS)
    return backend


def _check_unicode(root: Path) -> None:
    """Refuse a folder beside which MLflow would put files: it cannot spell its name in an address."""
    try:
        str(root).encode()
    except UnicodeEncodeError:
        raise TrackingError(
            f"{root}: is not spelt in UTF-8, as MLflow needs it; rename the folder."
        ) from None


def _host(uri: str) -> str | None:
    try:
        return urlsplit(uri).hostname
    except ValueError:  # an IPv6 address without its end, say
        return None


def sqlite_uri(database: Path) -> str:
    """Spell the path of a SQLite file as an address that leads to it, whatever its folders are called.

    SQLAlchemy decodes ``%41`` and ends a path at ``?``, so that such a path must be encoded. MLflow makes the
    folder of ``sqlite:///`` without decoding it, which would leave an empty one beside: not so where the
    address names SQLite's driver.
    """
    path = str(database)
    if unquote(path) == path and not {"?", "#"} & set(path):
        return f"sqlite:///{path}"
    return f"sqlite+pysqlite:///{quote(path, safe='/ ')}"


def check(backend: Backend) -> None:
    """Find out quickly whether a database answers.

    MLflow tries ten times with growing pauses, which makes a wrong password or a broken file cost minutes.

    Raises
    ------
    TrackingError
        If it does not.
    """
    if backend.database is not None:
        _check_file(backend, backend.database)
    elif _scheme(backend.uri) in _PORTS:
        _check_server(backend)


def create(database: Path, build: Callable[[str], object]) -> None:
    """Make a new SQLite store whole or not at all, whoever else does so at the same time.

    Parameters
    ----------
    database
        The file to make.
    build
        Makes MLflow's tables at the URI that it is given.
    """
    empty = _empty(build)
    database.parent.mkdir(parents=True, exist_ok=True)
    part = draft_of(database)
    try:
        part.write_bytes(empty)
        with suppress(FileExistsError):  # another run was first: its store is as good
            os.link(part, database)
    finally:
        part.unlink(missing_ok=True)


@cache
def _empty(build: Callable[[str], object]) -> bytes:
    """Return the file of a new store. MLflow's migrations take seconds: a process lets them be done once."""
    with scratch() as folder:
        draft = folder.resolve() / "mlflow.db"
        with _not_waiting_for_the_disk(draft):
            build(sqlite_uri(draft))
        return draft.read_bytes()


@contextmanager
def _not_waiting_for_the_disk(draft: Path) -> Iterator[None]:
    """Let SQLite not wait for the disk after each of MLflow's migrations: a draft that breaks off is gone."""
    from sqlalchemy import Engine, event

    def connected(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            file = connection.execute("PRAGMA database_list").fetchone()[2]
            if file == str(draft):
                connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)


def follow_move(backend: Backend) -> None:
    """Tell a study's own store where its artifacts are now, after the folder was moved or copied.

    MLflow keeps absolute addresses. Those of a study's own store always end in ``mlruns/artifacts`` beside
    the database, so that they can be set right; all others are left alone.
    """
    if not (backend.own and backend.database and backend.database.exists()):
        return
    with closing(sqlite3.connect(backend.database, timeout=_SECONDS)) as connection, connection:
        rows = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
        for (old,) in rows:
            if (
                old
                and old.startswith("file://")
                and old.endswith("/mlruns/artifacts")
                and old != backend.artifacts
            ):
                _rewrite(connection, old, str(backend.artifacts))


def _rewrite(connection: sqlite3.Connection, old: str, new: str) -> None:
    places = (
        ("experiments", "artifact_location"),
        ("runs", "artifact_uri"),
        ("logged_models", "artifact_location"),
        ("datasets", "dataset_source"),
        ("model_versions", "source"),
        ("model_versions", "storage_location"),
    )
    for table, column in places:
        connection.execute(
            f"UPDATE {table} SET {column} = replace({column}, ?, ?)",  # noqa: S608 (names from above)
            (old, new),
        )


def _check_file(backend: Backend, database: Path) -> None:
    if not database.exists():
        return
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=_SECONDS)
        ) as file:
            file.execute("SELECT count(*) FROM sqlite_master").fetchone()
            _check_pages(file)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise backend.fault("another process holds the database locked", "end it, or try later") from None
        if isinstance(error, sqlite3.OperationalError):  # of the system, not of what is in the file
            raise backend.fault(f"cannot be opened ({error})", "see that you may read and write it") from None
        raise backend.fault(
            f"is not a readable MLflow database ({error})",
            "restore it from a copy, or move it away so that a new one is made",
        ) from None


def _check_pages(file: sqlite3.Connection) -> None:
    """Look for damaged pages: SQLite tells of them, but raises nothing."""
    [(found,)] = file.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise sqlite3.DatabaseError(found.rpartition("\n")[2])


def _check_server(backend: Backend) -> None:
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        url = make_url(backend.uri)
        if url.host:
            address = (url.host, url.port or _PORTS[_scheme(backend.uri)])
            socket.create_connection(address, timeout=_SECONDS).close()
        engine = create_engine(backend.uri)
        engine.connect().close()
        engine.dispose()
    except (SQLAlchemyError, OSError, ImportError, ValueError) as error:
        raise backend.fault(
            f"the MLflow database does not answer ({error})",
            CURE,
        ) from None


def _scheme(uri: str) -> str:
    """Return what MLflow goes by: the part before the colon, without a driver; nothing for a path."""
    if uri in _SERVED:
        return uri
    found = _SCHEME.match(uri)
    scheme = found[1] if found else ""
    return scheme.lower() if scheme.lower() in _SERVED else scheme
