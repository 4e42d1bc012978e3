"""The experiment file: read from TOML, all faults reported at once."""

import json
import re
import reprlib
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from themeloom.config import LABEL_STORE, Experiment
from themeloom.errors import ConfigError, first_of

LARGEST = 2**20
"""Bytes; an experiment file is a page."""
MOST_PARTS = 50
_PART = r"""(?:"(?:[^"\\\n]|\\.){0,99}"|'[^'\n]{0,99}'|[\w-]{1,99})[ \t]{0,9}"""
_DEEP = re.compile(rf"(?:{_PART}\.[ \t]{{0,9}}){{{MOST_PARTS}}}")
"""Keys of so many parts take tomllib time that grows with the square of their number."""

_PATTERNS = {
    "study.name": "a name has letters (a to z), digits, '-', '_' and '.' only, 64 at most, and begins with a "
    "letter or digit",
    "encoder.sha256": "a SHA-256 digest has 64 digits from 0 to 9 and a to f",
}
_TABLES = {"columns": 'columns = { text = "..." }', "SpanConfig": "{ low = 1, high = 10 }"}
_ESCAPES = str.maketrans({"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"})
_EXAMPLE = 40  # characters of a text that is shown as it would be in a list
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 200
_SHORT.maxlist = _SHORT.maxdict = 8


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
        raise ConfigError(*first_of([_sentence(path, fault) for fault in error.errors()])) from None
    except RecursionError:
        raise ConfigError(f"{path}: nests tables too deep; write each as a table of its own.") from None
    _check_adapted(path, experiment)
    resolved = _resolved(experiment, path.resolve().parent)
    _check_paths(path, experiment, resolved)
    return resolved


def files_of(experiment: Experiment) -> list[str]:
    """List the files that people wrote for an experiment: sources, codebook and labels."""
    themes = experiment.themes
    labels = [] if themes.labels == LABEL_STORE else [themes.labels]
    return [*(source.path for source in experiment.sources), themes.codebook, *labels]


def _check_paths(path: Path, given: Experiment, resolved: Experiment) -> None:
    r"""Refuse paths in which an escape became a control character, as \f does in "data\forum.csv"."""
    places = [f"sources.{number}.path" for number in range(len(given.sources))] + ["themes.codebook"]
    written = [*(source.path for source in given.sources), given.themes.codebook, given.themes.labels]
    faults = [
        f"{path}: '{place}' is {one!r}, with a control character: a backslash between double quotes begins "
        f"an escape; write / for it, or put the path between single quotes: '{one.translate(_ESCAPES)}'."
        for place, one, file in zip([*places, "themes.labels"], written, files_of(resolved), strict=False)
        if any(ord(sign) < 32 for sign in one) and not Path(file).exists()
    ]
    if faults:
        raise ConfigError(*faults)


def _check_adapted(path: Path, experiment: Experiment) -> None:
    if not experiment.discover.informed:
        return
    if not experiment.adapt.enabled:
        raise ConfigError(
            f"{path}: 'discover.vectors' asks for adapted vectors, but adapt.enabled is false; "
            "set it to true, or discover.vectors to 'raw'."
        )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{path}: is larger than {LARGEST // 2**10} KiB; give the experiment file.")
        text = path.read_text(encoding="utf-8-sig")
        if deep := _DEEP.search(text):
            line = text.count("\n", 0, deep.start()) + 1
            raise ConfigError(f"{path}:{line}: a key has more than {MOST_PARTS} parts; correct it.")
        return tomllib.loads(text)
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
    expected = _expected(place, fault) or _lower(fault["msg"])
    return f"{path}: '{place}' is {_SHORT.repr(fault['input'])}, but {expected}; correct the value."


def _expected(place: str, fault: ErrorDetails) -> str | None:
    """Say in the words of TOML what pydantic says in those of Python."""
    section, last, given = fault["loc"][0], fault["loc"][-1], fault["input"]
    match fault["type"]:
        case "string_pattern_mismatch":
            return _PATTERNS.get(place)
        case "tuple_type" | "model_type" if section == "sources" and last != "columns":
            return "each source is a table of its own, begun by [[sources]]"
        case "tuple_type":
            example = json.dumps(given) if isinstance(given, str) and len(given) <= _EXAMPLE else '"..."'
            return f"a list is expected, as [{example if section != 'sweep' else '10, 30'}]"
        case "model_type" | "dict_type":
            return f"a table is expected, as {_TABLES.get(str(last), f'[{place}]')}"
    return None


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
