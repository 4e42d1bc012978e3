"""Embedding and assignment on many machines: Ray Data's actors hold the encoder; Parquet in, Parquet out.

Every piece of work is a file that is read and a file that is written, whole or not at all. A worker that is
lost is replaced by Ray, which gives its piece to another; a piece that is there already is not made again.
"""

import json
import logging
import os
import re
import socket
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import polars as pl

from themeloom import errors
from themeloom.assigning.assignment import Asked, Part, assign_rows
from themeloom.assigning.piecework import Pieces, keep
from themeloom.config import EncoderConfig
from themeloom.discovery.embed import Encoder
from themeloom.errors import EngineError, ThemeloomError
from themeloom.model import Model, load
from themeloom.progress import Progress
from themeloom.records import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

Batch = dict[str, "NDArray[Any]"]

PART = 4_096
"""Texts that are embedded at a time."""
_SHARES = 16
"""Blocks a worker, so that none waits long for the others at the end."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_SILENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
"""Nothing goes over the network unasked, and only one bar is shown: ours."""


@dataclass(frozen=True, slots=True)
class Ray:
    """A Ray cluster, or this machine as one.

    Parameters
    ----------
    address
        Of the cluster's head, such as ``10.0.0.1:6379``; without one a cluster is begun on this machine
        alone, and ended with the job.
    """

    address: str | None = None

    def reach(self) -> None:
        """See that there is Ray, told to be silent, and a cluster, before anything is done for it.

        Raises
        ------
        EngineError
            If Ray is not installed, or nothing answers at the address.
        """
        for name, value in _SILENT.items():
            os.environ.setdefault(name, value)
        try:
            import ray.data  # noqa: F401
        except ImportError:
            raise EngineError(
                "--engine ray: Ray is not installed; install it with: pip install '.[ray]'."
            ) from None
        if self.address:
            _knock(self.address)

    def assign(
        self, model: Path, encoder: str | None, asked: Asked, parts: Iterator[Part], progress: Progress
    ) -> None:
        """Make the piece of every part.

        Parameters
        ----------
        model
            The model's folder, at a place that all machines see.
        encoder
            Where the encoder is, if the run used one from a folder of its own.
        asked
            How messages are assigned.
        parts
            What is to be done.
        progress
            Told of messages.

        Raises
        ------
        EngineError
            If Ray is not installed, the cluster cannot be reached, or a piece cannot be made.
        """
        self.reach()
        sizes = {_everywhere(part.place): _staged(part.place, part.rows) for part in parts}
        own = _everywhere(Path(encoder)) if encoder and Path(encoder).is_dir() else encoder
        maker = {"model": _everywhere(model), "encoder": own, "asked": asked}
        self._make(list(sizes), sum(sizes.values()), Assigner, maker, progress)

    def embed(
        self, texts: Sequence[str], config: EncoderConfig, folder: Path, progress: Progress
    ) -> Iterator[tuple[Sequence[str], Floats]]:
        """Embed distinct texts; give them part by part with their vectors, float32 (texts, dimensions).

        Parameters
        ----------
        texts
            What the encoder reads.
        config
            The encoder.
        folder
            Where pieces are kept until all are there, at a place that all machines see.
        progress
            Told of messages.

        Raises
        ------
        EngineError
            As `assign`.
        """
        self.reach()
        pieces = Pieces(folder / "vectors.parquet", [Encoder(config).fingerprint])
        ordered = sorted(texts, key=lambda text: (len(text), text))
        parts = [ordered[start : start + PART] for start in range(0, len(ordered), PART)]
        places = [pieces.place(number, part) for number, part in enumerate(parts)]
        missing = {
            _everywhere(place): _staged(place, pl.DataFrame({"text": part}))
            for place, part in zip(places, parts, strict=True)
            if not place.is_file()
        }
        self._make(list(missing), sum(missing.values()), Embedder, {"config": config}, progress)
        for place, part in zip(places, parts, strict=True):
            yield part, np.ascontiguousarray(pl.read_parquet(place)["vector"].to_numpy())
            place.unlink()
        pieces.leave()

    def _make(
        self, places: list[str], messages: int, maker: type, settings: dict[str, Any], progress: Progress
    ) -> None:
        progress.begin(messages, "messages")
        if not places:
            return
        with _removed(places), _session(self.address) as workers:
            import ray.data

            pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers)
            made = ray.data.from_items(
                [{"place": place} for place in places],
                override_num_blocks=min(len(places), _SHARES * workers),
            ).map_batches(maker, batch_size=1, compute=pool, num_cpus=1, fn_constructor_kwargs=settings)
            for row in made.iter_rows():
                _raise_again(row["fault"])
                progress.advance(int(row["messages"]))


@dataclass(frozen=True, slots=True)
class RayAssignment:
    """Assigns the parts of a file on a cluster: an `Engine`."""

    ray: Ray
    model: Path
    encoder: str | None
    asked: Asked

    def assign(self, parts: Iterator[Part], progress: Progress) -> None:
        """Make the piece of every part."""
        self.ray.assign(self.model, self.encoder, self.asked, parts, progress)


class Assigner:
    """A worker that holds a model, loaded for its first piece: of what fails earlier Ray tells less."""

    def __init__(self, model: str, encoder: str | None, asked: Asked) -> None:
        self._folder, self._encoder, self._asked = model, encoder, asked

    @cached_property
    def _model(self) -> Model:
        return load(self._folder, self._encoder)

    def __call__(self, batch: Batch) -> Batch:
        """Make one piece."""
        return _made(batch, lambda rows: assign_rows(self._model, rows, self._asked))


class Embedder:
    """A worker that holds an encoder."""

    def __init__(self, config: EncoderConfig) -> None:
        self._encoder = Encoder(config)

    def __call__(self, batch: Batch) -> Batch:
        """Make one piece."""
        return _made(
            batch, lambda rows: pl.DataFrame({"vector": self._encoder.encode(rows["text"].to_list())})
        )


def _staged(place: Path, rows: pl.DataFrame) -> int:
    """Write what a piece is made from, where workers read it; return the rows."""
    keep(_input(place), rows)
    return len(rows)


def _input(place: Path) -> Path:
    return place.with_suffix(".input.parquet")


def _made(batch: Batch, make: Callable[[pl.DataFrame], pl.DataFrame]) -> Batch:
    """Make a piece, unless another worker has made it before it was lost.

    A fault of ours is handed back as data: of what a worker raises, Ray keeps the text and not the class.
    """
    place, rows, fault = Path(str(batch["place"][0])), 0, ""
    try:
        if place.is_file():
            rows = int(pl.scan_parquet(place).select(pl.len()).collect().item())
        else:
            table = make(pl.read_parquet(_input(place)))
            keep(place, table)
            rows = len(table)
        _input(place).unlink(missing_ok=True)
    except ThemeloomError as error:
        fault = json.dumps([type(error).__name__, *error.faults])
    return {"messages": np.array([rows]), "fault": np.array([fault])}


def _raise_again(fault: str) -> None:
    """Raise a worker's fault, if there is one, as it would have been raised here."""
    if fault:
        kind, *faults = json.loads(fault)
        raise getattr(errors, kind)(*faults)


@contextmanager
def _removed(places: Sequence[str]) -> Iterator[None]:
    """Leave nothing of what pieces are made from, however the block ends: it may be raw text."""
    try:
        yield
    finally:
        for place in places:
            _input(Path(place)).unlink(missing_ok=True)


def _everywhere(place: Path) -> str:
    """Give a path as workers find it, who work in folders of their own."""
    return str(place.absolute())


@contextmanager
def _session(address: str | None) -> Iterator[int]:
    """Join a cluster, or begin one on this machine, while the block lasts; give how many workers it has."""
    import ray
    import ray.data
    from ray.exceptions import RayError

    where = {"address": address} if address else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        with warnings.catch_warnings(action="ignore"):  # of settings of its own that it does not like
            context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield max(1, int(resources.get("CPU", 1)))
    except (RayError, ConnectionError, ValueError) as error:
        _refuse(address, error)
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """See that something answers at a cluster's address: Ray itself waits for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator or not port.isdigit():
        raise EngineError(f"--address: '{address}' is no address of a cluster; give HOST:PORT of its head.")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise EngineError(
            f"--address: nothing answers at {address} ({reason}); start the cluster's head there: ray start "
            "--head."
        ) from None


def _refuse(address: str | None, error: BaseException) -> NoReturn:
    """Say what went wrong on a cluster: a fault of ours as it is, anything else in a sentence."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ThemeloomError):
            raise cause from None
        cause = getattr(cause, "cause", None) or cause.__cause__
    lines = [line.strip() for line in _COLOURS.sub("", str(error)).splitlines() if line.strip()]
    said = lines[-1] if lines else type(error).__name__  # what a worker's traceback ends with
    raise EngineError(
        f"Ray{f' at {address}' if address else ''}: the job could not be done ({said[:200]}); see that the "
        "cluster is up, that its machines have this version of Themeloom and see the same folders; what is "
        "finished is not done again."
    ) from error
