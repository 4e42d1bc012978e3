"""What a BERTopic is set to, read from its sub-models: any of them may be of any class, or none at all.

BERTopic's arguments are not asked, as its defaults are made inside. Values are told where they are plain;
words of a corpus are counted, and secrets withheld. Knows no MLflow, and needs no sub-model's library.
"""

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from themeloom.history.private import WITHHELD
from themeloom.system.addresses import public_uri
from themeloom.system.provenance import file_digest

PARTS = ("umap_model", "hdbscan_model", "vectorizer_model", "ctfidf_model", "representation_model")
"""BERTopic's sub-models by its own names, but for the encoder, which it chooses only in `fit`."""
NONE = "none"

_SECRET = re.compile(r"key$|token$|secret|passw|auth|credential|header|cookie", re.IGNORECASE)
_SPACE = re.compile(r"\s")
_COUNTED = ("vocabulary", "stop_words")
_LONG = 50
_TOPIC_WORDS = ("seed_topic_list", "zeroshot_topic_list", "candidate_topics", "seed_words")
_HUB = re.compile(r"models--(?P<owner>.+?)--(?P<name>[^/\\]+)[/\\]snapshots")


class TopicModel(Protocol):
    """A BERTopic, before or after `fit`."""

    embedding_model: object

    def get_params(self) -> Mapping[str, object]:
        """Return its arguments, sub-models among them."""


@dataclass(frozen=True, slots=True)
class EncoderFacts:
    """How a BERTopic's encoder is called, and how it is found again."""

    name: str  # as it may be shown: of a local folder, the last two parts of its path
    kind: str  # class of BERTopic's backend
    source: str  # a hub's name or a local folder that sentence-transformers loads; empty where it cannot
    weights: str = ""  # SHA-256 of what a local folder holds; empty elsewhere


def settings(model: TopicModel) -> dict[str, str]:
    """Return what a BERTopic and its sub-models are set to, but for the encoder.

    Parameters
    ----------
    model
        A BERTopic; before `fit`, as zero-shot topics replace the clustering model in it.

    Returns
    -------
    dict
        ``bertopic.NAME`` for its own settings; ``umap_model`` (and so on) for a sub-model's class, and
        ``umap_model.NAME`` for its settings. A chain of representation models is numbered, aspects are named.
    """
    given = model.get_params()
    own = {name: value for name, value in given.items() if not name.endswith("_model")}
    found = {f"bertopic.{name}": _told(name, value) for name, value in own.items()}
    for part in PARTS:
        found |= dict(_described(part, given.get(part)))
    return found


def encoder_facts(model: TopicModel) -> EncoderFacts:
    """Return how the encoder is called; after `fit` that is the one that BERTopic chose."""
    backend = model.embedding_model
    if backend is None:
        return EncoderFacts(NONE, NONE, "")
    inner = getattr(backend, "embedding_model", None) or backend
    source = _source(backend, inner)
    shown = _shown(source) if source else _called(inner)
    return EncoderFacts(shown, type(backend).__name__, source, _weights(source))


def _weights(source: str) -> str:
    """Return the digest of a local encoder's weights: the same encoder can lie in folders of other names."""
    file = Path(source) / "model.safetensors"
    return file_digest(file) if source and file.is_file() else ""


def _source(backend: object, inner: object) -> str:
    """Return by what name sentence-transformers loads this encoder again."""
    if isinstance(backend, str):
        return backend
    if not type(inner).__module__.startswith("sentence_transformers"):
        return ""
    network = getattr(inner, "transformers_model", None)  # none in a static model
    names = (getattr(backend, "_hf_model", None), getattr(network, "name_or_path", None))
    return next((name for name in names if isinstance(name, str) and name), "")


def _shown(source: str) -> str:
    """Return a name without the folders above it, which can tell who uses the machine."""
    if found := _HUB.search(source):
        return f"{found['owner']}/{found['name']}"
    return "/".join(Path(source).parts[-2:]) if Path(source).is_dir() else source


def _called(inner: object) -> str:
    """Return the name that an encoder of another library gives itself, or its class."""
    names = (getattr(inner, name, None) for name in ("model", "base_model_name", "model_name"))
    named = next((name for name in names if isinstance(name, str) and name), "")
    return f"{type(inner).__name__} {_shown(named)}".strip()


def _described(name: str, part: object) -> Iterator[tuple[str, str]]:
    if isinstance(part, Mapping):
        for aspect, one in part.items():
            yield from _described(f"{name}.{aspect}", one)
    elif isinstance(part, list | tuple):
        for number, one in enumerate(part):
            yield from _described(f"{name}.{number}", one)
    else:
        yield name, NONE if part is None else type(part).__name__
        yield from ((f"{name}.{key}", _told(key, value)) for key, value in _set_to(part).items())


def _set_to(part: object) -> dict[str, object]:
    """Return a sub-model's settings: as scikit-learn asks for them, else by its constructor's arguments."""
    if part is None:
        return {}
    asked: Callable[..., Mapping[str, object]] | None = getattr(part, "get_params", None)
    try:
        return dict(asked(deep=False)) if asked else _arguments(part)
    except Exception:  # noqa: BLE001 (somebody else's class, whose settings may not be kept as scikit-learn asks)
        return _arguments(part)


def _arguments(part: object) -> dict[str, object]:
    try:
        names = inspect.signature(type(part)).parameters
    except (TypeError, ValueError):
        return {}
    return {name: vars(part)[name] for name in names if name in getattr(part, "__dict__", {})}


def _told(name: str, value: object) -> str:
    """Write a setting: short and plain as it is, long ones by their number, secrets not at all."""
    if value is not None and _SECRET.search(name):
        return WITHHELD
    if name in _COUNTED and isinstance(value, list | tuple | set | frozenset | Mapping):
        return _counted(value)
    plain = _plain(value)
    if isinstance(plain, list | dict) and len(plain) > _LONG and name not in _TOPIC_WORDS:
        return _counted(plain)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _counted(
    value: "list[object] | tuple[object, ...] | set[object] | frozenset[object] | Mapping[object, object]",
) -> str:
    """Write how many there are, and a digest: whether two runs had the same can be told, and nothing else."""
    entries = sorted(map(str, value.items() if isinstance(value, Mapping) else value))
    return f"{len(entries)} entries, {hashlib.sha256(json.dumps(entries).encode()).hexdigest()[:8]}"


def _short_of_home(value: str) -> str:
    """Cut passwords out of an address, and the folders above it off a path; leave any other text."""
    if "://" in value and not _SPACE.search(value):
        return public_uri(value)
    return Path(value).name if "\n" not in value and Path(value).is_absolute() else value


def _plain(value: object) -> object:
    if isinstance(value, str):
        return _short_of_home(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): WITHHELD if _SECRET.search(str(key)) else _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in (value if isinstance(value, list | tuple) else sorted(value, key=str))]
    number: Callable[[], object] | None = (
        getattr(value, "item", None) if getattr(value, "ndim", None) == 0 else None
    )
    if number is not None:  # one of numpy's
        return number()
    named = getattr(value, "__name__", None)
    return named if isinstance(named, str) else type(value).__name__
