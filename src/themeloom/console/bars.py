"""Progress bars, one a stage."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

STAGES = {
    "ingest": "Reading the sources",
    "repeats": "Finding repeats",
    "anonymise": "Masking names, places, links",
    "distribute": "Embedding on the cluster",
    "embed": "Embedding",
    "adapt": "Adapting the encoder to the labels",
    "reduce": "Laying out (UMAP)",
    "cluster": "Finding topics (HDBSCAN)",
    "repeat": "Finding topics again",
    "place": "Placing the other messages",
    "describe": "Describing topics (BERTopic)",
    "map": "Mapping topics to themes",
    "validate": "Validating on held-out labels",
    "references": "Asking reference lines",
    "score": "Scoring, with intervals",
    "prevalence": "Estimating prevalence",
    "quality": "Judging topics by themselves",
    "keep": "Keeping the model",
    "report": "Writing the report",
    "track": "Tracking in MLflow",
    "assign": "Assigning topics",
    "drift": "Asking whether they fit",
    "read": "Reading the runs",
    "compare": "Comparing the runs",
    "agree": "Resampling the messages",
    "plan": "Simulating more labels",
    "bench": "Timing the encoder",
    "sweep": "Trying configurations",
}


class Bars:
    """A progress bar for each stage."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
        )

    @contextmanager
    def watching(self) -> Iterator["Bars"]:
        """Show the bars while the block lasts."""
        with self._progress:
            yield self

    @contextmanager
    def stage(self, name: str) -> Iterator["_Bar"]:
        """Show one stage's bar; it is full when the block ends well."""
        task = self._progress.add_task(STAGES.get(name, name), total=None, unit="")
        yield _Bar(self._progress, task)
        done = self._progress.tasks[self._progress.task_ids.index(task)]
        total = done.total or done.completed or 1
        self._progress.update(task, total=total, completed=total)

    def tell(self, sentence: str) -> None:
        """Print a sentence above the bars."""
        self._progress.console.print(sentence, style="yellow", markup=False, highlight=False, soft_wrap=True)


class _Bar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def begin(self, total: int | None, unit: str) -> None:
        self._progress.update(self._task, total=total, completed=0, unit=unit)

    def advance(self, steps: int = 1) -> None:
        self._progress.advance(self._task, steps)
