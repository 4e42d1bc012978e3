"""What a finished run gives to people."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from themeloom.assigning.placing import theme_columns
from themeloom.columns import ASSIGNED, MESSAGE
from themeloom.history.tracking import Tracked
from themeloom.model import Model
from themeloom.records import Codebook, Corpus, Discovery, Mapping
from themeloom.reporting.fragments import summary_fragment
from themeloom.reporting.summary import Summary


@dataclass(frozen=True, eq=False, slots=True)
class RunResult:
    """A finished run, for people to explore."""

    model: Model
    summary: Summary
    folder: Path
    report: Path
    tracked: Tracked

    @property
    def place_in_mlflow(self) -> str:
        """Where the run is tracked, in one line."""
        if self.tracked.waiting:
            return f"not yet there, but in the outbox ({self.tracked.waiting}) Then run 'themeloom sync'."
        return f"run {self.tracked.run_id} of experiment '{self.tracked.experiment}' in {self.tracked.uri}"

    @property
    def communications(self) -> pl.DataFrame:
        """One row a unique communication: masked text, topic, theme."""
        return self.model.communications

    @property
    def topics(self) -> pl.DataFrame:
        """One row a topic: words, size, theme."""
        return self.model.topics

    @property
    def themes(self) -> pl.DataFrame:
        """One row a theme: its topics and its share of the communications."""
        return self.model.themes

    @property
    def scores(self) -> pl.DataFrame:
        """One row a score: value and 95% interval, the mapping's and the reference lines'."""
        return self.model.scores

    @property
    def groups(self) -> pl.DataFrame:
        """One row a group and theme: share with 95% interval, and its difference from all other groups."""
        return self.model.groups

    def __repr__(self) -> str:
        return f"<RunResult of {self.model!r} in {self.folder}>"

    def _repr_html_(self) -> str:
        """Show what was found in a notebook."""
        return summary_fragment(self.summary)


def assigned(corpus: Corpus, discovery: Discovery, mapping: Mapping, codebook: Codebook) -> pl.DataFrame:
    """Give each communication its topic and its themes: ASSIGNED."""
    clusters = discovery.clusters
    table = corpus.communications.select(MESSAGE).with_columns(
        pl.Series("topic", clusters.topic),
        pl.Series("outlier", clusters.outlier),
        *theme_columns(clusters.topic, mapping.messages, mapping, codebook.keys),
    )
    return table.select(pl.col(name).cast(kind) for name, kind in ASSIGNED.items())
