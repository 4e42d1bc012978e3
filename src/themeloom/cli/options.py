"""What commands share: options, progress bars, and how they tell what they did."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from themeloom.console.bars import Bars
    from themeloom.ray_engine import Ray

ExperimentFile = Annotated[Path, typer.Argument(help="The experiment file (TOML).", metavar="EXPERIMENT")]
Root = Annotated[Path, typer.Option(help="The folder for models/, mlruns/ and .themeloom/.")]
JsonPath = Annotated[Path | None, typer.Option("--json", help="Also write the whole summary here.")]


EngineName = Annotated[
    str, typer.Option("--engine", help="Where the encoder works: local (this process) or ray (a cluster).")
]
Address = Annotated[
    str | None,
    typer.Option(help="The Ray cluster's head, as 10.0.0.1:6379; without one, this machine is the cluster."),
]


def cluster_of(engine: str, address: str | None) -> "Ray | None":
    """Return the cluster that is asked for, if one is."""
    from themeloom.errors import ConfigError
    from themeloom.ray_engine import Ray

    if engine == "ray":
        return Ray(address)
    if engine != "local":
        raise ConfigError(f"--engine: '{engine}' is no engine; use local or ray.")
    if address is not None:
        raise ConfigError("--address: names a Ray cluster, which is not asked for; add --engine ray.")
    return None


@contextmanager
def progress_bars() -> "Iterator[Bars]":
    """Show progress bars on standard error while the block lasts."""
    from rich.console import Console

    from themeloom.console.bars import Bars

    with Bars(Console(stderr=True)).watching() as bars:
        yield bars


def write_json(record: object, path: Path | None) -> None:
    """Write a record as JSON, if there is a path."""
    from themeloom.atomic import whole_file
    from themeloom.reporting.summary import to_json

    if path is not None:
        with whole_file(path) as draft:
            draft.write_text(to_json(record), encoding="utf-8")


def say(line: str) -> None:
    """Print one line."""
    sys.stdout.write(line + "\n")
