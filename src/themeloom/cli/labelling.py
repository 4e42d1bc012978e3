"""Commands of the labelling page: open it, and carry codes in and out of its file."""

from pathlib import Path
from typing import Annotated

import typer

from themeloom.cli.options import ExperimentFile, Root, StudyModel, progress_bars, say


def label(  # noqa: PLR0913, PLR0917 (an option each)
    experiment: ExperimentFile,
    draw: Annotated[
        int | None,
        typer.Option(
            help="Draw so many more messages; without any in the sample, 100, or all that are left."
        ),
    ] = None,
    design: Annotated[
        str, typer.Option(help="How to draw: random, stratified (by topic), grouped (evenly) or uncertain.")
    ] = "random",
    sheet: Annotated[
        Path | None, typer.Option(help="Take the messages of a sheet or label file into the sample.")
    ] = None,
    coder: Annotated[
        list[str] | None, typer.Option(help="Make this coder a personal link; may be given several times.")
    ] = None,
    guess: Annotated[
        bool,
        typer.Option("--guess", help="Let coders see a model's guess; such codes are marked as assisted."),
    ] = False,
    model: StudyModel = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8765,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs TLS.")
    ] = "127.0.0.1",
    tls_cert: Annotated[Path | None, typer.Option(help="TLS certificate (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key (PEM).")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Another server on this machine adds TLS; needs --address.")
    ] = False,
    address: Annotated[
        str | None, typer.Option(help="What people type, such as https://code.example.org.")
    ] = None,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
    root: Root = Path(),
) -> None:
    """Open the page on which people code messages, until you stop it by Ctrl-C."""
    from themeloom.labelling.serving import Hosting
    from themeloom.studies import labelling_study as study

    hosting = Hosting(host, port, tls_cert, tls_key, behind_proxy, address)
    hosting.seen_as()  # a fault there is told before anything is read
    asked = study.Asked(draw, design, sheet, model, guess, tuple(coder or ()))
    with progress_bars() as bars:
        opened = study.open_study(experiment, asked, root=root, watcher=bars)
    say(f"{opened.new:,} messages drawn into {opened.store.path}" if opened.new else f"{opened.store.path}")
    _say_what_is_read(experiment)
    study.serve_study(opened, hosting, browser=browser, said=say)


def export_labels(
    experiment: ExperimentFile,
    out: Annotated[
        Path,
        typer.Option(help="The file to write: .csv, .parquet, .json (Label Studio) or .qdpx (REFI-QDA)."),
    ],
    root: Root = Path(),
) -> None:
    """Write what was coded on the labelling page; a CSV or Parquet file named codes… has a row a code."""
    from themeloom.studies import labelling_study as study

    say(f"{study.export_labels(experiment, out, root=root):,} codes: {out}")


def import_labels(
    experiment: ExperimentFile,
    files: Annotated[
        list[Path], typer.Argument(help="Files: .csv, .parquet, .json (Label Studio) or .qdpx (REFI-QDA).")
    ],
    root: Root = Path(),
) -> None:
    """Take what was coded elsewhere into the labelling page's file, once."""
    from themeloom.studies import labelling_study as study

    with progress_bars() as bars:
        found = study.import_labels(experiment, files, root=root, watcher=bars)
    for file, taken in found.items():
        changed = f" and {taken.changed:,} changed" if taken.changed else ""
        kept = f"; {taken.kept:,} stay as they are, as they were given later" if taken.kept else ""
        say(f"{taken.new:,} new codes{changed} by {', '.join(taken.coders)}{kept}: {file}")
    _say_what_is_read(experiment)


def _say_what_is_read(experiment: Path) -> None:
    """Warn people whose codes no run of this experiment would read."""
    from themeloom.experiment import read_experiment
    from themeloom.studies.beside_labels import read_instead

    if told := read_instead(read_experiment(experiment)):
        say(f"Note: {told}")
