"""A study's settings from keyword arguments: for whoever has arrays and no experiment file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from themeloom.arrays import Label, as_label
from themeloom.config import Experiment
from themeloom.errors import ConfigError, LabelError, ThemeloomError

PARAMETERS = {
    "study.seed": "random_state",
    "encoder.name": "encoder",
    "adapt.enabled": "adapt",
    "adapt.steps": "adapt_steps",
    "discover.vectors": "vectors",
    "cluster.min_cluster_size": "min_cluster_size",
    "cluster.consensus": "consensus",
    "themes.strategy": "strategy",
    "themes.mixed_below": "mixed_below",
    "validate.folds": "folds",
}
"""Keys of the experiment file → what they are called here."""

FILES: dict[str, dict[str, object]] = {
    "study": {"name": "arrays"},
    "themes": {"codebook": "codebook", "labels": "y"},
}
"""What stands where an experiment file names files: the arguments that are given instead."""


def study_of(parameters: Mapping[str, object]) -> Experiment:
    """Return the experiment that an estimator's parameters make.

    Parameters
    ----------
    parameters
        By name; those that are no key of an experiment file are passed over.

    Raises
    ------
    ConfigError
        If some are not what they may be; all are told.
    """
    given = {name: _plain(value) for name, value in parameters.items()}
    given["random_state"] = _seed(given["random_state"])
    sections = {name: dict(files) for name, files in FILES.items()}
    for key, name in PARAMETERS.items():
        section, _, entry = key.partition(".")
        sections.setdefault(section, {})[entry] = given[name]
    try:
        config = Experiment.model_validate({**sections, "sources": [{"path": "texts"}]})
    except ValidationError as error:
        raise ConfigError(*(_sentence(fault) for fault in error.errors())) from None
    if config.discover.informed and not config.adapt.enabled:
        raise ConfigError("vectors: 'raw+adapted' needs an adapted encoder; set adapt to True.")
    return config


def defined_themes(codebook: object) -> dict[Label, str]:
    """Return a codebook that was given, theme → definition, by plain labels; empty for None.

    Raises
    ------
    ConfigError
        If it is no dict.
    LabelError
        If something in it is no theme, or no definition.
    """
    if codebook is None:
        return {}
    if not isinstance(codebook, Mapping):
        raise ConfigError(
            f"codebook: is a {type(codebook).__name__}; give a dict from each theme to its definition."
        )
    found: dict[Label, str] = {}
    for key, definition in codebook.items():
        label = as_label(key, "codebook")
        if label is None or not isinstance(definition, str):
            raise LabelError(f"codebook: {key!r} must be a theme, and its definition a text; correct it.")
        found[label] = definition
    return found


@contextmanager
def named_here() -> Iterator[None]:
    """Let the sentences of faults name parameters, not the keys of an experiment file that there is not."""
    try:
        yield
    except ThemeloomError as error:
        faults = list(error.faults)
        for key, name in PARAMETERS.items():
            faults = [fault.replace(key, name) for fault in faults]
        raise type(error)(*faults) from error.__cause__


def _plain(value: object) -> object:
    """Return numpy's numbers and paths as Python's own: grids of parameters are made of them."""
    if isinstance(value, Path):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value


def _seed(state: object) -> object:
    """Draw a seed, unless one is given."""
    from sklearn.utils import check_random_state

    if state is None or isinstance(state, np.random.RandomState):
        return int(check_random_state(state).randint(2**31))
    return state


def _sentence(fault: ErrorDetails) -> str:
    name = PARAMETERS[".".join(str(part) for part in fault["loc"][:2])]
    message = fault["msg"][:1].lower() + fault["msg"][1:]
    return f"{name}: is {fault['input']!r}, but {message}; correct the value."
