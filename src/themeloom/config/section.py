"""What all tables of the experiment file have in common."""

from collections.abc import Iterator, Mapping
from typing import Annotated
from unicodedata import normalize

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _not_blank(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("blank", "a text is expected, or no such key, for its default")
    return value


Share = Annotated[float, Field(ge=0, le=1)]
SomeShare = Annotated[float, Field(gt=0, le=1)]
SomeText = Annotated[str, AfterValidator(_not_blank)]
Name = Annotated[str, AfterValidator(lambda value: normalize("NFC", value))]
"""A text that is looked for in files, whose names and texts are read in NFC."""


class Section(BaseModel):
    """One table of the experiment file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def dotted(values: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield what nested tables hold, by dotted keys; tables in a list are numbered (``sources.0.path``)."""
    if isinstance(values, Mapping):
        items = [(str(key), value) for key, value in values.items()]
    elif isinstance(values, list | tuple) and any(isinstance(value, Mapping) for value in values):
        items = [(str(place), value) for place, value in enumerate(values)]
    else:
        yield prefix, values
        return
    for key, value in items:
        yield from dotted(value, f"{prefix}.{key}" if prefix else key)
