"""Labels from the label store: of a corpus that grows, and a codebook that changes while people code."""

import sys

import pytest

from studies import CODEBOOK, write_study
from themeloom import pipeline
from themeloom.errors import LabelError
from themeloom.experiment import read_experiment
from themeloom.labelling import codebooks
from themeloom.labelling.store import Store
from themeloom.progress import Stages
from themeloom.running.shares import drawn_by_chance
from themeloom.studies.labelling_study import Asked, open_study
from themeloom.studies.study import read_corpus
from themeloom.system.folders import Folders
from themeloom.themes.codebook import read_codebook

OTHERS = [
    f"{what} costs {number} pounds {end}"
    for what in ("parking", "the dentist", "every single prescription", "a bus fare")
    for number in (3, 8, 20, 90)
    for end in ("these days", "and more", "at least", "again")
]


@pytest.fixture
def store_study(tmp_path):
    """The small study with the label store for labels, 40 messages of it drawn at random."""
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "label-store"')
    open_study(study.experiment, Asked(draw=40, coders=("Ana",)), root=tmp_path).store.close()
    return study


def store_of(study):
    return Store.open(study.folder.parent / "labels" / "small.sqlite", "small")


def code(study, batch=1, most=None, code_of=None, version=1):
    """Let Ana code a batch; give what it holds."""
    with store_of(study) as store:
        rows = [row for row in store.messages() if row["batch"] == batch]
        for row in rows[:most]:
            heard = any(word in row["text"] for word in ("you ", "she ", "nurse"))
            said = code_of(row) if code_of else ("listening" if heard else "waiting")
            store.add("code", "Ana", doc_id=row["doc_id"], code=said, codebook=version)
    return rows


def check(study):
    return pipeline.check(study.experiment, study.folder.parent)


def shares_note(prepared):
    return drawn_by_chance(prepared.sample, len(prepared.corpus.texts))[1]


def add_source(study, name, texts):
    """Add a source to the study."""
    study.write(name, "\n".join(["id,text", *(f"{name}{at},{text}" for at, text in enumerate(texts))]) + "\n")
    study.rewrite(
        "experiment.toml",
        "[adapt]",
        f'[[sources]]\npath = "{name}"\ncolumns = {{ id = "id", text = "text" }}\n\n[adapt]',
    )


def test_a_random_sample_is_one_and_says_so_by_the_name_people_know(store_study):
    code(store_study)
    prepared = check(store_study)
    assert shares_note(prepared) == ""
    assert prepared.config.themes.sample == "random"
    assert prepared.config.themes.labels == "label-store"
    assert "label-store" in prepared.files
    assert prepared.note == ""


def test_a_corpus_that_grew_since_it_was_drawn_from_has_no_shares(store_study, monkeypatch, capsys):
    from themeloom import cli

    code(store_study)
    add_source(store_study, "more.csv", OTHERS)
    prepared = check(store_study)
    assert len(prepared.corpus.texts) == 128
    assert prepared.config.themes.sample == "unknown"
    drawn, note = drawn_by_chance(prepared.sample, 128)
    assert not drawn.any()
    told = (
        "Shares of themes are not estimated: the coded messages were drawn from a corpus of 64 messages, but "
        "it has 128 now; draw a new random sample"
    )
    assert note.startswith(told)
    words = ["themeloom", "check", str(store_study.experiment), "--root", str(store_study.folder.parent)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    out = " ".join(capsys.readouterr().out.split())
    assert (stopped.value.code, told in out, "does not say how" in out) == (0, True, False)


def test_a_new_sample_of_the_grown_corpus_tells_shares_again(store_study):
    code(store_study)
    add_source(store_study, "more.csv", OTHERS)
    open_study(store_study.experiment, Asked(draw=44), root=store_study.folder.parent).store.close()
    code(store_study, 2, code_of=lambda _: "waiting")
    prepared = check(store_study)
    drawn, note = drawn_by_chance(prepared.sample, 128)
    assert (drawn.all(), note) == (True, "")
    assert sorted(set(prepared.sample.inclusion.round(6))) == [0.5, 1]
    assert prepared.config.themes.inclusion == "inclusion_probability"


def test_the_code_of_a_message_that_is_a_repeat_now_counts_for_what_it_repeats(store_study):
    rows = code(store_study)
    text = rows[0]["text"]
    before = check(store_study)
    theme = before.codebook.keys[
        before.sample.theme[before.corpus.texts.index(text) == before.sample.position][0]
    ]
    messages = (store_study.folder / "messages.csv").read_text(encoding="utf-8")
    head, *lines = messages.splitlines()
    study_first = [head, f"earlier,{text}", *lines]
    store_study.write("messages.csv", "\n".join(study_first) + "\n")
    after = check(store_study)
    ids = after.corpus.communications["doc_id"].to_list()
    place = after.corpus.texts.index(text)
    assert ids[place] not in {row["doc_id"] for row in rows}  # the first of them stands for both
    assert after.codebook.keys[after.sample.theme[after.sample.position == place][0]] == theme
    assert len(after.sample.theme) == 40
    assert after.note == ""
    with pytest.raises(LabelError, match="24 of 64 are not labelled yet"):
        open_study(store_study.experiment, Asked(draw=25), root=store_study.folder.parent)


def test_repeats_coded_unlike_are_told_and_their_codes_left_out(store_study):
    study = store_study
    same = [f"the very same words about letter {at}" for at in range(6)]
    add_source(
        study,
        "pairs.csv",
        OTHERS[:20]
        + [f"{text} sent in the {when} of the year" for text in same for when in ("spring", "summer")],
    )
    study.rewrite("experiment.toml", "[adapt]", "[repeats]\nnear_duplicates = 1.0\n\n[adapt]")
    root = study.folder.parent
    size = len(read_corpus(read_experiment(study.experiment), Folders(root), Stages()).texts)
    open_study(study.experiment, Asked(draw=size - 40), root=root).store.close()
    code(study)
    rows = code(study, 2, code_of=lambda row: "listening" if "summer" in row["text"] else "waiting")
    assert sum("very same words" in row["text"] for row in rows) == 12
    assert check(study).note == ""
    study.rewrite("experiment.toml", "near_duplicates = 1.0", "near_duplicates = 0.6")
    found = check(study).note
    assert (
        "are repeats of each other in the corpus as it is now, and have different codes by one coder" in found
    )


def test_labels_of_messages_that_are_gone_are_left_out_and_told(store_study):
    rows = code(store_study)
    gone = {row["text"] for row in rows[:1]}
    messages = (store_study.folder / "messages.csv").read_text(encoding="utf-8")
    kept = [line for line in messages.splitlines() if not any(line.endswith(text) for text in gone)]
    store_study.write("messages.csv", "\n".join(kept) + "\n")
    prepared = check(store_study)
    path = store_study.folder.parent / "labels" / "small.sqlite"
    assert prepared.note == f"{path}: 1 coded message(s) are in the corpus no more; their codes are left out."
    assert len(prepared.sample.theme) == 39
    assert shares_note(prepared) == ""  # one of 64: no share is wrong by much
    store_study.write(
        "messages.csv", "\n".join(["id,text", *(f"x{at},{one}" for at, one in enumerate(OTHERS))])
    )
    with pytest.raises(
        LabelError, match=r"small\.sqlite: none of its 40 coded messages is in the corpus; give the"
    ):
        check(store_study)


def test_a_code_that_left_the_codebook_is_told_with_message_and_coder(store_study):
    rows = code(store_study, code_of=lambda _: "listening")
    store_study.write("codebook.yaml", CODEBOOK.replace("key: listening", "key: hearing"))
    with pytest.raises(LabelError) as caught:
        check(store_study)
    path = store_study.folder.parent / "labels" / "small.sqlite"
    doc_id = min(row["doc_id"] for row in rows)
    assert caught.value.faults[0] == (
        f"{path}: Ana gave 'listening' for the message {doc_id}, which is no code of the codebook; keep its "
        "entry, and say in its definition that it is used no more, or code the message anew."
    )
    assert caught.value.faults[-1] == f"{path}: 20 more codes like these."


def test_too_few_labels_are_told_of_the_label_file(store_study):
    code(store_study, most=2)
    with pytest.raises(LabelError, match=r"labels/small\.sqlite: has 2 label\(s\), fewer than the 3"):
        check(store_study)


def test_a_theme_that_came_after_many_codes_is_told(store_study):
    code(store_study)
    later = CODEBOOK + "  - key: cost\n    name: Cost\n    definition: What it costs.\n"
    store_study.write("codebook.yaml", later)
    told = (
        "40 of 40 codes were given before the codebook had 'cost': its share is told too low, unless these "
        "messages are coded anew."
    )
    with store_of(store_study) as store:
        codebooks.take_in(store, read_codebook(store_study.folder / "codebook.yaml"), "Ana", "it came up")
    assert check(store_study).note == told
    code(store_study, version=2)
    assert check(store_study).note == ""
