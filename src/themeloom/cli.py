"""The command line: one thin command a verb."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from themeloom.console import Bars
    from themeloom.pipeline import Prepared
    from themeloom.result import RunResult

app = typer.Typer(
    name="themeloom",
    help="Emergent topics from messages, mapped to a study's themes and proved against hand labels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ExperimentFile = Annotated[Path, typer.Argument(help="The experiment file (TOML).", metavar="EXPERIMENT")]
Root = Annotated[Path, typer.Option(help="The folder for models/, mlruns/ and .themeloom/.")]
JsonPath = Annotated[Path | None, typer.Option("--json", help="Also write the whole summary here.")]


@app.command()
def run(experiment: ExperimentFile, root: Root = Path(), json: JsonPath = None) -> None:
    """Run an experiment: from raw exports to validated themes."""
    from themeloom import pipeline

    with _bars() as bars:
        result = pipeline.run(experiment, root, bars)
    _finish(result, json)


@app.command()
def demo(root: Root = Path(), json: JsonPath = None) -> None:
    """Run the packaged demonstration study (synthetic messages) in the current folder."""
    from importlib.resources import as_file, files

    from themeloom import pipeline

    with as_file(files("themeloom") / "data" / "dearmhp") as folder, _bars() as bars:
        result = pipeline.run(folder / "experiment.toml", root, bars)
    _finish(result, json)


@app.command()
def check(experiment: ExperimentFile, root: Root = Path()) -> None:
    """Read config, sources, codebook and labels, and tell every fault at once."""
    from themeloom import pipeline

    with _bars() as bars:
        prepared = pipeline.check(experiment, root, bars)
    _show_prepared(prepared)


@app.command()
def audit(
    experiment: ExperimentFile,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    root: Root = Path(),
) -> None:
    """Write what became of every raw row: for whoever holds the study's key."""
    from themeloom import pipeline
    from themeloom.atomic import whole_file

    with _bars() as bars:
        table = pipeline.audit(experiment, root, bars)
    with whole_file(out) as draft:
        table.write_csv(draft)
    _say(f"{len(table):,} rows: {out}")


@app.command()
def assign(  # noqa: PLR0913, PLR0917 (one option each)
    model: Annotated[str, typer.Argument(help="A folder under models/, models:/NAME@ALIAS, or a run's id.")],
    file: Annotated[Path, typer.Argument(help="Messages, in any format that a source can have.")],
    out: Annotated[Path, typer.Option(help="The file to write: .csv or .parquet.")],
    text: Annotated[str, typer.Option(help="For tables: the column of the message.")] = "text",
    id_column: Annotated[str | None, typer.Option("--id", help="For tables: the column of the id.")] = None,
    encoder: Annotated[str | None, typer.Option(help="The encoder's folder, if the run used one.")] = None,
    root: Root = Path(),
) -> None:
    """Give topics and themes to new messages."""
    from themeloom import assignment
    from themeloom.config import ColumnsConfig
    from themeloom.model import load

    columns = ColumnsConfig(text=text, id=id_column)
    loaded = load(model, encoder, root)
    with _bars() as bars:
        table, unreadable = assignment.assign_file(loaded, file, columns, bars)
    assignment.write(table, out)
    for fault in unreadable.iter_rows(named=True):
        sys.stderr.write(f"{fault['file']}:{fault['line']}: set aside: {fault['reason']}\n")
    _say(f"{len(table):,} messages: {out}")


@app.command()
def sample(
    experiment: ExperimentFile,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    number: Annotated[int, typer.Option("--number", "-n", help="How many messages.")] = 100,
    design: Annotated[str, typer.Option(help="random, stratified (by topic) or uncertain.")] = "random",
    model: Annotated[
        Path | None,
        typer.Option(help="A folder under models/, for topics; by default the study's newest."),
    ] = None,
    root: Root = Path(),
) -> None:
    """Draw messages to label next, none twice, into a sheet for coders."""
    from themeloom import sampling

    with _bars() as bars:
        sheet = sampling.draw_sheet(experiment, number, design, root=root, model=model, watcher=bars)
    sampling.write_sheet(sheet, out)
    _say(f"{len(sheet):,} messages: {out}")


@app.command()
def undecided(
    model: Annotated[Path, typer.Argument(help="A folder under models/.")],
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
) -> None:
    """Write the messages that the mapping leaves undecided, most uncertain first, into a list for coders."""
    import polars as pl

    from themeloom import sampling
    from themeloom.model import load

    table = load(model).undecided.with_columns(
        pl.col("probability").round(3), pl.col("others").list.join(", ")
    )
    sampling.write_sheet(table, out)
    _say(f"{len(table):,} messages: {out}")


@app.command()
def plan(
    experiment: ExperimentFile,
    labels: Annotated[
        str | None,
        typer.Option(help="Numbers of further labels, with commas between; by default 50,100,200,400."),
    ] = None,
    half_width: Annotated[
        float | None,
        typer.Option(help="Find the labels that bring every theme's share to this, as 0.05 for ± 5 points."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A folder under models/; by default the study's newest.")
    ] = None,
    root: Root = Path(),
    json: JsonPath = None,
) -> None:
    """Tell what more labels, drawn at random, are expected to narrow."""
    from rich.console import Console

    from themeloom import planning
    from themeloom.console import show_plan

    numbers = None if labels is None else planning.read_numbers(labels)
    with _bars() as bars:
        found = planning.plan_labels(experiment, numbers, half_width, root=root, model=model, watcher=bars)
    _write_json(found, json)
    show_plan(Console(), found)


@app.command()
def agree(
    labels: Annotated[Path, typer.Argument(help="The label file: a row a message, a column a coder.")],
    codebook: Annotated[
        Path | None, typer.Option(help="The codebook; without one, the codes found are taken.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Column of the message's id; by default the first.")] = None,
    coders: Annotated[
        str | None, typer.Option(help="Columns of the coders, with commas between; by default all others.")
    ] = None,
    adjudicated: Annotated[
        str | None,
        typer.Option(help="Column of the agreed label, which is no coder's; 'adjudicated' if there."),
    ] = None,
    json: JsonPath = None,
) -> None:
    """Tell how far coders agree: overall, on each theme, and who disagrees with whom on what."""
    from rich.console import Console

    from themeloom.console import show_agreement
    from themeloom.themes.agreement import agreement
    from themeloom.themes.codebook import read_codebook
    from themeloom.themes.sample import read_codes

    book = None if codebook is None else read_codebook(codebook)
    names = None if coders is None else [name.strip() for name in coders.split(",")]
    sample, book = read_codes(labels, book, key=key, coders=names, adjudicated=adjudicated)
    with _bars() as bars, bars.stage("agree") as progress:
        found = agreement(sample, book, progress=progress)
    _write_json(found, json)
    show_agreement(Console(), found)


@app.command()
def register(
    run: Annotated[str, typer.Argument(help="A folder under models/, or an MLflow run's id.")],
    alias: Annotated[str | None, typer.Option(help="What the version is called, such as champion.")] = None,
    name: Annotated[
        str | None, typer.Option(help="The registered model; by default the study's name.")
    ] = None,
    root: Root = Path(),
    uri: Annotated[str | None, typer.Option(help="Another tracking URI.")] = None,
) -> None:
    """Make a run's model a version in MLflow's registry, to be used by its name."""
    from themeloom.history import registry

    made = registry.register(run, root, alias=alias, name=name, uri=uri)
    _say(f"{made.name}, version {made.version}: {made.reference}")


@app.command()
def sync(
    root: Root = Path(),
    uri: Annotated[str | None, typer.Option(help="Another tracking URI than that of the run.")] = None,
) -> None:
    """Send to MLflow what it could not take when it was to be tracked."""
    from themeloom.history import outbox

    count = 0
    with _bars() as bars:
        for count, tracked in enumerate(outbox.sync(root, uri, bars), start=1):  # noqa: B007
            _say(f"run {tracked.run_id} of experiment '{tracked.experiment}' in {tracked.uri}")
    _say(f"{count} sent")


@app.command()
def ui(
    root: Root = Path(),
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000,
    uri: Annotated[str | None, typer.Option(help="Another tracking URI.")] = None,
) -> None:
    """Open MLflow's own page on the runs."""
    import subprocess

    from themeloom.history.page import ui_command

    command, environment = ui_command(root, uri, port)
    _say(f"http://127.0.0.1:{port}")
    subprocess.run(command, env=environment, check=False)  # noqa: S603 (our own words, no shell)


def main() -> None:
    """Run the command line; a fault that the user can mend is one sentence and exit code 2."""
    from themeloom.errors import ThemeloomError

    try:
        app()
    except ThemeloomError as error:
        for fault in error.faults:
            sys.stderr.write(f"themeloom: {fault}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("themeloom: stopped; run the same command again to go on from what is cached.\n")
        sys.exit(130)


@contextmanager
def _bars() -> "Iterator[Bars]":
    from rich.console import Console

    from themeloom.console import Bars

    with Bars(Console(stderr=True)).watching() as bars:
        yield bars


def _finish(result: "RunResult", json: Path | None) -> None:
    from rich.console import Console

    from themeloom.console import show_result

    _write_json(result.summary, json)
    show_result(Console(), result)


def _write_json(record: object, path: Path | None) -> None:
    from themeloom.atomic import whole_file
    from themeloom.reporting.summary import to_json

    if path is not None:
        with whole_file(path) as draft:
            draft.write_text(to_json(record), encoding="utf-8")


def _show_prepared(prepared: "Prepared") -> None:
    from rich.console import Console

    from themeloom.console import show_flow

    console = Console()
    show_flow(console, prepared.unique.flow)
    for fault in prepared.raw.unreadable.head(20).iter_rows(named=True):
        console.print(f"{fault['file']}:{fault['line']}: {fault['reason']}", markup=False)
    console.print(
        f"{len(prepared.codebook.keys)} codes, {len(prepared.sample.position)} labelled messages: "
        "nothing stands in the way of a run.",
        markup=False,
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
