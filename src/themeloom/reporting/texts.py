"""The catalogue of all that the report and the comparison say, so that it can be translated in one place."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from themeloom.reporting.readable import readable

LANGUAGE = "en"


@cache
def catalogue() -> Mapping[str, str | tuple[str, str]]:
    """Read the catalogue: section and key with a dot between → text, or the forms for one and for many."""
    text = (files(__package__) / "texts" / f"{LANGUAGE}.toml").read_text(encoding="utf-8")
    return {
        f"{section}.{key}": entry if isinstance(entry, str) else (entry[0], entry[1])
        for section, entries in tomllib.loads(text).items()
        for key, entry in entries.items()
    }


def say(key: str, **values: object) -> str:
    """Give a text as plain text, its fields filled.

    Raises
    ------
    KeyError
        If the catalogue has no such text, or the text has another field.
    """
    return _entry(key).format(**values)


def html(key: str, **values: object) -> Markup:
    """Give a text as HTML: its own tags stand, what is filled in is made readable and escaped."""
    shown = {
        name: readable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        for name, value in values.items()
    }
    return Markup(_entry(key)).format(**shown)  # noqa: S704 - the catalogue is ours


def bdi(text: str) -> Markup:
    """Give a name as HTML with a direction of its own: beside a Hebrew one, 99% would be read as %99."""
    return Markup("<bdi>{}</bdi>").format(readable(text))


def counted(number: int, what: str) -> str:
    """Write so many of something: 1 topic, 1,195 rows."""
    return f"{number:,} {form(number, f'counted.{what}')}"


def form(number: int, key: str) -> str:
    """Give the form of a word for one or for many."""
    forms = catalogue()[key]
    return forms[0] if number == 1 else forms[1]


def _entry(key: str) -> str:
    entry = catalogue()[key]
    if not isinstance(entry, str):
        raise KeyError(key)
    return entry
