"""Commands of a whole study: run it, check it, sweep over it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from themeloom.cli.options import (
    Address,
    EngineName,
    ExperimentFile,
    JsonPath,
    Root,
    check_json,
    cluster_of,
    progress_bars,
    say,
    study_files,
    warn_of_lost,
    write_json,
)

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from themeloom.config import Experiment
    from themeloom.pipeline import Prepared
    from themeloom.running.result import RunResult


def run(
    experiment: ExperimentFile,
    root: Root = Path(),
    engine: EngineName = "local",
    address: Address = None,
    json: JsonPath = None,
) -> None:
    """Run an experiment: from raw exports to validated themes."""
    from themeloom import pipeline

    cluster = cluster_of(engine, address)
    check_json(json, study_files(experiment))
    _say_of_the_label_file(experiment, root)
    with progress_bars() as bars:
        result = pipeline.run(experiment, root, bars, cluster)
    _finish(result, json)


def demo(
    copy: Annotated[
        Path | None,
        typer.Option(help="Only copy the study's files to this new folder, to look at and change them."),
    ] = None,
    root: Root = Path(),
    json: JsonPath = None,
) -> None:
    """Run the packaged demonstration study (synthetic messages) in the current folder, or copy its files."""
    from importlib.resources import as_file, files

    study = files("themeloom") / "data" / "dearmhp"
    if copy is not None:
        _copy(study, copy)
        say(f"the experiment file: {copy / 'experiment.toml'}")
        return
    from themeloom import pipeline

    check_json(json, [])
    with as_file(study) as folder, progress_bars() as bars:
        result = pipeline.run(folder / "experiment.toml", root, bars)
    _finish(result, json)
    say("To look at its files, code and change it: themeloom demo --copy FOLDER")


def _copy(study: "Traversable", folder: Path) -> None:
    from themeloom.errors import OutputError
    from themeloom.system.atomic import whole_folder

    if os.path.lexists(folder):
        raise OutputError(f"--copy: {folder}: exists already; name a new folder.")
    with whole_folder(folder) as draft:
        for file in study.iterdir():
            (draft / file.name).write_bytes(file.read_bytes())


def check(experiment: ExperimentFile, root: Root = Path()) -> None:
    """Read config, sources, codebook and labels, and tell every fault at once."""
    from themeloom import pipeline
    from themeloom.experiment import read_experiment
    from themeloom.sweeps.space import configurations_in

    config = read_experiment(experiment)
    tried = configurations_in(experiment, config) if config.sweep.grid or config.sweep.search else []
    with progress_bars() as bars:
        prepared = pipeline.check(experiment, root, bars)
    _show_prepared(prepared, config)
    if tried:
        say(f"A sweep tries {len(tried)} configurations; runs: {len(tried) * config.sweep.seeds}.")
    _say_of_the_label_file(experiment, root)


def audit(
    experiment: ExperimentFile,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    root: Root = Path(),
) -> None:
    """Write what became of every raw row: for whoever holds the study's key."""
    from themeloom import pipeline
    from themeloom.columns import AUDITED
    from themeloom.studies.targets import Kind, check_target
    from themeloom.system.atomic import whole_file
    from themeloom.system.sheets import as_csv

    check_target(out, Kind((".csv",), AUDITED), study_files(experiment))
    with progress_bars() as bars:
        table = pipeline.audit(experiment, root, bars)
    with whole_file(out) as draft:
        draft.write_bytes(as_csv(table))
    aside = int((table["outcome"] == "unreadable").sum())
    say(f"{len(table):,} rows{f', {aside:,} of them set aside' if aside else ''}: {out}")


def sweep(
    experiment: ExperimentFile,
    root: Root = Path(),
    out: Annotated[
        Path | None, typer.Option(help="Also write the table of configurations here: .csv or .parquet.")
    ] = None,
    json: JsonPath = None,
) -> None:
    """Run all configurations of the sweep section, choose the best, and say what the choice is worth."""
    from rich.console import Console

    from themeloom.assigning import piecework
    from themeloom.console.sweeps import show_sweep
    from themeloom.studies.targets import Kind, check_target
    from themeloom.sweeps import sweeping

    inputs = study_files(experiment)
    if out is not None:
        check_target(out, Kind(piecework.ENDINGS, sweeping.COLUMNS), inputs)
    check_json(json, inputs)
    with progress_bars() as bars:
        found = sweeping.sweep(experiment, root, bars)
    if out is not None:
        piecework.write(found.listed(), out)
    write_json(found.to_dict(), json)
    show_sweep(Console(), found)


def bench(
    what: Annotated[str, typer.Argument(help="What is measured: encoder.", metavar="WHAT")],
    experiment: Annotated[
        Path | None,
        typer.Argument(help="Whose encoder; by default the bundled one.", metavar="[EXPERIMENT]"),
    ] = None,
    json: JsonPath = None,
) -> None:
    """Measure on this machine which backend of the encoder is quickest: encoder.backend = "auto" uses it."""
    from rich.console import Console

    from themeloom import benching
    from themeloom.console.timings import show_finding

    check_json(json, [] if experiment is None else study_files(experiment))
    with progress_bars() as bars:
        found, kept = benching.bench(what, experiment, bars)
    write_json(found, json)
    show_finding(Console(), found)
    say(f"kept: {kept}")


def clean(
    root: Root = Path(),
    uri: Annotated[str | None, typer.Option(help="Another tracking URI.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; otherwise it is only listed.")] = False,
) -> None:
    """List what killed runs left half-done, and remove it with --yes; finished runs and keys stay."""
    from themeloom.studies import cleaning

    found = cleaning.find_leftovers(root, uri)
    for each in found:
        if yes:
            each.remove()
        say(f"{each.kind}: {each.what} ({each.remedy})")
    if not found:
        say("nothing was left half-done")
    elif yes:
        say(f"{len(found)} put in order")
    else:
        say(f"{len(found)} found; `themeloom clean --yes` puts them in order.")


def ui(
    root: Root = Path(),
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000,
    uri: Annotated[str | None, typer.Option(help="Another tracking URI.")] = None,
) -> None:
    """Open MLflow's own page on the runs."""
    import subprocess

    from themeloom.history.page import runs_address, ui_command

    command, environment = ui_command(root, uri, port)
    say(runs_address(root, uri, port))
    subprocess.run(command, env=environment, check=False)  # noqa: S603 (our own words, no shell)


def _finish(result: "RunResult", json: Path | None) -> None:
    from rich.console import Console

    from themeloom.console.results import show_result

    write_json(result.summary, json)
    show_result(Console(), result)
    warn_of_lost(result.model.record.unreadable)


def _say_of_the_label_file(experiment: Path, root: Path) -> None:
    """Say which codes a run does not read, or that coders see another codebook than it reads."""
    from themeloom.experiment import read_experiment
    from themeloom.studies.beside_labels import told_codebook, told_unread
    from themeloom.system.folders import Folders

    config, folders = read_experiment(experiment), Folders(root)
    for told in filter(None, (told_unread(config, folders), told_codebook(config, folders))):
        say(f"Note: {told}")


def _show_prepared(prepared: "Prepared", config: "Experiment") -> None:
    from rich.console import Console

    from themeloom.console.results import show_flow, show_groups
    from themeloom.reporting.sentences import sparse
    from themeloom.running.authors import authors_of
    from themeloom.running.evidence import adaptation_steps
    from themeloom.running.shares import NOT_STATED, drawn_by_chance
    from themeloom.running.trials import adaptations
    from themeloom.studies.study import corpus_notes
    from themeloom.themes.folds import one_author_told

    console = Console()
    show_flow(console, prepared.unique.flow)
    for fault in prepared.raw.unreadable.head(20).iter_rows(named=True):
        console.print(f"{fault['file']}:{fault['line']}: {fault['reason']}", markup=False)
    for note in corpus_notes(config, prepared.unique, prepared.corpus):
        console.print(note, style="yellow", markup=False)
    sample = prepared.sample
    show_groups(console, prepared.corpus.communications["group"], sample.position[sample.decided])
    tied = len(sample.theme) - int(sample.decided.sum())
    undecided = f", and {tied} tied or unclear" if tied else ""
    console.print(
        f"{len(prepared.codebook.keys)} codes, {int(sample.decided.sum())} labelled messages{undecided}: "
        "nothing stands in the way of a run.",
        markup=False,
    )
    if sample.again:
        console.print(
            f"{sample.again} row(s) label a repeat of another labelled message by the same codes: each "
            "message counts once.",
            markup=False,
        )
    if sample.inclusion is None:
        console.print(NOT_STATED, markup=False)
    _, of_shares = drawn_by_chance(sample, len(prepared.corpus.texts))
    of_authors = one_author_told(authors_of(prepared.corpus)[sample.position[sample.decided]])
    labels = {key: int((sample.theme == at).sum()) for at, key in enumerate(prepared.codebook.keys)}
    for note in filter(None, (prepared.note, sparse(labels), of_shares, of_authors)):
        console.print(note, style="yellow", markup=False)
    if count := adaptations(prepared.corpus, sample, config):
        steps = adaptation_steps(config, int(sample.decided.sum()))
        console.print(
            f"A first run adapts the encoder to the labels {count} times, {steps} steps each: "
            "most of its time. Later runs remember it, and adapt.enabled = false goes without.",
            markup=False,
        )
    warn_of_lost(prepared.raw.unreadable)
