"""What commands share: options, progress bars, and how they tell what they did."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import polars as pl

    from themeloom.assigning.ray_engine import Ray
    from themeloom.console.bars import Bars

ExperimentFile = Annotated[Path, typer.Argument(help="The experiment file (TOML).", metavar="EXPERIMENT")]
Run = Annotated[
    str,
    typer.Argument(help="A folder or name under models/, models:/NAME@ALIAS, or a run's id.", metavar="RUN"),
]
StudyModel = Annotated[
    str | None,
    typer.Option(
        help="The run that topics and themes are taken from, as for assign; by default the study's newest."
    ),
]
Root = Annotated[Path, typer.Option(help="The folder for models/, mlruns/ and .themeloom/.")]
JsonPath = Annotated[Path | None, typer.Option("--json", help="Also write the whole summary here (.json).")]


EngineName = Annotated[
    str, typer.Option("--engine", help="Where the encoder works: local (this process) or ray (a cluster).")
]
Address = Annotated[
    str | None,
    typer.Option(help="The Ray cluster's head, as 10.0.0.1:6379; without one, this machine is the cluster."),
]


def cluster_of(engine: str, address: str | None) -> "Ray | None":
    """Return the cluster that is asked for, if one is."""
    from themeloom.assigning.ray_engine import Ray
    from themeloom.errors import ConfigError

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


def study_files(experiment: Path) -> list[str]:
    """List what a study is read from, its experiment file first: no result may take the place of any.

    Raises
    ------
    ConfigError
        If the experiment file has a fault.
    """
    from themeloom.experiment import files_of, read_experiment

    config = read_experiment(experiment)
    return [str(experiment), *files_of(config), config.encoder.name]


def check_json(path: Path | None, inputs: Iterable[str | Path]) -> None:
    """Check, before any work, that a record can be written as JSON where it is asked for, if it is.

    Raises
    ------
    OutputError
        If it cannot, or would take the place of an input, or of what another program wrote.
    """
    from themeloom.studies.targets import JSON, check_target

    if path is not None:
        check_target(path, JSON, inputs)


def write_json(record: object, path: Path | None) -> None:
    """Write a record as JSON, if there is a path."""
    from themeloom.reporting.summary import to_json
    from themeloom.system.atomic import whole_file

    if path is not None:
        with whole_file(path) as draft:
            draft.write_text(to_json(record), encoding="utf-8")


def warn_of_lost(unreadable: "pl.DataFrame") -> None:
    """Tell on standard error, apart from rows set aside (UNREADABLE), which files end before their end."""
    import polars as pl

    from themeloom.corpus.files import LOST

    for fault in unreadable.filter(pl.col("reason").is_in(LOST)).iter_rows(named=True):
        place = f"{fault['file']}:{fault['line']}"
        sys.stderr.write(
            f"\nthemeloom: {place}: {fault['reason']}. Only what stands before is read; give it whole.\n"
        )


def say(line: str) -> None:
    """Print one line."""
    sys.stdout.write(line + "\n")
