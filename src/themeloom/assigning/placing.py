"""Topics and themes for any message: those that were learned from, and new ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from themeloom.config import AdaptConfig
from themeloom.discovery.adapt import Adapter
from themeloom.discovery.embed import Encoder
from themeloom.discovery.encoder_text import embedded_text
from themeloom.discovery.estimate import distilled
from themeloom.discovery.hierarchy import fitted
from themeloom.discovery.neighbours import nearest_topic, topic_shares
from themeloom.discovery.surface import surface
from themeloom.encoders import Adapted
from themeloom.members import Messages, informed_vectors, side_by_side
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Discovery, Doubles, Floats, Ints, Mapping
from themeloom.themes.mapping import message_posterior, topic_themes

CHUNK = 1_024  # messages whose hidden states are held at once


@dataclass(frozen=True, slots=True)
class Placed:
    """Where messages belong."""

    topic: Ints  # (messages,): -1 where none
    membership: Floats  # (messages,): HDBSCAN's probability, or the neighbours' share; 0 where none
    posterior: Doubles  # (messages, themes)
    raw: Floats  # (messages, dimensions): the encoder's own vectors
    adapted: Floats  # (messages, dimensions): the adapted encoder's; (messages, 0) without one


def theme_columns(topic: Ints, posterior: Doubles, mapping: Mapping, keys: Sequence[str]) -> list[pl.Series]:
    """Name the theme of each message's topic, its own likeliest theme, and the probability of that."""
    names = np.array([*keys, None], dtype=object)
    return [
        pl.Series("topic_theme", names[topic_themes(topic, mapping)[0]].tolist(), dtype=pl.String),
        pl.Series("theme", names[posterior.argmax(axis=1)].tolist(), dtype=pl.String),
        pl.Series("theme_probability", posterior.max(axis=1)),
    ]


@dataclass(frozen=True)
class Placing:
    """Gives messages their topics and their themes.

    Messages that were learned from get exactly what they were given then; others get the topic of their
    nearest neighbours among these, in the vectors that topics were read from.

    Parameters
    ----------
    discovery
        What emerged.
    mapping
        What it was mapped to.
    adapted
        The encoder's adapted layers, and vectors by them.
    encoder
        The encoder.
    adapt
        How it was adapted.
    seed
        Seed of that.
    informed
        Whether topics were read from adapted vectors too.
    """

    discovery: Discovery
    mapping: Mapping
    adapted: Adapted
    encoder: Encoder
    adapt: AdaptConfig
    seed: int
    informed: bool

    def read(self, text: str) -> str:
        """Return what the encoder reads of a text."""
        return embedded_text(text, self.discovery.embeddings.frequent_terms)

    def knows(self, read: str) -> bool:
        """Whether a text that is read so was learned from."""
        return read in self._places

    def place(self, texts: Sequence[str], progress: Progress = UNWATCHED) -> Placed:
        """Give messages their topics and themes.

        Parameters
        ----------
        texts
            Masked as the messages were that were learned from.
        progress
            Who watches.
        """
        read = [self.read(text) for text in texts]
        clusters, place = self.discovery.clusters, self._place(read)
        topic, membership = clusters.topic[place], clusters.membership[place]
        posterior = self.mapping.messages[place]
        raw, adapted = self.discovery.embeddings.vectors[place], self.adapted.vectors[place]
        new = np.flatnonzero(place < 0)
        if len(new):
            raw[new], adapted[new] = self.encoded([read[i] for i in new], progress)
            seen = self.seen(raw[new], adapted[new])
            topic[new], membership[new] = nearest_topic(seen, *self.clustered)
            said = [texts[i] for i in new.tolist()]
            posterior[new] = self.posterior(said, topic[new], raw[new], adapted[new])
        return Placed(topic, membership, posterior, raw, adapted)

    def posterior(self, texts: Sequence[str], topic: Ints, raw: Floats, adapted: Floats) -> Doubles:
        """Give new messages, of whatever topic (-1 where none that was mapped), their posterior."""
        messages = Messages(topic, raw, adapted, surface(texts), np.full(len(texts), -1))
        chosen = self.mapping.members
        members = side_by_side(self.discovery.embeddings.vectors[chosen], self.adapted.vectors[chosen])
        return message_posterior(messages, members, self.mapping)

    def shares(self, texts: Sequence[str]) -> Doubles:
        """Return each topic's share of the neighbours' vote, (messages, topics).

        Rows sum to 1, or are all 0 where no neighbour is near. All messages are asked for alike: one that was
        learned from is its own nearest neighbour.
        """
        read = [self.read(text) for text in texts]
        place = self._place(read)
        raw, adapted = self.discovery.embeddings.vectors[place], self.adapted.vectors[place]
        new = np.flatnonzero(place < 0)
        if len(new):
            raw[new], adapted[new] = self.encoded([read[i] for i in new], UNWATCHED)
        return topic_shares(self.seen(raw, adapted), *self.clustered)

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where each embedded text stands; equal texts have equal vectors and so equal topics."""
        texts = self.discovery.embeddings.texts
        return {text: place for place, text in reversed(list(enumerate(texts)))}

    def _place(self, read: Sequence[str]) -> Ints:
        return np.array([self._places.get(text, -1) for text in read], dtype=np.int64)

    @cached_property
    def voting(self) -> Ints:
        """Positions of the messages by which others get a topic, ascending: of a large corpus, in the sample.

        Topics that were added with new messages have none there: all of their messages speak for them.
        """
        topic, inside = self.discovery.clusters.topic, fitted(self.discovery.clusters)
        added = np.flatnonzero(~np.isin(topic, topic[inside]))
        inside = np.union1d(inside, added)
        return inside[topic[inside] >= 0]

    @cached_property
    def clustered(self) -> tuple[Floats, Ints]:
        """Vectors of the messages by which others get a topic, and their topics."""
        vectors, topic = self.discovery.embeddings.vectors[self.voting], self.discovery.clusters.topic
        seen = self.seen(vectors, self.adapted.vectors[self.voting]) if self.informed else vectors
        return seen, topic[self.voting]

    def seen(self, raw: Floats, adapted: Floats) -> Floats:
        """Return the vectors that topics were read from."""
        return informed_vectors(raw, adapted) if self.informed else raw

    def encoded(self, read: Sequence[str], progress: Progress = UNWATCHED) -> tuple[Floats, Floats]:
        """Return raw and adapted vectors of what the encoder reads, each distinct text once."""
        distinct = sorted(set(read), key=lambda text: (len(text), text))
        raw, adapted = self._encoded_once(distinct, progress)
        row = {text: i for i, text in enumerate(distinct)}
        rows = [row[text] for text in read]
        return raw[rows], adapted[rows]

    def _encoded_once(self, read: Sequence[str], progress: Progress) -> tuple[Floats, Floats]:
        layers = self.adapted.layers
        if not len(layers):
            return self.encoder.encode(read, progress), np.zeros((len(read), 0), np.float32)
        if self.encoder.config.static:
            plain = self.encoder.encode(read, progress)
            return plain, distilled(plain, layers)
        adapter = Adapter(self.encoder.parent, self.adapt, self.seed)
        raw, adapted = [], []
        progress.begin(len(read), "messages")
        for start in range(0, len(read), CHUNK):
            part = read[start : start + CHUNK]
            vectors, states = adapter.read(part)
            raw.append(vectors if adapter.encoder is self.encoder else self.encoder.encode(part))
            adapted.append(adapter.encode_at_once(states, layers))
            progress.advance(len(vectors))
        return np.concatenate(raw), np.concatenate(adapted)
