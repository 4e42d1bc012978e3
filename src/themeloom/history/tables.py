"""Tables of a run in MLflow, in the form and with the mark by which its page shows them.

MLflow's own way lengthens a table that is there, and asks its store five times for each.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from themeloom.system.atomic import scratch

if TYPE_CHECKING:
    from mlflow import MlflowClient

FOLDER = "tables"
Columns = Mapping[str, Sequence[object]]


def put_table(client: "MlflowClient", run: str, name: str, columns: Columns) -> None:
    """Log a table, or one in its place: ``tables/NAME.json``."""
    with scratch() as folder:
        write_tables(folder, {name: columns})
        client.log_artifacts(run, str(folder))
    show_tables(client, run, [name])


def write_tables(folder: Path, tables: Mapping[str, Columns]) -> None:
    """Write tables, by their names, as MLflow keeps them; what is no number in a column of numbers is null.

    Parameters
    ----------
    folder
        Where ``tables/NAME.json`` goes.
    tables
        Name → columns of plain values, all of a table as long.
    """
    (folder / FOLDER).mkdir()
    for name, columns in tables.items():
        rows = zip(*columns.values(), strict=True)
        data = [[_plain(value) for value in row] for row in rows]
        text = json.dumps({"columns": list(columns), "data": data}, allow_nan=False)
        (folder / FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def show_tables(client: "MlflowClient", run: str, names: Iterable[str]) -> None:
    """Mark files of a run as tables, for MLflow's page to show them."""
    from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

    known = json.loads(client.get_run(run).data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]"))
    marks = [{"path": f"{FOLDER}/{name}.json", "type": "table"} for name in names]
    shown = known + [mark for mark in marks if mark not in known]
    client.set_tag(run, MLFLOW_LOGGED_ARTIFACTS, json.dumps(shown))


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
