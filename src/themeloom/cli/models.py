"""Commands of runs that are there: use, name and compare them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from themeloom.cli.options import (
    Address,
    EngineName,
    JsonPath,
    Root,
    Run,
    check_json,
    cluster_of,
    progress_bars,
    say,
    study_files,
    warn_of_lost,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from themeloom.reporting.summary import Summary

Quotes = Annotated[
    str | None,
    typer.Option(help="How messages are shown: masked, words or none; by default as the run says."),
]


def assign(  # noqa: PLR0913, PLR0917 (one option each)
    run: Run,
    file: Annotated[Path, typer.Argument(help="Messages, in any format that a source can have.")],
    out: Annotated[Path, typer.Option(help="The file to write: .csv or .parquet.")],
    text: Annotated[str, typer.Option(help="For tables: the column of the message.")] = "text",
    id_column: Annotated[str | None, typer.Option("--id", help="For tables: the column of the id.")] = None,
    masked: Annotated[bool, typer.Option("--masked", help="The messages are masked already.")] = False,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Also write each theme's probability.")
    ] = False,
    encoder: Annotated[str | None, typer.Option(help="The encoder's folder, if the run used one.")] = None,
    engine: EngineName = "local",
    address: Address = None,
    root: Root = Path(),
) -> None:
    """Give topics and themes to new messages, a part of the file at a time."""
    from themeloom.assigning.assignment import WRITTEN, Asked, assign_file
    from themeloom.assigning.ray_engine import RayAssignment
    from themeloom.config import ColumnsConfig
    from themeloom.history.registry import model_folder
    from themeloom.model import load
    from themeloom.studies.targets import check_target

    check_target(out, WRITTEN, [file, encoder] if encoder else [file])
    columns, asked = ColumnsConfig(text=text, id=id_column), Asked(masked, probabilities)
    folder, cluster = model_folder(run, root), cluster_of(engine, address)
    elsewhere = RayAssignment(cluster, folder, encoder, asked) if cluster else None
    loaded = load(folder, encoder, root)
    with progress_bars() as bars:
        done = assign_file(loaded, file, out, columns, asked, engine=elsewhere, watcher=bars)
    _tell_set_aside(done.told.to_dicts(), done.unreadable)
    earlier = f" ({done.found:,} of them assigned before the last stop)" if done.found else ""
    say(f"{done.rows:,} messages: {out}{earlier}")
    warn_of_lost(done.told)


def _tell_set_aside(told: "Sequence[Mapping[str, Any]]", count: int) -> None:
    """Tell on standard error of the first rows that could not be read, and how many more there are."""
    for fault in told:
        sys.stderr.write(f"{fault['file']}:{fault['line']}: set aside: {fault['reason']}\n")
    if count > len(told):
        sys.stderr.write(f"and {count - len(told):,} more rows set aside\n")


def update(  # noqa: PLR0913, PLR0917 (one option each)
    run: Run,
    file: Annotated[Path, typer.Argument(help="New messages, in any format that a source can have.")],
    text: Annotated[str, typer.Option(help="For tables: the column of the message.")] = "text",
    id_column: Annotated[str | None, typer.Option("--id", help="For tables: the column of the id.")] = None,
    created_at: Annotated[str | None, typer.Option(help="For tables: the column of the time.")] = None,
    author: Annotated[str | None, typer.Option(help="For tables: the column of the author.")] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="The study's file, where it has words that are always masked.")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="The encoder's folder, if the run used one.")] = None,
    root: Root = Path(),
    json: JsonPath = None,
) -> None:
    """Add new messages to a model, as a new one, without refitting; tell whether they still fit."""
    from rich.console import Console

    from themeloom.assigning import updating
    from themeloom.config import ColumnsConfig
    from themeloom.console.updates import show_update

    columns = ColumnsConfig(text=text, id=id_column, created_at=created_at, author=author)
    given = [str(file), *([encoder] if encoder else []), *(study_files(experiment) if experiment else [])]
    check_json(json, given)
    with progress_bars() as bars:
        found = updating.update(
            run, file, columns, root=root, experiment=experiment, encoder=encoder, watcher=bars
        )
    _tell_set_aside(found.set_aside, found.flow.unreadable)
    show_update(Console(), found)  # first: the model is there, even where this file cannot be written
    write_json(found, json)


def warn_of_few(summary: "Summary") -> None:
    """Tell on standard error which topics and themes have too few authors to be quoted."""
    from themeloom.reporting.sentences import few_told

    if told := few_told(summary):
        sys.stderr.write(f"{told}\n")


def report(
    run: Run,
    out: Annotated[
        Path | None,
        typer.Option(help="The page (HTML) to write; by default report.html in the model folder."),
    ] = None,
    quotes: Quotes = None,
    paper: Annotated[
        Path | None,
        typer.Option(help="A folder for methods.md, references.bib and the checklist srqr.csv."),
    ] = None,
    root: Root = Path(),
    json: JsonPath = None,
) -> None:
    """Write the report of a run again, from its model."""
    from themeloom.results import reports
    from themeloom.studies.targets import check_folder

    check_json(json, [])
    if paper is not None:
        check_folder(paper)
    made = reports.report(run, out, quotes=quotes, root=root)
    write_json(made.summary, json)
    warn_of_few(made.summary)
    if paper is not None:
        reports.write_paper(made.summary, paper)
        say(f"{reports.METHODS}, {reports.REFERENCES}, {reports.CHECKLIST}: {paper}")
    say(str(made.path))


def export(
    run: Run,
    format: Annotated[str, typer.Option(help="csv, parquet, xlsx or docx.")] = "csv",
    out: Annotated[
        Path | None, typer.Option(help="The file to write; by default RUN-themes.FORMAT in this folder.")
    ] = None,
    quotes: Quotes = None,
    root: Root = Path(),
) -> None:
    """Write the table of themes with quotations, for a paper's appendix."""
    from themeloom.results import exporting

    made = exporting.write_themes(run, format, out, quotes=quotes, root=root)
    warn_of_few(made.summary)
    say(str(made.path))


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Two or more: model folders, names under models/, MLflow run ids, runs:/ or models:/ URIs.",
            metavar="RUN...",
        ),
    ],
    root: Root = Path(),
    json: JsonPath = None,
    out: Annotated[Path | None, typer.Option(help="The page (HTML) to write.")] = None,
) -> None:
    """Compare runs: topics, groupings, themes, scores and configuration; the first run is the reference."""
    from rich.console import Console

    from themeloom.console.comparisons import show_comparison
    from themeloom.results import comparing
    from themeloom.studies.targets import PAGE, check_target

    given: list[str | Path] = [*runs, *(root / "models" / run for run in runs)]
    check_json(json, given)
    if out is not None:
        check_target(out, PAGE, given)
    with progress_bars() as bars:
        found = comparing.compare(runs, root, bars)
    write_json(found.record, json)
    if out is not None:
        found.write_html(out)
    show_comparison(Console(), found.record)


def register(
    run: Run,
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
    say(f"{made.name}, version {made.version}: {made.reference}")


def sync(
    root: Root = Path(),
    uri: Annotated[str | None, typer.Option(help="Another tracking URI than that of the run.")] = None,
) -> None:
    """Send to MLflow what it could not take when it was to be tracked."""
    from themeloom.history import outbox

    count = 0
    with progress_bars() as bars:
        for count, tracked in enumerate(outbox.sync(root, uri, bars), start=1):  # noqa: B007
            say(f"run {tracked.run_id} of experiment '{tracked.experiment}' in {tracked.uri}")
    say(f"{count} sent")
