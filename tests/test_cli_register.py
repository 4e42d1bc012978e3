"""A run is registered, and its model used by that name on new messages."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import themeloom
from studies import write_study
from themeloom.cli import app
from themeloom.errors import TrackingError

pytestmark = pytest.mark.slow
NEW = ["my referral is late again", "you sat with me on a bad day", "an appointment at last"]


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("registered")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield themeloom.run(write_study(folder / "study").experiment, folder)


@pytest.fixture(autouse=True)
def here(result, monkeypatch):
    monkeypatch.chdir(result.folder.parent.parent)


def told(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception:
        raise done.exception
    return done.output


def test_a_registered_model_assigns_new_messages(result, tmp_path):
    assert told("register", result.folder.name, "--alias", "champion") == (
        "small, version 1: models:/small@champion\n"
    )
    pl.DataFrame({"text": NEW}).write_csv(tmp_path / "new.csv")
    for model in ("models:/small@champion", result.tracked.run_id, result.folder):
        told("assign", model, tmp_path / "new.csv", "--out", tmp_path / "out.parquet")
        found = pl.read_parquet(tmp_path / "out.parquet").drop("source_id", "line")
        assert found.equals(result.model.assign(NEW))
    assert themeloom.load("models:/small@champion").record.run == result.model.record.run


def test_mlflow_predicts_what_the_model_assigns(result, monkeypatch):
    import mlflow
    import pandas as pd

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{Path.cwd()}/mlruns/mlflow.db")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    found = mlflow.pyfunc.load_model(result.tracked.model_uri).predict(pd.DataFrame({"text": [*NEW, None]}))
    expected = result.model.assign(NEW, probabilities=True)
    assert list(found.columns) == expected.columns
    for name in ("topic", "theme"):
        assert found[name].tolist()[:-1] == expected[name].to_list()
    assert found["p_waiting"].tolist()[:-1] == pytest.approx(expected["p_waiting"].to_list())
    absent = found.iloc[-1]
    assert absent["topic"] == -1
    assert absent.drop("topic").isna().all()


def test_probabilities_are_of_all_themes_and_sum_to_one(result):
    found = result.model.assign(NEW, probabilities=True)
    assert found.columns[-2:] == ["p_waiting", "p_listening"]
    assert found.select(pl.sum_horizontal("p_waiting", "p_listening")).to_series().to_list() == pytest.approx(
        [1.0] * len(NEW)
    )
    assert found.select("topic", "theme", "theme_probability").equals(
        result.model.assign(NEW).select("topic", "theme", "theme_probability")
    )


def test_what_was_predicted_of_each_label_is_kept(result):
    table, record = result.model.record.evaluation, result.model.record
    labelled = record.communications[list(record.labelled)]["doc_id"]
    assert set(table["doc_id"]) == set(labelled)
    assert table.select("p_waiting", "p_listening").sum_horizontal().to_list() == pytest.approx([1.0] * 24)
    right = (table["coded"] == table["message_level"]).mean()
    assert record.scores.lines["message level"]["accuracy"].value == pytest.approx(right, abs=0.2)
    assert json.dumps(table.to_dicts())


def test_what_is_not_there_is_one_sentence(result):
    assert Path.cwd().samefile(result.folder.parent.parent)
    with pytest.raises(TrackingError, match="no model 'small' has the alias 'challenger'"):
        themeloom.load("models:/small@challenger")
