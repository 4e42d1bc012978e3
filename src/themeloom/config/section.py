"""What all tables of the experiment file have in common."""

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
