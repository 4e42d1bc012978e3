"""What is left to people: the table of a model, and the list for coders."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from builders import make_record
from themeloom.cli import app
from themeloom.history import store
from themeloom.history.card import model_card
from themeloom.model import Model
from themeloom.records import RunRecord
from themeloom.reporting import leads
from themeloom.reporting.sentences import sets_told
from themeloom.reporting.summary import summarise


def record() -> RunRecord:
    """A run in which one message is decided, one is labelled, and all others are open."""
    made = make_record()
    themes = made.mapping.messages.shape[1]
    posterior = np.full(made.mapping.messages.shape, 0.2)
    posterior[:, 2:] = 0.6 / (themes - 2)
    posterior[0] = np.eye(themes)[1]
    posterior[4, :2] = 0.3, 0.25
    texts = made.communications["text"].to_list()
    texts[2] = "=HYPERLINK(1)"
    return replace(
        made,
        mapping=replace(made.mapping, messages=posterior),
        scores=replace(made.scores, conformal=0.2),
        communications=made.communications.with_columns(text=np.array(texts)),
        labelled=(3,),
    )


def test_undecided_are_those_without_label_and_single_theme_most_uncertain_first() -> None:
    run = record()
    table, keys = Model(run).undecided, run.codebook.keys
    ids = run.communications["doc_id"].to_list()
    assert set(table["doc_id"]) == {*ids} - {ids[0], ids[3]}
    assert table["probability"].is_sorted()
    assert table.row(-1)[0] == ids[4]
    assert table.row(-1)[2:] == (keys[0], 0.3, [keys[1]])
    assert table.row(0)[2:] == (keys[0], 0.2, [keys[1]])


def test_where_most_are_right_only_messages_between_themes_are_undecided() -> None:
    """The threshold then lies near 1; what is below it is decided, and not listed without another theme."""
    run = record()
    posterior = run.mapping.messages.copy()
    posterior[:, 0] = 0.97
    posterior[:, 1:] = 0.03 / (posterior.shape[1] - 1)
    posterior[7, :2] = 0.49, 0.49
    run = replace(
        run,
        mapping=replace(run.mapping, messages=posterior),
        scores=replace(run.scores, conformal=0.98),
        labelled=(),
    )
    table, keys = Model(run).undecided, run.codebook.keys
    assert table.select("theme", "others").rows() == [(keys[0], [keys[1]])]
    assert (run.sets == (posterior >= np.minimum(posterior.max(axis=1, keepdims=True), 0.98))).all()


def unpromised() -> RunRecord:
    run = record()
    return replace(run, scores=replace(run.scores, conformal=0.0))


def test_with_too_few_labels_for_a_promise_all_are_undecided() -> None:
    run = replace(unpromised(), labelled=())
    found = Model(run).undecided
    assert len(found) == len(run.communications)
    assert (found["others"].list.len() == len(run.codebook.keys) - 1).all()


def test_with_too_few_labels_the_list_the_terminal_and_the_report_say_so(tmp_path: Path) -> None:
    run = unpromised()
    number = len(run.communications) - 1
    told = (
        "There are too few labels to promise more than a set of all themes (nine must be judged at least): "
        f"{number} messages without a label are undecided"
    )
    done = CliRunner().invoke(
        app, ["undecided", str(store.save(run, tmp_path)), "--out", str(tmp_path / "u.csv")]
    )
    assert f"{told}.\n" in done.output
    summary = summarise(run, paths={}, tracked={})
    assert sets_told(summary.scores.conformal) == f"{told} ('themeloom undecided' lists them)."
    assert str(leads.sets(summary.scores.conformal)).startswith(f"{told}; <code>themeloom undecided</code>")
    assert "There are too few labels to tell which messages to leave to people." in str(leads.trust(summary))
    assert "There were too few labels for prediction sets" in summary.methods.paragraphs[3]  # type: ignore[union-attr]
    assert "too few labels to promise more than a set of all themes: " in model_card(run)


def test_the_list_is_safe_to_open_and_never_overwritten(tmp_path: Path) -> None:
    run = record()
    folder, out = store.save(run, tmp_path / "models"), tmp_path / "undecided.csv"
    done = CliRunner().invoke(app, ["undecided", str(folder), "--out", str(out)])
    assert done.exit_code == 0, done.output
    with out.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["doc_id", "text", "theme", "probability", "others"]
    assert len(rows) == len(Model(run).undecided)
    assert "'=HYPERLINK(1)" in {row[1] for row in rows}
    named = ["undecided", folder.name, "--out", str(tmp_path / "named.csv"), "--root", str(tmp_path)]
    assert CliRunner().invoke(app, named).exit_code == 0
    assert (tmp_path / "named.csv").read_bytes() == out.read_bytes()
    again = CliRunner().invoke(app, ["undecided", str(folder), "--out", str(out)])
    assert "exists already" in str(again.exception)
