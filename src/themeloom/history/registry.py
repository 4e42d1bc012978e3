"""Models found again by a word: a run, a registered version, an alias."""

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from themeloom.config import TrackingConfig
from themeloom.errors import ModelError, TrackingError
from themeloom.history import store
from themeloom.history.backend import Backend, backend_of
from themeloom.history.connection import connection, told
from themeloom.history.logged_model import INSIDE, log_model, ready_model
from themeloom.history.quiet import impatient, quiet
from themeloom.history.tracking import track
from themeloom.records import RunRecord
from themeloom.system.atomic import scratch
from themeloom.system.folders import Folders
from themeloom.system.provenance import PARENT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

T = TypeVar("T")
_RUN = re.compile(r"[0-9a-f]{32}")
_ALIAS = re.compile(r"(?!(?:latest|v\d+)$)[\w-]{1,255}", re.ASCII | re.IGNORECASE)
_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""What stores answer when they are asked for what they do not have."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A version of a registered model."""

    name: str
    version: str
    alias: str | None

    @property
    def reference(self) -> str:
        """What `model_folder`, `themeloom assign` and ``mlflow.pyfunc.load_model`` take."""
        return f"models:/{self.name}@{self.alias}" if self.alias else f"models:/{self.name}/{self.version}"


def register(
    run: str, root: Path, *, alias: str | None = None, name: str | None = None, uri: str | None = None
) -> Registered:
    """Make a run's model a version of a registered model, and let an alias point to it.

    Registered already, it stays the version that it is. A model that `update` made is tracked first, as
    `update` leaves MLflow alone.

    Parameters
    ----------
    run
        A run's name under models/, its folder, or the id of its MLflow run.
    root
        The study's folder.
    alias
        Such as 'champion'; one that points to another version is moved.
    name
        Of the registered model; by default the study's.
    uri
        The tracking address; by default MLFLOW_TRACKING_URI, else the store in ``ROOT/mlruns``.

    Raises
    ------
    TrackingError
        If there is no such run, it has no model, the alias can be none, or the store cannot be reached or
        refuses.
    """
    if alias is not None and not _ALIAS.fullmatch(alias):
        raise TrackingError(
            f"--alias: '{alias}' can be no alias; use letters, digits, - and _, but neither 'latest' nor v "
            "and a number, which MLflow keeps for versions."
        )
    backend = backend_of(uri, root)
    with connection(backend, make=False) as client:
        found = _run(client, run, root, backend)
        folder = _local(found, root)
        if folder is not None and ready_model(client, found) is None:
            log_model(client, found.info.run_id, store.load(folder), folder)
            found = client.get_run(found.info.run_id)
        model = _model_of(client, found, backend)
        name = name or found.data.tags.get("themeloom.study") or "themeloom"
        version = _version_of(client, name, model, found, backend)
        if alias:
            client.set_registered_model_alias(name, alias, version)
    return Registered(name, version, alias)


def model_folder(reference: str, root: Path, uri: str | None = None) -> Path:
    """Return the local folder of a model, downloaded if need be.

    Parameters
    ----------
    reference
        A folder; a run's name under ``ROOT/models``; ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``,
        ``models:/MODEL_ID``, ``runs:/RUN_ID/model`` or the id of an MLflow run.
    root
        The study's folder.
    uri
        The tracking address; by default MLFLOW_TRACKING_URI, else the store in ``ROOT/mlruns``.

    Returns
    -------
    Path
        What `store.load` reads. What was downloaded is kept in ``ROOT/.themeloom/cache`` and used again.

    Raises
    ------
    ModelError
        If there is no such folder, or what was downloaded is no whole model.
    TrackingError
        If there is no such run, version or alias, the run has no model, or the store cannot be reached.
    """
    remote = reference.startswith(("models:/", "runs:/"))
    if not remote:
        for place in (Path(reference), Folders(root).models / reference):
            if place.is_dir():
                return place
        if not _RUN.fullmatch(reference):
            raise ModelError(
                f"{reference}: there is no such model folder; give a folder, a run's name under "
                f"{Folders(root).models}, models:/NAME@ALIAS, or the id of an MLflow run."
            )
    backend = backend_of(uri, root)
    with connection(backend, make=False) as client:
        location = _location(client, reference, root, backend)
    with quiet(), told(backend):  # a download may be interrupted at any time
        return _fetched(location, reference, Folders(root).cache / "models", backend)


def run_folder(reference: str, root: Path, uri: str | None = None) -> Path:
    """Return the local folder of a run's model: that under models/ if it is still there, else downloaded.

    Parameters
    ----------
    reference
        ``runs:/RUN_ID``, the id of an MLflow run, or ``models:/NAME@ALIAS``.
    root
        The study's folder.
    uri
        The tracking address; by default MLFLOW_TRACKING_URI, else the store in ``ROOT/mlruns``.

    Raises
    ------
    ModelError, TrackingError
        As `model_folder`.
    """
    if reference.startswith("models:/"):
        return model_folder(reference, root, uri)
    backend = backend_of(uri, root)
    number = reference.removeprefix("runs:/").partition("/")[0]
    with connection(backend, make=False) as client:
        run = _run(client, number, root, backend)
        local = _local(run, root)
    return local or model_folder(reference, root, uri)


def _local(run: "Run", root: Path) -> Path | None:
    """Return the folder under models/ that a run comes from, if it is still there."""
    name = run.data.tags.get("themeloom.run", "")
    folder = Folders(root).models / name
    return folder if name and folder.is_dir() else None


def _location(client: "MlflowClient", reference: str, root: Path, backend: Backend) -> str:
    """Return where the artifacts of a model are."""
    kind, _, rest = reference.rpartition(":/")
    if kind != "models":
        run = _run(client, rest.partition("/")[0], root, backend)
        return str(_model_of(client, run, backend).artifact_location)
    name, separator, alias = rest.rpartition("@")
    if separator:
        version = _asked(
            lambda: client.get_model_version_by_alias(name, alias).version,
            f"{backend.public}: no model '{name}' has the alias '{alias}'; "
            f"set it: themeloom register RUN --name {name} --alias {alias}.",
        )
        return str(client.get_model_version_download_uri(name, version))
    name, separator, version = rest.rpartition("/")
    if separator:
        return _asked(
            lambda: str(client.get_model_version_download_uri(name, version)),
            f"{backend.public}: there is no version {version} of a model '{name}'; see themeloom ui.",
        )
    return _asked(
        lambda: str(client.get_logged_model(rest).artifact_location),
        f"{backend.public}: there is no model '{rest}'; say models:/NAME@ALIAS or models:/NAME/VERSION.",
    )


def _run(client: "MlflowClient", run: str, root: Path, backend: Backend) -> "Run":
    if _RUN.fullmatch(run):
        return _asked(
            lambda: client.get_run(run),
            f"{backend.public}: there is no run {run}; see themeloom ui, or give the tracking address.",
        )
    folder = model_folder(run, root)
    name = store.name_of(folder)
    with impatient():
        experiments = [found.experiment_id for found in client.search_experiments()]
    runs = client.search_runs(experiments, f"tags.`themeloom.run` = '{name}'", max_results=1)
    if runs:
        return runs[0]
    record = store.load(folder)
    if not any(name.startswith(PARENT) for name in record.digests):
        raise TrackingError(
            f"{backend.public}: has no run '{name}'; give the address where it was tracked; `themeloom sync` "
            "sends one that waits."
        )
    return client.get_run(track(record, folder, None, _as_tracked(record, backend), root).run_id)


def _as_tracked(record: RunRecord, backend: Backend) -> TrackingConfig:
    """Where the run that a model was updated from went: the experiment that its study names, if it does."""
    return TrackingConfig(uri=backend.uri, experiment=record.config.get("tracking", {}).get("experiment"))


def _model_of(client: "MlflowClient", run: "Run", backend: Backend) -> "LoggedModel":
    model = ready_model(client, run)
    if model is None:
        raise TrackingError(f"{backend.public}: the run {run.info.run_id} {_without_model(run)}")
    return model


def _without_model(run: "Run") -> str:
    """Say that a run has no model, and which ones have that belong to it."""
    kind, best = (run.data.tags.get(f"themeloom.{name}", "") for name in ("kind", "best"))
    if kind == "sweep" and best:
        return f"is a sweep; its best run is {best}: give that name, or that of another of its runs."
    if kind in {"sweep", "configuration"} and run.info.status != "FAILED":
        return f"is a {kind}; its runs are its children in MLflow (see themeloom ui): give one of them."
    return "has no model; choose one that ended well, or run the experiment again."


def _version_of(client: "MlflowClient", name: str, model: "LoggedModel", run: "Run", backend: Backend) -> str:
    """Return the version that a model is under this name; make it if there is none."""
    from mlflow import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # without a server, MLflow would look for models:/… in the store of its own choice
    served = backend.uri.startswith(("http://", "https://"))
    source = f"models:/{model.model_id}" if served else model.artifact_location
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.source == source:
            return str(version.version)
    made = client.create_model_version(
        name,
        source,
        run_id=run.info.run_id,
        description=run.data.tags.get("mlflow.note.content", "")[:5000],
        model_id=model.model_id,
    )
    return str(made.version)


def _asked(question: Callable[[], T], sentence: str) -> T:
    """Ask a store; if it has no such thing, say the sentence."""
    from mlflow import MlflowException

    try:
        with impatient():
            return question()
    except MlflowException as error:
        if error.error_code in _ABSENT:
            raise TrackingError(sentence) from None
        raise


def _fetched(location: str, reference: str, cache: Path, backend: Backend) -> Path:
    """Download a model's folder, once."""
    from mlflow import MlflowException
    from mlflow.artifacts import download_artifacts

    target = cache / hashlib.sha256(f"{backend.public} {location}".encode()).hexdigest()[:32]
    if target.exists():
        try:
            store.check(target)
        except ModelError:
            shutil.rmtree(target)
        else:
            return target
    cache.mkdir(parents=True, exist_ok=True)
    with scratch(cache) as draft:
        try:
            found = Path(
                download_artifacts(f"{location}/{INSIDE}", dst_path=str(draft), tracking_uri=backend.uri)
            )
            store.check(found)
        except ModelError as error:
            raise ModelError(str(error).replace(str(draft / "model"), reference)) from None
        except MlflowException as error:
            if "Max retries" in str(error):
                raise
            raise ModelError(
                f"{reference}: was not made by Themeloom, or its files are gone from {backend.public}; "
                "choose another model."
            ) from None
        try:
            found.rename(target)
        except OSError:  # another process was first: its download is as good
            store.check(target)
    return target
