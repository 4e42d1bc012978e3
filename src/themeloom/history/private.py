"""What of a run's configuration may leave the study's folder: no names, passwords or home folders."""

import copy
from pathlib import Path
from typing import Any

from themeloom.system.addresses import public_uri

WITHHELD = "withheld"


def public_config(config: dict[str, Any], root: Path) -> dict[str, Any]:
    """Copy a configuration so that it can be kept with a model and shown in MLflow.

    The words that are always masked are names of people, so only their number is told; paths are told from
    `root`, or by file name alone where they lie elsewhere; passwords are cut out of the tracking URI.

    Parameters
    ----------
    config
        ``Experiment.model_dump(mode="json", by_alias=True)``.
    root
        The study's folder, above ``models/`` and ``mlruns/``.
    """
    config = copy.deepcopy(config)
    for source in config.get("sources", ()):
        _shorten(source, "path", root)
    _shorten(config.get("themes", {}), "codebook", root)
    _shorten(config.get("themes", {}), "labels", root)
    _shorten(config.get("encoder", {}), "name", root)
    masking = config.get("anonymise", {})
    if masking.get("mask"):
        masking["mask"] = [WITHHELD] * len(masking["mask"])
    tracking = config.get("tracking", {})
    if tracking.get("uri"):
        tracking["uri"] = public_uri(tracking["uri"])
    return config


def _shorten(section: dict[str, Any], key: str, root: Path) -> None:
    value = section.get(key)
    if isinstance(value, str) and Path(value).is_absolute():
        path = Path(value)
        section[key] = str(path.relative_to(root)) if path.is_relative_to(root) else path.name
