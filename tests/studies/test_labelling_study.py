"""The walk of two coders on the demonstration study (synthetic messages), and what follows from codes."""

import csv
import json
import re
import shutil
import socket
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from builders import make_record
from coding import code_all, message_of, press, sit_down, type_all, typed
from studies import write_study
from themeloom import pipeline
from themeloom.columns import UNREADABLE
from themeloom.errors import LabelError, ThemeloomError
from themeloom.experiment import read_experiment
from themeloom.history import store as history
from themeloom.labelling import codebooks
from themeloom.labelling.imports import Taken
from themeloom.labelling.store import Store
from themeloom.progress import Nobody, Stages
from themeloom.records import Corpus
from themeloom.studies import label_store, labelling_study, planning, sampling
from themeloom.studies.labelling_study import Asked, export_labels, import_labels, open_study
from themeloom.studies.study import aside_note, read_corpus
from themeloom.sweeps import sweeping
from themeloom.system.folders import Folders
from themeloom.themes.agreement import agreement
from themeloom.themes.codebook import read_codebook
from themeloom.themes.sample import read_labels

DEMO = Path(str(files("themeloom"))) / "data" / "dearmhp"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demonstration study's labelled messages, and some others, with the label store for labels."""
    root = tmp_path_factory.mktemp("walk")
    study = root / "study"
    shutil.copytree(DEMO, study)
    ids = {row.split(",")[0] for row in (study / "labels.csv").read_text("utf-8").splitlines()[1:]}
    lines = (study / "search-hashtag.jsonl").read_text("utf-8").splitlines(keepends=True)
    kept = [line for place, line in enumerate(lines) if place % 8 == 0 or json.loads(line)["id"] in ids]
    (study / "search-hashtag.jsonl").write_text("".join(kept), encoding="utf-8")
    with (study / "search-phrase.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for place, row in enumerate(csv.reader(file)) if place % 8 == 0 or ids & set(row)]
    with (study / "search-phrase.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    text = (study / "experiment.toml").read_text(encoding="utf-8")
    text = text.replace('labels = "labels.csv"', 'labels = "label-store"')
    (study / "experiment.toml").write_text(text, encoding="utf-8")
    return root, study / "experiment.toml"


def said_in_file(root, experiment):
    """doc_id → the codes of the two coders of the demonstration's label file."""
    config, folders = read_experiment(experiment), Folders(root)
    corpus = read_corpus(config, folders, Stages())
    doc_of = dict(corpus.crosswalk.select("source_id", "doc_id").iter_rows())
    with (experiment.parent / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {doc_of[row["tweet_id"]]: (row["coder_a"], row["coder_b"]) for row in rows}


KEYS = {
    key: str(place)
    for place, key in enumerate(
        ("diagnosis", "power", "relationship", "support", "thanks", "meta", "link"), start=1
    )
}


def code_through_a_kill(ana, ben, server, said):
    """Let two coders code everything, one of them while the server is killed and started again."""
    type_all(ana, {doc_id: KEYS[code] for doc_id, (code, _) in said.items()})
    code_all(ben, lambda doc_id: KEYS[said[doc_id][1]], most=30)
    typed(ana)
    server.kill()
    press(ben, KEYS[said[message_of(ben)][1]])  # said while nobody hears it
    server.start()
    type_all(ben, {doc_id: KEYS[code] for doc_id, (_, code) in said.items()})
    typed(ben)


def come_in_again(page, server, name):
    """Open the start link of the server as it was started last, and choose a name."""
    page.goto(server.link)
    page.wait_for_url(f"{server.address}/")
    page.fill("#name", name)
    page.press("#name", "Enter")
    page.wait_for_url(f"{server.address}/code")


def decide_one(page, server, said):
    """Decide the first disputed message as the second coder said; give it."""
    page.goto(f"{server.address}/adjudicate")
    assert page.locator("article.card").count() == sum(one != other for one, other in said.values()) > 5
    card = page.locator("article.card").first
    doc_id = card.get_attribute("id").removeprefix("d-")
    card.locator("select").select_option(said[doc_id][1])
    card.locator("input[name=why]").fill("Ben had read the whole of it")
    card.locator("button").click()
    page.wait_for_function("() => document.body.innerText.includes('Ben had read the whole of it')")
    return doc_id


def exported_labels(page, server, folder):
    """Download the label file."""
    page.goto(f"{server.address}/exports")
    with page.expect_download() as download:
        page.click("text=labels.csv")
    download.value.save_as(folder / "exported.csv")
    return folder / "exported.csv"


def test_the_walk(visit, coding_server, demo, command):
    """Two coders code 200 messages, the server is killed in between, they adjudicate, export and validate."""
    root, experiment = demo

    def label(port):
        words = [sys.executable, "-m", "themeloom", "label", experiment, "--root", root, "--no-open"]
        return [*map(str, words), "--sheet", str(experiment.parent / "labels.csv"), "--port", str(port)]

    server = coding_server(root, command=label)
    said = said_in_file(root, experiment)
    ana, ben = (sit_down(visit, server, name).page for name in ("Ana", "Ben"))
    code_through_a_kill(ana, ben, server, said)
    ben.goto(f"{server.address}/agreement")
    assert "200 messages were coded by two or more of Ana, Ben" in ben.inner_text("main")
    come_in_again(ben, server, "Ben")  # as an earlier start's lead, he is none
    decided = decide_one(ben, server, said)
    exported = exported_labels(ben, server, experiment.parent)
    server.kill()

    with exported.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["doc_id"].removeprefix("'"): row for row in csv.DictReader(file)}
    assert {one: (row["Ana"], row["Ben"]) for one, row in rows.items()} == said
    assert {one: row["adjudicated"] for one, row in rows.items() if row["adjudicated"]} == {
        decided: said[decided][1]
    }
    check_both_ways(root, experiment, exported)
    check_masked(root, experiment)
    code, out, err = command("check", experiment, "--root", root)
    counts = re.search(r"(\d+) labelled messages, and (\d+) tied", " ".join(out.split()))
    assert (code, counts and sum(map(int, counts.groups()))) == (0, 200), err


def check_masked(root, experiment):
    """Neither source ids nor handles nor addresses are in the file that the page is served from."""
    kept = b"".join(path.read_bytes() for path in (root / "labels").iterdir())
    ids = [
        row.split(",")[0] for row in (experiment.parent / "labels.csv").read_text("utf-8").splitlines()[1:]
    ]
    assert len(ids) == 200
    assert [one for one in ids if one.encode() in kept] == []
    with Store.open(Folders(root).label_file("dearmhp"), "dearmhp") as store:
        texts = [row["text"] for row in store.messages()]
    assert [text for text in texts if re.search(r"(^|\s)@\w|https?://", text)] == []
    assert any("[handle " in text for text in texts)


def check_both_ways(root, experiment, exported):
    """The label store and the exported file are the same labels to a run."""
    config, folders = read_experiment(experiment), Folders(root)
    corpus = read_corpus(config, folders, Stages())
    doc_ids = corpus.communications["doc_id"].to_list()
    book = read_codebook(config.themes.codebook)
    from_file = config.themes.model_copy(update={"labels": str(exported)})
    one = read_labels(from_file, book, corpus.crosswalk, doc_ids)
    other = label_store.labels_of(config, folders, book, corpus).sample
    assert (one.position == other.position).all()
    assert (one.codes == other.codes).all()
    assert (one.theme == other.theme).all()
    assert one.inclusion.tolist() == other.inclusion.tolist() == [200 / len(doc_ids)] * 200
    assert agreement(one, book, draws=100).messages == 200


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The small study with the label store for labels, opened once."""
    root = tmp_path_factory.mktemp("small")
    study = write_study(root / "study")
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "label-store"')
    opened = open_study(study.experiment, Asked(draw=40, coders=("Ana", "Ben")), root=root)
    opened.store.close()
    return root, study, opened


def test_a_first_sample_is_drawn_and_its_coders_have_links(small):
    root, _, opened = small
    assert (opened.new, sorted(opened.links)) == (40, ["Ana", "Ben"])
    with Store.open(Folders(root).label_file("small"), "small") as store:
        rows = store.messages()
    assert {row["design"] for row in rows} == {"random"}
    assert {row["inclusion"] for row in rows} == {40 / 64}


def test_a_first_sample_is_all_that_is_left_where_that_is_less(tmp_path, monkeypatch):
    study = write_study(tmp_path / "study")  # a label file lists 24 of its 64 messages
    monkeypatch.setattr(labelling_study, "FIRST", 41)
    with open_study(study.experiment, root=tmp_path).store as store:
        assert {row["inclusion"] for row in store.messages()} == {1.0}
        assert len(store.messages()) == 40
    rows = [f"m{number},waiting" for number in range(64)]
    study.write("labels.csv", "\n".join(["id,coder", *rows]) + "\n")
    with pytest.raises(
        LabelError, match=r"labels\.csv: lists all messages .* take its messages onto the page"
    ):
        open_study(study.experiment, root=tmp_path / "new")
    assert not (tmp_path / "new" / "labels").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(draw=65), "cannot draw 65 messages: 40 of 64 are not labelled yet; .* by --draw of `label`"),
        (Asked(coders=("7",)), "'7' can be no coder's name"),
        (Asked(draw=10, design="stratified"), "holds no run"),
    ],
)
def test_no_label_file_is_left_where_the_page_cannot_be_opened(tmp_path, asked, said):
    study = write_study(tmp_path / "study")
    with pytest.raises(ThemeloomError, match=said):
        open_study(study.experiment, asked, root=tmp_path)
    assert not (tmp_path / "labels").exists()


class Listener(Nobody):
    """Hears what is told."""

    def __init__(self):
        self.heard = []

    def tell(self, sentence):
        self.heard.append(sentence)


def test_whoever_opens_the_page_is_told_how_many_rows_it_cannot_hold(tmp_path):
    study = write_study(tmp_path / "study")
    for number in range(1, 6):
        study.rewrite("messages.csv", f"m{number},", f"m{number},too,many,")
    (study.folder / "labels.csv").unlink()
    listener = Listener()
    open_study(study.experiment, Asked(draw=10), root=tmp_path, watcher=listener).store.close()
    (told,) = listener.heard
    assert told.startswith("5 of 64 rows cannot be read and are set aside: 5 as messages.csv:3 (")


def told_of_the_key(study, root):
    listener = Listener()
    read_corpus(read_experiment(study.experiment), Folders(root), Stages(listener))
    return listener.heard


@pytest.mark.parametrize("left", ["a label file", "a model"])
def test_a_new_key_is_told_where_something_had_another(tmp_path, left):
    study, record = write_study(tmp_path / "study"), make_record(20)
    study.rewrite("experiment.toml", 'name = "small"', f'name = "{record.study}"')
    history.save(replace(record, run=record.run.replace("made-up", "made-up-too")), tmp_path / "models")
    assert told_of_the_key(study, tmp_path) == []
    if left == "a model":
        made = history.save(record, tmp_path / "models")
    else:
        made = Folders(tmp_path).label_file(record.study)
        Store.open(made, record.study).close()
    assert told_of_the_key(study, tmp_path) == []
    shutil.rmtree(tmp_path / ".themeloom")
    (told,) = told_of_the_key(study, tmp_path)
    assert told.startswith(
        f"{tmp_path}/.themeloom/private/made-up: the study's key was not here, so a new one"
    )
    assert f"though {made} is there: its ids cannot be led back by this key" in told
    assert told_of_the_key(study, tmp_path) == []


def test_reasons_that_are_many_are_not_all_told():
    rows = [("a.csv", line, None, f"reason {line % 5}") for line in range(2, 22)]
    rows += [("b.csv", 7, None, "reason 3")]
    told = aside_note(pl.DataFrame(rows, schema=UNREADABLE, orient="row"), 1_000)
    assert told.startswith(
        "21 of 1,000 rows cannot be read and are set aside: 5 as a.csv:3 (reason 3), 4 as "
    )
    assert "(reason 4), 8 for other reasons. " in told
    assert not aside_note(pl.DataFrame(schema=UNREADABLE), 1_000)


@pytest.mark.parametrize(
    "begin",
    [pipeline.run, pipeline.check, sweeping.sweep, lambda one, root: planning.plan_labels(one, root=root)],
)
def test_without_codes_a_run_is_told_where_to_begin(small, begin):
    root, study, _ = small
    with pytest.raises(LabelError, match="nobody has coded a message yet; `themeloom label` opens the page"):
        begin(study.experiment, root)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            [("thanks", 1), ("power", 1)],
            "all codes \\(2\\) were given with the model's guess in sight",
        ),
        ([("thanks", 1), (None, 0)], "set themes.assisted = true, or code messages"),
        ([(None, 0)], "no code counts, as messages are unclear"),
        ([], "nobody has coded a message yet"),
    ],
)
def test_why_no_code_counts_is_told(small, tmp_path, said, why):
    config, folders = read_experiment(small[1].experiment), Folders(tmp_path)
    drawn = {"doc_id": ["a", "b"], "text": "x", "inclusion_probability": 0.5, "design": "random"}
    with Store.open(folders.label_file("small"), "small") as store:
        codebooks.take_in(store, read_codebook(config.themes.codebook), "test", "as it was")
        store.add_messages(pl.DataFrame(drawn), "test")
        for doc_id, (code, assisted) in zip("ab", said, strict=False):
            store.add("code", "Ana", doc_id=doc_id, code=code, unclear=int(code is None), assisted=assisted)
    with pytest.raises(LabelError, match=why):
        label_store.begun(config, folders)


def test_what_coders_found_unclear_has_no_label_in_a_run(small, tmp_path):
    """Nobody agreed on a code, or it was decided so: the codes stay, for the agreement between coders."""
    config, folders = read_experiment(small[1].experiment), Folders(tmp_path)
    config = config.model_copy(update={"themes": config.themes.model_copy(update={"sample": "random"})})
    said = {
        "a": ("waiting", None, None),
        "b": ("waiting", "waiting", None),
        "c": ("waiting",) * 3,
        "d": (None,) * 3,
    }
    drawn = {"doc_id": list(said), "text": "x", "inclusion_probability": 0.5, "design": "random"}
    book = read_codebook(config.themes.codebook)
    with Store.open(folders.label_file("small"), "small") as store:
        codebooks.take_in(store, book, "test", "as it was")
        store.add_messages(pl.DataFrame(drawn), "test")
        for doc_id, given in said.items():
            for coder, code in zip(("Ana", "Ben", "Cem"), given, strict=True):
                store.add("code", coder, doc_id=doc_id, code=code, unclear=int(code is None))
        store.add("decide", "Ana", doc_id="c", code=None, unclear=1, note="so")
    listed = pl.DataFrame({"source_id": list(said), "doc_id": list(said)})
    corpus = Corpus(listed.select("doc_id"), listed, {}, pl.DataFrame())
    sample = label_store.labels_of(config, folders, book, corpus).sample
    assert sample.position.tolist() == [0, 1, 2]  # to 'd', nobody gave a code
    assert sample.decided.tolist() == [False, True, False]
    assert (sample.codes >= 0).sum(axis=1).tolist() == [1, 2, 3]


def test_what_was_coded_and_gives_no_label_is_counted(small, tmp_path):
    config, folders = read_experiment(small[1].experiment), Folders(tmp_path)
    drawn = {"doc_id": list("abcdef"), "text": "x", "inclusion_probability": 0.5, "design": "random"}
    with Store.open(folders.label_file("small"), "small") as store:
        codebooks.take_in(store, read_codebook(config.themes.codebook), "test", "as it was")
        store.add_messages(pl.DataFrame(drawn), "test")
        for doc_id, coder, code, assisted in (
            ("a", "Ana", "waiting", 0),
            ("a", "Ben", "waiting", 1),
            ("b", "Ana", None, 0),
            ("c", "Ana", "waiting", 1),
            ("d", "Ana", "waiting", 0),
            ("d", "Ben", "listening", 1),
        ):
            unclear = int(code is None)
            store.add("code", coder, doc_id=doc_id, code=code, unclear=unclear, assisted=assisted)
        store.add("decide", "Ben", doc_id="d", code=None, unclear=1)
    found = {"unclear": 1, "guessed": 1, "assisted": 3}
    listed = pl.DataFrame({"source_id": list("abcdef"), "doc_id": list("abcdef")})
    corpus, book = (
        Corpus(listed.select("doc_id"), listed, {}, pl.DataFrame()),
        read_codebook(config.themes.codebook),
    )

    def left_out(**changes):
        asked = config.model_copy(update={"themes": config.themes.model_copy(update=changes)})
        return label_store.labels_of(asked, folders, book, corpus).left_out

    assert left_out() == found
    assert left_out(assisted=True) == {"unclear": 1, "guessed": 0, "assisted": 0}
    (tmp_path / "labels.csv").write_text("id,Ana\na,waiting\n", encoding="utf-8")
    assert left_out(labels=str(tmp_path / "labels.csv")) == {}


def test_without_a_label_file_too(small, tmp_path):
    with pytest.raises(LabelError, match="there is no label file yet; make one by `themeloom label`"):
        pipeline.check(small[1].experiment, tmp_path)


def test_a_missing_label_file_hides_no_other_fault(tmp_path):
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "label-store"')
    study.rewrite("experiment.toml", 'text = "text"', 'text = "body"')
    study.write("codebook.yaml", "themes: [")
    for begin in (pipeline.check, pipeline.run):
        with pytest.raises(ThemeloomError) as told:
            begin(study.experiment, tmp_path)
        missing, codebook, source = told.value.faults
        assert "there is no label file yet" in missing
        assert "codebook.yaml:1: is not valid YAML" in codebook
        assert "'body'" in source


def test_a_codebook_that_no_coder_has_seen_is_told(tmp_path, monkeypatch, capsys):
    from themeloom import cli

    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "label-store"')
    open_study(study.experiment, Asked(draw=64), root=tmp_path).store.close()
    import_labels(study.experiment, [study.folder / "labels.csv"], root=tmp_path)

    def said(command):
        monkeypatch.setattr(
            sys, "argv", ["themeloom", command, str(study.experiment), "--root", str(tmp_path)]
        )
        with pytest.raises(SystemExit):
            cli.main()
        return capsys.readouterr().out

    assert "Note: " not in said("check")
    study.rewrite("codebook.yaml", "Being heard.", "Being heard, or read.")
    told = (
        f"Note: {study.folder / 'codebook.yaml'}: differs from version 1, which coders see (listening: "
        "definition changed); nobody has coded by it yet, but a run reads it."
    )
    assert told in said("check")
    (study.folder / "messages.csv").unlink()
    assert said("run").startswith(told)  # before the work begins
    study.write("codebook.yaml", "themes: [")
    assert said("run") == ""


def test_a_sheet_never_holds_what_the_label_file_has(small):
    root, study, _ = small
    sheet = sampling.draw_sheet(study.experiment, 24, root=root)
    with Store.open(Folders(root).label_file("small"), "small") as store:
        assert {row["doc_id"] for row in store.messages()} & set(sheet["doc_id"]) == set()


def test_more_messages_are_drawn_later_from_the_others(small):
    root, study, _ = small
    opened = open_study(study.experiment, Asked(draw=10), root=root)
    with opened.store as store:
        assert opened.new == 10
        assert [row["batch"] for row in store.messages()] == [1] * 40 + [2] * 10
        assert opened.links == {}
    again = open_study(study.experiment, root=root)
    again.store.close()
    assert again.new == 0


def test_codes_from_elsewhere_are_labels_of_the_next_run(small):
    """Source ids are understood; assisted and half coded batches count as they should."""
    root, study, _ = small
    config, folders = read_experiment(study.experiment), Folders(root)
    corpus = read_corpus(config, folders, Stages())
    doc_of = dict(corpus.crosswalk.select("source_id", "doc_id").iter_rows())
    with Store.open(folders.label_file("small"), "small") as store:
        sample = {row["doc_id"] for row in store.messages() if row["batch"] == 1}
    texts = dict(corpus.communications.select("doc_id", "text").iter_rows())
    rows = [
        (
            source,
            "listening"
            if "you " in texts[one] or "she " in texts[one] or "nurse" in texts[one]
            else "waiting",
        )
        for source, one in doc_of.items()
        if one in sample
    ][:30]
    study.write("elsewhere.csv", "id,Ana,Ben\n" + "".join(f"{one},{code},{code}\n" for one, code in rows))
    found = import_labels(study.experiment, [study.folder / "elsewhere.csv"], root=root)
    assert list(found.values()) == [Taken(60, 0, 0, ("Ana", "Ben"))]
    read = label_store.labels_of(config, folders, read_codebook(config.themes.codebook), corpus)
    table, ready = pl.read_parquet(read.copy), read.config.themes
    assert len(table) == 30
    assert (ready.coders, ready.sample, ready.key) == (("Ana", "Ben"), "random", "doc_id")
    assert ready.labels == "label-store"
    assert table["inclusion_probability"].to_list() == [pytest.approx(40 / 64 * 30 / 40)] * 30
    prepared = pipeline.check(study.experiment, root)
    assert len(prepared.sample.position) == 30
    assert prepared.sample.decided.all()
    out = study.folder / "all.json"
    assert export_labels(study.experiment, out, root=root) == 60
    assert len(json.loads(out.read_text(encoding="utf-8"))) == 50


def test_a_sheet_may_have_a_row_a_code(small, tmp_path):
    """Each message is taken once, as it was drawn; the codes of an export find theirs by it."""
    root, study, _ = small
    out = study.folder / "codes-again.csv"
    written = export_labels(study.experiment, out, root=root)
    shutil.copytree(root / ".themeloom", tmp_path / ".themeloom")
    opened = open_study(study.experiment, Asked(sheet=out), root=tmp_path)
    with opened.store as store:
        rows = [tuple(row) for row in store.read("SELECT doc_id, design, inclusion FROM messages")]
    said = pl.read_csv(out).select(pl.col("doc_id").str.strip_prefix("'"), "design", "inclusion_probability")
    assert 0 < opened.new == len(rows) == said["doc_id"].n_unique() < written == len(said)
    assert sorted(rows) == sorted(said.unique().rows())
    assert import_labels(study.experiment, [out], root=tmp_path)[out].new == written


def test_a_sheet_with_a_fault_leaves_no_label_file(small, tmp_path):
    study = small[1]
    shutil.copytree(small[0] / ".themeloom", tmp_path / ".themeloom")
    study.write("strange.csv", "doc_id,Ana\nnobody,waiting\n")
    with pytest.raises(LabelError, match=r"strange\.csv:2: the id in column 'doc_id' belongs to no message"):
        open_study(study.experiment, Asked(sheet=study.folder / "strange.csv"), root=tmp_path)
    assert not (tmp_path / "labels").exists()


def test_an_import_tells_what_it_changes(small, tmp_path, monkeypatch, capsys):
    from themeloom import cli

    root, study, _ = small
    shutil.copytree(root / ".themeloom", tmp_path / ".themeloom")
    shutil.copytree(root / "labels", tmp_path / "labels")
    first = (study.folder / "elsewhere.csv").read_text("utf-8").splitlines()[1].partition(",")[0]
    study.write("changed.csv", f"id,Ana,Ben,Cem\n{first},waiting,listening,waiting\n")
    words = ["themeloom", "import-labels", str(study.experiment), "--root", str(tmp_path)]
    said = []
    for name in ("changed.csv", "elsewhere.csv"):
        monkeypatch.setattr(sys, "argv", [*words, str(study.folder / name)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        assert not stopped.value.code
        said.append(capsys.readouterr().out.partition(": ")[0])
    assert said == [
        "1 new codes and 1 changed by Ana, Ben, Cem",
        "0 new codes by Ana, Ben; 1 stay as they are, as they were given later",
    ]


def test_what_a_run_does_not_read_of_the_page_is_told(tmp_path, monkeypatch, capsys):
    """By the page and its imports always, by `check` and `run` where there are codes that go unread."""
    from themeloom import cli

    study = write_study(tmp_path / "study")
    instead = 'a run reads labels.csv; set themes.labels = "label-store" to read what is coded on the page.'

    def said(command, *words):
        given = [command, study.experiment, "--root", tmp_path, *words]
        monkeypatch.setattr(sys, "argv", ["themeloom", *map(str, given)])
        with pytest.raises(SystemExit):
            cli.main()
        return capsys.readouterr().out

    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that the page ends where it would begin
        port = taken.getsockname()[1]
        sheet = study.folder / "labels.csv"
        assert f"Note: {instead}" in said("label", "--no-open", "--port", port, "--sheet", sheet)
    assert "Note: " not in said("check")
    assert said("import-labels", sheet).endswith(f"Note: {instead}\n")
    unread = f"Note: {tmp_path / 'labels' / 'small.sqlite'}: holds 24 codes that are not read: {instead}\n"
    assert said("check").endswith(unread)
    (study.folder / "messages.csv").unlink()
    assert said("run") == unread  # before the work begins
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "label-store"')
    assert "Note: " not in said("run") + said("import-labels", sheet)
    study.rewrite("experiment.toml", 'labels = "label-store"', 'labels = "labels.csv"')
    (tmp_path / "labels" / "small.sqlite").write_bytes(b"damaged")
    assert said("run") == ""


@pytest.mark.slow
def test_a_whole_run_is_validated_on_what_was_coded(small):
    root, study, _ = small
    scores = pipeline.run(study.experiment, root).model.record.scores
    assert scores.labels == 30
    assert scores.lines["coders"]["kappa"].value == 1
    assert scores.lines["message level"]["kappa"].value > 0.3
    assert "communications/prediction-powered" in scores.prevalence  # the design came with the codes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["label", "{experiment}", "--host", "192.0.2.1"], "give --tls-cert and --tls-key"),
        (["label", "{experiment}", "--guess"], "showing the model's guess needs one"),
        (["label", "{experiment}", "--sheet", "none.csv"], "there is no such sheet"),
        (["label", "{experiment}", "--draw", "5000"], "cannot draw 5,000 messages"),
        (["label", "{experiment}", "--coder", "=x"], "can be no coder's name"),
        (["export-labels", "{experiment}", "--out", "x.docx"], "end its name in .csv"),
        (["import-labels", "{experiment}", "none.csv"], "cannot be read"),
    ],
)
def test_faults_are_sentences(small, tmp_path, monkeypatch, capsys, words, said):
    from themeloom import cli

    _, study, _ = small
    shutil.copytree(small[0] / ".themeloom", tmp_path / ".themeloom")
    monkeypatch.setattr(
        sys,
        "argv",
        ["themeloom", *(word.format(experiment=study.experiment) for word in words), "--root", str(tmp_path)],
    )
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
