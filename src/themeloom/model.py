"""A run that can be used: its tables, and topics and themes for new messages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl
from pydantic import BaseModel

from themeloom.arrays import as_texts
from themeloom.assigning.placing import Placed, Placing, theme_columns
from themeloom.columns import POSTERIOR
from themeloom.config import AdaptConfig, AnonymiseConfig, DescribeConfig, DiscoverConfig, EncoderConfig
from themeloom.corpus.anonymise import mask_texts
from themeloom.discovery.backend import OTHERS, REFERENCE
from themeloom.discovery.describe import to_bertopic
from themeloom.discovery.embed import Encoder
from themeloom.history import store
from themeloom.history.quiet import unlogged
from themeloom.history.registry import model_folder
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import RunRecord
from themeloom.reporting.fragments import summary_fragment
from themeloom.reporting.summary import summarise
from themeloom.reporting.texts import counted
from themeloom.scored import Score
from themeloom.system.provenance import FILES, WEIGHTS

if TYPE_CHECKING:
    from bertopic import BERTopic

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, eq=False)
class Model:
    """A run, loaded or just made.

    Parameters
    ----------
    record
        All that was kept of the run.
    encoder
        Where the encoder is, if it is a folder: of that, a model keeps the name only.
    """

    record: RunRecord
    encoder: str | None = None

    @property
    def communications(self) -> pl.DataFrame:
        """One row a unique communication: masked text, topic, theme."""
        return self.record.communications

    @cached_property
    def topics(self) -> pl.DataFrame:
        """One row a topic: its size, theme and words, its coherence, why it may be a theme of its own.

        Where discovery was repeated, or topics are a consensus, also ``comes_back`` (the number of
        repetitions, or of halves of the layouts, in which the topic came back), ``jaccard`` (its mean
        similarity there) and ``unstable``.
        """
        mapping, keys, quality = self.record.mapping, self.record.codebook.keys, self.record.quality
        reasons = {candidate.topic: candidate.reason for candidate in self.record.candidates}
        rows = [
            {
                "topic": topic.topic,
                "size": topic.size,
                "outliers": topic.outliers,
                "labelled": int(mapping.labels[topic.topic].sum()),
                "theme": keys[theme] if (theme := int(mapping.theme[topic.topic])) >= 0 else None,
                "probability": float(mapping.posterior[topic.topic].max()),
                "words": list(topic.words),
                "npmi": float(quality.npmi[topic.topic]),
                "c_v": float(quality.c_v[topic.topic]),
                "candidate": reasons.get(topic.topic),  # why no theme explains it; null where one does
            }
            for topic in self.record.discovery.topics
        ]
        table = pl.DataFrame(rows, schema_overrides={"theme": pl.String, "candidate": pl.String})
        held = self.record.discovery.stability
        if held is None:
            return table
        jaccard = [score.value for score in held.jaccard]
        columns = {"comes_back": held.comes_back, "jaccard": jaccard, "unstable": held.unstable}
        return table.with_columns(**{name: pl.Series(values) for name, values in columns.items()})

    @cached_property
    def themes(self) -> pl.DataFrame:
        """One row a theme: its topics, and the communications whose best theme it is; last, no theme."""
        counts = self.communications.group_by("theme").agg(pl.len().alias("communications"))
        names = {theme.key: theme.name for theme in self.record.codebook.themes}
        of_topic = self.record.mapping.theme.tolist()
        topics = [[t for t, k in enumerate(of_topic) if k == index] for index in range(len(names))]
        mixed = [t for t, k in enumerate(of_topic) if k < 0]
        return (
            pl.DataFrame(
                {"theme": [*names, None], "name": [*names.values(), None], "topics": [*topics, mixed]}
            )
            .join(counts, on="theme", how="left", nulls_equal=True, maintain_order="left")
            .with_columns(pl.col("communications").fill_null(0))
            .with_columns(share=pl.col("communications") / len(self.communications))
        )

    @cached_property
    def scores(self) -> pl.DataFrame:
        """One row a score: which line, which theme (null: all), which score, value, 95% interval."""
        scores = self.record.scores
        lines = {TOPIC_LEVEL: scores.overall, **scores.lines, **scores.differences}
        levels = {TOPIC_LEVEL: scores.per_theme, MESSAGE_LEVEL: scores.message_per_theme}
        rows = [_row(line, None, *named) for line, of_line in lines.items() for named in of_line.items()]
        rows += [
            _row(level, theme, *named)
            for level, themes in levels.items()
            for theme, of_theme in themes.items()
            for named in of_theme.items()
        ]
        return pl.DataFrame(rows, schema_overrides={"theme": pl.String})

    @property
    def groups(self) -> pl.DataFrame:
        """One row a group and theme: its share there with its 95% interval, and the difference from others.

        Empty where messages have no groups, or labels are no sample of known probabilities.
        """
        return self.record.scores.groups

    @cached_property
    def undecided(self) -> pl.DataFrame:
        """Messages for people to decide, most uncertain first: two or more themes may be theirs.

        A message's prediction set holds its likeliest theme, and all that are at least as probable as
        ``scores.conformal``; at least nine sets in ten hold the true theme. A message is decided where its
        set is one theme, or it has a label. One row a message: ``doc_id``, ``text``, ``theme`` (its
        likeliest), ``probability``, ``others`` (the other themes in its set, likeliest first). With fewer
        than nine labels judged nothing can be promised: all themes stand in each set.
        """
        record, keys = self.record, self.record.codebook.keys
        places = np.flatnonzero(record.undecided)
        posterior, inside = record.mapping.messages[places], record.sets[places]
        order = np.argsort(-posterior, axis=1, kind="stable")
        others = [
            [keys[at] for at in ranked[1:] if of_set[at]]
            for ranked, of_set in zip(order, inside, strict=True)
        ]
        columns = {
            "theme": pl.Series([keys[at] for at in posterior.argmax(axis=1)], dtype=pl.String),
            "probability": pl.Series(posterior.max(axis=1)),
            "others": pl.Series(others, dtype=pl.List(pl.String)),
        }
        table = record.communications[places].select("doc_id", "text").with_columns(**columns)
        return table.sort("probability", maintain_order=True)

    def assign(
        self,
        texts: Iterable[str],
        *,
        masked: bool = False,
        probabilities: bool = False,
        progress: Progress = UNWATCHED,
    ) -> pl.DataFrame:
        """Give topics and themes to messages.

        Messages of the run itself get exactly what the run gave them; others get the topic of their nearest
        neighbours among the run's messages, in the embedding. Words that the experiment always masks
        (``anonymise.mask``) are names, and so not kept with a model: mask them beforehand.

        Parameters
        ----------
        texts
            Messages, raw or masked.
        masked
            Whether the messages are masked already; raw ones are masked before they are embedded.
        probabilities
            Whether each theme's probability is given too.
        progress
            Who watches.

        Returns
        -------
        polars.DataFrame
            One row a message, in order: ``topic`` (-1 where none), ``membership`` (share of the neighbours'
            vote, or HDBSCAN's probability for the run's own messages), ``topic_theme``, ``theme``,
            ``theme_probability``; on request also ``p_KEY`` for each theme.

        Raises
        ------
        InputError
            If `texts` is no list of texts, or something in it is not text, or blank: it has no topic.
        """
        given = as_texts(texts)
        clean = given if masked else self._masked(given)
        placed = self.placing.place(clean, progress)
        table = self._with_themes(placed)
        if not probabilities:
            return table
        return table.with_columns(
            pl.Series(f"{POSTERIOR}{key}", column)
            for key, column in zip(self.record.codebook.keys, placed.posterior.T, strict=True)
        )

    def _masked(self, texts: Sequence[str]) -> list[str]:
        """Mask messages, each distinct one once; those of the run itself are masked already."""
        distinct = list(dict.fromkeys(texts))
        new = [text for text in distinct if not self.placing.knows(self.placing.read(text))]
        clean = dict(zip(new, mask_texts(new, self.masking), strict=True))
        return [clean.get(text, text) for text in texts]

    @unlogged()
    def to_bertopic(self) -> "BERTopic":
        """Return a fitted BERTopic object with the same topics under the same numbers.

        Its documents are the masked texts, in the order of the communications; what it embeds is read as the
        run's messages were (without frequent terms).
        """
        discovery = self.record.discovery
        return to_bertopic(
            discovery.embeddings,
            discovery.clusters.topic,
            self.encoder_used,
            self.describing,
        )

    @property
    def describing(self) -> DescribeConfig:
        """How topics are described."""
        return self._settings("describe", DescribeConfig)

    @cached_property
    def encoder_used(self) -> Encoder:
        """The run's encoder; without code of its own, whatever the model says of trust."""
        config = self._settings("encoder", EncoderConfig)
        update: dict[str, Any] = {"trust_remote_code": False}
        if config.backend == "auto":  # not what is quickest here, but what the run used
            used = self.record.discovery.embeddings.encoder.rpartition(", ")[2]
            update["backend"] = used if used in OTHERS else REFERENCE
        if self.encoder:
            update["name"] = self.encoder
        known = self.record.digests.get(FILES) or self.record.digests.get(WEIGHTS)
        if known and not config.static:
            update["sha256"] = known
        from_folder = not self.encoder and Path(self.record.discovery.embeddings.encoder).is_absolute()
        return Encoder(config.model_copy(update=update), self.record.word_vectors, from_folder=from_folder)

    @property
    def masking(self) -> AnonymiseConfig:
        """How messages are masked, but for the words that always are: those a model does not keep."""
        return self._settings("anonymise", AnonymiseConfig).model_copy(update={"mask": ()})

    @cached_property
    def placing(self) -> Placing:
        """What gives messages their topics and themes."""
        record = self.record
        return Placing(
            record.discovery,
            record.mapping,
            record.adapted,
            self.encoder_used,
            self._settings("adapt", AdaptConfig),
            record.config["study"]["seed"],
            informed=self._settings("discover", DiscoverConfig).informed,
        )

    def __repr__(self) -> str:
        messages, topics = len(self.communications), self.record.discovery.clusters.count
        return f"<Model {self.record.run}: {counted(messages, 'message')}, {counted(topics, 'topic')}>"

    def _repr_html_(self) -> str:
        """Show what was found in a notebook."""
        return summary_fragment(summarise(self.record, paths={}, tracked={}))

    def _settings(self, section: str, kind: type[S]) -> S:
        return kind.model_validate(self.record.config[section])

    def _with_themes(self, placed: Placed) -> pl.DataFrame:
        record = self.record
        themes = theme_columns(placed.topic, placed.posterior, record.mapping, record.codebook.keys)
        return pl.DataFrame({"topic": placed.topic, "membership": placed.membership}).with_columns(themes)


def load(path: str | Path, encoder: str | None = None, root: str | Path = ".") -> Model:
    """Load a model: a folder, or one that MLflow keeps.

    Parameters
    ----------
    path
        A folder under models/, a run's name there, ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``,
        ``runs:/RUN_ID/model`` or the id of an MLflow run.
    encoder
        Where the encoder is, if the run used one from a folder of its own.
    root
        The folder under which models/, mlruns/ and .themeloom/ lie.

    Raises
    ------
    ModelError
        If there is no such folder, or it is incomplete, altered, or written by a newer version.
    TrackingError
        If MLflow has no such model, or cannot be reached.
    """
    return Model(store.load(model_folder(str(path), Path(root))), encoder)


def _row(line: str, theme: str | None, name: str, score: Score) -> dict[str, object]:
    return {
        "line": line,
        "theme": theme,
        "score": name,
        "value": score.value,
        "low": score.low,
        "high": score.high,
    }
