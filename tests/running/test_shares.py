"""Shares of themes after a study is learned: however its labels were divided, and when there are none."""

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner

import themeloom
from builders import make_record
from studies import write_study
from themeloom import cli
from themeloom.console.results import show_groups, show_result
from themeloom.errors import CorpusError
from themeloom.history.tracking import Tracked
from themeloom.members import HeldOut
from themeloom.model import Model
from themeloom.records import Codebook, Corpus, LabelledSample, Mapping, Theme
from themeloom.reporting.summary import summarise
from themeloom.running.result import RunResult
from themeloom.running.shares import drawn_by_chance, shares
from themeloom.themes.validation import Judged

CODEBOOK = Codebook((Theme("a", "A", "a"), Theme("b", "B", "b")))
COMMUNICATIONS, DRAWN = 600, 150
POWERED = "communications/prediction-powered"
THEME = np.zeros(30, np.int64)
SAMPLE = LabelledSample(np.arange(30), THEME, ("c",), THEME[:, None], np.full(30, 0.1))


def corpus_of(size, group=None, author=None):
    nothing = [None] * size
    columns = {"times_seen": [1] * size, "author": author or nothing, "group": group or nothing}
    schema = {"author": pl.String, "group": pl.String}
    return Corpus(pl.DataFrame(columns, schema_overrides=schema), pl.DataFrame(), {})


def shares_of(seed, held_out, added=0, *, group=None, author=None, min_authors=5):
    """Estimate from posteriors that say too often 'b', save of messages whose labels were learned from.

    Labels of so many messages of 'b' are added, of which nobody knows how likely they were drawn.
    """
    rng = np.random.default_rng(seed)
    theme = (rng.random(COMMUNICATIONS) < 0.3).astype(np.int64)
    said = np.clip(0.25 + 0.5 * theme + rng.normal(0, 0.08, COMMUNICATIONS), 0.01, 0.99)
    posterior = np.stack([1 - said, said], axis=1)
    by_chance = rng.choice(COMMUNICATIONS, DRAWN, replace=False)
    aside = rng.permutation(DRAWN + added) < held_out * (DRAWN + added)
    others = np.setdiff1d(np.flatnonzero(theme), by_chance)[:added]
    drawn = np.union1d(by_chance, others)
    coded = np.where(aside, theme[drawn], -1)
    held = np.where(aside[:, None], posterior[drawn], 0.5)
    known = np.eye(2)[theme]
    whole = posterior.copy()
    whole[drawn[~aside]] = known[drawn[~aside]]
    inclusion = np.where(np.isin(drawn, others), np.nan, DRAWN / COMMUNICATIONS)
    sample = LabelledSample(drawn, theme[drawn], ("c",), theme[drawn][:, None], inclusion)
    line = HeldOut(coded, held.argmax(axis=1)[None], held[None], np.arange(len(drawn)))
    nothing = np.zeros((0, 2))
    mapping = Mapping(
        nothing,
        np.zeros(0, np.int64),
        nothing.astype(np.int64),
        whole,
        np.zeros(0),
        {},
        np.arange(COMMUNICATIONS),
    )
    corpus = corpus_of(COMMUNICATIONS, group, author)
    judged = Judged(line, line, np.delete(posterior, drawn, axis=0))
    return shares(sample, corpus, mapping, judged, CODEBOOK, min_authors), theme


@pytest.mark.parametrize("added", [0, 60])
@pytest.mark.parametrize("held_out", [1.0, 0.5, 0.25])
def test_powered_shares_are_right_however_labels_are_divided_and_whatever_is_added(held_out, added):
    covered, apart, narrower = 0, [], []
    for seed in range(60):
        estimated, theme = shares_of(seed, held_out, added)
        found = estimated.table[POWERED]["b"]
        truth = theme.mean()
        apart.append(found.value - truth)
        covered += found.low <= truth <= found.high
        by_labels = estimated.table["communications/labels"]["b"]
        narrower.append((found.high - found.low) / (by_labels.high - by_labels.low))
    assert abs(np.mean(apart)) < 0.01
    assert covered >= 54
    if held_out == 1:
        assert np.mean(narrower) < 1
    elif added:
        assert np.allclose(narrower, 1), "nobody knows how wrong the mapping would be of what was added"


def test_labels_alone_all_count_however_they_are_divided():
    one, other = (shares_of(3, held_out)[0].table["communications/labels"] for held_out in (1.0, 0.25))
    assert one == other


@pytest.mark.parametrize("held_out", [1.0, 0.5, 0.25])
def test_what_the_mapping_says_counts_where_nothing_was_held_out_too(held_out):
    found, theme = shares_of(3, held_out)
    assert found.table["communications/mapping"]["b"].value == pytest.approx(theme.mean(), abs=0.01)


def test_labels_that_were_not_drawn_by_chance_stand_for_no_messages():
    found, _ = shares_of(3, 1.0, 60)
    assert "the 150 labels" in found.note
    assert "60 others" in found.note
    share = found.table["communications/labels"]["b"]
    assert share.value < 0.4, "of all labels, half say so"
    assert not shares_of(3, 1.0)[0].note


@pytest.mark.parametrize("added", [0, 60])
@pytest.mark.parametrize("held_out", [1.0, 0.5])
def test_shares_by_group_are_right_however_labels_are_divided(held_out, added):
    group = ["wave 2", "wave 10"] * (COMMUNICATIONS // 2)
    covered, narrower = [], []
    for seed in range(60):
        found, theme = shares_of(seed, held_out, added, group=group)
        by_group = found.groups.filter(theme="b")
        assert by_group["group"].to_list() == ["wave 2", "wave 10"]
        truth = np.array([theme[at::2].mean() for at in range(2)])
        covered.append((by_group["low"].to_numpy() <= truth) & (truth <= by_group["high"].to_numpy()))
        labels = found.table["communications/labels"]["b"]
        narrower.append((by_group["high"] - by_group["low"]).mean() / (labels.high - labels.low))
    assert np.mean(covered) >= 0.92
    assert (np.mean(narrower) < 1.35) == (added == 0 or held_out == 1), "else no prediction may be used"


def test_groups_of_too_few_authors_are_not_told():
    group = ["many"] * 400 + ["few"] * 190 + [None] * 10
    author = [f"a{at}" for at in range(400)] + ["b", "c", "d", "e", "b"] * 38 + [None] * 10
    given = {"group": group, "author": author}
    assert shares_of(1, 1.0, **given)[0].groups.is_empty(), "one group alone has nothing beside it"
    third = {"group": ["other"] * 9 + group[9:], "author": author}
    assert shares_of(1, 1.0, **third)[0].groups.filter(theme="a")["group"].to_list() == ["many", "other"]
    told = shares_of(1, 1.0, **given, min_authors=4)[0].groups
    assert told.filter(theme="a")["group"].to_list() == ["few", "many"]
    assert told.filter(theme="a")["communications"].to_list() == [190, 400]
    assert shares_of(1, 1.0)[0].groups.is_empty()


def test_where_too_few_are_held_out_shares_are_those_by_labels():
    """Two messages stand for nearly all others, and neither is held out."""
    size, drawn = 442, np.arange(40)
    theme, aside = drawn % 2, drawn >= 20
    inclusion = np.where(drawn < 2, 0.005, 0.9)
    posterior = np.full((size, 2), 0.5)
    sample = LabelledSample(drawn, theme, ("c",), theme[:, None], inclusion)
    line = HeldOut(np.where(aside, theme, -1), np.zeros((1, 40), np.int64), posterior[None, :40], drawn)
    nothing = np.zeros((0, 2))
    topics = (nothing, np.zeros(0, np.int64), nothing.astype(np.int64))
    mapping = Mapping(*topics, posterior, np.zeros(0), {}, np.arange(size))
    corpus = corpus_of(size)
    found = shares(sample, corpus, mapping, Judged(line, line, posterior[40:]), CODEBOOK).table
    assert found[POWERED] == found["communications/labels"]


@pytest.mark.parametrize(
    ("inclusion", "communications", "said"),
    [
        (np.full(30, np.nan), 300, "the inclusion probability of 30 of 30 messages is unknown"),
        (np.where(np.arange(30) == 1, 0.1, np.nan), 300, "of 29 of 30 messages is unknown"),
        (np.full(30, 0.1), 100, "stand for 300 messages, but the corpus has 100"),
        (np.full(30, 1.5), 300, "30 of 30 messages have an inclusion probability that is not above 0"),
    ],
)
def test_why_no_shares_are_estimated_is_told(inclusion, communications, said):
    drawn, note = drawn_by_chance(replace(SAMPLE, inclusion=inclusion), communications)
    assert not drawn.any()
    assert note.startswith("Shares of themes are not estimated: ")
    assert said in note


def test_labels_of_repeats_are_told_as_a_sign_that_rows_were_drawn():
    drawn, note = drawn_by_chance(replace(SAMPLE, again=7), 300)
    assert drawn.all()
    assert note.startswith("7 labels are of repeats of another labelled message: where rows were drawn")
    assert not drawn_by_chance(replace(SAMPLE, again=7, inclusion=None), 300)[1]
    one = drawn_by_chance(replace(SAMPLE, again=1), 300)[1]
    assert one.startswith("1 label is of a repeat of another labelled message: ")
    inclusion = np.where(np.arange(30) == 1, np.nan, 0.1)
    assert (
        "that of 1 other is not, and it stands for"
        in drawn_by_chance(replace(SAMPLE, inclusion=inclusion), 300)[1]
    )


def test_nothing_is_said_of_shares_that_nobody_asked_for():
    drawn, note = drawn_by_chance(replace(SAMPLE, inclusion=None), 300)
    assert not drawn.any()
    assert not note


def test_a_run_tells_why_it_has_no_shares_and_check_does_before_it(tmp_path):
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "labels.csv"\ninclusion = "chance"')
    coded = (study.folder / "labels.csv").read_text(encoding="utf-8").split()
    study.write("labels.csv", "\n".join([f"{coded[0]},chance", *(f"{line},0.001" for line in coded[1:])]))
    said = "Shares of themes are not estimated: the labelled sample: by their inclusion probabilities"
    checked = CliRunner().invoke(cli.app, ["check", str(study.experiment), "--root", str(tmp_path / "root")])
    assert said in " ".join(checked.output.split())
    result = themeloom.run(study.experiment, tmp_path / "root")
    assert not result.model.record.scores.prevalence
    assert result.model.record.note.startswith(said)
    assert said in result.report.read_text(encoding="utf-8")


def shown(record):
    """What the terminal says of a run."""
    console = Console(width=100, file=StringIO())
    summary = summarise(record, paths={}, tracked={})
    show_result(console, RunResult(Model(record), summary, Path("f"), Path("r"), Tracked("", "", "", "", "")))
    return console.file.getvalue()


def test_the_terminal_marks_groups_that_are_apart_and_says_so_of_those_alone():
    record = make_record()
    key = record.codebook.keys[0]
    alike = record.scores.groups.with_columns(difference_low=pl.lit(-0.5), difference_high=pl.lit(0.5))
    apart = alike.with_columns(difference_low=pl.when(theme=key, group="carers").then(0.01).otherwise(-0.5))
    for table, stars in ((alike, 0), (apart, 1)):
        output = shown(replace(record, scores=replace(record.scores, groups=table)))
        assert "Themes by group, estimated (95%)" in output
        assert output.count("%*") == stars
        assert output.count("does not hold 0") == stars
        assert "fewer than" in output
    many = pl.concat(alike.with_columns(group=pl.lit(f"g{at}")) for at in range(7))
    output = shown(replace(record, scores=replace(record.scores, groups=many)))
    assert "Shares of themes in 7 groups stand in the report." in output


def test_groups_are_counted_as_people_count_and_the_unknown_last():
    console = Console(width=60, file=StringIO())
    group = pl.Series("group", ["wave 10", None, "wave 2", "wave 10", None])
    show_groups(console, group, np.array([1, 3]))
    rows = re.findall(r"│ ([\w() ]+?) +│ +(\d+) │ +(\d+) │", console.file.getvalue())
    assert rows == [("wave 2", "1", "0"), ("wave 10", "2", "1"), ("(unknown)", "2", "1")]
    show_groups(console, group[1:2], np.array([0]))
    assert console.file.getvalue().count("Groups") == 1, "nothing where no message has one"


def test_a_run_tells_the_shares_of_each_group_and_keeps_nobodys(tmp_path):
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "labels.csv"\nsample = "random"')
    study.rewrite("experiment.toml", 'text = "text" }', 'text = "text", group = "ward" }\ngroup = "Elm"')
    rows = (study.folder / "messages.csv").read_text(encoding="utf-8").splitlines()
    wards = ["ward", *["Oak", "", "Elm"] * 20, *["Yew"] * 4]
    study.write("messages.csv", "\n".join(f"{row},{ward}" for row, ward in zip(rows, wards, strict=True)))
    told = CliRunner().invoke(cli.app, ["check", str(study.experiment), "--root", str(tmp_path)]).output
    assert re.findall(r"│ (\w+) +│ +(\d+) │ +(\d+) │", told) == [
        ("Elm", "40", "16"),
        ("Oak", "20", "8"),
        ("Yew", "4", "0"),
    ]
    asked = ["run", str(study.experiment), "--root", str(tmp_path), "--json", str(tmp_path / "run.json")]
    output = CliRunner().invoke(cli.app, asked).output
    assert "Themes by group, estimated (95%)" in output
    (folder,) = (tmp_path / "models").iterdir()
    model = themeloom.load(folder)
    found = model.groups.filter(theme="waiting")
    assert found["group"].to_list() == ["Elm", "Oak"], "of Yew, too few speak"
    assert found["communications"].to_list() == [40, 20]
    assert found["labels"].to_list() == [16, 8]
    assert (found["low"] <= found["share"]).all()
    assert "Elm" in (folder / "report.html").read_text(encoding="utf-8")
    told = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["groups"]
    assert [group["name"] for group in told] == ["Elm", "Oak"]
    assert told[1]["shares"]["waiting"]["value"] == found["share"][1]
    assert "group" not in model.communications.columns
    wrong = [f"{rows[0]},ward", *(f"{row},{at}" for at, row in enumerate(rows[1:]))]
    study.write("messages.csv", "\n".join(wrong))
    with pytest.raises(CorpusError, match="the messages are of 64 groups"):
        themeloom.check(study.experiment, tmp_path)
