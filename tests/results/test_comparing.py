"""References become a comparison, by folder and by name, with and without held-out predictions."""

import json
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from builders import make_record
from comparisons import make_run, save_beside, write_plain
from themeloom.columns import EVALUATION
from themeloom.config import TrackingConfig
from themeloom.errors import ModelError, TrackingError
from themeloom.history import store
from themeloom.history.tracking import track
from themeloom.results import comparing
from themeloom.results.comparing import compare
from themeloom.system.provenance import corpus_digest


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with two runs of the same messages, one of another study, and a plain BERTopic run."""
    root = tmp_path_factory.mktemp("root")
    save_beside(make_record(), root / "models")
    store.save(replace(make_record(40, seed=5), run="elsewhere"), root / "models")
    topics = [["word", "visit", "call"], ["letter", "plan"]]
    write_plain(root / "plain" / "topics", topics, np.eye(2, 8), "bundled")
    return root


MADE_UP, OTHER = "made-up-20260102-030405-0000", "other-20260203-040506-0001"


def test_runs_are_found_by_name_and_by_folder(root):
    found = compare([MADE_UP, str(root / "models" / OTHER)], root)
    assert found.runs["run"].to_list() == [MADE_UP, OTHER]
    assert found.runs["topics"].to_list() == [5, 4]
    (pairing,) = found.record.pairings
    assert (pairing.basis, pairing.shared) == ("membership", 60)
    assert found.topics.filter(topic=0)["state"].to_list() == ["same"]
    (merge,) = pairing.merges
    assert {part.topic for part in merge.parts} == {3, 4}
    assert found.agreement["shared"].to_list() == [60]
    assert found.settings.rows() == [("cluster.min_cluster_size", None, "12")]
    before, first = make_record().communications, make_record().codebook.keys[0]
    own = found.moves.filter(level="message level")
    assert set(own["doc_id"]) == set(before.filter(pl.col("theme") != first)["doc_id"])
    assert set(own["to"]) == {first}
    assert len(found.moves.filter(level="topic level")) == 0
    assert repr(found) == f"<Comparison of {MADE_UP}, {OTHER}>"
    assert "<table" in found._repr_html_()
    assert "<script" not in found._repr_html_()


def test_a_run_beside_itself_gets_another_name(root):
    found = compare([MADE_UP, MADE_UP, root / "models" / MADE_UP], root)
    assert found.runs["run"].to_list() == [MADE_UP, f"{MADE_UP} (2)", f"{MADE_UP} (3)"]
    assert found.agreement["ari"].to_list() == [1, 1, 1]
    assert set(found.topics["state"]) == {"same"}
    assert len(found.moves) == len(found.settings) == 0


def test_other_studies_and_plain_runs_are_compared_by_words(root):
    found = compare([MADE_UP, "elsewhere", root / "plain"], root)
    assert [pairing.basis for pairing in found.record.pairings] == ["words", "words"]
    assert found.runs["run"].to_list() == [MADE_UP, "elsewhere", "plain"]
    assert found.runs["messages"].to_list() == [60, 40, None]
    assert [pairing.encoders_agree for pairing in found.record.pairings] == [True, True]
    assert found.agreement["ari"].to_list() == [None, None, None]
    plain = found.topics.filter(run="plain")
    assert plain["partner"].drop_nulls().len() == 2
    appeared = found.topics.filter(pl.col("topic").is_null())
    assert set(appeared["state"]) <= {"appeared", "unknown"}
    assert found.topics.filter(run="elsewhere")["partner"].drop_nulls().n_unique() == 5


def test_a_plain_run_on_a_run_s_masked_texts_is_compared_by_membership(root, tmp_path):
    record = make_record()
    texts = record.communications["text"].to_list()
    folder = write_plain(tmp_path / "topics", [["word", "visit"], ["letter", "plan"]], np.eye(2, 8), "other")
    topics = [place % 2 for place in range(len(texts))]
    told = {"corpus": corpus_digest(texts), "topics": topics}
    (folder / "documents.json").write_text(json.dumps(told))
    found = compare([MADE_UP, folder, folder], root)
    assert [pairing.basis for pairing in found.record.pairings] == ["membership", "membership"]
    assert found.agreement["shared"].to_list() == [len(texts)] * 3
    assert found.agreement["ari"][2] == 1
    assert found.moves.is_empty()


def test_runs_may_come_one_by_one(root):
    assert compare(iter([MADE_UP, OTHER]), root).runs["run"].to_list() == [MADE_UP, OTHER]


def test_the_page_is_written(root, tmp_path):
    compare([MADE_UP, OTHER], root).write_html(tmp_path / "new" / "page.html")
    assert "<!doctype html>" in (tmp_path / "new" / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("references", "said"),
    [
        ([], "two runs or more are needed"),
        ([MADE_UP], "two runs or more are needed"),
        (MADE_UP, "two runs or more are needed"),
        (None, "two runs or more are needed"),
        (iter([MADE_UP]), "two runs or more are needed"),
        ([MADE_UP, "none"], f"'none': is no model folder, no run under .*{OTHER}"),
        ([MADE_UP, ""], "'': is no model folder"),
        ([MADE_UP, "../models"], "is no model folder"),
        ([MADE_UP, "a\0b"], "is no model folder"),
        ([MADE_UP, "x" * 5000], "is no model folder"),
    ],
)
def test_bad_references_are_refused_in_a_sentence(root, references, said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=said) as caught:
        compare(references, root)
    assert "\n" not in str(caught.value)


def test_folders_that_hold_no_run_are_refused(root):
    with pytest.raises(ModelError, match="is neither a model folder"):
        compare([MADE_UP, root], root)


def test_half_a_model_folder_is_not_taken_for_topics(root, tmp_path):
    folder = store.save(make_record(), tmp_path / "models")
    (folder / "manifest.json").unlink()
    with pytest.raises(ModelError, match="is not a whole model folder"):
        compare([MADE_UP, folder], root)


def test_altered_runs_are_refused(root, tmp_path):
    folder = store.save(make_record(), tmp_path / "models")
    (folder / "topics.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match="was altered"):
        compare([MADE_UP, folder], root)


@pytest.mark.parametrize("reference", ["runs:/" + "0" * 32, "0" * 32, "models:/name@champion"])
def test_references_to_mlflow_are_known_as_such(root, reference, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(TrackingError, match=r"there are no runs yet|cannot be fetched"):
        compare([MADE_UP, reference], root)


def test_tracked_runs_are_compared(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    record = make_record()
    folder = store.save(record, tmp_path / "models")
    (tmp_path / "report.html").write_text("<p>report</p>")
    run = track(record, folder, tmp_path / "report.html", TrackingConfig(), tmp_path).run_id
    shutil.rmtree(folder)
    found = compare([run, f"runs:/{run}"], tmp_path)
    assert found.runs["run"].to_list() == [record.run, f"{record.run} (2)"]
    assert found.agreement["ari"].to_list() == [1]
    with pytest.raises(TrackingError, match=r"0{32}"):
        compare([run, "0" * 32], tmp_path)


def evaluated(name, right, *, size=80, start=0, folds=5):
    """A run that got these labelled messages right, of two themes in turn."""
    coded = ["care" if at % 2 else "cost" for at in range(start, start + size)]
    other = {"care": "cost", "cost": "care"}
    said = [code if good else other[code] for code, good in zip(coded, right, strict=True)]
    table = pl.DataFrame(
        {
            "doc_id": [f"{at:04d}" for at in range(start, start + size)],
            "coded": coded,
            "topic_level": [None if at % 10 == 0 else code for at, code in enumerate(said)],
            "message_level": said,
            "author": list(range(size)),
            "p_care": [0.5] * size,
        },
        schema=EVALUATION | {"p_care": pl.Float64},
    )
    return make_run([0] * size, name, evaluation=table, folds=folds)


def test_held_out_predictions_of_both_runs_are_compared_in_pairs():
    rng = np.random.default_rng(0)
    first = evaluated("a", rng.random(80) < 0.6)
    better = evaluated("b", np.ones(80, dtype=bool))
    found = comparing._paired(first, better, 1)
    assert (found.run, found.messages, found.note) == (1, 80, "")
    kappa = found.levels["message level"]["kappa"]
    assert 0 < kappa.low < kappa.value < kappa.high
    back = comparing._paired(better, first, 1).levels["message level"]["kappa"]
    assert back.value == pytest.approx(-kappa.value)
    assert set(found.levels) == {"topic level", "message level"}
    assert set(found.levels["topic level"]) == {"kappa", "macro_f1", "accuracy"}
    accuracy = found.levels["message level"]["accuracy"].value
    assert accuracy == pytest.approx(
        1 - (first.evaluation["coded"] == first.evaluation["message_level"]).mean()
    )


def test_only_messages_with_the_same_label_are_paired():
    good = np.ones(80, dtype=bool)
    found = comparing._paired(evaluated("a", good), evaluated("b", good, start=40), 1)
    assert (found.messages, found.others) == (40, 80)
    apart = evaluated("b", good)
    relabelled = replace(apart, evaluation=apart.evaluation.with_columns(coded=pl.lit("else")))
    assert comparing._paired(evaluated("a", good), relabelled, 1).messages == 0
    assert comparing._paired(evaluated("a", good), evaluated("b", good), 1).others == 0


def test_labelled_messages_of_two_studies_on_the_same_texts_are_paired():
    """Each study makes ids with its own key; the corpus tells that messages are the same."""
    good = np.ones(80, dtype=bool)
    first, other = (replace(evaluated(name, good), corpus="the same") for name in "ab")
    ids = [f"{at:04d}" for at in range(80)]
    first = replace(first, membership=first.membership.with_columns(doc_id=pl.Series(ids)))
    theirs = pl.Series([f"theirs {one}" for one in ids])
    keyed = replace(
        other,
        membership=other.membership.with_columns(doc_id=theirs),
        evaluation=other.evaluation.with_columns(doc_id=theirs)[::-1],
    )
    assert comparing._paired(first, keyed, 1).messages == 80
    assert comparing._paired(first, replace(keyed, corpus="another"), 1).messages == 0


@pytest.mark.parametrize("other", [make_run([0], "b"), evaluated("b", [True] * 80, start=75)])
def test_without_enough_of_them_intervals_alone_are_compared(other):
    found = comparing._paired(evaluated("a", [True] * 80), other, 2)
    assert found.levels == {}
    assert found.run == 2
    assert found.note.endswith("so only intervals can be compared")
