"""Where a study's results and private things lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders under one root, most often the current folder."""

    root: Path

    @property
    def models(self) -> Path:
        """One folder a run."""
        return self.root / "models"

    @property
    def cache(self) -> Path:
        """What was computed once; may be removed at any time."""
        return self.root / ".themeloom" / "cache"

    @property
    def locks(self) -> Path:
        """What several processes may only do one after the other."""
        return self.root / ".themeloom" / "locks"

    @property
    def outbox(self) -> Path:
        """Runs that MLflow has not taken yet, a file each."""
        return self.root / ".themeloom" / "outbox"

    @property
    def private(self) -> Path:
        """Keys and crosswalks, a folder a study; mode 0700."""
        return self.root / ".themeloom" / "private"

    def key(self, study: str) -> Path:
        """Return the key of a study's pseudonyms."""
        return self.private / study / "key"

    def label_file(self, study: str) -> Path:
        """Return the file of what people code on the labelling page."""
        return self.root / "labels" / f"{study}.sqlite"
