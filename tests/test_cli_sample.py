"""`themeloom sample`: sheets of messages to label, of a study with or without labels and models."""

import csv
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from builders import make_evaluation, make_record
from studies import write_study
from themeloom import cli
from themeloom.columns import ASSIGNED
from themeloom.experiment import read_experiment
from themeloom.history import store
from themeloom.studies import sampling
from themeloom.studies.study import message_posterior


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study, with a random sample of all its messages: drawn once, as masking takes a while."""
    folder = tmp_path_factory.mktemp("sampling")
    study = write_study(folder / "study")
    unlabelled = sampling.draw_sheet(study.experiment, 40, root=folder)
    return folder, study, unlabelled


@pytest.fixture
def said(monkeypatch, capsys, made):
    """Run `themeloom sample` on the study; give its exit code and what it wrote to standard error."""

    def run(*arguments):
        folder, study, _ = made
        words = ["themeloom", "sample", str(study.experiment), *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        monkeypatch.chdir(folder)
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code or 0, capsys.readouterr().err

    return run


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def keep_model(folder, study, doc_ids, run="small-20260102-030405-0000"):
    """Keep a made-up model that has these messages in its five topics."""
    record = make_record(len(doc_ids))
    communications = record.communications.with_columns(doc_id=pl.Series(doc_ids)).cast(ASSIGNED)
    evaluation = make_evaluation(communications[::3], record.codebook)
    made = replace(record, run=run, study=study, communications=communications, evaluation=evaluation)
    return store.save(made, folder / "models")


def test_a_sheet_has_what_coders_need_and_nothing_that_is_labelled(said, made, tmp_path):
    _, study, sheet = made
    out = tmp_path / "sheet.csv"
    code, err = said("-n", "30", "--out", out)
    assert (code, "Traceback" in err) == (0, False)
    rows = read(out)
    assert list(rows[0]) == ["doc_id", "text", "inclusion_probability", "design", "coder_1", "coder_2"]
    assert len({row["doc_id"] for row in rows}) == 30
    assert {row["inclusion_probability"] for row in rows} == {str(30 / 40)}
    assert {row["coder_1"] + row["coder_2"] for row in rows} == {""}
    texts = {row["text"] for row in read(study.folder / "messages.csv")[24:]}
    assert {row["text"] for row in rows} <= texts  # there is nothing to mask in them, 24 are labelled
    assert {row["doc_id"].removeprefix("'") for row in rows} <= set(sheet["doc_id"])


def test_a_filled_sheet_is_listed_next_time_and_read_as_labels(said, made, tmp_path):
    _, study, _ = made
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    assert said("-n", "25", "--out", first)[0] == 0
    labels = (study.folder / "labels.csv").read_text(encoding="utf-8")
    known = {row["text"]: row["id"] for row in read(study.folder / "messages.csv")}
    more = [f"{known[row['text']]},\n" for row in read(first)]
    try:
        study.write("labels.csv", labels + "".join(more))
        assert said("-n", "15", "--out", second)[0] == 0
        code, err = said("-n", "16", "--out", tmp_path / "third.csv")
    finally:
        study.write("labels.csv", labels)
    assert not {row["doc_id"] for row in read(first)} & {row["doc_id"] for row in read(second)}
    assert code == 2
    assert "15 of 64 are not labelled" in err


def test_the_first_sample_needs_no_label_file(made, tmp_path):
    folder, study, _ = made
    labels = study.folder / "labels.csv"
    kept = labels.rename(tmp_path / "labels.csv")
    try:
        sheet = sampling.draw_sheet(study.experiment, 64, root=folder)
    finally:
        kept.rename(labels)
    assert sheet["inclusion_probability"].unique().to_list() == [1.0]
    assert sheet["doc_id"].n_unique() == 64


def test_rows_that_are_set_aside_and_other_languages_are_told_of_what_is_drawn_from(command, tmp_path):
    study = write_study(tmp_path / "study")
    words = ("der Brief", "meine Frau", "das Amt", "die Klinik", "unser Arzt")
    study.write_messages([f"{word} kam am Tag {day} noch nicht an" for word in words for day in range(8)])
    study.rewrite("messages.csv", "m3,", "m3,one column,too many,")
    study.rewrite("messages.csv", "m5,der Brief kam am Tag 5 noch nicht an", "m5,")
    (study.folder / "labels.csv").unlink()
    words = ["sample", study.experiment, "--root", tmp_path, "--out", tmp_path / "s.csv", "-n", 5]
    code, _, err = command(*words)
    assert code == 0
    told = " ".join(err.split())
    assert "2 of 40 rows cannot be read and are set aside: " in told
    assert "1 as messages.csv:7 (no text)" in told
    assert "messages seem not to be English" in told
    code, out, _ = command("audit", study.experiment, "--root", tmp_path, "--out", tmp_path / "a.csv")
    assert (code, out.split(":")[0]) == (0, "40 rows, 2 of them set aside")


def test_designs_that_need_topics_ask_for_a_model(said, tmp_path):
    for design in ("stratified", "uncertain"):
        code, err = said("--design", design, "--out", tmp_path / "sheet.csv")
        assert code == 2
        assert "holds no run of the study 'small'" in err
        assert not (tmp_path / "sheet.csv").exists()


def test_a_grouped_sample_has_as_many_of_each_group_and_needs_groups(command, said, tmp_path):
    code, err = said("--design", "grouped", "--out", tmp_path / "none.csv")
    assert code == 2
    assert "'grouped' needs groups, and no message has one; name their column by columns.group" in err
    study = write_study(tmp_path / "study")
    (study.folder / "labels.csv").unlink()
    study.rewrite("experiment.toml", 'text = "text" }', 'text = "text", group = "ward" }')
    lines = (study.folder / "messages.csv").read_text(encoding="utf-8").splitlines()
    wards = ["ward", *["Oak"] * 50, *["Elm"] * 10, *[""] * 4]
    study.write("messages.csv", "\n".join(f"{line},{ward}" for line, ward in zip(lines, wards, strict=True)))
    asked = ["sample", study.experiment, "--root", tmp_path, "--out", tmp_path / "s.csv", "-n", 24]
    assert command(*asked, "--design", "grouped")[0] == 0
    rows = read(tmp_path / "s.csv")
    assert Counter(row["inclusion_probability"] for row in rows) == {"0.2": 10, "1.0": 14}
    assert {row["design"] for row in rows} == {"grouped"}


def test_topics_are_those_of_the_newest_run_or_of_the_one_named(said, made, tmp_path):
    folder, _, sheet = made
    doc_ids = sheet["doc_id"].to_list()
    path = keep_model(folder, "small", doc_ids)
    keep_model(folder, "small-other", doc_ids, run="small-other-20270102-030405-0000")
    record = store.load(path)
    topic = dict(record.communications.select("doc_id", "topic").iter_rows())

    assert said("-n", "20", "--design", "stratified", "--out", tmp_path / "strata.csv")[0] == 0
    rows = read(tmp_path / "strata.csv")
    assert {topic[row["doc_id"].removeprefix("'")] for row in rows} == set(topic.values())
    assert sum(1 / float(row["inclusion_probability"]) for row in rows) == pytest.approx(40)

    for named, out in ((path.name, "named.csv"), (path, "doubt.csv")):
        code, _ = said("-n", "8", "--design", "uncertain", "--model", named, "--out", tmp_path / out)
        assert code == 0
    rows = read(tmp_path / "doubt.csv")
    assert {row["inclusion_probability"] for row in rows} == {""}
    posterior = message_posterior(record, doc_ids)
    entropy = dict(zip(doc_ids, -(posterior * np.log(posterior)).sum(axis=1), strict=True))
    drawn = {row["doc_id"].removeprefix("'") for row in rows}
    least = min(entropy[one] for one in drawn)
    assert all(entropy[one] <= least for one in doc_ids if one not in drawn)


def test_nothing_is_known_of_messages_that_the_run_did_not_have():
    record = make_record()
    doc_ids = record.communications["doc_id"].to_list()
    known = message_posterior(record, doc_ids)
    asked = message_posterior(record, ["f" * 16, *doc_ids[::-1]])
    assert np.isnan(asked[0]).all()
    np.testing.assert_array_equal(asked[1:], known[::-1])


def test_a_run_of_other_messages_is_refused(said, tmp_path):
    elsewhere = keep_model(tmp_path, "small", [f"{number:016x}" for number in range(40)])
    code, err = said("--design", "uncertain", "--model", elsewhere, "--out", tmp_path / "sheet.csv")
    assert code == 2
    assert "has none of this study's messages" in err


def test_an_unknown_design_is_told(said, tmp_path):
    code, err = said("--design", "clever", "--out", tmp_path / "sheet.csv")
    assert code == 2
    assert "'clever' is no design; use one of: random, stratified, grouped, uncertain" in err


def test_a_sheet_that_may_hold_codes_is_never_overwritten(said, tmp_path):
    out = tmp_path / "sheet.csv"
    out.write_text("codes")
    code, err = said("--out", out, "-n", "3")
    assert code == 2
    assert "exists already" in err
    assert out.read_text() == "codes"
    assert list(tmp_path.iterdir()) == [out]


def test_spreadsheets_take_every_cell_for_text(tmp_path):
    texts = ["=1+1", "+44", "-2", "@SUM(A1)", "\tx", "\rx", "plain = text", 'a "quote",\nand a line']
    ids = ["a1", "1234567890123456", "12e4567890123456", "12f4567890123456", "e1", "f1", "f2", "f3"]
    sheet = pl.DataFrame({"doc_id": ids, "text": texts, "inclusion_probability": 0.5, "coder_1": None})
    sampling.write_sheet(sheet, tmp_path / "sheet.csv")
    rows = read(tmp_path / "sheet.csv")
    assert [row["text"] for row in rows] == [f"'{text}" for text in texts[:6]] + texts[6:]
    assert [row["doc_id"] for row in rows] == [ids[0], f"'{ids[1]}", f"'{ids[2]}", *ids[3:]]
    assert {row["inclusion_probability"] for row in rows} == {"0.5"}


def test_coders_are_those_of_the_experiment(made):
    folder, study, _ = made
    text = study.experiment.read_text(encoding="utf-8")
    try:
        study.write("experiment.toml", text.replace("[validate]", 'coders = ["coder"]\n\n[validate]'))
        assert read_experiment(study.experiment).themes.coders == ("coder",)
        assert sampling.draw_sheet(study.experiment, 2, root=folder).columns[4:] == ["coder"]
    finally:
        study.write("experiment.toml", text)


def test_the_command_draws_as_many_as_it_is_asked_for(made, command, tmp_path):
    folder, study, _ = made
    words = ["sample", study.experiment, "--root", folder, "--out", tmp_path / "s.csv", "-n", 5]
    code, _, err = command(*words)
    assert code == 0, err
    assert len(read(tmp_path / "s.csv")) == 5
