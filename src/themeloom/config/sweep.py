"""What an experiment file says of sweeps: many configurations of one experiment."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from themeloom.config.section import Section

Setting = bool | int | float | str
Criterion = Literal["kappa", "macro_f1", "coverage", "message_kappa", "message_macro_f1", "stability"]


class SpanConfig(Section):
    """Numbers to search between."""

    low: float = Field(description="The smallest.")
    high: float = Field(description="The largest.")
    log: bool = Field(default=False, description="Whether steps are by ratio.")


class SweepConfig(Section):
    """Many configurations of one experiment, for `themeloom sweep`."""

    grid: dict[str, tuple[Setting, ...]] = Field(
        {}, description="Values for each key, as in reduce.neighbors = [10, 30]; all combinations are tried."
    )
    search: dict[str, SpanConfig | tuple[Setting, ...]] = Field(
        {},
        description="Values, or {low, high}, for each key, drawn at random; instead of a grid.",
    )
    criterion: dict[Criterion, float] = Field(
        {"kappa": 1.0},
        description="What the best configuration is best in: weights of held-out 'kappa', 'macro_f1' and "
        "'coverage' (topic level), 'message_kappa', 'message_macro_f1', and 'stability' over seeds.",
    )
    trials: Annotated[int, Field(ge=1, le=10_000)] = Field(
        30, description="Configurations that a search tries."
    )
    minutes: Annotated[float, Field(gt=0)] | None = Field(
        None, description="No configuration is begun after so many minutes; by default all are tried."
    )
    seeds: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Seeds each configuration is run with.")

    @field_validator("criterion")
    @classmethod
    def _seeks_something(cls, value: dict[Criterion, float]) -> dict[Criterion, float]:
        if not any(weight > 0 for weight in value.values()):
            raise PydanticCustomError(
                "no_weight", "at least one weight above 0 is expected, as { kappa = 1.0 }"
            )
        return value

    @field_validator("grid", "search", mode="before")
    @classmethod
    def _flat(cls, value: object) -> object:
        """Take reduce.neighbors = [...] and "reduce.neighbors" = [...] alike."""
        return dict(_leaves(value)) if isinstance(value, dict) else value


def _leaves(table: dict[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict) and not {"low", "high"} & set(value):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, tuple(value) if isinstance(value, list) else value
