"""A run that can be used: its tables, and topics and themes for new messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl
from pydantic import BaseModel

from themeloom.config import AdaptConfig, AnonymiseConfig, DescribeConfig, DiscoverConfig, EncoderConfig
from themeloom.corpus.anonymise import mask_texts
from themeloom.discovery.adapt import Adapter
from themeloom.discovery.describe import to_bertopic
from themeloom.discovery.embed import Encoder, embedded_text
from themeloom.discovery.neighbours import nearest_topic, side_by_side
from themeloom.discovery.surface import surface
from themeloom.history import store
from themeloom.members import Messages
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Doubles, Floats, Ints, RunRecord, Score
from themeloom.themes.mapping import message_posterior, topic_themes

if TYPE_CHECKING:
    from bertopic import BERTopic

S = TypeVar("S", bound=BaseModel)
CHUNK = 1_024  # messages whose hidden states are held at once


@dataclass(frozen=True)
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
        """One row a topic: number, size, outliers among its members, theme, its probability, words."""
        mapping, keys = self.record.mapping, self.record.codebook.keys
        rows = [
            {
                "topic": topic.topic,
                "size": topic.size,
                "outliers": topic.outliers,
                "labelled": int(mapping.labels[topic.topic].sum()),
                "theme": keys[theme] if (theme := int(mapping.theme[topic.topic])) >= 0 else None,
                "probability": float(mapping.posterior[topic.topic].max()),
                "words": list(topic.words),
            }
            for topic in self.record.discovery.topics
        ]
        return pl.DataFrame(rows, schema_overrides={"theme": pl.String})

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
        rows = [_row("mapping", None, name, score) for name, score in scores.overall.items()]
        rows += [
            _row("mapping", theme, name, score)
            for theme, named in scores.per_theme.items()
            for name, score in named.items()
        ]
        rows += [
            _row(line, None, name, score)
            for line, named in scores.lines.items()
            for name, score in named.items()
        ]
        return pl.DataFrame(rows, schema_overrides={"theme": pl.String})

    def assign(
        self, texts: Sequence[str], *, masked: bool = False, progress: Progress = UNWATCHED
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
        progress
            Who watches.

        Returns
        -------
        polars.DataFrame
            One row a message, in order: ``topic`` (-1 where none), ``membership`` (share of the neighbours'
            vote, or HDBSCAN's probability for the run's own messages), ``topic_theme``, ``theme``,
            ``theme_probability``.
        """
        clean = list(texts)
        read = [self._read(text) for text in clean]
        unknown = [i for i, text in enumerate(read) if text not in self._places]
        if unknown and not masked:
            again = mask_texts([texts[i] for i in unknown], self._masking)
            for i, text in zip(unknown, again, strict=True):
                clean[i], read[i] = text, self._read(text)
        return self._assigned(read, clean, progress)

    def to_bertopic(self) -> "BERTopic":
        """Return a fitted BERTopic object with the same topics under the same numbers.

        Its documents are the texts as they were embedded (masked, without frequent terms), in the order of
        the communications.
        """
        discovery = self.record.discovery
        return to_bertopic(
            discovery.embeddings,
            discovery.clusters.topic,
            self._encoder,
            self._settings("describe", DescribeConfig),
        )

    @cached_property
    def _encoder(self) -> Encoder:
        config = self._settings("encoder", EncoderConfig)
        return Encoder(config.model_copy(update={"name": self.encoder}) if self.encoder else config)

    @property
    def _masking(self) -> AnonymiseConfig:
        return self._settings("anonymise", AnonymiseConfig).model_copy(update={"mask": ()})

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where each embedded text stands; equal texts have equal vectors and so equal topics."""
        texts = self.record.discovery.embeddings.texts
        return {text: place for place, text in reversed(list(enumerate(texts)))}

    def _settings(self, section: str, kind: type[S]) -> S:
        return kind.model_validate(self.record.config[section])

    def _read(self, text: str) -> str:
        return embedded_text(text, self.record.discovery.embeddings.frequent_terms)

    def _assigned(self, texts: Sequence[str], masked: Sequence[str], progress: Progress) -> pl.DataFrame:
        discovery, mapping = self.record.discovery, self.record.mapping
        topic = np.full(len(texts), -1, dtype=np.int64)
        membership = np.zeros(len(texts), dtype=np.float32)
        posterior = np.zeros((len(texts), mapping.messages.shape[1]))
        place = np.array([self._places.get(text, -1) for text in texts], dtype=np.int64)
        known, new = np.flatnonzero(place >= 0), np.flatnonzero(place < 0)
        topic[known] = discovery.clusters.topic[place[known]]
        membership[known] = discovery.clusters.membership[place[known]]
        posterior[known] = mapping.messages[place[known]]
        if len(new):
            messages, membership[new] = self._new(
                [texts[int(i)] for i in new], [masked[int(i)] for i in new], progress
            )
            members = discovery.embeddings.vectors[mapping.members]
            topic[new], posterior[new] = messages.topic, message_posterior(messages, members, mapping)
        return self._with_themes(topic, membership, posterior)

    def _new(
        self, texts: Sequence[str], masked: Sequence[str], progress: Progress
    ) -> tuple[Messages, Floats]:
        """Encode messages that the run did not have, and find their topics."""
        discovery, adapted = self.record.discovery, self.record.adapted
        vectors, by_adapted = self._encoded(texts, progress)
        clustered = discovery.clusters.topic >= 0
        among, asked = discovery.embeddings.vectors[clustered], vectors
        if self._settings("discover", DiscoverConfig).vectors == "raw+adapted":
            among, asked = side_by_side(among, adapted.vectors[clustered]), side_by_side(vectors, by_adapted)
        topic, share = nearest_topic(asked, among, discovery.clusters.topic[clustered])
        nobody = np.full(len(texts), -1)
        return Messages(topic, vectors, by_adapted, surface(masked), nobody), share

    def _encoded(self, texts: Sequence[str], progress: Progress) -> tuple[Floats, Floats]:
        """Return raw and adapted vectors."""
        layers = self.record.adapted.layers
        if not len(layers):
            return self._encoder.encode(texts, progress), np.zeros((len(texts), 0), np.float32)
        config = self._settings("adapt", AdaptConfig)
        adapter = Adapter(self._encoder, config, self.record.config["study"]["seed"])
        raw, adapted = [], []
        progress.begin(len(texts), "messages")
        for start in range(0, len(texts), CHUNK):
            vectors, states = adapter.read(texts[start : start + CHUNK])
            raw.append(vectors)
            adapted.append(adapter.encode(states, layers))
            progress.advance(len(vectors))
        return np.concatenate(raw), np.concatenate(adapted)

    def _with_themes(self, topic: Ints, membership: Floats, posterior: Doubles) -> pl.DataFrame:
        names = np.array([*self.record.codebook.keys, None], dtype=object)
        of_topic = names[topic_themes(topic, self.record.mapping)[0]].tolist()
        return pl.DataFrame(
            {
                "topic": topic,
                "membership": membership,
                "topic_theme": pl.Series(of_topic, dtype=pl.String),
                "theme": pl.Series(names[posterior.argmax(axis=1)].tolist(), dtype=pl.String),
                "theme_probability": pl.Series(posterior.max(axis=1)),
            }
        )


def load(path: str | Path, encoder: str | None = None) -> Model:
    """Load a model folder.

    Parameters
    ----------
    path
        A folder under models/.
    encoder
        Where the encoder is, if the run used one from a folder of its own.

    Raises
    ------
    ModelError
        If the folder is incomplete, altered, or written by a newer version.
    """
    return Model(store.load(Path(path)), encoder)


def _row(line: str, theme: str | None, name: str, score: Score) -> dict[str, object]:
    return {
        "line": line,
        "theme": theme,
        "score": name,
        "value": score.value,
        "low": score.low,
        "high": score.high,
    }
