"""`themeloom plan`: of a study that was run, and of what stands in its way."""

import json
import math
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.main import get_command

from builders import make_evaluation, make_mapping, make_record
from studies import CODEBOOK, write_study
from themeloom import cli
from themeloom.columns import ASSIGNED
from themeloom.errors import LabelError
from themeloom.history import store
from themeloom.records import Codebook, Theme
from themeloom.scored import Score
from themeloom.studies import planning, sampling
from themeloom.studies.labelling_study import Asked, open_study

THEMES = Codebook((Theme("waiting", "Waiting", "Having to wait."), Theme("listening", "Listening", "Heard.")))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study of 64 messages, 24 of them labelled, and its ids."""
    folder = tmp_path_factory.mktemp("planning")
    study = write_study(folder / "study")
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "labels.csv"\nsample = "random"')
    labels = study.folder / "labels.csv"
    kept = labels.rename(folder / "kept.csv")
    doc_ids = sampling.draw_sheet(study.experiment, 64, root=folder)["doc_id"].to_list()
    kept.rename(labels)
    return folder, study, doc_ids


@pytest.fixture(scope="module")
def model(made):
    """A made-up run of the study, in the folder of models."""
    folder, _, doc_ids = made
    return store.save(small_record(doc_ids), folder / "models")


def small_record(doc_ids):
    record = make_record(len(doc_ids))
    rng = np.random.default_rng(0)
    communications = record.communications.with_columns(
        doc_id=pl.Series(doc_ids),
        topic_theme=pl.lit(None, pl.String),
        theme=pl.lit(None, pl.String),
        theme_probability=pl.lit(None, pl.Float64),
    ).cast(ASSIGNED)
    mapping = make_mapping(rng, record.discovery.clusters.topic, 2, 8)
    mapping = replace(mapping, theme=np.full(5, -1), messages=rng.dirichlet(np.ones(2), len(doc_ids)))
    score = Score(0.4, 0.1, 0.7)
    line = dict.fromkeys(("kappa", "macro_f1", "accuracy", "coverage"), score)
    of_themes = {key: dict.fromkeys(("precision", "recall", "f1"), score) for key in THEMES.keys}
    confusion = np.array([[9.0, 3, 1], [2, 8, 1]])
    scores = replace(
        record.scores,
        overall=line,
        per_theme=of_themes,
        confusion=confusion,
        lines={"message level": line | {"accuracy": Score(0.7, 0.6, 0.8)}},
        labels=24,
        message_per_theme=of_themes,
        message_confusion=confusion,
        differences={},
        prevalence={},
    )
    judged = communications[::3].with_columns(theme=pl.lit(THEMES.keys[0]), theme_probability=pl.lit(0.7))
    return replace(
        record,
        run="small-20260102-030405-0000",
        study="small",
        codebook=THEMES,
        communications=communications,
        mapping=mapping,
        scores=scores,
        evaluation=make_evaluation(judged, THEMES),
    )


@pytest.fixture
def said(monkeypatch, capsys, made):
    """Run `themeloom plan` on the study; give its exit code and what it wrote."""

    def run(*arguments, root=None):
        folder, study, _ = made
        monkeypatch.setattr(sys, "argv", ["themeloom", "plan", str(study.experiment), *map(str, arguments)])
        monkeypatch.chdir(root or folder)
        monkeypatch.setenv("COLUMNS", "100")
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        written = capsys.readouterr()
        return stopped.value.code or 0, written.out, written.err

    return run


@pytest.mark.usefixtures("model")
def test_a_plan_is_shown_and_kept(said, tmp_path):
    kept = tmp_path / "plan.json"
    code, out, err = said("--labels", "20, 10,20", "--half-width", "0.1", "--json", kept)
    assert (code, "Traceback" in err) == (0, False)
    assert "24 of 64 messages have a label, 40 are left" in out
    for heading in ("Kappa", "Share of each theme", "Labels of each theme", "More labels for ± 10 points"):
        assert heading in out
    plan = json.loads(kept.read_text(encoding="utf-8"))
    assert [(step["more"], step["labels"]) for step in plan["steps"]] == [(0, 24), (10, 34), (20, 44)]
    assert list(plan["steps"][0]["kappa"]) == ["topic level", "message level"]
    assert plan["steps"][0]["kappa"]["topic level"]["low"] == pytest.approx(0.1)
    for theme, key in zip(plan["steps"][2]["themes"], THEMES.keys, strict=True):
        assert theme["theme"] == key
        assert 0 < theme["powered"] <= theme["by_labels"] < 0.3
    shown = {line.split("│")[1].strip(): line.split("│")[2:4] for line in out.splitlines() if "│" in line}
    assert [int(number) for number in shown["every theme"]] == [
        max(plan["needed"][method].values()) for method in ("by_labels", "powered")
    ]


def test_by_default_as_many_labels_as_are_left(made, model):
    folder, study, _ = made
    found = planning.plan_labels(study.experiment, root=folder, model=model)
    assert [step.more for step in found.steps] == [0, 40]
    assert found.needed is None
    assert found.steps[1].themes[0].by_labels == pytest.approx(0)


def test_what_the_manual_asks_for_can_be_planned_for_the_demonstration():
    """It has 515 messages, 200 of them labelled; what `--labels` cannot take is said by its help."""
    page = (Path(__file__).resolve().parents[1] / "docs" / "themes-and-scores.md").read_text(encoding="utf-8")
    asked = [number for words in re.findall(r"--labels ([\d,]+)", page) for number in words.split(",")]
    assert asked
    assert max(map(int, asked)) <= 515 - 200
    (labels,) = [one for one in get_command(cli.app).commands["plan"].params if one.name == "labels"]
    assert "none above the messages that are left" in labels.help


@pytest.mark.usefixtures("model")
def test_labels_of_unknown_design_have_no_interval_yet(said, made, tmp_path):
    _, study, _ = made
    study.rewrite("experiment.toml", '\nsample = "random"', "")
    try:
        code, out, _ = said("--labels", "10", "--json", tmp_path / "plan.json")
    finally:
        study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "labels.csv"\nsample = "random"')
    assert code == 0
    assert "unknown" in out
    now, then = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))["steps"]
    assert {theme["by_labels"] for theme in now["themes"]} == {None}
    assert all(theme["by_labels"] > 0 for theme in then["themes"])


@pytest.mark.usefixtures("model")
def test_messages_on_which_coders_tie_are_told(said, made):
    _, study, _ = made
    whole = (study.folder / "labels.csv").read_text(encoding="utf-8")
    head, first, second, *rows = whole.splitlines()
    twice = [f"{row},{row.partition(',')[2]}" for row in (first, *rows)]
    study.write("labels.csv", "\n".join([f"{head},other", *twice, f"{second},listening"]))
    try:
        code, out, err = said("--labels", "10")
    finally:
        study.write("labels.csv", whole)
    assert code == 0, err
    told = "23 of 64 messages have a label, 1 tied or unclear, 40 are left to draw from."
    assert told in " ".join(out.split())


@pytest.mark.usefixtures("model")
def test_what_is_drawn_on_the_page_is_not_left_to_draw_from(said, made, tmp_path):
    """A plan tells the number that the page draws from."""
    folder, study, _ = made
    shutil.copytree(folder / "models", tmp_path / "models")
    shutil.copytree(folder / ".themeloom", tmp_path / ".themeloom")
    whole = study.experiment.read_text(encoding="utf-8")
    study.write(
        "experiment.toml", whole.replace('labels = "labels.csv"\nsample = "random"', 'labels = "label-store"')
    )
    try:
        with open_study(study.experiment, Asked(draw=30), root=tmp_path).store as store:
            for at, row in enumerate(store.messages()[:24]):
                code = ("waiting", "listening")[at % 2]
                store.add("code", "Ana", doc_id=row["doc_id"], code=code, codebook=1)
        code, out, err = said("--labels", "10", root=tmp_path)
        with pytest.raises(LabelError, match="34 of 64 are not labelled yet"):
            open_study(study.experiment, Asked(draw=35), root=tmp_path)
    finally:
        study.write("experiment.toml", whole)
    assert code == 0, err
    told = "24 of 64 messages have a label, 6 drawn and without a code, 34 are left to draw from."
    assert told in " ".join(out.split())


def test_a_run_must_come_first(said, made, tmp_path):
    code, _, err = said(root=tmp_path)
    assert code == 2
    assert err.strip().count("\n") == 0
    assert "holds no run of the study 'small'" in err
    assert f"run `themeloom run {made[1].experiment}` first" in err


BAD = {
    "more than are left": (["--labels", "41"], "41 more labels: 40 of 64 messages are not labelled yet"),
    "no number": (["--labels", "10,many"], "--labels: 'many' is no number of labels"),
    "none": (["--labels", "0"], "--labels: '0' is no number of labels"),
    "nothing": (["--labels", ""], "--labels: '' is no number of labels"),
    "half-width of nothing": (["--half-width", "0"], "--half-width: 0 is no half-width"),
    "half-width in points": (["--half-width", "5"], "--half-width: 5 is no half-width"),
    "no half-width": (["--half-width", "nan"], "--half-width: nan is no half-width"),
    "no model": (["--model", "nowhere"], "nowhere: there is no such model folder"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.usefixtures("model")
def test_bad_input_is_one_sentence(said, case):
    arguments, expected = BAD[case]
    code, out, err = said(*arguments)
    assert code == 2
    assert expected in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("themeloom: ")
    assert "Traceback" not in err
    assert not out


@pytest.mark.usefixtures("model")
def test_a_codebook_that_changed_since_asks_for_a_run(said, made):
    _, study, _ = made
    more = "  - key: asking\n    name: Asking\n    definition: Asking for something.\n"
    study.write("codebook.yaml", CODEBOOK + more)
    try:
        code, _, err = said()
    finally:
        study.write("codebook.yaml", CODEBOOK)
    assert code == 2
    assert "was made with other themes than the codebook has now; run the experiment again" in err


def test_a_run_of_other_messages_is_refused(said, tmp_path):
    elsewhere = store.save(small_record([f"{number:016x}" for number in range(64)]), tmp_path)
    code, _, err = said("--model", elsewhere)
    assert code == 2
    assert "has none of this study's messages" in err


def test_messages_that_came_after_the_run_are_planned_for(made, tmp_path):
    folder, study, doc_ids = made
    record = small_record(doc_ids[:30])
    elsewhere = store.save(record, tmp_path)
    found = planning.plan_labels(study.experiment, (10,), root=folder, model=elsewhere)
    assert found.communications == 64
    assert all(math.isfinite(theme.powered) for theme in found.steps[1].themes)


@pytest.mark.usefixtures("model")
def test_the_command_shows_what_so_many_more_labels_give(made, command):
    folder, study, _ = made
    code, out, err = command("plan", study.experiment, "--root", folder, "--labels", 10)
    assert code == 0, err
    assert "+10" in out
