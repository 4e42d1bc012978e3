"""Commands for people who code messages: what to label, what is left, how far coders agree."""

from pathlib import Path
from typing import Annotated
from unicodedata import normalize

import typer

from themeloom.cli.options import (
    ExperimentFile,
    JsonPath,
    Root,
    Run,
    StudyModel,
    check_json,
    progress_bars,
    say,
    study_files,
    write_json,
)


def sample(
    experiment: ExperimentFile,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    number: Annotated[int, typer.Option("--number", "-n", help="How many messages.")] = 100,
    design: Annotated[
        str, typer.Option(help="random, stratified (by topic), grouped or uncertain.")
    ] = "random",
    model: StudyModel = None,
    root: Root = Path(),
) -> None:
    """Draw messages to label next, none twice, into a sheet for coders."""
    from themeloom.studies import sampling
    from themeloom.studies.targets import SHEET, check_target

    check_target(out, SHEET, study_files(experiment))
    with progress_bars() as bars:
        sheet = sampling.draw_sheet(experiment, number, design, root=root, model=model, watcher=bars)
    sampling.write_sheet(sheet, out)
    say(f"{len(sheet):,} messages: {out}")


def undecided(
    run: Run,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    root: Root = Path(),
) -> None:
    """Write the messages that the mapping leaves undecided, most uncertain first, into a list for coders."""
    import polars as pl

    from themeloom.model import load
    from themeloom.reporting.sentences import too_few_told
    from themeloom.studies import sampling
    from themeloom.studies.targets import SHEET, check_target

    check_target(out, SHEET)
    loaded = load(run, root=root)
    table = loaded.undecided.with_columns(pl.col("probability").round(3), pl.col("others").list.join(", "))
    sampling.write_sheet(table, out)
    say(f"{len(table):,} messages: {out}")
    if not loaded.record.scores.conformal:
        say(f"{too_few_told(len(table))}.")


def plan(
    experiment: ExperimentFile,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Numbers of further labels, with commas between, none above the messages that are left; by "
            "default 50,100,200,400 as far as these go."
        ),
    ] = None,
    half_width: Annotated[
        float | None,
        typer.Option(help="Find the labels that bring every theme's share to this, as 0.05 for ± 5 points."),
    ] = None,
    model: StudyModel = None,
    root: Root = Path(),
    json: JsonPath = None,
) -> None:
    """Tell what more labels, drawn at random, are expected to narrow."""
    from rich.console import Console

    from themeloom.console.plans import show_plan
    from themeloom.studies import planning

    check_json(json, study_files(experiment))
    numbers = None if labels is None else planning.read_numbers(labels)
    with progress_bars() as bars:
        found = planning.plan_labels(experiment, numbers, half_width, root=root, model=model, watcher=bars)
    write_json(found, json)
    show_plan(Console(), found)


def _composed(columns: str | None) -> str | None:
    """Name columns as they are read, in NFC; not every terminal does."""
    return columns and normalize("NFC", columns)


def agree(
    labels: Annotated[Path, typer.Argument(help="The label file: a row a message, a column a coder.")],
    codebook: Annotated[
        Path | None, typer.Option(help="The codebook; without one, the codes found are taken.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Column of the message's id; by default the first.", callback=_composed)
    ] = None,
    coders: Annotated[
        str | None,
        typer.Option(
            help="Columns of the coders, with commas between; by default all others.", callback=_composed
        ),
    ] = None,
    adjudicated: Annotated[
        str | None,
        typer.Option(
            help="Column of the agreed label, which is no coder's; 'adjudicated' if there.",
            callback=_composed,
        ),
    ] = None,
    json: JsonPath = None,
) -> None:
    """Tell how far coders agree: overall, on each theme, and who disagrees with whom on what."""
    from rich.console import Console

    from themeloom.console.coders import show_agreement
    from themeloom.themes.agreement import agreement
    from themeloom.themes.codebook import read_codebook
    from themeloom.themes.sample import read_codes

    check_json(json, [labels] if codebook is None else [labels, codebook])
    book = None if codebook is None else read_codebook(codebook)
    names = None if coders is None else [name.strip() for name in coders.split(",")]
    sample, book = read_codes(labels, book, key=key, coders=names, adjudicated=adjudicated)
    with progress_bars() as bars, bars.stage("agree") as progress:
        found = agreement(sample, book, progress=progress)
    write_json(found, json)
    show_agreement(Console(), found)
