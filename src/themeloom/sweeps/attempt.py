"""One configuration of a sweep, with one seed: run, kept and tracked, or remembered from an earlier sweep."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np

from themeloom import pipeline
from themeloom.config import Experiment
from themeloom.discovery.embed import Encoder
from themeloom.errors import TrackingError
from themeloom.history import store
from themeloom.history.tracking import track
from themeloom.members import MESSAGE_LEVEL, HeldOut
from themeloom.pipeline import Prepared
from themeloom.progress import Stages
from themeloom.records import Ints
from themeloom.running.learning import Study, learn_study
from themeloom.sweeps.space import Settings
from themeloom.system.cache import Arrays, Cache, code_digest, digest
from themeloom.system.folders import Folders
from themeloom.system.locks import alone
from themeloom.system.provenance import versions
from themeloom.themes.choice import STABILITY
from themeloom.themes.folds import Trial
from themeloom.themes.validation import Foreseen, Judged

FIGURES = {"kappa": "kappa", "macro_f1": "macro-F1", "coverage": "coverage"}
"""Figures of each level → how people read them."""
_APART = {"tracking", "sweep", "sources"}
"""Sections that change nothing that is found: what the sources hold is in the corpus's digest."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one configuration found with one seed."""

    run: str  # a folder under models/
    judged: Judged
    topic: Ints  # (communications,)
    figures: dict[str, float]  # topics, then held-out scores at both levels, with their intervals


@dataclass(frozen=True, slots=True)
class Failed:
    """A configuration that cannot be run: no topic emerges, or what it names is not there."""

    settings: Settings
    why: str  # the fault's sentence


@dataclass(frozen=True)
class Attempts:
    """What all attempts of a sweep share: what was read, the trials, where things are kept."""

    prepared: Prepared
    folders: Folders
    trials: tuple[Trial, ...]
    tracked: dict[str, str] = field(default_factory=dict)
    """Run → its MLflow run, of those that are finished there."""
    faults: list[str] = field(default_factory=list)
    """What went wrong with MLflow's store; from then on it is left alone."""

    @contextmanager
    def store_may_go(self) -> Iterator[None]:
        """Go on without MLflow where it fails: all is kept, and logged when the sweep is given again."""
        try:
            yield
        except TrackingError as error:
            self.faults.append(str(error))

    def attempt(self, config: Experiment, parent: str, tags: Mapping[str, str]) -> Attempt:
        """Run a configuration, unless it is known and its model there; track it under a parent, if it is not.

        A store that goes away does not stop the sweep: from then on nothing is tracked.
        """
        key = key_of(config, self.prepared)
        with alone(self.folders.locks / f"attempt-{key[:32]}"):  # another sweep may have it in common
            found = self._remembered(key, config)
        folder = self.folders.models / found.run
        if found.run not in self.tracked and not self.faults:
            with self.store_may_go():
                tracked = track(
                    store.load(folder),
                    folder,
                    None,
                    config.tracking,
                    self.folders.root,
                    parent=parent,
                    tags=tags,
                    with_model=False,  # all are under models/, and large
                )
                self.tracked[found.run] = tracked.run_id
        return found

    def _remembered(self, key: str, config: Experiment) -> Attempt:
        cache = Cache(self.folders.cache)
        arrays, known = cache.remember("attempt", key, lambda: self._run(config))
        found = _read(arrays, self.trials)
        if known and not (self.folders.models / found.run).is_dir():  # somebody removed the model
            cache.forget("attempt", key)
            return self._remembered(key, config)
        return found

    def _run(self, config: Experiment) -> Arrays:
        stages, started, prepared = Stages(), datetime.now(UTC), self.prepared
        study = learn_study(
            config,
            prepared.corpus,
            prepared.codebook,
            prepared.sample,
            self.folders.cache,
            stages,
            foresees=True,
        )
        record = pipeline.to_record(config, prepared, study, stages, started)
        pipeline.keep(record, self.folders, stages)
        return _arrays(record.run, study)


def key_of(config: Experiment, prepared: Prepared) -> str:
    """Return the digest of all that a configuration's result depends on, the code included."""
    settings = config.model_dump(mode="json", by_alias=True, exclude=_APART)
    code = sorted(Path(__file__).parents[1].rglob("*.py"))
    sample = prepared.sample
    return digest(
        settings,
        prepared.corpus.communications.write_json(),  # authors make folds, repeats make shares
        [asdict(theme) for theme in prepared.codebook.themes],
        sample.position,
        sample.theme,
        sample.coders,
        sample.codes,
        np.zeros(0) if sample.inclusion is None else sample.inclusion,
        Encoder(config.encoder).fingerprint,
        versions(),
        sample.unfit,
        prepared.note,
        code_digest(*code),
    )


def mean_figures(seeds: Sequence[Attempt]) -> dict[str, float]:
    """Return the mean of each figure over seeds, and how far topics agree."""
    names = seeds[0].figures
    means = {name: float(np.mean([each.figures[name] for each in seeds])) for name in names}
    return means if len(seeds) < 2 else means | {STABILITY: stability(seeds)}


def stability(seeds: Sequence[Attempt]) -> float:
    """Return the mean adjusted Rand index between the topics of any two seeds; NaN with one."""
    from sklearn.metrics import adjusted_rand_score

    pairs = combinations([each.topic for each in seeds], 2)
    indices = [adjusted_rand_score(first, second) for first, second in pairs]
    return float(np.mean(indices)) if indices else float("nan")


def _arrays(run: str, study: Study) -> Arrays:
    judged, topic = study.judged, study.discovery.clusters.topic
    lines = {"topics": judged.topics, "messages": judged.messages}
    arrays: Arrays = {"run": _bytes(run), "figures": _bytes(_figures(study)), "topic": topic}
    for name, line in lines.items():
        arrays |= {f"{name}_predicted": line.predicted, f"{name}_posterior": line.posterior}
    arrays |= {"coded": judged.topics.coded, "group": judged.topics.group, "rest": judged.rest}
    for place, foreseen in enumerate(judged.foreseen):
        arrays |= {
            f"foreseen_topics_{place}": foreseen.topics,
            f"foreseen_messages_{place}": foreseen.messages,
        }
    return arrays


def _read(arrays: Arrays, trials: tuple[Trial, ...]) -> Attempt:
    def line(name: str) -> HeldOut:
        said = arrays[f"{name}_predicted"], arrays[f"{name}_posterior"]
        return HeldOut(arrays["coded"], *said, arrays["group"])

    foreseen = tuple(
        Foreseen(trial, arrays[f"foreseen_topics_{place}"], arrays[f"foreseen_messages_{place}"])
        for place, trial in enumerate(trials)
    )
    judged = Judged(line("topics"), line("messages"), arrays["rest"], foreseen)
    return Attempt(
        str(json.loads(arrays["run"].tobytes())),
        judged,
        arrays["topic"],
        json.loads(arrays["figures"].tobytes()),
    )


def _figures(study: Study) -> dict[str, float]:
    scores, clusters = study.scores, study.discovery.clusters
    found = {"topics": float(clusters.count), "outlier_share": float(clusters.outlier.mean())}
    for prefix, scored in (("", scores.overall), ("message_", scores.lines[MESSAGE_LEVEL])):
        for name in FIGURES:
            score = scored[name]
            found |= {f"{prefix}{name}": score.value}
            found |= {f"{prefix}{name}_low": score.low, f"{prefix}{name}_high": score.high}
    return found


def _bytes(value: object) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)
