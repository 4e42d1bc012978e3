import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from servers import free_port, get, store_of
from themeloom.errors import ConfigError, InputError
from themeloom.history import backend
from themeloom.history.logged_model import EXAMPLE

SAFE = {".json", ".parquet", ".safetensors", ".md", ".py", ".txt", ".yaml", ""}  # "": MLmodel


@pytest.fixture
def mlflow_here(root, monkeypatch):
    """MLflow, at the study's own store."""
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # MLflow sets it too
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # the store stays as it was logged when models load
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store_of(root[0]))
    yield mlflow
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def files(root):
    """Where the logged model lies."""
    (place,) = (root[0] / "mlruns" / "artifacts" / "models").glob(f"{model_id(root)}/artifacts")
    return place


def model_id(root):
    return root[3].model_uri.removeprefix("models:/")


def known(record):
    """Messages that the made-up run gives an answer for without an encoder, as it learned from them."""
    plain = record.communications.filter(~pl.col("text").str.contains("[person", literal=True))
    return plain.unique("text", keep="first", maintain_order=True)


def assert_as_in_the_run(found, record):
    messages, keys = known(record), record.codebook.keys
    assert found["topic"].tolist() == messages["topic"].to_list()
    assert found["theme"].tolist() == messages["theme"].to_list()
    assert found["theme_probability"].tolist() == pytest.approx(messages["theme_probability"].to_list())
    posterior = found[[f"p_{key}" for key in keys]].to_numpy(dtype=float)
    assert posterior.sum(axis=1) == pytest.approx(1)
    assert [keys[best] for best in posterior.argmax(axis=1)] == messages["theme"].to_list()


def test_it_predicts_topics_themes_and_probabilities_without_pickle(root, mlflow_here, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    record, table = root[1], pd.DataFrame({"text": known(root[1])["text"].to_list()})
    for uri in (root[3].model_uri, f"runs:/{root[3].run_id}/model"):
        model = mlflow_here.pyfunc.load_model(uri)
        found = model.predict(table)
        assert_as_in_the_run(found, record)
        assert [column.name for column in model.metadata.signature.outputs.inputs] == list(found.columns)
    assert found["topic_theme"].isna().sum() == known(record)["topic_theme"].null_count()
    nothing = model.predict(table[:0])
    assert len(nothing) == 0
    assert nothing.dtypes.tolist() == found.dtypes.tolist()


def test_what_is_no_message_gets_no_theme(root, mlflow_here):
    """Null and blank texts come back in their place, as JSON can tell it; numbers are told."""
    from mlflow.pyfunc.scoring_server import predictions_to_json

    model = mlflow_here.pyfunc.load_model(root[3].model_uri)
    texts = [None, *known(root[1])["text"].to_list(), "", " \n", float("nan")]
    found = model.predict(pd.DataFrame({"text": texts}, index=range(9, 9 + len(texts))))
    assert found.index.tolist() == list(range(9, 9 + len(texts)))
    assert_as_in_the_run(found.iloc[1:-3].reset_index(drop=True), root[1])
    written = io.StringIO()
    predictions_to_json(found, written)
    told = json.loads(written.getvalue(), parse_constant=pytest.fail)["predictions"]
    absent = dict.fromkeys(found.columns) | {"topic": -1}
    assert [told[0], *told[-3:]] == [absent] * 4
    alone = model.predict(pd.DataFrame({"text": [""]}))
    assert alone.to_dict("records") == [absent]
    assert all(not column.required for column in model.metadata.signature.outputs.inputs[1:])
    with pytest.raises(InputError, match=r"texts\[1\]: is 5, not text"):
        model.predict(pd.DataFrame({"text": ["you listened", 5]}, dtype=object))


def test_where_all_have_a_text_json_has_null_too(root, mlflow_here):
    """Some known messages have a topic without a theme, or none."""
    from mlflow.pyfunc.scoring_server import predictions_to_json

    model, written = mlflow_here.pyfunc.load_model(root[3].model_uri), io.StringIO()
    predictions_to_json(model.predict(known(root[1])[["text"]].to_pandas()), written)
    told = json.loads(written.getvalue(), parse_constant=pytest.fail)["predictions"]
    assert [row["topic_theme"] for row in told] == known(root[1])["topic_theme"].to_list()
    assert None in known(root[1])["topic_theme"].to_list()


def test_it_can_be_told_where_an_encoder_is(root, mlflow_here, tmp_path):
    model = mlflow_here.pyfunc.load_model(root[3].model_uri, model_config={"encoder": str(tmp_path / "gone")})
    with pytest.raises(ConfigError, match=r"gone"):
        model.predict(pd.DataFrame({"text": ["nobody has said this yet"]}))


def test_it_is_linked_with_its_run(root, mlflow_here):
    run = mlflow_here.get_run(root[3].run_id)
    assert [output.model_id for output in run.outputs.model_outputs] == [model_id(root)]
    model = mlflow_here.get_logged_model(model_id(root))
    assert (model.name, model.source_run_id, str(model.status)) == ("model", root[3].run_id, "READY")
    kappa = root[1].scores.overall["kappa"].value
    assert {metric.key: metric.value for metric in model.metrics}["kappa"] == kappa


def test_there_is_no_pickle_and_nothing_of_this_machine_in_it(root, files):
    assert {path.suffix for path in files.rglob("*") if path.is_file()} <= SAFE
    assert {path.name for path in (files / "artifacts" / "model").iterdir()} == {
        path.name for path in root[2].iterdir() if path.name != "report.html"
    }
    described = (files / "MLmodel").read_text() + (files / "input_example.json").read_text()
    assert str(root[0]) not in described
    assert str(Path.home()) not in described


def test_the_example_is_no_message_of_the_corpus(root, files):
    example = json.loads((files / "input_example.json").read_text())
    assert example == {"columns": ["text"], "data": [[text] for text in EXAMPLE]}
    assert not set(EXAMPLE) & set(root[1].communications["text"])


def test_its_requirements_are_pinned_as_published(files):
    wanted = (files / "requirements.txt").read_text().split()
    assert {"themeloom==0.1.0", "bertopic==0.17.4"} <= set(wanted)
    assert not [line for line in wanted if "+" in line or "nvidia" in line or "python==" in line]


def test_a_moved_study_finds_its_models(root, tmp_path, mlflow_here, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    shutil.copytree(root[0] / "mlruns", tmp_path / "moved" / "mlruns")
    moved = backend.backend_of(None, tmp_path / "moved")
    backend.follow_move(moved)
    mlflow_here.set_tracking_uri(moved.uri)
    place = mlflow_here.get_logged_model(model_id(root)).artifact_location
    assert place.startswith((tmp_path / "moved").resolve().as_uri())
    assert mlflow_here.pyfunc.load_model(root[3].model_uri).metadata.model_id == model_id(root)


@pytest.mark.slow
def test_it_answers_over_http(root, serve):
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        root[3].model_uri,
        "--port",
        str(port),
    ]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": store_of(root[0]),
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        # where MLflow looks for uvicorn, as in an environment that was activated
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    serve([*command, "--env-manager", "local", "--workers", "1"], environment, port)
    split = {"columns": ["text"], "data": [[text] for text in known(root[1])["text"]]}
    body = json.dumps({"dataframe_split": split}).encode()
    answer = json.loads(get(f"http://127.0.0.1:{port}/invocations", body))
    assert_as_in_the_run(pd.DataFrame(answer["predictions"]), root[1])


ON_SPARK = """
import sys
from mlflow.pyfunc import spark_udf
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
messages = spark.read.json(sys.argv[1]).coalesce(1)
predict = spark_udf(spark, sys.argv[2], env_manager="local")
messages.select("place", predict("text").alias("told")).select("place", "told.*").write.json(sys.argv[3])
"""


@pytest.mark.slow
def test_it_runs_on_spark(root, tmp_path):
    pytest.importorskip("pyspark", reason="pyspark is not installed: pip install '.[spark]'")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed")
    messages = known(root[1]).select("text").with_row_index("place")
    messages.write_ndjson(tmp_path / "messages.json")
    command = [
        sys.executable,
        "-c",
        ON_SPARK,
        tmp_path / "messages.json",
        root[3].model_uri,
        tmp_path / "out",
    ]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": store_of(root[0]),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = pd.concat(pd.read_json(part, lines=True) for part in (tmp_path / "out").glob("part-*.json"))
    assert_as_in_the_run(told.sort_values("place"), root[1])
