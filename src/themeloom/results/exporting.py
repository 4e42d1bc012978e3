"""The table of themes with quotations, as a file for a paper's appendix."""

from collections.abc import Callable
from pathlib import Path

from themeloom.errors import OutputError
from themeloom.history import store
from themeloom.history.registry import model_folder
from themeloom.reporting import document
from themeloom.reporting.appendix import COLUMNS, theme_table
from themeloom.reporting.safe_cells import readable_cells
from themeloom.reporting.spreadsheet import write_xlsx
from themeloom.reporting.summary import Summary, summarise
from themeloom.reporting.texts import say
from themeloom.results.reports import Report, read_quotes
from themeloom.studies.targets import Kind, check_target
from themeloom.system.atomic import whole_file
from themeloom.system.sheets import as_sheet

WRITERS: dict[str, Callable[[Summary, Path], object]] = {
    "csv": lambda summary, path: path.write_bytes(as_sheet(readable_cells(theme_table(summary)))),
    "parquet": lambda summary, path: theme_table(summary).write_parquet(path),
    "xlsx": lambda summary, path: write_xlsx(theme_table(summary), path, say("nav.themes")),
    "docx": document.write_docx,
}
FORMATS = tuple(WRITERS)


def export(
    run: str | Path,
    format: str = "csv",
    out: str | Path | None = None,
    *,
    quotes: str | None = None,
    root: str | Path = ".",
) -> Path:
    """Write the table of themes with quotations: a row a quotation, or for documents a row a theme.

    No cell of a spreadsheet is a formula, whatever a message begins with.

    Parameters
    ----------
    run
        A model folder, the name of a run under models/, or one that MLflow keeps: what `load` takes.
    format
        'csv', 'parquet', 'xlsx' or 'docx'.
    out
        The file to write; by default ``RUN-themes.FORMAT`` in the current folder.
    quotes
        How messages are shown: 'masked', 'words' or 'none'; by default as the run's configuration says.
    root
        The folder under which models/, mlruns/ and .themeloom/ lie.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelError, TrackingError
        If there is no such run, or it is not whole.
    OutputError
        If format or `quotes` is another word, or the file cannot be written, ends in another way than
        `format`, or holds something else than such a table.
    """
    return write_themes(run, format, out, quotes=quotes, root=root).path


def write_themes(
    run: str | Path, format: str, out: str | Path | None, *, quotes: str | None, root: str | Path
) -> Report:
    """Do what `export` does, and give all that the table says too."""
    if format not in FORMATS:
        raise OutputError(f"format: '{format}' is unknown; say one of {', '.join(FORMATS)}.")
    shown = read_quotes(quotes)
    folder = model_folder(str(run), Path(root))
    path = Path(f"{store.name_of(folder)}-themes.{format}" if out is None else out)
    if path.suffix.lower().removeprefix(".") in {*FORMATS} - {format}:
        raise OutputError(f"{path}: ends as another format than {format}, which is written; add --format.")
    check_target(path, _kind(format))
    summary = summarise(store.load(folder), paths={}, tracked={}, quotes=shown)
    with whole_file(path) as draft:
        WRITERS[format](summary, draft)
    return Report(path, summary)


def _kind(format: str) -> Kind:
    """Tell by what an earlier table of a format is known; what a document calls its columns is text."""
    columns = [say(f"appendix.{name}") for name in document.COLUMNS[:3]] if format == "docx" else COLUMNS
    return Kind((f".{format}",), tuple(columns))
