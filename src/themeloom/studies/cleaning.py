"""What killed runs left behind: found, shown, and removed on request."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from themeloom.errors import ModelError
from themeloom.history import outbox, store
from themeloom.history.abandoned import end_open_run, open_runs
from themeloom.system.atomic import left_drafts, left_scratch, remove
from themeloom.system.cache import unreadable
from themeloom.system.folders import Folders
from themeloom.system.locks import left_locks, remove_lock


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that was left behind."""

    kind: str  # 'half-written', 'MLflow run left open', …
    what: str  # a path, or a run's name and id
    remedy: str  # what `remove` does: 'remove', or 'end as KILLED'
    remove: Callable[[], object]


def find_leftovers(root: str | Path = ".", uri: str | None = None) -> list[Leftover]:
    """List what runs left that were killed; nothing of finished runs, of running ones, or of keys.

    Parameters
    ----------
    root
        The folder under which models/, mlruns/ and .themeloom/ lie.
    uri
        The tracking address; by default MLFLOW_TRACKING_URI, else the store in ``ROOT/mlruns``.

    Raises
    ------
    TrackingError
        If the MLflow store is there but cannot be read.
    """
    folders = Folders(Path(root))
    files = [*_half_written(folders), *_unheld(folders), *_damaged(folders), *_unsendable(folders)]
    return [*files, *_open(folders, uri)]


def _half_written(folders: Folders) -> Iterator[Leftover]:
    top = [folders.models, folders.root / "mlruns", folders.root / "labels"]
    hidden = folders.root / ".themeloom"
    inside = [hidden, *(path for path in sorted(hidden.rglob("*")) if path.is_dir())]
    for folder in (*top, *inside):
        for path in (*sorted(left_drafts(folder)), *left_scratch(folder)):
            yield _file("half-written", path)
    for path in left_scratch():
        yield _file("half-written", path)


def _unheld(folders: Folders) -> Iterator[Leftover]:
    for path in (*left_locks(folders.locks), *left_locks(folders.outbox, outbox.LOCK)):
        yield Leftover("lock of a process that was killed", str(path), "remove", partial(remove_lock, path))


def _damaged(folders: Folders) -> Iterator[Leftover]:
    """Find entries of the cache that cannot be read: they would be computed anew all the same."""
    for path in unreadable(folders.cache):
        yield _file("cannot be read", path)
    for path in sorted((folders.cache / "models").glob(32 * "[0-9a-f]")):
        try:
            store.check(path)
        except ModelError:
            yield _file("cannot be read", path)


def _unsendable(folders: Folders) -> Iterator[Leftover]:
    for path, reason in outbox.unsendable(folders.root):
        yield _file(reason, path)


def _open(folders: Folders, uri: str | None) -> Iterator[Leftover]:
    for name, number in open_runs(folders.root, uri):
        yield Leftover(
            "MLflow run left open",
            f"{name} ({number})",
            "end as KILLED",
            partial(end_open_run, number, folders.root, uri),
        )


def _file(kind: str, path: Path) -> Leftover:
    return Leftover(kind, str(path), "remove", partial(remove, path))
