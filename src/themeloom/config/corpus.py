"""What an experiment file says of the messages: where they are, and how they are read and masked."""

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from themeloom.config.section import Name, Section, SomeShare

SourceFormat = Literal[
    "auto",
    "x-v2",
    "x-v1",
    "x-archive",
    "reddit",
    "mastodon",
    "bluesky",
    "csv",
    "tsv",
    "jsonl",
    "parquet",
    "xlsx",
]


class ColumnsConfig(Section):
    """Which column holds what, for tables (CSV, TSV, JSONL, Parquet, XLSX)."""

    text: Name = Field("text", description="The message.")
    id: Name | None = Field(
        None,
        description="The message's id, different for each; without one, ids are made from the content.",
    )
    created_at: Name | None = Field(None, description="When it was sent.")
    author: Name | None = Field(None, description="The author's handle or name.")
    lang: Name | None = Field(None, description="The language code.")
    group: Name | None = Field(
        None, description="What the message belongs to (a site, a role, a wave): shares of themes by group."
    )


class SourceConfig(Section):
    """One file of messages."""

    path: str = Field(description="The file, relative to the experiment file.")
    format: SourceFormat = Field("auto", description="What the file is; 'auto' looks into it.")
    columns: ColumnsConfig = Field(
        default_factory=ColumnsConfig, description="The column mapping of a table."
    )
    day_first: bool = Field(default=False, description="Whether 3/4/2013 is the third of April.")
    timezone: str = Field("UTC", description="Time zone of dates that name none (IANA name).")
    id_prefix: Name = Field(
        "", description="Put before every id, where two sources number their rows alike; labels name it too."
    )
    sheet: Name | None = Field(None, description="The sheet of an XLSX file; the first one if not given.")
    group: Name | None = Field(
        None, description="The group of all messages of this file, but those that have one of their own."
    )

    @field_validator("timezone")
    @classmethod
    def _there_is(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise PydanticCustomError(
                "no_zone", "a time zone is expected by its IANA name, as 'Europe/London'"
            ) from None
        return value


class IngestConfig(Section):
    """Reading the sources."""

    strict: bool = Field(default=False, description="Stop at the first row that cannot be read.")


class RepeatsConfig(Section):
    """Counting each message once."""

    near_duplicates: SomeShare = Field(
        0.8,
        description="Jaccard similarity of character shingles from which two messages are near-duplicates.",
    )


class AnonymiseConfig(Section):
    """Masking what could identify a person."""

    names: bool = Field(
        default=True,
        description="Whether names of people, places and organisations are recognised, by English wording. "
        "Without it, only what has a form is masked (handles, links, e-mail addresses, telephone and other "
        "numbers, postcodes), and the words of `mask`: for messages of other languages, whose ordinary words "
        "would be taken for names.",
    )
    keep: tuple[Name, ...] = Field((), description="Words that are never masked (names of drugs, say).")
    mask: tuple[Name, ...] = Field((), description="Words that are always masked, as a name.")

    @field_validator("keep", "mask", mode="before")
    @classmethod
    def _tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value
