import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as save_arrays

from builders import make_record
from themeloom.columns import ASSIGNED, EVALUATION, POSTERIOR
from themeloom.encoders import NO_WORDS, WordVectors
from themeloom.errors import ModelError, OutputError
from themeloom.history import store
from themeloom.history.contents import disagreement
from themeloom.history.parts import FORMAT, LAYOUT
from themeloom.records import StageTime, Theme
from themeloom.scored import Score

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
NUMBER = st.floats(width=64)
SMALL = make_record(20)


def plain(value):
    """A value as nested pairs with types and dtypes, equal only to the bit (NaN equals NaN)."""
    if dataclasses.is_dataclass(value):
        fields = [(field.name, plain(getattr(value, field.name))) for field in dataclasses.fields(value)]
        return type(value).__name__, fields
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, pl.DataFrame):
        return "table", list(value.schema.items()), [plain(row) for row in value.rows()]
    if isinstance(value, dict):
        return "dict", [(key, plain(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value).__name__, [plain(item) for item in value]
    return type(value).__name__, repr(value)


def assert_same(left, right):
    assert plain(left) == plain(right)


@pytest.mark.parametrize(
    ("name", "columns"),
    [("communications", list(ASSIGNED)), ("evaluation", [*EVALUATION, f"{POSTERIOR}KEY"])],
)
def test_columns_are_told_in_the_manual(name, columns):
    page = (Path(__file__).resolve().parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    told = re.search(rf"(?s)`{name}\.parquet` has one row .*?\n\n(\|.*?)\n\n", page)
    assert re.findall(r"(?m)^\| `(\w+)` \|", told[1]) == columns


@pytest.mark.parametrize(("n", "seed"), [(20, 1), (60, 0), (301, 7)])
def test_a_run_comes_back_as_it_was(tmp_path, n, seed):
    record = make_record(n, seed)
    assert_same(record, store.load(store.save(record, tmp_path / "models")))


@given(
    title=TEXT,
    words=st.lists(TEXT, min_size=1, max_size=5),
    score=st.builds(Score, NUMBER, NUMBER, NUMBER),
    counts=st.dictionaries(TEXT, st.integers(0, 2**53), max_size=3),
    times=st.lists(st.builds(StageTime, TEXT, st.floats(0, 1e9), st.booleans()), max_size=3),
    message=st.none() | TEXT,
)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_words_and_numbers_come_back(tmp_path, title, words, score, counts, times, message):  # noqa: PLR0917
    record, found = SMALL, SMALL.discovery
    first = dataclasses.replace(found.topics[0], words=tuple(words), weights=(1 / 3,) * len(words))
    theme = Theme(title, title, title, tuple(words), (), residual=True)
    changed = dataclasses.replace(
        record,
        title=title,
        note=title,
        masked=counts,
        times=tuple(times),
        codebook=dataclasses.replace(record.codebook, themes=(*record.codebook.themes[:-1], theme)),
        communications=record.communications.with_columns(
            pl.col("theme", "topic_theme").replace({record.codebook.keys[-1]: title}),
            text=pl.lit(message, pl.String),
        ),
        evaluation=record.evaluation.rename({f"p_{record.codebook.keys[-1]}": f"p_{title}"}).with_columns(
            pl.col("coded", "topic_level", "message_level").replace({record.codebook.keys[-1]: title})
        ),
        discovery=dataclasses.replace(
            found,
            topics=(first, *found.topics[1:]),
            embeddings=dataclasses.replace(found.embeddings, masked=(message,) * len(record.communications)),
        ),
        scores=dataclasses.replace(record.scores, overall={"kappa": score}, lines={title: {"kappa": score}}),
    )
    shutil.rmtree(tmp_path / "models", ignore_errors=True)
    assert_same(changed, store.load(store.save(changed, tmp_path / "models")))


def test_a_static_encoder_comes_back(record, tmp_path):
    words = WordVectors(np.arange(24, dtype=np.float32).reshape(3, 8), np.frombuffer(b'{"a": 0}', np.uint8))
    config = record.config | {"encoder": record.config["encoder"] | {"static": True}}
    changed = dataclasses.replace(record, config=config, word_vectors=words)
    assert_same(changed, store.load(store.save(changed, tmp_path)))
    for wrong in (NO_WORDS, WordVectors(words.vectors[:, :7], words.tokenizer)):
        assert "the static encoder has shape" in disagreement(
            dataclasses.replace(changed, word_vectors=wrong)
        )
    bad = WordVectors(words.vectors * np.nan, words.tokenizer)
    assert "static encoder: some are no numbers" in disagreement(
        dataclasses.replace(changed, word_vectors=bad)
    )


def test_arrays_come_back_however_they_lie_in_memory(record, tmp_path):
    layout = record.discovery.layout
    turned = dataclasses.replace(layout, plane=np.asfortranarray(layout.plane)[::1])
    changed = dataclasses.replace(record, discovery=dataclasses.replace(record.discovery, layout=turned))
    loaded = store.load(store.save(changed, tmp_path))
    assert np.array_equal(loaded.discovery.layout.plane, layout.plane)


def test_the_folder_holds_what_the_layout_says_and_no_pickle(folder):
    assert sorted(p.name for p in folder.iterdir()) == sorted([*LAYOUT, "manifest.json"])
    assert {p.suffix for p in folder.iterdir()} == {".json", ".parquet", ".safetensors", ".md"}
    for file in folder.glob("*.json"):
        json.loads(file.read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_communications_have_exactly_the_promised_columns(record, tmp_path):
    leaky = record.communications.with_columns(author=pl.lit("somebody"), handle=pl.lit("somebody"))
    folder = store.save(dataclasses.replace(record, communications=leaky), tmp_path)
    table = pl.read_parquet(folder / "communications.parquet")
    assert dict(table.schema) == ASSIGNED
    assert table.equals(record.communications)


def test_everybody_who_may_read_the_folder_may_read_its_files(folder):
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}
    assert len(set(modes.values())) == 1, modes


def test_same_run_same_bytes(record, tmp_path):
    one, two = store.save(record, tmp_path / "one"), store.save(record, tmp_path / "two")
    assert (one / "manifest.json").read_bytes() == (two / "manifest.json").read_bytes()


def test_names_passwords_and_home_folders_stay_out(record, tmp_path):
    config = json.loads(json.dumps(record.config))
    config["anonymise"]["mask"] = ["Zebedee"]
    config["tracking"]["uri"] = "postgresql://me:hunter2@db.example/mlflow?password=hunter3"
    config["sources"][0]["path"] = str(tmp_path / "data" / "messages.csv")
    config["themes"]["labels"] = "/home/jane/labels.csv"
    folder = store.save(dataclasses.replace(record, config=config), tmp_path / "models")
    written = b"".join(p.read_bytes() for p in folder.iterdir())
    for secret in (b"Zebedee", b"hunter", b"jane", os.fsencode(tmp_path)):
        assert secret not in written
    kept = store.load(folder).config
    assert kept["tracking"]["uri"] == "postgresql://db.example/mlflow"
    assert kept["sources"][0]["path"] == "data/messages.csv"
    assert kept["themes"]["labels"] == "labels.csv"
    assert kept["anonymise"]["mask"] == ["withheld"]


def test_the_card_tells_what_a_reader_must_know(folder, record):
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    assert record.note in card
    assert str(record.scores.overall["kappa"]) in card
    assert f"| unique | {record.flow.unique} |" in card
    for heading in ("## Data", "## Intended use", "## Limits", "## How far it can be trusted"):
        assert heading in card
    for theme in record.codebook.themes:
        assert theme.name in card


def test_a_hostile_title_cannot_break_the_card(record, tmp_path):
    hostile = dataclasses.replace(record, title="<script>alert(1)</script>\n# not | a heading")
    card = (store.save(hostile, tmp_path) / "model_card.md").read_text(encoding="utf-8")
    assert card.startswith("# &lt;script&gt;alert(1)&lt;/script&gt; # not \\| a heading\n")


def test_a_moved_folder_loads(folder, record, tmp_path):
    assert_same(record, store.load(folder.rename(tmp_path / "elsewhere")))


def test_models_are_listed_oldest_first(tmp_path):
    late, early = make_record(seed=1), make_record(seed=2)
    late = dataclasses.replace(late, started_at="2026-03-01T00:00:00+00:00")
    paths = [store.save(run, tmp_path / "models") for run in (late, early)]
    (tmp_path / "models" / "README.md").write_text("not a model")
    (tmp_path / "models" / "unfinished").mkdir()
    assert store.models(tmp_path / "models") == paths[::-1]
    assert store.models(tmp_path / "nowhere") == []


# writing


def test_a_folder_that_exists_is_not_overwritten(folder, record):
    before = (folder / "manifest.json").stat().st_mtime_ns
    with pytest.raises(OutputError, match="exists already"):
        store.save(record, folder.parent)
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("run", ["../outside", "a/b", "/absolute", "..", "."])
def test_a_run_cannot_be_named_out_of_its_folder(record, tmp_path, run):
    with pytest.raises(OutputError):
        store.save(dataclasses.replace(record, run=run), tmp_path / "models")
    assert not list(tmp_path.rglob("*.json"))


def test_a_folder_that_cannot_be_written_is_said(record, tmp_path):
    (tmp_path / "models").write_text("a file, where a folder should be")
    with pytest.raises(OutputError, match="cannot be written"):
        store.save(record, tmp_path / "models")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_said(record, tmp_path):
    (tmp_path / "models").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        store.save(record, tmp_path / "models")
    assert not list((tmp_path / "models").iterdir())


def test_a_record_that_disagrees_with_itself_is_not_kept(record, tmp_path):
    mapping = dataclasses.replace(record.mapping, posterior=record.mapping.posterior[:-1])
    with pytest.raises(ValueError, match="posterior has shape"):
        store.save(dataclasses.replace(record, mapping=mapping), tmp_path / "models")
    assert not (tmp_path / "models").exists()


# reading what is not whole


def refused(folder, match):
    with pytest.raises(ModelError, match=match) as caught:
        store.load(folder)
    assert len(caught.value.faults) == 1
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_folder_no_manifest(tmp_path):
    refused(tmp_path / "nowhere", "no such model folder")
    refused(tmp_path, "not a whole model folder")


@pytest.mark.parametrize("name", LAYOUT)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    refused(folder, f"{name} is missing")


@pytest.mark.parametrize("name", LAYOUT)
def test_an_altered_file_is_named(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    refused(folder, f"{name}: was altered")


def test_a_truncated_file_is_named(folder):
    file = folder / "embeddings.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    refused(folder, r"embeddings\.safetensors: was altered")


def test_an_added_file_is_refused(folder):
    (folder / "plan.pkl").write_bytes(b"\x80\x04.")
    refused(folder, r"plan\.pkl: is not part of the model")


def test_a_report_may_lie_beside_the_model(folder, record):
    (folder / "report.html").write_text("<p>report</p>")
    assert_same(record, store.load(folder))


def test_links_are_refused(folder, tmp_path):
    target = tmp_path / "target.json"
    (folder / "config.json").rename(target)
    (folder / "config.json").symlink_to(target)
    refused(folder, "is a link")


def test_a_linked_manifest_is_refused(folder, tmp_path):
    (folder / "manifest.json").rename(tmp_path / "m.json")
    (folder / "manifest.json").symlink_to(tmp_path / "m.json")
    refused(folder, "not a whole model folder")


def test_a_pipe_does_not_hang(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    refused(folder, "where a model has plain files")


# reading what somebody made up


def forge(folder, name, data):
    """Put other content into a model and make the manifest agree."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def edit_manifest(folder, **changes):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.update(changes)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_newer_format_is_said(folder):
    edit_manifest(folder, format=FORMAT + 1, themeloom="9.1", more="unknown")
    refused(folder, rf"newer Themeloom \(9\.1, format {FORMAT + 1}; this one reads format {FORMAT}\)")


@pytest.mark.parametrize("changed", [{"format": 10**200}, {"format": FORMAT + 1, "themeloom": "9" * 5_000}])
def test_a_format_that_cannot_be_is_told_in_short(folder, changed):
    edit_manifest(folder, **changed)
    said = refused(folder, f"is not a manifest of format {FORMAT}")
    assert len(said) < 400


def test_an_older_format_is_said(folder):
    edit_manifest(folder, format=FORMAT - 1, themeloom="0.0.9")
    refused(folder, rf"older Themeloom \(0\.0\.9, format {FORMAT - 1}; this one reads format {FORMAT}\); run")
    edit_manifest(folder, themeloom=version("themeloom"))
    assert "use that version" not in refused(folder, "older Themeloom")


@pytest.mark.parametrize("changed", [{"coded": "nobody"}, {"message_level": "nobody"}, {"doc_id": "f" * 16}])
def test_an_evaluation_of_something_else_is_said(record, changed):
    altered = record.evaluation.with_columns(**{name: pl.lit(value) for name, value in changed.items()})
    assert disagreement(dataclasses.replace(record, evaluation=altered))
    assert disagreement(dataclasses.replace(record, evaluation=record.evaluation.drop("p_power")))
    assert not disagreement(record)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": "x"}', '{"format": 1}', "[" * 10**5, "\xff", '{"format": 0}']
)
def test_a_broken_manifest_is_said(folder, text):
    (folder / "manifest.json").write_bytes(text.encode("latin-1"))
    refused(folder, "is not a manifest")


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd", "sub/config.json", "config.json\x00"])
def test_a_manifest_cannot_name_other_files(folder, name):
    manifest = json.loads((folder / "manifest.json").read_text())
    edit_manifest(folder, files={**manifest["files"], name: {"sha256": "0" * 64, "bytes": 1}})
    refused(folder, "which no model folder holds")


def npy_with_pickle():
    file = io.BytesIO()
    np.save(file, np.array([print], dtype=object), allow_pickle=True)
    return file.getvalue()


def parquet(**columns):
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


@pytest.mark.parametrize("name", [n for n in LAYOUT if not n.endswith(".md")])
@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 64, b"PAR1" + b"\xff" * 60 + b"PAR1", npy_with_pickle(), b"[" * 10**5, b'{"a": 1'],
    ids=["empty", "zeros", "parquet-like", "pickle", "deep", "cut"],
)
def test_other_content_under_a_true_digest_is_refused(folder, name, data):
    forge(folder, name, data)
    refused(folder, "is not what a model holds there")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("clusters.safetensors", save_arrays({"topic": np.zeros(60, np.int64)})),
        ("embeddings.safetensors", save_arrays({"vectors": np.zeros((60, 8), np.float64)})),
        ("embeddings.safetensors", save_arrays({"vectors": np.zeros(60, np.float32)})),
        ("embedded_texts.parquet", parquet(text=[1, 2])),
        ("communications.parquet", parquet(doc_id=["a"], text=["b"])),
        ("tree.parquet", parquet(parent=[1], child=[2], size=[1])),
        ("topics.json", b'[{"topic": 0}]'),
        ("run.json", b'{"run": "x", "surprise": 1}'),
    ],
)
def test_other_shapes_columns_and_keys_are_refused(folder, name, data):
    forge(folder, name, data)
    refused(folder, "is not what a model holds there")


@pytest.mark.parametrize(
    ("name", "data", "match"),
    [
        ("embeddings.safetensors", save_arrays({"vectors": np.zeros((59, 8), np.float32)}), "vectors has"),
        ("embedded_texts.parquet", parquet(text=["a", "b"]), "embedded texts has shape"),
        ("topics.json", b"[]", "posterior has shape"),
    ],
)
def test_parts_that_disagree_are_refused(folder, name, data, match):
    forge(folder, name, data)
    refused(folder, match)


def change(record, **parts):
    discovery = record.discovery
    for name in ("clusters", "topics"):
        if name in parts:
            discovery = dataclasses.replace(discovery, **{name: parts.pop(name)})
    return dataclasses.replace(record, discovery=discovery, **parts)


def test_every_statement_about_a_sound_record_can_fail(record):
    found, topics = record.discovery, record.discovery.topics
    far = dataclasses.replace(topics[0], representative=(10**6,))
    beyond = np.where(found.clusters.topic == 0, 99, found.clusters.topic)
    beyond_table = record.communications.with_columns(topic=pl.Series(beyond))
    cases = {
        "not numbered": change(record, topics=topics[::-1]),
        "name different topics": change(
            record, clusters=dataclasses.replace(found.clusters, topic=found.clusters.topic[::-1])
        ),
        "topic that is not described": change(
            record,
            clusters=dataclasses.replace(found.clusters, topic=beyond),
            communications=beyond_table,
        ),
        "topic has a theme": change(
            record, mapping=dataclasses.replace(record.mapping, theme=record.mapping.theme + 50)
        ),
        "message has a theme": change(
            record, communications=record.communications.with_columns(theme=pl.lit("weather"))
        ),
        "representative": change(record, topics=(far, *topics[1:])),
        "confusion has shape": change(
            record, scores=dataclasses.replace(record.scores, confusion=np.zeros((2, 2)))
        ),
    }
    assert disagreement(record) == ""
    for said, broken in cases.items():
        assert said in disagreement(broken)


@given(data=st.data())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_damage_is_a_sentence_or_the_same_run(record, tmp_path, data):
    models = tmp_path / "models"
    shutil.rmtree(models, ignore_errors=True)
    folder = store.save(record, models)
    name = data.draw(st.sampled_from([n for n in LAYOUT if not n.endswith(".md")]))
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    forge(folder, name, bytes(content))
    said = ""
    try:
        loaded = store.load(folder)
    except ModelError as error:
        said = str(error)
    assert str(folder) in said or disagreement(loaded) == ""


def test_loading_imports_nothing_heavy(folder):
    code = (
        "import sys, pathlib; from themeloom.history import store;"
        "store.load(pathlib.Path(sys.argv[1]));"
        "print(sorted({'mlflow', 'torch', 'bertopic', 'pandas', 'pickle5', 'umap'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
