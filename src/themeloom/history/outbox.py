"""Runs that their MLflow store did not take: kept, and sent later, once."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from themeloom.config import TrackingConfig
from themeloom.errors import ModelError, OutputError, ThemeloomError, TrackingError
from themeloom.history import store
from themeloom.history.backend import backend_of, sqlite_uri
from themeloom.history.machine import Sample
from themeloom.history.parts import REPORT
from themeloom.history.tracking import Tracked, track
from themeloom.progress import NOBODY, UNWATCHED, Progress, Watcher
from themeloom.records import RunRecord
from themeloom.system.addresses import public_uri
from themeloom.system.atomic import scratch, whole_file
from themeloom.system.folders import Folders
from themeloom.system.locks import alone

LOCK = ".lock"
"""In the outbox: one process sends at a time."""


class _Waiting(BaseModel):
    """What is known of a run that waits, beside its model folder, where all the rest is."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # files of before also held a parent and tags

    run: str
    experiment: str
    store: str  # as it may be shown
    address: str | None  # in full, unless it holds a password; None for the study's own store
    own: bool
    embeddings: bool
    samples: tuple[Sample, ...]
    model: bool = True  # runs that wait since before it was asked


def track_or_keep(  # noqa: PLR0913 (as `track`)
    record: RunRecord,
    model_folder: Path,
    report: Path | None,
    config: TrackingConfig,
    root: Path,
    *,
    samples: Sequence[Sample] = (),
    progress: Progress = UNWATCHED,
) -> Tracked:
    """Track a run; if the store does not take all of it, let it wait in ``ROOT/.themeloom/outbox``.

    Parameters are those of `track`; the model folder must be ``ROOT/models/RUN``.

    Returns
    -------
    Tracked
        With `waiting` saying what went wrong, if it did.

    Raises
    ------
    TrackingError
        If the address can lead to no store.
    OutputError
        If the run cannot wait, either.
    """
    backend = backend_of(config.uri, root)
    try:
        return track(record, model_folder, report, config, root, samples=samples, progress=progress)
    except TrackingError as error:
        experiment = config.experiment or record.study
        waiting = _Waiting(
            run=record.run,
            experiment=experiment,
            store=backend.public,
            address=None if backend.own or backend.public != backend.uri else backend.uri,
            own=backend.own,
            embeddings=config.embeddings,
            model=config.model,
            samples=tuple(samples),
        )
        _keep(waiting, report, model_folder, root, str(error))
        return Tracked("", "", experiment, backend.public, "", waiting=str(error))


def _keep(waiting: _Waiting, report: Path | None, model_folder: Path, root: Path, reason: str) -> None:
    place = Folders(root).outbox / f"{waiting.run}.json"
    if report is not None:  # as MLflow is to get it, which may not be as it lies in the model folder
        with suppress(OutputError), whole_file(place.with_suffix(".html")) as draft:  # the run matters more
            shutil.copyfile(report, draft)
    try:
        with whole_file(place) as draft:
            draft.write_text(waiting.model_dump_json(indent=1), encoding="utf-8")
    except OutputError as error:
        place.with_suffix(".html").unlink(missing_ok=True)
        raise OutputError(
            f"{model_folder}: holds the run, which is whole, but MLflow did not take it, nor can it wait to "
            "be sent; mend what follows, and give the same command again to have the run in MLflow.",
            reason,
            *error.faults,
        ) from None


def sync(root: Path, uri: str | None = None, watcher: Watcher = NOBODY) -> Iterator[Tracked]:
    """Send what waits, oldest first; each run as soon as it is asked for.

    A run that is in the store in part is gone on with; one that is there already is not sent again.

    Parameters
    ----------
    root
        The study's folder.
    uri
        Another address than the one at which a run was to be tracked, or that one where it holds a password.
    watcher
        Who watches.

    Raises
    ------
    ThemeloomError
        At the end, a sentence for each run that could not be sent; they go on waiting.
    """
    outbox, faults = Folders(root).outbox, list[str]()
    if not outbox.is_dir():
        return
    with alone(outbox / LOCK):
        for file in sorted(outbox.glob("*.json"), key=_since):
            try:
                tracked = _sent(file, root, uri, watcher)
            except ThemeloomError as error:
                faults += error.faults
            else:
                file.unlink()
                file.with_suffix(".html").unlink(missing_ok=True)
                yield tracked
    if faults:
        raise TrackingError(*faults)


def _since(file: Path) -> list[str]:
    """When a run was begun: its name is STUDY-DAY-TIME-DIGITS."""
    return file.stem.rsplit("-", 3)[1:]


def unsendable(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield what lies in the outbox and is no run that waits, each with the reason.

    What cannot be read may be another user's. A run whose model is away can be sent when it is back.
    """
    outbox = Folders(root).outbox
    for file in sorted(outbox.glob("*.html")):
        if not file.with_suffix(".json").exists():
            yield file, "a report of no waiting run"
    for file in sorted(outbox.glob("*.json")):
        with suppress(OSError):
            if _waiting(file) is None:
                yield file, "no run that waits"


def _waiting(file: Path) -> _Waiting | None:
    try:
        return _Waiting.model_validate_json(file.read_bytes())
    except ValidationError:
        return None


def _read(file: Path) -> _Waiting:
    try:
        found = _waiting(file)
    except OSError as error:
        raise TrackingError(
            f"{file}: cannot be read ({error.strerror}); whoever made that run can send it."
        ) from None
    if found is None:
        raise TrackingError(f"{file}: is not a run that waits; remove it.")
    return found


def _sent(file: Path, root: Path, uri: str | None, watcher: Watcher) -> Tracked:
    waiting = _read(file)
    folder = Folders(root).models / waiting.run
    if not folder.is_dir():
        raise ModelError(f"{folder}: is gone, so that the run cannot be sent; put it back, or remove {file}.")
    config = TrackingConfig(
        uri=uri or _address(waiting, root),
        experiment=waiting.experiment,
        embeddings=waiting.embeddings,
        model=waiting.model,
    )
    with watcher.stage("track") as progress, _as_artifact(file.with_suffix(".html")) as report:
        return track(
            store.load(folder),
            folder,
            report,
            config,
            root,
            samples=waiting.samples,
            again=True,
            progress=progress,
        )


@contextmanager
def _as_artifact(kept: Path) -> Iterator[Path | None]:
    """Give a report that waits the name that it has in MLflow."""
    if not kept.exists():
        yield None
        return
    with scratch() as place:
        yield shutil.copyfile(kept, place / REPORT)


def _address(waiting: _Waiting, root: Path) -> str:
    if waiting.own:
        return sqlite_uri(root.resolve() / "mlruns" / "mlflow.db")
    if waiting.address:
        return waiting.address
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    if public_uri(given) != waiting.store:
        raise TrackingError(
            f"{waiting.store}: its address holds a password, which was not kept; give the address by "
            "MLFLOW_TRACKING_URI, or by --uri."
        )
    return given
