"""The files of a model folder: one table that reader and writer share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import DTypeLike, NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter

from themeloom.columns import ASSIGNED, CALIBRATION, COVERAGE_CURVE, EVALUATION, POSTERIOR
from themeloom.config import POOL
from themeloom.records import Candidate, Codebook, Flow, StageTime, Topic
from themeloom.scored import Score, Stability

FORMAT = 4
MANIFEST = "manifest.json"
CARD = "model_card.md"


class _Facts(BaseModel):
    # JSON has no word for NaN, which a score can be (a theme with no label): it is written as a string
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class FileFacts(_Facts):
    """How to tell that a file is the one that was written."""

    sha256: str
    bytes: int


class Manifest(_Facts):
    """manifest.json."""

    format: int
    themeloom: str
    run: str
    started_at: str
    files: dict[str, FileFacts]


class RunFacts(_Facts):
    """run.json: what a run is, beside its arrays and tables."""

    run: str
    study: str
    title: str
    note: str
    started_at: str
    flow: Flow
    masked: dict[str, int]
    versions: dict[str, str]
    digests: dict[str, str]
    git: dict[str, str]
    times: tuple[StageTime, ...]
    encoder: str
    frequent_terms: tuple[str, ...]
    neighbors: int
    min_cluster_size: int
    selection: str
    layouts: int = 1
    cluster_note: str
    quality: dict[str, float]
    candidates: tuple[Candidate, ...] = ()
    labelled: tuple[int, ...] = ()
    stability: Stability | None = None
    topic_authors: tuple[int, ...] = ()
    theme_authors: tuple[int, ...] = ()
    authorless: int = 0
    tied: int = 0
    coded: dict[str, int] = {}


class ScoreFacts(_Facts):
    """scores.json."""

    overall: dict[str, Score]
    per_theme: dict[str, dict[str, Score]]
    lines: dict[str, dict[str, Score]]
    confusion: list[list[float]]
    labels: int
    folds: int
    repeats: int
    message_per_theme: dict[str, dict[str, Score]]
    message_confusion: list[list[float]]
    differences: dict[str, dict[str, Score]]
    conformal: float
    prevalence: dict[str, dict[str, Score]]
    groups: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A file for people."""

    holds: str

    def write(self, path: Path, value: str) -> None:
        """Write the text."""
        path.write_text(value, encoding="utf-8")

    def read(self, path: Path) -> str:
        """Read the text."""
        return path.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON file of a known type."""

    holds: str
    type: Any

    def write(self, path: Path, value: object) -> None:
        """Write the value as its type."""
        path.write_bytes(TypeAdapter(self.type).dump_json(value, indent=1) + b"\n")

    def read(self, path: Path) -> object:
        """Read and check the value."""
        return TypeAdapter(self.type).validate_json(path.read_bytes())


@dataclass(frozen=True, slots=True)
class Table:
    """A parquet file: its columns, with dtypes where they are promised."""

    holds: str
    columns: dict[str, Any]
    numbers: str | None = None  # further columns begin so, and hold numbers

    def write(self, path: Path, value: pl.DataFrame) -> None:
        """Write the promised columns and no others."""
        columns = [
            pl.col(name).cast(dtype) if dtype else pl.col(name)
            for name, dtype in self._promised(value).items()
        ]
        value.select(columns).write_parquet(path)

    def read(self, path: Path) -> pl.DataFrame:
        """Read the table and check its columns."""
        table = pl.read_parquet(path, glob=False, hive_partitioning=False)
        promised = {name: dtype or table.schema.get(name) for name, dtype in self._promised(table).items()}
        if list(table.schema.items()) != list(promised.items()):
            raise ValueError(f"its columns are {table.columns}, not {list(self.columns)} of the right types")
        return table

    def _promised(self, table: pl.DataFrame) -> dict[str, Any]:
        more = [name for name in table.columns if self.numbers and name.startswith(self.numbers)]
        return self.columns | dict.fromkeys(more, pl.Float64)


@dataclass(frozen=True, slots=True)
class Arrays:
    """A safetensors file: the arrays by name, with dtype and number of axes."""

    holds: str
    arrays: dict[str, tuple[DTypeLike, int]]

    def write(self, path: Path, value: dict[str, NDArray[Any]]) -> None:
        """Write the arrays."""
        from safetensors.numpy import save_file

        # safetensors writes memory as it lies (a transposed view would come back wrong), and leaves files
        # that nobody but their owner may read
        lying = {name: np.ascontiguousarray(value[name], dtype) for name, (dtype, _) in self.arrays.items()}
        path.touch()
        mode = path.stat().st_mode
        save_file(lying, path)
        path.chmod(mode)

    def read(self, path: Path) -> dict[str, NDArray[Any]]:
        """Read the arrays and check dtypes and axes."""
        from safetensors.numpy import load_file

        arrays: dict[str, NDArray[Any]] = load_file(path)
        found = {name: (array.dtype, array.ndim) for name, array in arrays.items()}
        promised = {name: (np.dtype(dtype), axes) for name, (dtype, axes) in self.arrays.items()}
        if found != promised:
            raise ValueError(f"the arrays are {found}, not {promised}")
        return arrays


Part = Text | Json | Table | Arrays

REPORT = "report.html"
"""Lies in the folder too, but is no part of the model: it can be written again, or removed."""

LAYOUT: dict[str, Part] = {
    CARD: Text("the model card, for people"),
    "run.json": Json(
        "run, study, flow, times, versions, digests, git, what was chosen on the way, candidates for themes",
        RunFacts,
    ),
    "config.json": Json(
        "the experiment file, as read, without names, passwords or home folders", dict[str, Any]
    ),
    "codebook.json": Json("themes and residual categories, in order", Codebook),
    "topics.json": Json(
        "topics: words, weights, sizes, representative messages by position", tuple[Topic, ...]
    ),
    "scores.json": Json("cross-fitted scores with intervals, confusion, reference lines", ScoreFacts),
    "communications.parquet": Table("one masked message a row: doc_id, text, topic, theme", ASSIGNED),
    "embedded_texts.parquet": Table("what was embedded, in the same order", {"text": pl.String}),
    "unreadable.parquet": Table(
        "rows that could not be read, and why", {"file": pl.String, "line": pl.Int64, "reason": pl.String}
    ),
    "tree.parquet": Table(
        "HDBSCAN's condensed tree; children below the number of communications are their positions",
        dict.fromkeys(("parent", "child", "lambda", "size"), None),
    ),
    "embeddings.safetensors": Arrays("one unit vector a message", {"vectors": (np.float32, 2)}),
    "layout.safetensors": Arrays(
        "UMAP: where topics are sought, and the map", {"reduced": (np.float32, 2), "plane": (np.float32, 2)}
    ),
    "clusters.safetensors": Arrays(
        "HDBSCAN: topic (-1: none), outlier, membership",
        {"topic": (np.int64, 1), "outlier": (np.bool_, 1), "membership": (np.float32, 1)},
    ),
    "mapping.safetensors": Arrays(
        "themes of topics (posterior, theme or -1 for mixed, labels) and messages; what new ones are told by",
        {
            "posterior": (np.float64, 2),
            "theme": (np.int64, 1),
            "labels": (np.int64, 2),
            "messages": (np.float64, 2),
            "weights": (np.float64, 1),
            "members": (np.int64, 1),
            **{f"part_{name}": (np.float64, 2) for name in POOL},
        },
    ),
    "adapted.safetensors": Arrays(
        "the adapted encoder: one unit vector a message, and its upper layers; empty without one",
        {"vectors": (np.float32, 2), "layers": (np.float32, 1)},
    ),
    "static.safetensors": Arrays(
        "the static encoder: a vector a word piece, and its tokeniser as JSON; empty where there is none",
        {"vectors": (np.float32, 2), "tokenizer": (np.uint8, 1)},
    ),
    "quality.safetensors": Arrays(
        "coherence of each topic", {"npmi": (np.float64, 1), "c_v": (np.float64, 1)}
    ),
    "calibration.parquet": Table("how often the message level is right, by its confidence", CALIBRATION),
    "coverage.parquet": Table("accuracy of the message level where it is surest", COVERAGE_CURVE),
    "evaluation.parquet": Table(
        "one labelled message a row: how it was coded, what was predicted held-out, its posterior",
        EVALUATION,
        POSTERIOR,
    ),
}
"""File name → what it holds and how it is written and read. The manifest names exactly these."""
