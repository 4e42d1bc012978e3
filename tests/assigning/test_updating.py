"""A batch added to a model: what is kept, what is told, and what never gets into the folder."""

import csv
import json
import random
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner

import themeloom
from bertopics import store_of
from studies import write_study
from themeloom import pipeline
from themeloom.assigning.fitting import Drift, TopicShare, verdict
from themeloom.assigning.updating import Update, update
from themeloom.cli import app
from themeloom.config import ColumnsConfig
from themeloom.console.updates import show_update
from themeloom.corpus.vault import Vault
from themeloom.discovery.drift import Fit, share_of
from themeloom.errors import ConfigError, CorpusError, OutputError
from themeloom.history import store
from themeloom.history.registry import register
from themeloom.model import Model, load
from themeloom.records import Flow, RunRecord
from themeloom.scored import Score
from themeloom.system.cache import VectorCache
from themeloom.system.folders import Folders
from themeloom.system.provenance import corpus_digest, file_digests

WHAT = ["sourdough starter", "rye loaf", "baguette crust", "flour and yeast", "oven tray of rolls"]
DID = [
    "bubbled overnight",
    "rose twice before the bake",
    "needs more salt",
    "burnt underneath",
    "smells of bread",
]
WHERE = ["in my kitchen", "this morning", "for the bakery stall", "on Sunday", "with butter"]
HANDLE = "breadlover99"
UNEVEN = "1 column where the header has 2"


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def parent(root) -> Path:
    study = write_study(root / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    return pipeline.run(study.experiment, root).folder


@pytest.mark.parametrize(("p", "said"), [(0.0004, "(p < 0.001)"), (0.2, "(p = 0.200)")])
def test_how_likely_chance_is_reads_as_in_papers(p, said):
    flow, misfits = Flow(2, 0, 0, 0, 0, 0, 2), Score(0.1, 0.0, 0.2)
    found = Update("new", "old", "folder", flow, (), 2, "fits", 0.01, p, misfits, 0.05, p, (), (), vault=True)
    seen = StringIO()
    show_update(Console(file=seen, width=200), found)
    assert seen.getvalue().count(said) == 2


def test_a_share_that_moved_by_almost_nothing_at_least_moved_in_one_direction():
    moved = TopicShare(3, ("bread",), Score(0.05, 0, 1), Score(0.02, 0, 1), Score(-0.032, -0.042, -0.000194))
    flow, misfits = Flow(2, 0, 0, 0, 0, 0, 2), Score(0.1, 0.0, 0.2)
    shares = (moved,)
    found = Update(
        "new", "old", "folder", flow, (), 2, "fits", 0.01, 0.2, misfits, 0.05, 0.2, shares, (), vault=True
    )
    seen = StringIO()
    show_update(Console(file=seen, width=200), found)
    assert "-3.2 (-4.2 to -0.0) points" in seen.getvalue()


def on_bread(seed: int, numbers: range) -> list[str]:
    rng = random.Random(seed)  # noqa: S311 (made-up messages)
    return [f"{rng.choice(WHAT)} {rng.choice(DID)} {rng.choice(WHERE)}, loaf {number}" for number in numbers]


def write_batch(path: Path, study: Path) -> None:
    """Forty messages on bread, one of which is the same as another, among twenty of the study's own."""
    with (study / "messages.csv").open(encoding="utf-8", newline="") as file:
        known = list(csv.reader(file))[1:21]
    bread = on_bread(0, range(40))
    bread[3] += f" says @{HANDLE}"
    ids = [f"raw-id-{number}" for number in range(len(bread))]
    rows = [*known[:10], *zip(ids, bread, strict=True), ["copy-1", known[12][1]], ["copy-2", bread[5]]]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *rows, ["bad"]])


@pytest.fixture(scope="module")
def told(root, parent) -> dict:
    """What the command says of the batch, in JSON; the parent's files are as they were."""
    write_batch(root / "batch.csv", root / "study")
    before = file_digests(sorted(parent.iterdir()))
    arguments = [
        "update",
        parent,
        root / "batch.csv",
        "--id",
        "id",
        "--root",
        root,
        "--json",
        root / "update.json",
    ]
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    assert "no longer fit" in done.stdout
    assert done.stderr.endswith(f"\nbatch.csv:54: set aside: {UNEVEN}\n")
    assert file_digests(sorted(parent.iterdir())) == before
    return json.loads((root / "update.json").read_text())


@pytest.fixture(scope="module")
def made(told) -> Model:
    return load(told["folder"])


def test_the_batch_is_counted_once(told, made, parent):
    flow, old = told["flow"], load(parent).record
    assert (flow["identified"], flow["unreadable"], flow["same_id"], flow["unique"]) == (53, 1, 10, 40)
    assert flow["copies"] + flow["near_duplicates"] == 2
    assert told["messages"] == 40
    whole = made.record.flow
    assert whole.unique == len(made.communications) == old.flow.unique + 40
    assert whole.identified == old.flow.identified + 53
    assert made.communications["doc_id"].n_unique() == len(made.communications)
    assert made.communications["times_seen"].sum() == old.communications["times_seen"].sum() + 42


def test_rows_that_cannot_be_read_are_named(told):
    assert told["set_aside"] == [{"file": "batch.csv", "line": 54, "reason": UNEVEN}]


def test_what_was_there_stays_as_it_is(made, parent):
    old, new = load(parent).record, made.record
    same = ["doc_id", "text", "topic", "outlier", "topic_theme", "theme", "theme_probability"]
    assert (
        new.communications.head(len(old.communications)).select(same).equals(old.communications.select(same))
    )
    assert [topic.words for topic in new.discovery.topics[: len(old.discovery.topics)]] == [
        topic.words for topic in old.discovery.topics
    ]
    topics = len(old.discovery.topics)
    assert np.array_equal(new.mapping.posterior[:topics], old.mapping.posterior)
    assert repr(new.scores.overall) == repr(old.scores.overall)  # of which NaN is the same as NaN
    count = len(old.communications)
    again = made.assign(new.communications["text"].to_list())
    assert again["topic"].to_list() == new.communications["topic"].to_list()
    assert np.array_equal(new.discovery.layout.plane[:count], old.discovery.layout.plane)
    assert np.isfinite(new.discovery.layout.plane).all()


def test_a_subject_that_is_new_becomes_a_topic_and_a_candidate(told, made, parent):
    old: RunRecord = load(parent).record
    assert told["verdict"] == "no longer fits"
    assert told["p_misfits"] < 0.001
    assert told["p_discrepancy"] <= 0.001
    assert told["misfits"]["value"] > 0.7
    assert told["new_topics"]
    numbers = [topic["topic"] for topic in told["new_topics"]]
    assert numbers == list(range(len(old.discovery.topics), len(made.record.discovery.topics)))
    bread = {word for sentence in (*WHAT, *DID, *WHERE, "loaf") for word in sentence.split()}
    for topic in told["new_topics"]:
        assert bread & set(" ".join(topic["words"]).split())
    reasons = {candidate.topic: candidate.reason for candidate in made.record.candidates}
    assert all("batch.csv" in reasons[number] for number in numbers)
    assert made.topics["size"].sum() == (made.communications["topic"] >= 0).sum()


def test_words_are_counted_in_the_masked_texts_of_all_messages(made, parent):
    for model in (made, load(parent)):
        assert list(model.record.discovery.embeddings.masked) == model.communications["text"].to_list()


def test_a_topic_that_is_new_has_no_theme_of_its_own(told, made):
    new = made.topics.filter(pl.col("topic").is_in([topic["topic"] for topic in told["new_topics"]]))
    assert new["theme"].to_list() == [None] * len(told["new_topics"])
    inside = made.communications.filter(pl.col("topic").is_in(new["topic"].implode()))
    assert inside["topic_theme"].null_count() == len(inside)
    assert not inside["theme"].null_count()


def test_more_of_what_was_new_comes_to_its_topics(told, made, root):
    more, first = on_bread(1, range(100, 140)), made.topics["topic"].max() + 1 - len(told["new_topics"])
    assert (made.assign(more)["topic"] >= first).mean() > 0.9
    (root / "more.csv").write_text("text\n" + "\n".join(f'"{text}"' for text in more) + "\n")
    found = update(told["folder"], root / "more.csv", root=root)
    assert not found.new_topics
    added = load(found.folder).communications.tail(len(more))
    assert made.assign(added["text"].to_list())["topic"].to_list() == added["topic"].to_list()
    before = sum(one.before.value for one in found.shares if one.topic >= first)
    assert before == pytest.approx((made.communications["topic"] >= first).mean(), abs=0.05)


@pytest.mark.parametrize("text", ["quartz zymurgy of the moon", "I was glad of the appointment"])
def test_one_message_tells_too_little(root, parent, text):
    (root / "one.csv").write_text(f"text\n{text}\n")
    found = update(parent, root / "one.csv", root=root)
    assert found.verdict == "too few"
    assert found.shares == ()
    console = Console(width=200)
    with console.capture() as told:
        show_update(console, found)
    assert "too few messages to tell" in told.get()
    assert "moved" not in told.get()


@pytest.mark.parametrize(
    ("messages", "p_misfits", "p", "said"),
    [
        (1, 0.05, 0.001, "too few"),  # one odd message is no drift
        (19, 0.4, 0.001, "too few"),
        (3, 0.001, 0.5, "no longer fits"),  # three that all fit nowhere are
        (20, 0.4, 0.001, "shifted"),
        (20, 0.4, 0.4, "fits"),
        (20, 0.001, 0.001, "no longer fits"),
    ],
)
def test_what_is_said_hangs_on_what_so_many_messages_can_tell(messages, p_misfits, p, said):
    nothing = np.zeros(messages)
    fit = Fit(nothing, nothing, nothing > 0, p_misfits, share_of(0, messages))
    assert verdict(Drift(fit, 0.1, p, nothing.astype(np.int64))) == said


def test_shares_are_those_of_the_model_that_was_made(told, made, parent):
    old = len(load(parent).record.discovery.topics)
    topic = made.communications["topic"].tail(told["messages"])
    new = ((topic >= old).sum()) / len(topic)
    assert new > 0
    assert sum(share["after"]["value"] for share in told["shares"]) <= 1 - new + 1e-9


def test_where_it_comes_from_is_recorded(told, made, parent):
    digests = made.record.digests
    assert digests["corpus"] == corpus_digest(made.communications["text"].to_list())
    assert told["parent"] == parent.name
    assert f"parent {parent.name}" in digests
    assert f"batch batch.csv on {parent.name}" in digests
    assert "without refitting" in made.record.note
    assert (Path(told["folder"]) / "report.html").is_file()


def test_no_raw_text_or_id_gets_into_the_folder(told):
    for path in Path(told["folder"]).iterdir():
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += repr(pl.read_parquet(path).to_dicts()).encode()
        assert HANDLE.encode() not in content, path.name
        assert b"raw-id-" not in content, path.name


def test_vectors_of_new_words_are_kept_within_what_the_study_allows(told, root, parent, tmp_path):
    assert told["new_topics"]
    record, others = load(parent).record, VectorCache(Folders(tmp_path).cache, "another")
    allowed = record.config["encoder"] | {"cache_gigabytes": 1e-9}
    folder = store.save(replace(record, config=record.config | {"encoder": allowed}), tmp_path / "models")
    others.add(["a"], np.ones((1, 4), np.float32))
    update(folder, root / "batch.csv", ColumnsConfig(id="id"), root=tmp_path)
    assert list(others.folder.iterdir()) == []


def test_the_same_batch_again_is_nothing_new(told, root):
    with pytest.raises(CorpusError, match="all of its messages already"):
        update(told["folder"], root / "batch.csv", ColumnsConfig(id="id"), root=root)


def test_ids_of_a_batch_stay_known_when_the_study_is_read_again(told, root):
    vault = Vault.open(root / ".themeloom" / "private", "small")
    before = vault.read_crosswalk()
    assert {"raw-id-7", "copy-1", "copy-2"} <= set(before["source_id"])
    pipeline.check(root / "study" / "experiment.toml", root)
    assert set(vault.read_crosswalk().iter_rows()) == set(before.iter_rows())
    with pytest.raises(CorpusError, match="all of its messages already"):
        update(told["folder"], root / "batch.csv", ColumnsConfig(id="id"), root=root)


@pytest.mark.filterwarnings("ignore:Operation with range is deprecated")
def test_parts_of_a_run_are_not_in_the_users_mlflow(tmp_path):
    import mlflow.sklearn

    study = write_study(tmp_path / "study")
    write_batch(tmp_path / "batch.csv", tmp_path / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    with store_of(tmp_path) as client:
        mlflow.sklearn.autolog(log_models=False, silent=True)
        try:
            with mlflow.start_run() as mine:
                folder = themeloom.run(study.experiment, tmp_path).folder
                load(folder).to_bertopic()
                update(folder, tmp_path / "batch.csv", ColumnsConfig(id="id"), root=tmp_path)
            assert client.get_run(mine.info.run_id).data.params == {}
            assert len(client.search_runs(["0"])) == 1
        finally:
            mlflow.sklearn.autolog(disable=True)


def test_it_is_registered_like_any_model_and_tracked_first(told, root, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    there = register(told["folder"], root, alias="fresh")
    assert load(there.reference, root=root).record.run == told["run"]
    assert register(told["folder"], root, alias="fresh") == there


def test_the_new_model_is_named_even_where_the_json_file_cannot_be_written(told, root, parent, monkeypatch):
    def full(*_):
        raise OutputError("no room.")

    assert told
    monkeypatch.setattr("themeloom.cli.models.write_json", full)
    before = set(parent.parent.iterdir())
    done = CliRunner().invoke(app, ["update", str(parent), str(root / "batch.csv"), "--root", str(root)])
    (made,) = set(parent.parent.iterdir()) - before
    assert isinstance(done.exception, OutputError)
    assert made.name in "".join(done.stdout.split())


def test_words_that_are_always_masked_must_be_given_again(tmp_path):
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    study.rewrite("experiment.toml", "[validate]", '[anonymise]\nmask = ["zorb"]\n\n[validate]')
    folder = pipeline.run(study.experiment, tmp_path).folder
    new = tmp_path / "new.csv"
    new.write_text("text\nI met zorb at the assessment\nand zorb was kind to me\n")
    with pytest.raises(ConfigError, match="--experiment EXPERIMENT"):
        update(folder, new, root=tmp_path)
    found = update(folder, new, root=tmp_path, experiment=study.experiment)
    texts = load(found.folder).communications["text"].to_list()[-2:]
    assert sorted(texts) == ["I met [person] at the assessment", "and [person] was kind to me"]


def test_new_messages_are_masked_as_those_of_the_model_were(tmp_path):
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    names = "[anonymise]\nnames = false\n\n[validate]"
    study.rewrite("experiment.toml", "[validate]", names)
    folder = pipeline.run(study.experiment, tmp_path).folder
    assert not load(folder).masking.names
    study.rewrite("experiment.toml", names, '[anonymise]\nmask = ["zorb"]\n\n[validate]')
    new = tmp_path / "new.csv"
    new.write_text("text\nI met Wilhelmina and zorb at the assessment\n")
    for experiment, said in ((None, "zorb"), (study.experiment, "[person]")):
        found = update(folder, new, root=tmp_path, experiment=experiment)
        text = load(found.folder).communications["text"].to_list()[-1]
        assert text == f"I met Wilhelmina and {said} at the assessment"
