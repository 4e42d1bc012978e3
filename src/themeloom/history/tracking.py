"""One MLflow run for each run: parameters, metrics, tags, datasets, tables, model and report."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from themeloom.config import TrackingConfig
from themeloom.history import items
from themeloom.history.abandoned import PROCESS, RUNNING, end_abandoned
from themeloom.history.backend import backend_of
from themeloom.history.connection import connection, experiment_of, not_left_running
from themeloom.history.groups import NO_TAGS, child_tags
from themeloom.history.logged_model import INSIDE, log_model
from themeloom.history.machine import Sample
from themeloom.history.parts import CARD
from themeloom.history.tables import show_tables, write_tables
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import RunRecord
from themeloom.system.atomic import scratch
from themeloom.system.interrupts import let_through
from themeloom.system.processes import mark

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, LoggedModel, Run


@dataclass(frozen=True, slots=True)
class Tracked:
    """Where a run is in MLflow."""

    run_id: str
    experiment_id: str
    experiment: str
    uri: str  # of the store, without user and password
    artifact_uri: str
    model_uri: str = ""  # what mlflow.pyfunc.load_model takes
    waiting: str = ""  # why it is not there yet, but in the outbox


def track(  # noqa: PLR0913 (what a run leaves behind, and where it goes)
    record: RunRecord,
    model_folder: Path,
    report: Path | None,
    config: TrackingConfig,
    root: Path,
    *,
    parent: str | None = None,
    tags: Mapping[str, str] = NO_TAGS,
    samples: Sequence[Sample] = (),
    again: bool = False,
    with_model: bool = True,
    progress: Progress = UNWATCHED,
) -> Tracked:
    """Log a run to MLflow. The caller's own tracking URI and active run stay as they are.

    Parameters
    ----------
    record
        The run.
    model_folder
        What `store.save` made; becomes a model of the name ``model``, which ``mlflow.pyfunc`` can load.
    report
        The report's file, which becomes the artifact under ``report/``.
    config
        The tracking address and experiment.
    root
        The study's folder: without another address, runs are kept in ``ROOT/mlruns``.
    parent
        Id of an MLflow run that this one is a child of.
    tags
        Further tags.
    samples
        How busy the machine was.
    again
        Whether it may be in the store in part already: then that is gone on with, and not begun anew.
    with_model
        Whether the model goes to MLflow too, if `config` says so as well; `registry.register` sends it later
        where it did not.
    progress
        Who watches.

    Raises
    ------
    TrackingError
        If the store cannot be reached, is broken, or refuses. A run that was begun then ends as FAILED.
    """
    backend = backend_of(config.uri, root)
    name = config.experiment or record.study
    steps = _steps(record, model_folder / CARD, report, root)
    if samples:
        steps.append(lambda client, run, _: _log_samples(client, run, samples))
    if config.embeddings:
        steps.append(lambda client, run, _: _log_embeddings(client, run, record))
    progress.begin(len(steps) + 2, "items")
    with connection(backend) as client:
        experiment = experiment_of(client, name, backend)
        end_abandoned(client, [experiment])
        found = _logged_before(client, experiment, record.run) if again else None
        all_tags = items.tags(record) | child_tags(tags, parent) | {PROCESS: mark()}
        with not_left_running(client, lambda: _running(client, experiment, record.run)):
            run = found or _begun(client, experiment, record, all_tags)
            progress.advance()
            let_through()
            whole = with_model and config.model
            model = log_model(client, run.info.run_id, record, model_folder) if whole else None
            progress.advance()
            let_through()
            for step in steps:
                step(client, run.info.run_id, model)
                progress.advance()
                let_through()
            client.set_terminated(run.info.run_id, "FINISHED")
    return Tracked(
        run.info.run_id,
        experiment,
        name,
        backend.public,
        run.info.artifact_uri,
        f"models:/{model.model_id}" if model else "",
    )


Step = Callable[["MlflowClient", str, "LoggedModel | None"], object]


def _steps(record: RunRecord, card: Path, report: Path | None, root: Path) -> list[Step]:
    return [
        lambda client, run, model: _log_numbers(client, run, model, record, root),
        lambda client, run, model: _log_datasets(client, run, _datasets(model, record)),
        lambda client, run, _: _log_files(client, run, record, _pages(card, report)),
    ]


def _begun(client: "MlflowClient", experiment: str, record: RunRecord, tags: dict[str, str]) -> "Run":
    start = _milliseconds(record.started_at)
    return client.create_run(experiment, start_time=start, tags=tags, run_name=record.run)


def _logged_before(client: "MlflowClient", experiment: str, name: str) -> "Run | None":
    runs = client.search_runs([experiment], _named(name), max_results=1)
    return runs[0] if runs else None


def _running(client: "MlflowClient", experiment: str, name: str) -> "Run | None":
    runs = client.search_runs([experiment], f"{_named(name)} AND {RUNNING}", max_results=1)
    return runs[0] if runs else None


def _named(run: str) -> str:
    return f"tags.`themeloom.run` = '{run}'"


def _log_numbers(
    client: "MlflowClient", run: str, model: "LoggedModel | None", record: RunRecord, root: Path
) -> None:
    from mlflow.entities import Metric, Param

    # the run's own time, so that a metric that is sent again is the same one
    known = client.get_run(run).data.metrics  # of a run that is gone on with; MLflow refuses them again
    end = _milliseconds(record.started_at) + int(1000 * sum(time.seconds for time in record.times))
    client.log_batch(
        run,
        metrics=[
            Metric(name, value, end, 0, model_id=model.model_id if model else None)
            for name, value in items.metrics(record).items()
            if name not in known
        ],
        params=[Param(name, value) for name, value in items.params(record, root).items()],
    )


def _log_samples(client: "MlflowClient", run: str, samples: Sequence[Sample]) -> None:
    from mlflow.entities import Metric

    found = [
        Metric(name, value, sample.milliseconds, step)
        for step, sample in enumerate(samples)
        for name, value in sample.values.items()
    ]
    client.log_batch(run, metrics=found)


def _log_embeddings(client: "MlflowClient", run: str, record: RunRecord) -> None:
    with scratch() as folder:
        file = folder / "embeddings.parquet"
        items.embeddings(record).write_parquet(file)
        client.log_artifact(run, str(file), "embeddings")


def _log_files(client: "MlflowClient", run: str, record: RunRecord, pages: Mapping[str, Path]) -> None:
    """Send all files of the run in one go, as MLflow asks its store for the run at each call."""
    tables = items.tables(record)
    with scratch() as folder:
        write_tables(folder, tables)
        for place, page in pages.items():
            (folder / place).parent.mkdir(exist_ok=True)
            shutil.copyfile(page, folder / place)
        client.log_artifacts(run, str(folder))
    show_tables(client, run, tables)


def _pages(card: Path, report: Path | None) -> dict[str, Path]:
    """Name the files that are there already, by the place that they get."""
    return {card.name: card} | ({} if report is None else {f"report/{report.name}": report})


def _log_datasets(client: "MlflowClient", run: str, datasets: "list[DatasetInput]") -> None:
    from mlflow import MlflowException

    try:
        client.log_inputs(run, datasets)
    except MlflowException:
        # Two first runs at once: MLflow looks whether a dataset is there, and then makes it. Now it is there.
        client.log_inputs(run, datasets)


def _datasets(model: "LoggedModel | None", record: RunRecord) -> "list[DatasetInput]":
    from mlflow.entities import Dataset, DatasetInput, InputTag

    artifacts = model.artifact_location if model else ""
    inputs = []
    for item in items.datasets(record):
        uri = f"{artifacts}/{INSIDE}/{item.file}" if item.file and artifacts else ""
        dataset = Dataset(
            name=item.name,
            digest=item.digest,
            source_type="local"
            if artifacts.startswith("file:") or not artifacts
            else artifacts.partition(":")[0],
            source=json.dumps({"uri": uri}),
            schema=json.dumps(
                {"mlflow_colspec": [{"name": name, "type": kind} for name, kind in item.columns.items()]}
            ),
            profile=json.dumps({"num_rows": item.rows}),
        )
        inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", item.context)]))
    return inputs


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
