"""The report of a run that is there: written again, or as others may see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from themeloom.errors import OutputError
from themeloom.history import store
from themeloom.history.parts import REPORT
from themeloom.history.registry import model_folder
from themeloom.records import RunRecord
from themeloom.reporting.appendix import methods_text
from themeloom.reporting.checklist import checklist_csv
from themeloom.reporting.html import write_report
from themeloom.reporting.quotes import QUOTES, Quotes, quotes_of
from themeloom.reporting.references import bibliography
from themeloom.reporting.summary import Summary, summarise
from themeloom.studies.targets import PAGE, check_target
from themeloom.system.atomic import scratch, whole_file

METHODS, REFERENCES, CHECKLIST = "methods.md", "references.bib", "srqr.csv"
"""The files of `write_paper`."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was written."""

    path: Path
    summary: Summary


def report(
    run: str | Path, out: str | Path | None = None, *, quotes: str | None = None, root: str | Path = "."
) -> Report:
    """Write the report of a run again, from its model.

    Parameters
    ----------
    run
        A model folder, the name of a run under models/, or one that MLflow keeps: what `load` takes.
    out
        The file to write; by default ``report.html`` in the model folder, or ``RUN.html`` in the current
        folder for a model that was fetched from MLflow.
    quotes
        How messages are shown: 'masked', 'words' or 'none'; by default as the run's configuration says.
    root
        The folder under which models/, mlruns/ and .themeloom/ lie.

    Returns
    -------
    Report
        Where it is, and all that it says, as plain values.

    Raises
    ------
    ModelError, TrackingError
        If there is no such run, or it is not whole.
    OutputError
        If `quotes` is another word, or the file cannot be written or holds something else than a page.
    """
    shown = read_quotes(quotes)
    folder = model_folder(str(run), Path(root))
    fetched = str(run).startswith(("models:/", "runs:/")) or (Path(root) / ".themeloom") in folder.parents
    default = Path(f"{store.name_of(folder)}.html") if fetched else folder / REPORT
    path = default if out is None else Path(out)
    check_target(path, PAGE)
    record = store.load(folder)
    summary = summarise(record, paths=paths_of(folder), tracked={}, quotes=shown)
    write_report(summary, record, path)
    return Report(path, summary)


def write_paper(summary: Summary, folder: Path) -> None:
    """Write what a paper takes, a file each: methods text, references (BibTeX), reporting checklist (SRQR).

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    found = summary.methods
    if found is None:  # pragma: no cover - `summarise` always writes it
        raise OutputError(f"{folder}: the summary has no methods text; summarise the run again.")
    texts = {
        METHODS: methods_text(found),
        REFERENCES: bibliography(found.references),
        CHECKLIST: checklist_csv(found.checklist),
    }
    for name, text in texts.items():
        with whole_file(folder / name) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def shared_report(record: RunRecord, folder: Path) -> Iterator[Path]:
    """Give the report as MLflow gets it, while the block lasts.

    Parameters
    ----------
    record
        The run.
    folder
        Its model folder, which holds the report as people of the study see it once it is kept.
    """
    shared = quotes_of(record.config, "quotes_in_mlflow")
    if shared == quotes_of(record.config):
        yield folder / REPORT
        return
    with scratch() as place:
        path = place / REPORT
        write_report(summarise(record, paths=paths_of(folder), tracked={}, quotes=shared), record, path)
        yield path


def read_quotes(quotes: str | None) -> Quotes | None:
    """Check the word that says how messages are shown.

    Raises
    ------
    OutputError
        If it is none of the three.
    """
    if quotes is None:
        return None
    for known in QUOTES:
        if quotes == known:
            return known
    raise OutputError(f"quotes: '{quotes}' is unknown; say masked, words or none.")


def paths_of(folder: Path) -> dict[str, str]:
    """Name what a model folder holds for people."""
    return {"model": str(folder), "report": str(folder / REPORT)}
