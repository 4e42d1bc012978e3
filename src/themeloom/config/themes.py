"""What an experiment file says of themes: labels, mapping and validation."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from themeloom.config.section import Name, Section, Share

LABEL_STORE = "label-store"
"""In place of a label file's path: what people code on the labelling page."""


POOL = ("majority", "hierarchy", "raw", "adapted", "surface", "graph", "codebook", "shares")
"""What can speak for a message's theme, in the order of a mapping's weights: parts, and themes' shares."""
STRATEGIES: dict[str, tuple[str, ...]] = {
    "majority": ("majority",),
    "bayes": ("hierarchy",),
    "graph": ("graph",),
    "soft": ("adapted",),
    "zero-shot": ("codebook",),
    "stacked": ("hierarchy", "raw", "adapted", "surface", "graph", "codebook"),
}
"""Which parts a strategy pools; 'auto' takes one of these."""
ADAPTED = (*(name for name, parts in STRATEGIES.items() if "adapted" in parts), "auto")
"""Strategies that ask for the adapted encoder's vectors."""


class ThemesConfig(Section):
    """The codebook, the labels, and the mapping from topics to themes."""

    codebook: str = Field(description="The codebook (YAML), relative to the experiment file.")
    labels: str = Field(
        description="The labels (CSV or Parquet), relative to the experiment file; or 'label-store': what "
        "was coded on the page of `themeloom label`."
    )
    key: Name | None = Field(
        None, description="Column of the source id or doc_id; by default the first column."
    )
    coders: tuple[Name, ...] | None = Field(
        None,
        description="Columns of the coders; by default all but the key, the adjudicated one, and text, "
        "inclusion_probability, design and batch, as sheets and exports call what is no code.",
    )
    adjudicated: Name = Field(
        "adjudicated", description="Column of the agreed label; the coders' majority where absent."
    )
    assisted: bool = Field(
        default=False,
        description="Whether codes of the label store count that were given with the model's guess in sight.",
    )
    sample: Literal["unknown", "random"] = Field(
        "unknown",
        description="How the labelled messages were chosen: 'random' if each was as likely as any other.",
    )
    inclusion: Name | None = Field(
        None, description="Column of the probability with which each labelled message was drawn."
    )
    strategy: Literal["stacked", "soft", "bayes", "graph", "majority", "zero-shot", "auto"] = Field(
        "stacked",
        description="What gives messages, and by the mean of its members each topic, a theme: 'majority' of "
        "a topic's labels; 'bayes', where topics with few labels borrow from neighbours and the codebook; "
        "'graph', labels that spread among neighbours; 'soft', a classifier; 'zero-shot', the codebook's "
        "texts alone; 'stacked', all pooled; 'auto', whichever predicts best inside the training folds.",
    )
    mixed_below: Share = Field(
        0.1,
        description="A topic is 'mixed' whose best theme is less probable than this, corrected for chance as "
        "kappa is: 0 is 1 / number of themes, 1 is certain.",
    )

    @field_validator("coders", mode="before")
    @classmethod
    def _tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("inclusion")
    @classmethod
    def _one_design(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("sample") == "random":
            raise PydanticCustomError("two_designs", "themes.sample is 'random' already: give one of the two")
        return value


class ValidateConfig(Section):
    """Cross-fitted scores on the labelled sample."""

    folds: Annotated[int, Field(ge=2, le=50)] = Field(5, description="Folds of the cross-fitting.")
    repeats: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Times the folds are drawn anew.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = Field(
        None, description="Seed of the folds; by default the study's. Runs of other seeds can share it."
    )
    held_out: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0,
        description="Share of the labels set aside, never learned from and alone judged; 0: every label is "
        "judged by mappings of the other folds.",
    )
    bootstrap: Annotated[int, Field(ge=100, le=100_000)] = Field(
        1000, description="Bootstrap draws behind each 95% interval."
    )
