"""The whole line on the demonstration study, with every real part."""

import csv
import gzip
import json
import random
import re
import shutil
import stat
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest

import themeloom
from builders import make_record
from notebooks import run_notebook
from themeloom.columns import ASSIGNED
from themeloom.corpus.vault import Vault
from themeloom.discovery.quality import word_quality
from themeloom.discovery.words import word_splitter
from themeloom.history import store
from themeloom.reporting.page import plotly_script
from themeloom.system.folders import Folders

DEMO = Path(str(files("themeloom"))) / "data" / "dearmhp"
_FOLDER = TemporaryDirectory()
IDENTIFYING = Path(__file__).parent / "data" / "identifying-sample.jsonl"


@cache
def experiment():
    """Return the demo's experiment with less adapting and fewer folds, which are tested by themselves."""
    folder = Path(_FOLDER.name) / "dearmhp"
    shutil.copytree(DEMO, folder)
    with (folder / "experiment.toml").open("a", encoding="utf-8") as file:
        file.write("\n[adapt]\nlayers = 1\nsteps = 4\n\n[validate]\nfolds = 4\n")
    return folder / "experiment.toml"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def result(root):
    return themeloom.run(experiment(), root)


def raw_texts():
    """Return the demo's raw messages by source id."""
    texts = {}
    with (DEMO / "search-phrase.csv").open(newline="", encoding="utf-8") as file:
        texts |= {row["tweet_id"]: row["content"] for row in csv.DictReader(file)}
    with (DEMO / "search-hashtag.jsonl").open(encoding="utf-8") as file:
        texts |= {row["id"]: row["text"] for row in map(json.loads, file)}
    return texts


def test_the_flow_is_the_demonstration_study_s(result):
    flow = result.model.record.flow
    assert (flow.identified, flow.ids, flow.unique) == (1195, 905, 515)


def test_the_table_of_communications_is_as_promised(result):
    table = pl.read_parquet(result.folder / "communications.parquet")
    assert dict(table.schema) == ASSIGNED
    assert len(table) == table["doc_id"].n_unique() == 515
    assert table["theme"].null_count() == 0
    assert table["theme_probability"].is_between(0, 1).all()
    assert table.filter(pl.col("topic") < 0)["topic_theme"].null_count() == (table["topic"] < 0).sum()
    of_topic = table.drop_nulls("topic_theme").group_by("topic").agg(pl.col("topic_theme").n_unique())
    assert of_topic["topic_theme"].max() == 1


def test_topics_are_many_and_hold_nearly_everything(result):
    table = result.communications
    assert result.topics.height >= 8
    assert (table["topic"] < 0).mean() < 0.05
    assert 0 < table["outlier"].mean() < 0.5
    assert result.topics["words"].list.len().min() >= 3


def test_topics_are_described_and_judged_by_people_s_own_words(result):
    record = themeloom.load(result.folder).record
    found, frequent = record.discovery, record.discovery.embeddings.frequent_terms
    assert any("phone" in topic.words for topic in found.topics)  # as [phone 1] it says nothing of them
    judged = word_quality(record.communications["text"].to_list(), found.topics, word_splitter(frequent))
    assert np.array_equal(judged.npmi, record.quality.npmi)


def test_the_mapping_beats_the_majority_class_and_not_the_coders(result):
    scores = result.model.record.scores
    kappa = scores.overall["kappa"]
    assert kappa.low > 0.05
    assert kappa.low < kappa.value < kappa.high < 1
    assert scores.lines["majority class"]["kappa"].value == pytest.approx(0, abs=0.02)
    assert scores.lines["coders"]["kappa"].low > kappa.high
    assert scores.lines["message level"]["kappa"].low > kappa.value


def words_of(path):
    """Return what a file says: a table's cells, and the bytes of any other but for plotly's own words."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path).write_json().encode()
    return path.read_bytes().replace(plotly_script().encode(), b"")


def occurring(content, strings):
    """Tell which strings a content holds: all are sought in one pass, as there are many."""
    said = pl.Series([content.decode("latin-1")])  # a character for each byte
    sought = {value.encode().decode("latin-1"): value for value in strings}
    found = said.str.extract_many(list(sought), overlapping=True).explode().drop_nulls().unique()
    return {sought[value] for value in found}


def says(content, value, suffix):
    # By chance, two letters in a row stand in any array of numbers.
    if suffix in {".safetensors", ".db"} and len(value) < 4:
        return False
    return re.search(rb"(?<!\w)" + re.escape(value.encode()) + rb"(?!\w)", content) is not None


def test_the_prevalence_of_each_theme_is_estimated_with_its_doubt(result):
    shares = result.model.record.scores.prevalence
    labels, powered = shares["communications/labels"], shares["communications/prediction-powered"]
    assert sum(score.value for score in labels.values()) == pytest.approx(1)
    assert sum(score.value for score in powered.values()) == pytest.approx(1, abs=0.05)
    for theme, score in powered.items():
        assert 0 <= score.low <= score.value <= score.high <= 1
        assert abs(score.value - labels[theme].value) < 0.1
    assert any(name.startswith("messages/") for name in shares)
    assert "Estimated prevalence" in result.report.read_text(encoding="utf-8")


def test_nothing_identifying_is_left_anywhere_but_in_the_private_folder(result, root):
    told = [json.loads(line) for line in IDENTIFYING.read_text(encoding="utf-8").splitlines()]
    strings = {entry["value"] for row in told for entry in row["identifying"]}
    assert len(strings) > 50
    folders = (result.folder, root / "mlruns", Folders(root).cache)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    strings |= set(raw_texts())
    for (suffix, content), path in {(path.suffix, words_of(path)): path for path in files}.items():
        found = {value for value in occurring(content, strings) if says(content, value, suffix)}
        assert found == set(), path


def test_the_search_for_identifying_strings_finds_them():
    content = b"\xff\x00Zo\xc3\xab Ann, Anne"
    assert occurring(content, {"Zo\u00eb", "Ann", "Anne", "Bob", "Zoe"}) == {"Zo\u00eb", "Ann", "Anne"}
    assert says(content, "Zo\u00eb", ".json")
    assert not says(content, "An", ".json")


def test_the_private_folder_is_private(result, root):  # noqa: ARG001 (a run must have been)
    private = Folders(root).private / "dearmhp"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert not private.is_relative_to(root / "models")


def test_training_messages_get_their_training_assignments_back(result):
    model = themeloom.load(result.folder)
    table = model.communications
    masked = model.assign(table["text"].to_list())
    assert masked["topic"].to_list() == table["topic"].to_list()
    assert masked["theme"].to_list() == table["theme"].to_list()
    assert masked["topic_theme"].to_list() == table["topic_theme"].to_list()
    assert np.allclose(masked["theme_probability"], table["theme_probability"])
    raw, kept = raw_texts(), {}
    audit = themeloom.audit(experiment(), result.folder.parents[1])
    for row in audit.filter(pl.col("outcome") == "kept").iter_rows(named=True):
        kept[row["doc_id"]] = raw[row["source_id"]]
    again = model.assign([kept[doc_id] for doc_id in table["doc_id"]])
    assert again["topic"].to_list() == table["topic"].to_list()


def test_new_messages_get_topics_and_themes(result):
    model = themeloom.load(result.folder)
    thanks = model.assign(["Thank you so much to Dr Penrose, thank you", "the crisis line rang out at 3am"])
    assert (thanks["topic"] >= 0).all()
    assert thanks["topic"].n_unique() == 2
    assert thanks["theme"][0] == "thanks"


def test_the_fitted_bertopic_is_reachable(result):
    model = themeloom.load(result.folder)
    bertopic = model.to_bertopic()
    assert bertopic.topics_ == model.communications["topic"].to_list()
    assert len(bertopic.visualize_barchart(top_n_topics=4).data) == 4


def test_the_audit_tells_of_every_row(result, root):
    audit = themeloom.audit(experiment(), root)
    assert audit.columns == ["source_id", "file", "line", "outcome", "doc_id", "reason"]
    assert len(audit) == 1195
    counts = dict(audit["outcome"].value_counts().iter_rows())
    flow = result.model.record.flow
    assert counts["kept"] == 515
    assert counts["retweet"] == flow.retweets
    assert set(audit["doc_id"]) == set(result.communications["doc_id"])


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory):
    """The experiment file of the same study, the rows of whose files are in another order."""
    folder = tmp_path_factory.mktemp("shuffled")
    chance = random.Random(4)  # noqa: S311
    lines = (DEMO / "search-hashtag.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    chance.shuffle(lines)
    (folder / "search-hashtag.jsonl.gz").write_bytes(gzip.compress("".join(lines).encode()))
    with (DEMO / "search-phrase.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    chance.shuffle(rows)
    with (folder / "search-phrase.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    labels = (DEMO / "labels.csv").read_text(encoding="utf-8").splitlines()
    (folder / "labels.csv").write_text("\n".join([labels[0], *reversed(labels[1:])]), encoding="utf-8")
    (folder / "codebook.yaml").write_bytes((DEMO / "codebook.yaml").read_bytes())
    text = experiment().read_text(encoding="utf-8")
    (folder / "experiment.toml").write_text(text.replace(".jsonl", ".jsonl.gz"), encoding="utf-8")
    return folder / "experiment.toml"


def test_rows_in_another_order_are_the_same_study(result, root, shuffled):
    one, other = (themeloom.check(path, root) for path in (experiment(), shuffled))
    assert other.corpus.communications.equals(one.corpus.communications)
    assert other.corpus.communications["doc_id"].to_list() == result.communications["doc_id"].to_list()
    assert other.sample.position.tolist() == one.sample.position.tolist()
    assert other.sample.codes.tolist() == one.sample.codes.tolist()


def test_rows_in_another_order_and_another_key_give_other_ids_and_the_same_topics(
    result, root, shuffled, tmp_path
):
    folders = Folders(tmp_path)
    folders.cache.parent.mkdir()
    folders.cache.symlink_to(Folders(root).cache)
    other = themeloom.run(shuffled, tmp_path)
    assert set(other.communications["doc_id"]).isdisjoint(result.communications["doc_id"])
    assert other.communications.drop("doc_id").equals(result.communications.drop("doc_id"))
    assert other.scores.equals(result.scores)


def test_the_run_is_in_mlflow(result, root):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{root}/mlruns/mlflow.db")
    run = client.get_run(result.tracked.run_id)
    assert run.info.status == "FINISHED"
    kappa = result.model.record.scores.overall["kappa"]
    assert run.data.metrics["kappa"] == pytest.approx(kappa.value)
    assert run.data.metrics["kappa_low"] == pytest.approx(kappa.low)
    assert run.data.params["study.seed"] == "20130810"
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"model_card.md", "report"} <= names


def test_the_report_opens_without_an_error_and_asks_for_nothing(result, visit):
    seen = visit(result.report)
    seen.page.wait_for_load_state("load")
    assert seen.problems == []
    assert seen.outside == []
    text = seen.page.inner_text("body")
    for number in ("1,195", "905", "515"):
        assert number in text
    assert "synthetic" in text
    assert result.report.stat().st_size < 8_000_000


def test_the_summary_has_what_a_program_needs(result):
    from themeloom.reporting.summary import to_json

    summary = json.loads(to_json(result.summary))
    assert summary["flow"]["unique"] == 515
    assert np.isfinite(summary["scores"]["overall"]["kappa"]["low"])


def test_doc_ids_are_keyed(result, root):
    vault = Vault.open(Folders(root).private, "dearmhp")
    ids = {vault.doc_id(source_id) for source_id in raw_texts()}
    assert set(result.communications["doc_id"]) <= ids


def test_words_that_are_always_masked_are_not_kept_with_the_model(result):
    record = replace(result.model.record, run="masked", config=result.model.record.config | {
        "anonymise": {"keep": [], "mask": ["zorbaline"]}
    })  # fmt: skip
    model = themeloom.load(store.save(record, result.folder.parent))
    assert "zorbaline" not in json.dumps(model.record.config)
    assigned = model.assign(["my benefits were withheld", "my benefits were stopped"])
    assert (assigned["topic"] >= 0).all()


def test_an_encoder_can_be_told_where_it_is(result, tmp_path):
    model = themeloom.load(result.folder, encoder=str(tmp_path / "nowhere"))
    with pytest.raises(themeloom.ThemeloomError, match="nowhere"):
        model.assign(["words that nobody said in this study"])


def test_a_model_whose_encoder_was_a_folder_says_how_to_give_it_and_asks_no_network():
    made = make_record()
    embeddings = replace(made.discovery.embeddings, encoder="/somewhere/of-our-own")
    config = made.config | {"encoder": made.config["encoder"] | {"name": "of-our-own"}}
    record = replace(made, config=config, discovery=replace(made.discovery, embeddings=embeddings))
    said = r"from a folder called 'of-our-own'; say where it is by --encoder FOLDER"
    with pytest.raises(themeloom.ThemeloomError, match=said):
        themeloom.Model(record).assign(["words that nobody said in this study"], masked=True)
    with pytest.raises(themeloom.ThemeloomError, match=said):
        themeloom.Model(record).to_bertopic()
    assert themeloom.Model(record, encoder="bundled").encoder_used.weights


def test_the_notebook_of_the_first_study_runs_again_what_is_remembered(result, root, monkeypatch, capsys):
    """As it is written, but with the study that adapts less, of which all is in the cache."""
    shutil.copytree(experiment().parent, root / "dearmhp")
    monkeypatch.chdir(root)
    names, shown = run_notebook("first-study")
    again = names["result"]
    assert again.topics.equals(result.topics)
    assert again.communications.equals(result.communications)
    assert again.model.record.run != result.model.record.run
    assert {"reduce", "describe"} <= {time.stage for time in again.model.record.times if time.cached}
    assert "We analysed What people tell mental health professionals" in capsys.readouterr().out
    assert len(shown) == 11
