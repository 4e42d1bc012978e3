"""The static encoder, distilled from a real but tiny transformer."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import themeloom
from invented import messages
from studies import EXPERIMENT, write_study
from themeloom.config import EncoderConfig, Experiment
from themeloom.discovery import backend, embed, static
from themeloom.discovery.embed import Encoder, encode_cached
from themeloom.discovery.estimate import distilled
from themeloom.discovery.length import length_note
from themeloom.encoders import WordVectors
from themeloom.errors import ConfigError
from themeloom.experiment import read_experiment
from themeloom.members import Labels
from themeloom.progress import Stages
from themeloom.running import evidence as module
from themeloom.running.discover import embed_corpus
from themeloom.running.evidence import Evidence

WORDS = ["the", "nurse", "listened", "to", "me", "a", "list", "is", "long", "too", "waiting", "nobody"]
TEXTS = ["the nurse listened", "nobody listened to me", "the waiting list is too long", "the nurse listened"]


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of 288 dimensions over a few hundred word pieces, with weights by chance."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{a}" for a in letters), *WORDS]
    pieces += [f"{a}{b}{c}" for a in letters[:8] for b in letters[:8] for c in letters[:5]]
    words = {piece: at for at, piece in enumerate(dict.fromkeys(pieces))}
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=288,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder / "bert")
    BertTokenizerFast(vocab=words).save_pretrained(folder / "bert")
    model = SentenceTransformer(modules=[Transformer(str(folder / "bert")), Pooling(288)])
    model.save(str(folder / "whole"))
    return folder / "whole"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(backend.HOME, str(tmp_path / "home"))
    return tmp_path / "home"


def encoder(transformer: Path) -> Encoder:
    return Encoder(EncoderConfig(name=str(transformer), static=True))


def table_of(encoder: Encoder) -> np.ndarray:
    return np.asarray(encoder.model[0].embedding.weight.detach().numpy(), np.float64)


def test_frequent_pieces_say_less_than_rare_ones(transformer: Path) -> None:
    length = np.linalg.norm(table_of(encoder(transformer)), axis=1)
    assert length[:5].max() < length[-100:].min() / 10


def test_what_running_text_has_in_common_is_taken_out(transformer: Path) -> None:
    made = encoder(transformer)
    table, tokenizer = table_of(made), made.model[0].tokenizer
    pieces = [tokenizer.id_to_token(at) for at in range(len(table))]
    words = [at for at, piece in enumerate(pieces) if len(piece) > 1 and piece.isalpha()]
    assert len(words) > 300
    common = (1 / (np.arange(len(words)) + 3.7)) @ table[words]
    assert np.linalg.norm(common) < 1e-5 * np.abs(table).sum()


@given(st.integers(0, 2**16), st.integers(1, 40))
def test_only_one_direction_is_taken_out(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(number, 6))
    pieces = [["the", "\u2581nurse", "##ing", ".", "a", "\u0120list"][at % 6] for at in range(number)]
    left = static.without_common(table, pieces)
    assert np.linalg.matrix_rank(table - left, tol=1e-9) == 1
    words = [at for at in range(number) if at % 6 in {0, 1, 5}]
    assert np.allclose((1 / (np.arange(len(words)) + 3.7)) @ left[words], 0)
    assert ((left**2).sum(axis=1) <= (table**2).sum(axis=1) + 1e-12).all()


def test_without_words_nothing_is_taken_out() -> None:
    table = np.eye(3)
    assert np.array_equal(static.without_common(table, ["##a", ".", "b"]), table)


def test_it_is_made_once_without_pickle_and_gives_unit_vectors(
    transformer: Path, home: Path, tmp_path: Path
) -> None:
    first = encoder(transformer)
    vectors = first.encode(TEXTS)
    assert vectors.shape == (4, static.DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors[0], vectors[3])
    assert vectors[0] @ vectors[1] < 0.999
    made = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    assert {path.suffix for path in made} <= {".safetensors", ".json", ".md"}
    again = encoder(transformer)
    assert np.array_equal(encode_cached(TEXTS, again, again.cache(tmp_path / "cache")), vectors)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()} == made
    assert again.fingerprint == first.fingerprint != Encoder(EncoderConfig(name=str(transformer))).fingerprint
    assert first.name.endswith(", distilled")


class Bar:
    """A bar of ours."""

    def __init__(self) -> None:
        self.begun: list[tuple[int | None, str]] = []
        self.done = 0

    def begin(self, total: int | None, unit: str) -> None:
        self.begun.append((total, unit))

    def advance(self, steps: int = 1) -> None:
        self.done += steps


@pytest.mark.usefixtures("home")
def test_how_far_it_is_made_is_told_by_our_bar_and_by_no_other(
    transformer: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    bar, made = Bar(), encoder(transformer)
    made.cache(tmp_path / "cache", bar)
    [(total, unit)] = bar.begun
    assert (bar.done, unit) == (total, "word pieces")
    assert total == len(table_of(made))
    assert "tokens" not in capfd.readouterr().err
    again = Bar()
    encoder(transformer).cache(tmp_path / "cache", again)
    assert again.begun == []  # it is there


@pytest.mark.usefixtures("home")
def test_a_static_encoder_of_ones_own_is_used_as_it_is(transformer: Path) -> None:
    made = encoder(transformer)
    own = Encoder(EncoderConfig(name=str(made.folder)))
    assert np.array_equal(own.encode(TEXTS), made.encode(TEXTS))


@pytest.mark.parametrize("is_static", [False, True])
def test_what_it_does_not_read_of_long_texts_is_told(transformer: Path, *, is_static: bool) -> None:
    config = EncoderConfig(name=str(transformer), static=is_static, frequent_terms=1.0)
    longest = 512 if is_static else 510  # which reads no piece for the beginning and none for the end
    texts = [" ".join(["nurse"] * longest), " ".join(["nurse"] * (longest - 1))]
    for text, whole in zip(texts, (False, True), strict=True):
        longer = f"{text} waiting"
        told, vectors = length_note([longer], config), Encoder(config).encode([text, longer])
        assert ("the 512 word pieces" in told) is not whole
        assert np.array_equal(*vectors) is not whole


def test_a_vector_is_a_mean_over_word_pieces_in_any_order(transformer: Path) -> None:
    one, other = encoder(transformer).encode(["nurse listened", "listened nurse"])
    assert np.allclose(one, other, atol=1e-5)


def test_what_is_kept_of_it_gives_the_same_vectors_wherever_it_is_loaded(
    transformer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = encoder(transformer)
    vectors, kept = first.encode(TEXTS), first.word_vectors
    monkeypatch.setattr(embed, "distilled", _nobody_distils)
    again = Encoder(EncoderConfig(name="nowhere", static=True), kept)
    moved = pickle.loads(pickle.dumps(again))  # noqa: S301 - made here
    for one in (again, moved):
        assert np.array_equal(one.encode(TEXTS), vectors)
        assert one.fingerprint == again.fingerprint
    other = Encoder(again.config, WordVectors(-kept.vectors, kept.tokenizer))
    assert np.allclose(other.encode(TEXTS), -vectors)
    assert other.fingerprint != again.fingerprint
    assert not len(encoder(transformer).parent.word_vectors.vectors)


def _nobody_distils(*_: object) -> Path:
    raise AssertionError


@pytest.mark.parametrize(
    ("tokenizer", "rows", "said"),
    [
        (b"{}", 400, "its tokeniser cannot be read"),
        (b"\xff", 400, "its tokeniser cannot be read"),
        (None, 9, r"has 9 vectors for \d{3} word pieces"),
    ],
)
def test_what_is_no_static_encoder_is_refused(
    transformer: Path, tokenizer: bytes | None, rows: int, said: str
) -> None:
    kept = encoder(transformer).word_vectors
    pieces = kept.tokenizer if tokenizer is None else np.frombuffer(tokenizer, np.uint8)
    with pytest.raises(ConfigError, match=rf"static\.safetensors: {said}.*; fetch the model again"):
        Encoder(EncoderConfig(static=True), WordVectors(kept.vectors[:rows], pieces)).encode(TEXTS)


def test_a_model_labels_the_same_where_nothing_can_be_distilled(
    transformer: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write_study(tmp_path / "study")
    section = f'[encoder]\nstatic = true\nname = "{transformer}"\n'
    study.write("experiment.toml", EXPERIMENT + section)
    made = themeloom.run(study.experiment, tmp_path)
    new = ["the waiting list and nobody listened", "my nurse smiled on a monday"]
    here = themeloom.load(made.folder, encoder=str(transformer)).assign(new, masked=True, probabilities=True)
    embed.unload()
    shutil.rmtree(home)
    monkeypatch.setattr(embed, "distilled", _nobody_distils)
    loaded = themeloom.load(made.folder, encoder="nowhere")
    assert loaded.assign(new, masked=True, probabilities=True).equals(here)
    known = loaded.communications["text"].to_list()
    assert loaded.assign(known, masked=True)["topic"].equals(loaded.communications["topic"])


def test_what_is_no_transformer_is_refused(transformer: Path, home: Path) -> None:
    twice = encoder(transformer).folder
    with pytest.raises(ConfigError, match=r"encoder\.static: this encoder is no transformer"):
        encoder(twice).encode(TEXTS)
    assert [path for path in home.rglob("*") if path.name.startswith("making-")] == []


def test_the_model_hub_is_not_asked_for_a_model_that_has_a_name(
    transformer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model2vec.distill import distillation

    asked: list[object] = []
    monkeypatch.setattr(distillation, "model_info", asked.append)
    one = encoder(transformer)
    one.parent.model[0].auto_model.name_or_path = "somebody/some-model"  # type: ignore[union-attr]
    one.encode(TEXTS)
    assert asked == []


def test_a_home_that_cannot_be_written_is_said(
    transformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(backend.HOME, str(tmp_path / "file"))
    with pytest.raises(ConfigError, match=r"encoder\.static: .* cannot be written .* THEMELOOM_CACHE"):
        encoder(transformer).encode(TEXTS)


def test_who_comes_second_takes_what_is_there(transformer: Path, home: Path) -> None:
    parent = Encoder(EncoderConfig(name=str(transformer)))

    def load() -> object:
        static.distilled(parent.fingerprint, lambda: parent.model)  # another process, meanwhile
        return parent.model

    folder = static.distilled(parent.fingerprint, load)  # type: ignore[arg-type]
    assert (folder / "modules.json").is_file()
    assert len(list((home / "static").iterdir())) == 1


def test_topics_cannot_be_informed_where_nothing_is_adapted(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    text = EXPERIMENT.replace("steps = 2", "enabled = false")
    path.write_text(text + '[discover]\nvectors = "raw+adapted"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"experiment\.toml: .* but adapt\.enabled is false; set it"):
        read_experiment(path)


def test_what_is_adapted_is_distilled_unless_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(EXPERIMENT + "[encoder]\nstatic = true\n", encoding="utf-8")
    config = read_experiment(path)
    assert config.adapts
    off = config.adapt.model_copy(update={"enabled": False})
    assert not config.model_copy(update={"adapt": off}).adapts


def test_what_labels_teach_the_transformer_is_told_from_static_vectors(
    transformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, themes = messages()
    texts, theme = texts[:60], np.array(themes[:60])
    config = Experiment.model_validate(
        {
            "study": {"name": "invented", "seed": 5},
            "sources": [{"path": "messages.csv"}],
            "themes": {"codebook": "c.yaml", "labels": "l.csv"},
            "encoder": {"name": str(transformer), "static": True},
            "adapt": {"layers": 1, "steps": 2, "batch_size": 8},
        }
    )
    monkeypatch.setattr(module, "MOST", 20)
    embeddings = embed_corpus(texts, config, tmp_path / "cache", Stages())
    labelled = np.arange(1, 60, 2)
    evidence = Evidence(
        texts, embeddings, np.zeros((3, static.DIMENSIONS), np.float32), labelled, config, tmp_path / "cache"
    )
    labels, fewer = (Labels(at, theme[at], 3) for at in (labelled, labelled[5:]))
    evidence.adapt(labels, [fewer])
    assert evidence.layers.shape == ((static.DIMENSIONS + 1) * 288,)
    assert np.allclose(np.linalg.norm(evidence.whole, axis=1), 1, atol=1e-4)
    others = np.setdiff1d(np.arange(60), evidence.position)
    assert len(others) > 5
    told = distilled(embeddings.vectors[others], evidence.layers)
    assert np.allclose(evidence.whole[others], told, atol=1e-6)
    kept, part = evidence._adapted.values()
    assert not np.array_equal(kept["vectors"], part["vectors"])
