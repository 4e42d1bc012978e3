"""models/RUN: a run kept as parquet, safetensors and JSON; nothing in it can execute."""

import hashlib
import os
import re
from importlib.metadata import version
from pathlib import Path

import polars as pl
from pydantic import BaseModel, Field, ValidationError
from safetensors import SafetensorError

from themeloom.errors import ModelError, OutputError
from themeloom.history.contents import contents_of, disagreement, record_of
from themeloom.history.parts import FORMAT, LAYOUT, MANIFEST, REPORT, FileFacts, Manifest
from themeloom.records import RunRecord
from themeloom.system.atomic import forget, left_drafts, whole_folder

_UNREADABLE = (OSError, ValueError, OverflowError, MemoryError, SafetensorError, pl.exceptions.PolarsError)
_NAME = re.compile(r"[A-Za-z0-9][\w.,+ -]{0,199}")
_CURE = "copy the whole folder again, or run the experiment again"


def save(record: RunRecord, models: Path) -> Path:
    """Keep a run as ``models/RUN/``: whole or not at all.

    Parameters
    ----------
    record
        The run; its name becomes the folder's. Names, passwords and home folders in its configuration
        are withheld.
    models
        The folder of models; made if need be.

    Returns
    -------
    Path
        The new folder.

    Raises
    ------
    OutputError
        If the folder exists already or cannot be written.
    ValueError
        If the record's parts do not agree with each other.
    """
    if fault := disagreement(record):
        raise ValueError(f"run {record.run}: {fault}")
    target = models / record.run
    if target.parent != models or target.exists():
        raise OutputError(f"{target}: exists already; give the run another name, or remove that folder.")
    contents = contents_of(record, models.absolute().parent)
    forget(left_drafts(models))
    with whole_folder(target) as draft:
        for name, part in LAYOUT.items():
            part.write(draft / name, contents[name])
        manifest = Manifest(
            format=FORMAT,
            themeloom=record.versions.get("themeloom", ""),
            run=record.run,
            started_at=record.started_at,
            files={name: _facts(draft / name) for name in LAYOUT},
        )
        (draft / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return target


def load(path: Path) -> RunRecord:
    """Read a run back, after checking that the folder is whole, unaltered and sound.

    Parameters
    ----------
    path
        A folder that `save` wrote, wherever it was moved or copied to.

    Raises
    ------
    ModelError
        If a file is missing, added, linked, altered or not what it should be; if the parts do not agree; or
        if the folder was written by a newer version.
    """
    check(path)
    contents = {name: _read(path, name) for name in LAYOUT}
    try:
        record = record_of(contents)
        fault = disagreement(record)
    except (*_UNREADABLE, TypeError, KeyError, IndexError) as error:
        fault = _short(error)
    if fault:
        raise ModelError(f"{path}: {fault}; {_CURE}.")
    return record


def check(path: Path) -> None:
    """Find out whether a model folder is whole and unaltered, without reading the run.

    Raises
    ------
    ModelError
        If a file is missing, added, linked or altered, or the folder was written by a newer version.
    """
    manifest = _manifest(path)
    try:
        _check_names(path, manifest)
        altered = [
            name for name, facts in manifest.files.items() if _facts(path / name, facts.bytes) != facts
        ]
    except OSError as error:
        raise ModelError(
            f"{error.filename}: cannot be read ({error.strerror}); see that you may read it, or {_CURE}."
        ) from None
    for name in altered:
        raise ModelError(f"{path / name}: was altered after it was written; {_CURE}.")


def name_of(path: Path) -> str:
    """Return the name of the run in a model folder.

    Raises
    ------
    ModelError
        If it is no model folder.
    """
    return _manifest(path).run


def models(folder: Path) -> list[Path]:
    """List the model folders in `folder`, oldest run first: those with a manifest that may be looked at."""
    if not folder.is_dir():
        return []
    found = (file.parent for file in folder.glob(f"*/{MANIFEST}") if file.parent.name[0] != ".")
    return sorted(found, key=lambda path: (_started(path), path.name))


def _started(path: Path) -> str:
    try:
        return _manifest(path).started_at
    except ModelError:
        return ""


def _facts(path: Path, expected: int | None = None) -> FileFacts:
    size = path.stat().st_size
    if expected not in (None, size):
        return FileFacts(sha256="", bytes=size)
    with path.open("rb") as file:
        return FileFacts(sha256=hashlib.file_digest(file, "sha256").hexdigest(), bytes=size)


class _Format(BaseModel):
    format: int = Field(le=9_999)
    themeloom: str = Field("", max_length=40)


def _manifest(path: Path) -> Manifest:
    file = path / MANIFEST
    if not path.is_dir():
        raise ModelError(f"{path}: there is no such model folder; check the path (see models/).")
    if file.is_symlink() or not file.is_file():
        raise ModelError(f"{path}: is not a whole model folder ({MANIFEST} is missing); {_CURE}.")
    try:
        text = file.read_bytes()
        made = _Format.model_validate_json(text)
        if made.format > FORMAT:
            raise ModelError(
                f"{path}: was written by a newer Themeloom ({made.themeloom}, format {made.format}; this one "
                f"reads format {FORMAT}); install that version."
            )
        if 0 < made.format < FORMAT and made.themeloom:
            other = ", or use that version" if made.themeloom != version("themeloom") else ""
            raise ModelError(
                f"{path}: was written by an older Themeloom ({made.themeloom}, format {made.format}; this "
                f"one reads format {FORMAT}); run the experiment again{other}."
            )
        return _named(Manifest.model_validate_json(text))
    except PermissionError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror}); see that you may read it.") from None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{file}: is not a manifest of format {FORMAT} ({_short(error)}); {_CURE}."
        ) from None


def _named(manifest: Manifest) -> Manifest:
    """Check that a run's name is a name: folders and links are called by it."""
    if not _NAME.fullmatch(manifest.run):
        raise ValueError(f"run: {manifest.run[:60]!r} can be no run's name")
    return manifest


def _check_names(path: Path, manifest: Manifest) -> None:
    for name in manifest.files:
        if name not in LAYOUT:
            raise ModelError(f"{path / MANIFEST}: names {name[:60]!r}, which no model folder holds; {_CURE}.")
    with os.scandir(path) as entries:
        found = {entry.name: entry for entry in entries}
    for name, entry in sorted(found.items()):
        if not entry.is_file(follow_symlinks=False):
            raise ModelError(f"{path / name}: is a link or a folder, where a model has plain files; {_CURE}.")
        if name not in {*manifest.files, MANIFEST, REPORT}:
            raise ModelError(f"{path / name}: is not part of the model; remove it.")
    for name in LAYOUT:
        if name not in found or name not in manifest.files:
            raise ModelError(f"{path}: {name} is missing; {_CURE}.")


def _read(path: Path, name: str) -> object:
    try:
        return LAYOUT[name].read(path / name)
    except BaseException as error:
        # polars' Rust gives up on hostile files with a PanicException, which is no Exception
        if not isinstance(error, _UNREADABLE) and type(error).__name__ != "PanicException":
            raise
        fault = _short(error)
    raise ModelError(f"{path / name}: is not what a model holds there ({fault}); {_CURE}.")


def _short(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        error = ValueError(".".join(map(str, first["loc"])) + ": " + first["msg"])
    return " ".join(str(error).split())[:200].strip(" :")
