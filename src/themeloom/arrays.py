"""Texts and labels as people have them in memory: lists, arrays, series."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from themeloom.errors import InputError, LabelError, ThemeloomError

Label = str | int
"""A theme's name; a truth value is a number."""

UNLABELLED = -1
AS_TEXT = ("nan", "None", "-1")
"""What numpy and pandas make of a missing label when they turn all labels into text."""


def as_texts(texts: Iterable[str], *, blank: bool = False) -> list[str]:
    """Return texts as a list of plain strings; half an emoji is left out, as it is of files.

    Parameters
    ----------
    texts
        Texts as people have them.
    blank
        Whether there may be nothing in a text, or white space alone: no message, and so of no topic.

    Raises
    ------
    InputError
        If it is no list of texts, or something in it is not text, or blank.
    """
    found = _listed(texts, "texts", "text", InputError)
    for place, text in enumerate(found):
        if not isinstance(text, str):
            raise InputError(f"texts[{place}]: is {_shown(text)}, not text; leave it out or give its text.")
    plain = [_storable(str.__str__(text)) for text in found]
    for place, text in enumerate(plain):
        if not (blank or text.strip()):
            raise InputError(f"texts[{place}]: is {_shown(text)}, without a word; leave it out.")
    return plain


def as_labels(y: Iterable[object] | None, texts: int) -> list[Label | None]:
    """Return labels as plain strings, whole numbers or truth values; None where there is none.

    Parameters
    ----------
    y
        Labels, or None: nothing is labelled.
    texts
        How many there must be.

    Raises
    ------
    LabelError
        If there are more or fewer, or something is no label.
    """
    if y is None:
        return [None] * texts
    given = _listed(y, "y", "label", LabelError)
    found = [as_label(value, f"y[{place}]") for place, value in enumerate(given)]
    if len(found) != texts:
        raise LabelError(
            f"y: has {len(found)} entries for {texts} texts; give one for each, None where there is no label."
        )
    _tell_of_minus_one(given, found)
    return found


def _tell_of_minus_one(given: Sequence[Any], found: Sequence[Label | None]) -> None:
    """Warn where -1 may be a theme beside other numbers, as a negative sentiment is."""
    numbers = any(type(label) is int for label in found)
    left = sum(isinstance(value, int | float | np.number) and value == UNLABELLED for value in given)
    if numbers and left:
        warnings.warn(
            f"y: {UNLABELLED} is taken as no label ({left:,} messages); "
            "name the theme otherwise if it is one",
            stacklevel=4,
        )


def as_label(value: Any, where: str) -> Label | None:  # noqa: ANN401 - what people put into arrays
    """Return a label as a plain value, or None if it is missing: None, NaN, '' or -1."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # whole numbers beside NaN are kept as fractions
    if isinstance(value, str):
        return _as_name(str.__str__(value), where)  # of an enumeration, what is written
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return None if value == UNLABELLED else int(value)
    if value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and np.isnan(value)):
        return None
    raise LabelError(
        f"{where}: is {_shown(value)}; give a theme as text or whole number, None where there is none."
    )


def as_themes(labels: Iterable[Label]) -> np.ndarray[tuple[int], np.dtype[Any]]:
    """Return the different themes, sorted: text, whole numbers or truth values.

    Raises
    ------
    LabelError
        If some are text and some numbers.
    """
    found = set(labels)
    kinds = {type(label).__name__ for label in found}
    if len(kinds) > 1:
        raise LabelError(
            f"y: themes are of different types ({', '.join(sorted(kinds))}); write all in the same way, "
            "in the codebook too."
        )
    return np.array(sorted(found))


def _storable(text: str) -> str:
    """Return the text without lone surrogates, which no other tool can read; those that are a pair join."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _listed(given: Iterable[object], name: str, what: str, fault: type[ThemeloomError]) -> list[Any]:
    """Return what is in a list, an array or a series; of a table or a dict, that would be names."""
    if hasattr(type(given), "columns"):
        raise fault(f"{name}: is a table; give one of its columns, such as df['{what}'].")
    kind = "a single text" if isinstance(given, str | bytes) else _shown(given)
    if isinstance(given, str | bytes | Mapping):
        raise fault(f"{name}: is {kind}; give a list or an array of {what}s.")
    try:
        rows = iter(given)
    except TypeError:
        raise fault(f"{name}: is {kind}; give a list or an array of {what}s.") from None
    return list(rows)


def _as_name(name: str, where: str) -> str | None:
    if name in AS_TEXT:
        raise LabelError(
            f"{where}: is the text '{name}', which is what arrays of text make of a missing label; "
            "give '' where there is none, or name that theme otherwise."
        )
    return name if name.strip() else None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 and not isinstance(value, Mapping) else f"a {type(value).__name__}"
