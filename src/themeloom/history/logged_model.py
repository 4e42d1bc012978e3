"""The model that MLflow can load, serve and register: the model folder, and code that is no pickle."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from themeloom.columns import POSTERIOR
from themeloom.history.parts import LAYOUT, MANIFEST
from themeloom.history.quiet import impatient
from themeloom.records import RunRecord
from themeloom.system.atomic import scratch

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.models import ModelSignature

NAME = "model"
INSIDE = "artifacts/model"
"""Where the model folder lies in what is logged."""

CODE = Path(__file__).resolve().parents[1] / "assigning" / "served.py"
EXAMPLE = ["I have waited six months for an appointment.", "Thank you for listening to me."]
"""Made up, as all that is shown of a model is: never a message of the corpus."""


def log_model(client: "MlflowClient", run: str, record: RunRecord, folder: Path) -> "LoggedModel":
    """Log a model folder as a model that ``mlflow.pyfunc`` loads without pickle.

    The caller's active run and model stay as they are, so MLflow's fluent functions are not used.

    Parameters
    ----------
    client
        The store.
    run
        Id of the MLflow run that the model comes from.
    record
        The run.
    folder
        What `store.save` made.
    """
    from mlflow.entities import LoggedModelOutput

    if found := ready_model(client, client.get_run(run)):  # of a run that is gone on with
        return found
    model = client.create_logged_model(
        client.get_run(run).info.experiment_id,
        NAME,
        source_run_id=run,
        tags={"themeloom.run": record.run, "themeloom.study": record.study},
        model_type="topic model",
    )
    client.log_outputs(run, [LoggedModelOutput(model.model_id, step=0)])
    try:
        with _packed(record, folder, run, model.model_id) as packed:
            client.log_model_artifacts(model.model_id, str(packed))
    except BaseException:
        with impatient(), suppress(Exception):  # the store may be what failed
            client.finalize_logged_model(model.model_id, "FAILED")
        raise
    return client.finalize_logged_model(model.model_id, "READY")


def ready_model(client: "MlflowClient", run: "Run") -> "LoggedModel | None":
    """Return a run's model, if it has one that was logged to the end."""
    ids = [output.model_id for output in run.outputs.model_outputs] if run.outputs else []
    models = [client.get_logged_model(found) for found in ids]
    return next((model for model in models if model.status == "READY"), None)


@contextmanager
def _packed(record: RunRecord, folder: Path, run: str, model_id: str) -> Iterator[Path]:
    """Write the model as MLflow keeps it, in a folder of its own."""
    with scratch() as draft:
        plain, packed = draft / "model", draft / "packed"
        plain.mkdir()
        for name in (*LAYOUT, MANIFEST):  # and not the report, which can lie beside them
            shutil.copyfile(folder / name, plain / name)
        with warnings.catch_warnings(action="ignore"):  # MLflow warns of types that are its own
            _write(record, plain, packed, run, model_id)
        yield packed


def _write(record: RunRecord, plain: Path, packed: Path, run: str, model_id: str) -> None:
    import pandas as pd
    from mlflow import pyfunc
    from mlflow.models import Model

    pyfunc.save_model(
        str(packed),
        python_model=str(CODE),
        artifacts={"model": str(plain)},
        model_config={"encoder": ""},  # MLflow lets nobody say later what was not said at first
        signature=_signature(record.codebook.keys),
        input_example=pd.DataFrame({"text": EXAMPLE}),
        pip_requirements=_requirements(record),
        mlflow_model=Model(artifact_path=NAME, run_id=run, model_id=model_id),
    )


def _signature(keys: tuple[str, ...]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    numbers = ["theme_probability", *(f"{POSTERIOR}{key}" for key in keys)]
    outputs: list[ColSpec | TensorSpec] = [  # all but the topic are null where there is no text
        ColSpec("long", "topic"),
        ColSpec("double", "membership", required=False),
        ColSpec("string", "topic_theme", required=False),
        ColSpec("string", "theme", required=False),
        *(ColSpec("double", name, required=False) for name in numbers),
    ]
    return ModelSignature(Schema([ColSpec("string", "text")]), Schema(outputs))


def _requirements(record: RunRecord) -> list[str]:
    """Pin what made the model, without marks of how a file was built (``2.9.0+cpu``)."""
    versions = {name: version.partition("+")[0] for name, version in record.versions.items()}
    return [f"{name}=={version}" for name, version in versions.items() if name != "python"]
