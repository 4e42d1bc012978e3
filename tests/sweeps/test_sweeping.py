"""A sweep of a small study: killed half-way, resumed, and compared with one that was left alone."""

import json
import shutil
import signal
import time
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from math import nan
from pathlib import Path

import _trials
import mlflow
import polars as pl
import pytest
from mlflow.entities import ViewType
from rich.console import Console
from typer.testing import CliRunner

import themeloom
from studies import write_study
from themeloom.assigning import piecework
from themeloom.cli import app
from themeloom.console.sweeps import show_sweep
from themeloom.errors import ConfigError, CorpusError, TrackingError
from themeloom.history import registry
from themeloom.progress import UNWATCHED
from themeloom.reporting.formats import scored
from themeloom.scored import Score
from themeloom.sweeps import sweeping
from themeloom.sweeps.sweeping import sweep

SWEEP = """
[sweep]
criterion = { message_kappa = 1.0, coverage = 0.1 }

[sweep.grid]
cluster.min_cluster_size = [4, 8]
themes.strategy = ["soft", "bayes"]
"""
ASKED = 4


def study_in(folder, more):
    study = write_study(folder)
    study.rewrite("experiment.toml", "[adapt]\nsteps = 2", "[adapt]\nenabled = false")
    study.write("experiment.toml", study.experiment.read_text(encoding="utf-8") + more)
    return study


def kill_half_way(study):
    """Start the sweep as a process, and end it by SIGKILL once two configurations are kept."""
    words = ["sweep", str(study.experiment), "--root", str(study.folder)]
    child = _trials.start(_trials.command, words, said=study.folder / "said")
    models, until = study.folder / "models", time.monotonic() + 240
    while len(list(models.glob("small-*"))) < 2:
        assert child.process.is_alive(), child.err
        assert time.monotonic() < until
        time.sleep(0.05)
    child.signal()
    assert child.wait() == -signal.SIGKILL


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    study = study_in(tmp_path_factory.mktemp("killed"), SWEEP)
    kill_half_way(study)
    kept = {path.name for path in (study.folder / "models").glob("small-*")}
    return study, kept, sweep(study.experiment, study.folder)


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory):
    study = study_in(tmp_path_factory.mktemp("alone"), SWEEP)
    return study, sweep(study.experiment, study.folder)


def runs_of(study, name="small"):
    client = mlflow.MlflowClient(f"sqlite:///{study.folder}/mlruns/mlflow.db")
    [experiment] = client.search_experiments(filter_string=f"name = '{name}'")
    return client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL)


def test_a_killed_sweep_goes_on_and_ends_with_the_same_table(killed, left_alone):
    _, kept, resumed = killed
    _, whole = left_alone
    assert len(resumed.table) == ASKED
    assert resumed.table.drop("run").equals(whole.table.drop("run"))
    assert resumed.best == whole.best
    assert repr(resumed.scores) == repr(whole.scores)  # of which NaN is the same as NaN
    finished = kept & set(resumed.table["run"])
    assert len(finished) >= len(kept) - 1  # the one that was under way may have been kept and not yet known


def test_runs_nest_under_the_sweep_and_each_configuration_is_there_once(killed):
    study, _, found = killed
    runs = runs_of(study)
    [parent] = [run for run in runs if run.data.tags.get("themeloom.kind") == "sweep"]
    assert (parent.info.run_id, parent.info.status) == (found.tracked, "FINISHED")
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == found.tracked]
    finished = [run for run in children if run.info.status == "FINISHED"]
    assert sorted(run.info.run_name for run in finished) == sorted(found.table["run"])
    assert {run.info.status for run in children} <= {"FINISHED", "KILLED"}
    assert parent.data.tags["themeloom.best"] == found.run
    assert parent.data.metrics["configurations"] == ASKED
    kappa = found.scores["message level"]["kappa"]
    assert parent.data.metrics["chosen/message level/kappa"] == pytest.approx(kappa.value)


def test_a_sweep_again_repeats_nothing(left_alone):
    study, found = left_alone
    before = sorted(path.name for path in (study.folder / "models").iterdir())
    again = sweep(study.experiment, study.folder)
    assert again.table.equals(found.table)
    assert sorted(path.name for path in (study.folder / "models").iterdir()) == before
    assert len(runs_of(study)) == ASKED + 1


def test_a_configuration_whose_model_was_removed_is_run_again(killed):
    study, _, found = killed
    gone = found.table["run"][1]
    shutil.rmtree(study.folder / "models" / gone)
    again = sweep(study.experiment, study.folder)
    changed = again.table.filter(pl.col("run") != found.table["run"])
    assert len(changed) == 1
    assert gone not in changed["run"]
    assert (study.folder / "models" / changed["run"][0]).is_dir()
    assert again.table.drop("run").equals(found.table.drop("run"))


def test_every_configuration_is_a_whole_run(left_alone):
    study, found = left_alone
    assert found.table["criterion"].is_sorted(descending=True)
    for row in found.table.iter_rows(named=True):
        model = themeloom.load(study.folder / "models" / row["run"])
        assert model.record.config["cluster"]["min_cluster_size"] == row["cluster.min_cluster_size"]
        assert model.record.config["themes"]["strategy"] == row["themes.strategy"]
        assert len(model.topics) == row["topics"]
        assert "adapt" not in {time.stage for time in model.record.times}  # which is off
        assert model.record.scores.overall["kappa"].value == pytest.approx(row["kappa"], nan_ok=True)


def test_seeds_are_children_of_their_configuration(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    more = '[sweep]\nseeds = 2\ncriterion = { stability = 1.0 }\n[sweep.grid]\nthemes.strategy = ["bayes"]\n'
    study = study_in(tmp_path, "\n" + more)
    found = sweep(study.experiment, study.folder)
    assert -1 <= found.table["stability"][0] <= 1
    runs = {run.info.run_id: run for run in runs_of(study)}
    depths = sorted(depth(runs, run) for run in runs.values())
    assert depths == [0, 1, 2, 2]
    seeds = {run.data.params["study.seed"] for run in runs.values() if depth(runs, run) == 2}
    assert seeds == {"20130810", "20130811"}
    asked = {depth(runs, run): run.data.params for run in runs.values()}
    assert asked[1] == {"themes.strategy": "bayes"}
    assert asked[0]["sweep.grid.themes.strategy"] == '["bayes"]'
    assert (asked[0]["sweep.seeds"], asked[0]["sweep.criterion.stability"]) == ("2", "1.0")
    assert sweep(study.experiment, study.folder).tracked == found.tracked  # which takes the same once more
    groups = {depth(runs, run): run.info.run_id for run in runs.values() if depth(runs, run) < 2}
    with pytest.raises(TrackingError, match=f"is a sweep; its best run is {found.run}: give that name"):
        registry.run_folder(groups[0], study.folder)
    with pytest.raises(TrackingError, match="is a configuration; its runs are its children"):
        registry.run_folder(groups[1], study.folder)


def depth(runs, run):
    parent = run.data.tags.get("mlflow.parentRunId")
    return 0 if parent is None else 1 + depth(runs, runs[parent])


def test_nothing_to_sweep_over_is_told_before_anything_is_read(tmp_path):
    study = study_in(tmp_path, "")
    with pytest.raises(ConfigError, match="needs either a grid or a search space") as told:
        sweep(study.experiment, study.folder)
    assert str(told.value).startswith(f"{study.experiment}: sweep: ")
    assert not (study.folder / "models").exists()


def test_the_command_writes_table_and_summary_and_says_what_the_choice_is_worth(left_alone, tmp_path):
    study, found = left_alone
    out, summary = tmp_path / "table.csv", tmp_path / "sweep.json"
    command = ["sweep", str(study.experiment), "--root", str(study.folder)]
    done = CliRunner().invoke(app, [*command, "--out", str(out), "--json", str(summary)])
    assert done.exit_code == 0, done.output
    assert "judged on folds that took no part in the choice" in " ".join(done.stdout.split())
    assert found.run in done.stdout
    assert pl.read_csv(out)["run"].to_list() == found.table["run"].to_list()
    assert json.loads(Path(summary).read_text(encoding="utf-8"))["run"] == found.run


def test_a_narrow_terminal_shows_figures_keys_and_values_whole(left_alone):
    found = left_alone[1]
    console = Console(width=72, file=StringIO())
    show_sweep(console, found)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    for number, row in enumerate(found.table.iter_rows(named=True), 1):
        [figures] = [line.split() for line in lines if line.startswith("│") and f" {number} │" in line[:6]]
        assert figures[3] == f"{row['criterion']:.2f}"
        assert figures[-2] == f"{row['coverage']:.2f}"
        settings = (f"{name} = {row[name]}" for name in ("cluster.min_cluster_size", "themes.strategy"))
        assert f"{number}: {', '.join(settings)}" in lines


def test_what_has_no_interval_is_told_as_that(left_alone, tmp_path):
    found = left_alone[1]
    sure = {level: dict.fromkeys(("kappa", "coverage"), Score(1.0, nan, nan)) for level in found.scores}
    table = found.table.with_columns(coverage=pl.lit(nan))
    found = replace(found, scores=sure, table=table)
    console = Console(width=400, file=StringIO())
    show_sweep(console, found)
    assert "message level, kappa 1.00 (no interval): judged on folds" in console.file.getvalue()
    assert "kappa 1.00 (no interval)" in sweeping.note(found)
    piecework.write(found.table, tmp_path / "table.csv")
    assert "nan" not in (tmp_path / "table.csv").read_text(encoding="utf-8")


def test_the_criterion_is_told_and_what_the_choice_is_worth_by_it(left_alone):
    sought = {"message_macro_f1": 1.0, "coverage": 0.5}
    found = replace(left_alone[1], criterion=sought)
    console = Console(width=400, file=StringIO())
    show_sweep(console, found)
    said = console.file.getvalue()
    criterion = "1 x message_macro_f1 + 0.5 x coverage".replace(" x ", " \N{MULTIPLICATION SIGN} ")
    assert f"The criterion is {criterion}, as the training folds foresaw it." in said
    assert "macro-F1, messages" in said
    assert "macro-F1, topics" not in said
    topics, messages = (found.scores[level] for level in ("topic level", "message level"))
    assert f"{scored(topics['kappa'])}, coverage {scored(topics['coverage'])}: judged" in said
    assert f"{scored(messages['kappa'])}, macro-F1 {scored(messages['macro_f1'])}: judged" in said
    assert f"best by {criterion}: " in sweeping.note(found)
    assert f"macro-F1 {scored(messages['macro_f1'])}" in sweeping.note(found)


def test_the_model_of_a_sweeps_run_goes_to_mlflow_when_it_is_registered(left_alone, monkeypatch):
    study, found = left_alone
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    first = registry.register(found.run, study.folder, alias="best")
    assert registry.register(found.run, study.folder).version == first.version
    folder = registry.model_folder("models:/small@best", study.folder)
    assert folder.parent != study.folder / "models"
    assert themeloom.load(folder).record.run == found.run


def test_when_time_is_up_no_configuration_is_begun(left_alone):
    study, found = left_alone
    text = study.experiment.read_text(encoding="utf-8").replace("[sweep]", "[sweep]\nminutes = 1e-9")
    study.write("hurried.toml", text)
    hurried = sweep(study.folder / "hurried.toml", study.folder)
    assert (len(hurried.table), hurried.left_out) == (1, ASKED - 1)
    assert hurried.run in set(found.table["run"])


def test_a_configuration_that_fails_is_told_and_the_others_are_chosen_from(tmp_path):
    more = "\n[sweep]\n[sweep.grid]\ncluster.min_cluster_size = [5000, 4]\n"
    study = study_in(tmp_path, more)
    out, summary = tmp_path / "table.csv", tmp_path / "sweep.json"
    command = ["sweep", str(study.experiment), "--root", str(study.folder)]
    done = CliRunner().invoke(app, [*command, "--out", str(out), "--json", str(summary)])
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "Failed: cluster.min_cluster_size = 5000: corpus: no topic emerges from 64 messages" in said
    table = pl.read_csv(out)
    assert table["cluster.min_cluster_size"].to_list() == [4, 5000]
    assert table["failed"][0] is None
    assert table["failed"][1].startswith("corpus: no topic emerges")
    written = json.loads(summary.read_text(encoding="utf-8"))
    assert [each["settings"] for each in written["failed"]] == [{"cluster.min_cluster_size": 5000}]
    assert (len(written["table"]), written["left_out"]) == (1, 0)
    runs = {run.info.run_id: run for run in runs_of(study)}
    [failed] = [run for run in runs.values() if run.info.status == "FAILED"]
    assert depth(runs, failed) == 1
    assert failed.data.tags["mlflow.note.content"] == table["failed"][1]
    assert failed.data.params == {"cluster.min_cluster_size": "5000"}
    assert "Failed: cluster.min_cluster_size" in runs[written["tracked"]].data.tags["mlflow.note.content"]
    again = sweep(study.experiment, study.folder)  # goes on in the same runs
    assert (again.run, len(again.failed), len(runs_of(study))) == (written["run"], 1, len(runs))


def test_where_no_configuration_can_be_run_the_first_ones_fault_is_told(tmp_path):
    study = study_in(tmp_path, "\n[sweep]\n[sweep.grid]\ncluster.min_cluster_size = [4000, 5000]\n")
    with pytest.raises(CorpusError, match="at min_cluster_size 4000"):
        sweep(study.experiment, study.folder)
    statuses = [run.info.status for run in runs_of(study)]
    assert statuses == ["FAILED"] * 3


class Breaking:
    """Breaks MLflow's store as soon as one configuration is done."""

    def __init__(self, database):
        self.database = database

    @contextmanager
    def stage(self, name):
        yield self if name == "sweep" else UNWATCHED

    def begin(self, *_):
        pass

    def advance(self, _=1):
        aside = self.database.with_suffix(".aside")
        if not aside.exists():
            self.database.rename(aside)
            self.database.write_text("no database")


def test_a_store_that_goes_away_does_not_stop_a_sweep_which_logs_the_rest_when_given_again(left_alone):
    study, found = left_alone
    text = study.experiment.read_text(encoding="utf-8") + '\n[tracking]\nexperiment = "elsewhere"\n'
    study.write("elsewhere.toml", text)
    database = study.folder / "mlruns" / "mlflow.db"
    alone = sweep(study.folder / "elsewhere.toml", study.folder, Breaking(database))
    assert alone.table.equals(found.table)
    assert "is not a readable MLflow database" in alone.waiting
    console = Console(width=400, file=StringIO())
    show_sweep(console, alone)
    assert "give the same command again" in console.file.getvalue()
    database.with_suffix(".aside").rename(database)
    assert len(runs_of(study, "elsewhere")) == 2
    again = sweep(study.folder / "elsewhere.toml", study.folder)
    assert (again.waiting, again.tracked) == ("", alone.tracked)
    runs = runs_of(study, "elsewhere")
    assert len(runs) == ASKED + 1
    assert {run.info.status for run in runs} == {"FINISHED"}
