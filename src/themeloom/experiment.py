"""The experiment file: read from TOML, all faults reported at once."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from themeloom.config import LABEL_STORE, Experiment
from themeloom.errors import ConfigError


def read_experiment(path: str | Path) -> Experiment:
    """Read an experiment file; source, codebook and label paths become absolute.

    Parameters
    ----------
    path
        A TOML file.

    Raises
    ------
    ConfigError
        If the file is missing or has faults; every fault is named with its place.
    """
    path = Path(path)
    table = _read_toml(path)
    try:
        experiment = Experiment.model_validate(table)
    except ValidationError as error:
        raise ConfigError(*(_sentence(path, fault) for fault in error.errors())) from None
    _check_adapted(path, experiment)
    return _resolved(experiment, path.resolve().parent)


def _check_adapted(path: Path, experiment: Experiment) -> None:
    if experiment.discover.vectors == "raw":
        return
    if experiment.encoder.static:
        raise ConfigError(
            f"{path}: 'discover.vectors' asks for adapted vectors, but a static encoder is not adapted; "
            "set encoder.static to false, or discover.vectors to 'raw'."
        )
    if not experiment.adapt.enabled:
        raise ConfigError(
            f"{path}: 'discover.vectors' asks for adapted vectors, but adapt.enabled is false; "
            "set it to true, or discover.vectors to 'raw'."
        )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such experiment file; check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text ({error}); give a TOML file.") from None
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, 1,000 nested lists
        raise ConfigError(f"{path}: is not valid TOML ({error}); mend that line.") from None


def _sentence(path: Path, fault: ErrorDetails) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{path}: unknown key '{place}'; remove it or correct its name (see the reference)."
    if fault["type"] == "missing":
        return f"{path}: '{place}' is missing; add it."
    return f"{path}: '{place}' is {fault['input']!r}, but {_lower(fault['msg'])}; correct the value."


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _resolved(experiment: Experiment, folder: Path) -> Experiment:
    sources = tuple(s.model_copy(update={"path": str(folder / s.path)}) for s in experiment.sources)
    labels = experiment.themes.labels
    themes = experiment.themes.model_copy(
        update={
            "codebook": str(folder / experiment.themes.codebook),
            "labels": labels if labels == LABEL_STORE else str(folder / labels),
        }
    )
    return experiment.model_copy(update={"sources": sources, "themes": themes})
