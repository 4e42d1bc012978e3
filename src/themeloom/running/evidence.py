"""What may be known of communications when some labels are learned from: the encoder adapted to these.

Whoever learns a mapping asks here, by the labels that may be learned from, and is given nothing that another
label has touched. Adaptations are prepared together, several at once, and remembered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event

import numpy as np

from themeloom.config import Experiment
from themeloom.discovery.adapt import Adapter, States
from themeloom.discovery.batches import of_like_length
from themeloom.discovery.contrast import contrastive_loss
from themeloom.discovery.embed import Encoder, unload
from themeloom.discovery.estimate import cross_estimated, distilled, estimated, turn_of
from themeloom.discovery.footprint import footprint
from themeloom.discovery.hierarchy import topic_tree
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.processor import at_once, until
from themeloom.discovery.surface import surface
from themeloom.members import NEIGHBOURS, Labels, Members, Messages, informed_vectors, side_by_side
from themeloom.nearest import nearest_of_all
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Clusters, Embeddings, Floats, Ints
from themeloom.running.discover import grouped, grouped_key, laid_out, layout_key, packed, unpacked
from themeloom.running.spreading import sample_of
from themeloom.system.cache import Arrays, Cache, code_of, digest
from themeloom.system.provenance import versions

MOST = 2_000
"""Communications that are learned from, labelled ones aside; of a larger corpus every so-and-so-manieth."""
_SERVING, _INFORMING = 20, 45  # steps of adapting to few labels: for the mapping alone, for topics as well
_FEW, _MANY = 200, 1_000  # labels: between them steps grow in proportion, so that each is drawn as often
_CHUNK = 1_024
_UNTOUCHED = b""  # instead of the key of labels


@dataclass
class Evidence:
    """What is known of a corpus, given labels.

    Parameters
    ----------
    texts
        Masked texts.
    embeddings
        Their raw vectors.
    codebook
        (themes, dimensions): the codebook's texts as unit vectors (`codebook_vectors`).
    labelled
        Positions of all labelled communications, ascending.
    config
        The experiment.
    cache
        The folder of what was computed once.
    loss
        What is lost by finding topics in a sample (`spread`); nothing where they are found in all.
    """

    texts: Sequence[str]
    embeddings: Embeddings
    codebook: Floats
    labelled: Ints
    config: Experiment
    cache: Path
    loss: dict[str, float] = field(default_factory=dict)
    _clusters: dict[bytes, Clusters] = field(default_factory=dict)
    _adapted: dict[bytes, Arrays] = field(default_factory=dict)
    _nearest: dict[bytes, Ints] = field(default_factory=dict)
    _kept: bytes = b""

    @property
    def informed(self) -> bool:
        """Whether labels inform the topics."""
        return self.config.discover.informed

    def adapt(self, kept: Labels, others: Sequence[Labels] = (), progress: Progress = UNWATCHED) -> None:
        """Adapt the encoder to each set of labels, as far as that is not remembered.

        Parameters
        ----------
        kept
            Those of the mapping that is kept.
        others
            Those of mappings that are judged, and of the choices made in all of them.
        progress
            Told of the steps.
        """
        self._kept = _key(kept)
        if not self.config.adapts:
            return
        asked = {_key(labels): labels for labels in (kept, *others)}  # the longest work first
        names = [self._digest(labels) for labels in asked.values()]
        progress.begin(len(asked) * self._steps, "steps")
        known = all(self._cache.knows("adapt", name) for name in names)
        states = [] if known else self._adapter.states(self._read)
        halt = Event()
        stepped = until(halt, progress)
        tasks = [self._task(*one, states, stepped) for one in zip(names, asked.values(), strict=True)]
        need = footprint(states, self.config.adapt)
        self._adapted = dict(zip(asked, at_once(tasks, halt, need), strict=True))

    def found(self, clusters: Clusters) -> None:
        """Take the topics of the run: those of the kept labels, or, where no label informs them, of all."""
        self._clusters[self._kept if self.informed else _UNTOUCHED] = clusters

    def encoded(self) -> None:
        """Let go of the encoder, as the vectors are known that will be asked for."""
        self.__dict__.pop("_adapter", None)
        unload()

    @property
    def layers(self) -> Floats:
        """The kept adaptation's layers; (0,) without one."""
        return self._adapted[self._kept]["layers"] if self._adapted else np.zeros(0, np.float32)

    @cached_property
    def whole(self) -> Floats:
        """(communications, dimensions): vectors by the kept adaptation; (communications, 0) without one.

        Of a corpus whose topics are found in a sample, those of most communications are estimates.
        """
        members = self._of_members(self._kept)
        if len(members) == len(self.texts):
            return members
        every = np.zeros((len(self.texts), members.shape[1]), np.float32)
        every[self.position] = members
        if members.shape[1]:
            rest = np.setdiff1d(np.arange(len(self.texts)), self.position)
            (self._turn if self.config.encoder.static else self._estimate)(every, rest)
        return every

    @property
    def sampled(self) -> bool:
        """Whether topics are found in a sample of the corpus."""
        return len(self.fitted) < len(self.texts)

    def members(self, labels: Labels) -> Members:
        """Return the communications that are learned from."""
        return self._members(_key(labels))

    @cached_property
    def untouched(self) -> Members:
        """The communications that are learned from, as no label has touched them."""
        return self._members(_UNTOUCHED)

    def messages(self, labels: Labels) -> Messages:
        """Return all communications; `labels` are those of the mapping that is kept."""
        member = np.full(len(self.texts), -1)
        member[self.position] = np.arange(len(self.position))
        topic = self._clusters[_key(labels) if self.informed else _UNTOUCHED].topic
        return Messages(topic, self.embeddings.vectors, self.whole, self._surface, member)

    @cached_property
    def fitted(self) -> Ints:
        """Positions of the communications in which topics are found, ascending: of a small corpus, all."""
        return sample_of(self.embeddings, self.labelled, self.config)

    @cached_property
    def position(self) -> Ints:
        """Positions of the communications that are learned from, ascending."""
        size = len(self.fitted)
        chosen = np.linspace(0, size - 1, min(MOST, size)).astype(np.int64)
        return np.union1d(self.fitted[chosen], self.labelled)

    def _members(self, key: bytes) -> Members:
        topic, parents = self._topics(key if self.informed else _UNTOUCHED)
        messages = Messages(
            topic=topic,
            vectors=self.embeddings.vectors[self.position],
            adapted=self._of_members(key),
            surface=self._surface[self.position],
            member=np.arange(len(self.position)),
        )
        return Members(self.position, messages, self._neighbours(key), parents, self.codebook)

    def _topics(self, key: bytes) -> tuple[Ints, Ints]:
        """Return the members' topics, and the tree of topics."""
        if key not in self._clusters:
            self._clusters[key] = self._clustered(key)
        clusters = self._clusters[key]
        of_members = len(clusters.topic) == len(self.position)
        return clusters.topic if of_members else clusters.topic[self.position], topic_tree(clusters)

    def _clustered(self, touched: bytes) -> Clusters:
        """Find topics among the members, as these labels have touched them."""
        raw = self.embeddings.vectors[self.position]
        near = Neighbourhood(informed_vectors(raw, self._of_members(touched)))
        fewest = fewest_topics(len(self.codebook))

        def lay_out() -> Arrays:
            return {"several": laid_out(near, self.config)}

        def group() -> Arrays:
            return packed(grouped(several, near, self.config.cluster, fewest=fewest)[0])

        key = layout_key(near.vectors, self.config, "for clustering alone")
        several = self._cache.remember("reduce", key, lay_out)[0]["several"]
        key = grouped_key(several, near.vectors, self.config.cluster, fewest)
        return unpacked(self._cache.remember("cluster", key, group)[0])

    def _of_members(self, key: bytes) -> Floats:
        if not self._adapted or key == _UNTOUCHED:
            return np.zeros((len(self.position), 0), np.float32)
        return self._adapted[key]["vectors"]

    def _turn(self, every: Floats, rest: Ints) -> None:
        """Fill in the rest of a static encoder's vectors: the raw ones turned."""
        every[rest] = distilled(self.embeddings.vectors[rest], self.layers)

    def _estimate(self, every: Floats, rest: Ints) -> None:
        """Fill in the rest of a transformer's: encoded where topics are read from them, else estimated."""
        known = self.fitted if self.informed or not self.sampled else self.position
        more, rest = np.setdiff1d(known, self.position), np.setdiff1d(rest, known)
        if len(more):
            every[more] = self._encoded(more)
        raw = self.embeddings.vectors
        every[rest] = estimated(raw[known], every[known], raw[rest])

    def _task(
        self, name: str, labels: Labels, states: States, stepped: Callable[[int], None]
    ) -> Callable[[], Arrays]:
        place = np.searchsorted(self.position, labels.position)
        kept = _key(labels) == self._kept

        def make() -> Arrays:
            learned = [states[i] for i in place]
            layers = self._adapter.learn(learned, labels.theme, self._steps, lambda: stepped(1))
            vectors = self._adapter.encode(states, layers, nearly=not kept)
            if self.config.encoder.static:
                raw = self.embeddings.vectors[self.position]
                layers, vectors = turn_of(raw, vectors).ravel(), cross_estimated(raw, vectors, self._read)
            return {"vectors": vectors, "layers": layers if kept else np.zeros(0, np.float32)}  # large

        def task() -> Arrays:
            arrays, known = self._cache.remember("adapt", name, make)
            if known:
                stepped(self._steps)
            return arrays

        return task

    def _digest(self, labels: Labels) -> str:
        return digest(
            self._adapter.encoder.fingerprint,
            self.config.encoder.static and [Encoder(self.config.encoder).fingerprint, code_of(estimated)],
            [self.embeddings.texts[i] for i in labels.position],
            labels.theme,
            self._read,
            self.config.adapt.model_dump(mode="json"),
            self._steps,
            self._adapter.shortens,
            self.config.study.seed,
            _key(labels) == self._kept,
            versions(),
            code_of(Adapter, contrastive_loss, of_like_length),
        )

    def _encoded(self, rows: Ints) -> Floats:
        """Encode communications that are no members, a chunk at a time."""

        def make() -> Arrays:
            parts = []
            for start in range(0, len(rows), _CHUNK):
                texts = [self.embeddings.texts[i] for i in rows[start : start + _CHUNK]]
                parts.append(self._adapter.encode_at_once(self._adapter.states(texts), self.layers))
            return {"vectors": np.concatenate(parts)}

        read, code = [self.embeddings.texts[i] for i in rows], code_of(Adapter, of_like_length)
        key = digest(self.layers, self._adapter.encoder.fingerprint, read, versions(), code)
        return self._cache.remember("adapt", key, make)[0]["vectors"]

    @property
    def _read(self) -> list[str]:
        """What the encoder reads of the communications that are learned from."""
        return [self.embeddings.texts[i] for i in self.position]

    @property
    def _steps(self) -> int:
        return adaptation_steps(self.config, len(self.labelled))

    @cached_property
    def _adapter(self) -> Adapter:
        return Adapter(Encoder(self.config.encoder).parent, self.config.adapt, self.config.study.seed)

    @cached_property
    def _surface(self) -> Floats:
        return surface(self.texts)

    def _neighbours(self, key: bytes) -> Ints:
        key = key if self._adapted else _UNTOUCHED
        if key not in self._nearest:
            seen = side_by_side(self.embeddings.vectors[self.position], self._of_members(key))
            self._nearest[key] = nearest_of_all(seen, NEIGHBOURS + 1)[0][:, 1:]
        return self._nearest[key]

    @cached_property
    def _cache(self) -> Cache:
        return Cache(self.cache)


def adaptation_steps(config: Experiment, labels: int) -> int:
    """Return in how many steps the encoder is adapted to so many labels, and to those of any fold of them."""
    least = _INFORMING if config.discover.informed else _SERVING
    return config.adapt.steps or least * min(max(labels, _FEW), _MANY) // _FEW


def fewest_topics(themes: int) -> int:
    """Return how many topics there must be where labels inform them: twice as many as themes."""
    return 2 * themes


def _key(labels: Labels) -> bytes:
    return labels.position.tobytes() + b"|" + labels.theme.tobytes()
