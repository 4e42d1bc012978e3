"""A sweep: many configurations of one experiment, each a run, and an honest word on the best of them.

What two configurations share is computed once: all of them go through the same cache. So does every finished
attempt: a sweep that was stopped goes on from there.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import monotonic

import polars as pl

from themeloom import pipeline
from themeloom.config import Experiment
from themeloom.errors import OutputError, ThemeloomError, TrackingError
from themeloom.experiment import read_experiment
from themeloom.history.groups import Group, find_group, open_group, reopen_group
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL
from themeloom.pipeline import Prepared
from themeloom.progress import NOBODY, Progress, Stages, Watcher
from themeloom.reporting.formats import scored
from themeloom.running.trials import trials_of
from themeloom.scored import Score
from themeloom.studies.label_store import begun
from themeloom.sweeps.attempt import FIGURES, Attempt, Attempts, Failed, key_of, mean_figures, stability
from themeloom.sweeps.space import (
    Settings,
    asked_of,
    configurations_in,
    named,
    public_settings,
    with_seed,
    with_settings,
)
from themeloom.system.cache import digest
from themeloom.system.folders import Folders
from themeloom.system.locks import alone
from themeloom.themes.choice import Candidate, Choice, choose
from themeloom.themes.scores import score

COLUMNS = ("criterion", "run")
"""Columns of every table of configurations, beside what the sweep sets and the figures."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found."""

    study: str
    criterion: dict[str, float]
    table: pl.DataFrame  # one row a configuration, best first
    best: Settings
    run: str  # of the best configuration with the study's own seed: a folder under models/
    scores: dict[str, dict[str, Score]]  # level → figure: of the whole choice, on labels without part in it
    left_out: int  # configurations that were not begun, as time was up
    tracked: str  # its MLflow run
    uri: str  # MLflow's store, without user and password
    waiting: str = ""  # why not all of it is in MLflow yet
    failed: tuple[Failed, ...] = ()  # no part of the table; the best is chosen from the others

    def listed(self) -> pl.DataFrame:
        """Return the table, and below it the configurations that failed, with why in a column of its own."""
        rows = [{**each.settings, "failed": each.why} for each in self.failed]
        if not rows:
            return self.table
        return pl.concat([self.table, pl.DataFrame(rows, infer_schema_length=None)], how="diagonal_relaxed")

    def to_dict(self) -> dict[str, object]:
        """Return plain values, the table as a list of rows."""
        return {**asdict(replace(self, table=pl.DataFrame())), "table": self.table.to_dicts()}


def sweep(experiment: str | Path, root: str | Path = ".", watcher: Watcher = NOBODY) -> Sweep:
    """Run every configuration of an experiment's ``[sweep]`` section, and choose the best.

    Parameters
    ----------
    experiment
        The experiment file (TOML).
    root
        The folder under which models/, mlruns/ and .themeloom/ lie.
    watcher
        Who watches.

    Returns
    -------
    Sweep
        Each configuration beside its held-out scores; the best by the criterion, as the training folds
        foresaw it; and what choosing this way is worth, on folds that took no part in the choice.
        Configurations that fail are told beside them, each with its fault.

    Raises
    ------
    ThemeloomError
        If anything that the user gave has a fault; all faults found are told at once. Or if another process
        runs the same sweep, or no configuration can be run: then the first one's fault is told.
    """
    folders, stages = Folders(Path(root)), Stages(watcher)
    config = begun(read_experiment(experiment), folders)
    asked = configurations_in(experiment, config)
    prepared = pipeline.prepare(config, folders, stages)
    config = prepared.config
    key = digest(key_of(config, prepared), config.sweep.model_dump(mode="json"))
    refusal = (
        f"{folders.root}: another process runs this sweep already; wait for it to end, or stop it: what it "
        "has finished is not done again."
    )
    with alone(folders.locks / f"sweep-{key[:32]}", refusal):
        return _swept(config, asked, prepared, folders, stages, key)


def _swept(
    config: Experiment,
    asked: Sequence[Settings],
    prepared: Prepared,
    folders: Folders,
    stages: Stages,
    key: str,
) -> Sweep:
    attempts = Attempts(prepared, folders, trials_of(prepared.corpus, prepared.sample, config)[1])
    group = _whole(config, folders, key)
    try:
        group.log_params(asked_of(config, folders.root))
        with stages("sweep") as progress:
            tried = _attempted(config, asked, attempts, group, progress)
        result = _chosen(config, tried, prepared, group)
    except BaseException as error:
        _end(group, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    if not attempts.faults:
        with attempts.store_may_go():
            _log(group, result)
            group.end()
    if attempts.faults:
        _end(group, "FAILED")
    return replace(result, waiting=" ".join(attempts.faults))


def _end(group: Group, status: str) -> None:
    with suppress(TrackingError):  # what went wrong may be the store
        group.end(status)


@dataclass(frozen=True, slots=True)
class _Tried:
    asked: list[Settings] = field(default_factory=list)  # of those in `found`
    found: list[list[Attempt]] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    left_out: int = 0


def _attempted(
    config: Experiment, asked: Sequence[Settings], attempts: Attempts, group: Group, progress: Progress
) -> _Tried:
    """Try configurations, each with all seeds, until all are tried or time is up; those may fail."""
    began, minutes = monotonic(), config.sweep.minutes
    progress.begin(len(asked) * config.sweep.seeds, "runs")
    attempts.tracked.update(group.children())
    tried, first = _Tried(), None
    for done, settings in enumerate(asked):
        if tried.found and minutes is not None and monotonic() - began > 60 * minutes:
            return replace(tried, left_out=len(asked) - done)
        try:
            tried.found.append(_of_seeds(config, settings, attempts, group, progress))
            tried.asked.append(settings)
        except (OutputError, TrackingError):  # no fault of the configuration
            raise
        except ThemeloomError as error:
            first = first or error
            tried.failed.append(Failed(settings, str(error)))
            _log_failed(config, tried.failed[-1], attempts, group)
    if first is not None and not tried.found:
        raise first
    return tried


def _log_failed(config: Experiment, failed: Failed, attempts: Attempts, group: Group) -> None:
    if not attempts.faults:
        with attempts.store_may_go():
            child = _configuration(config, failed.settings, attempts.folders, group)
            child.set_tags({"mlflow.note.content": failed.why})
            child.end("FAILED")


def _of_seeds(
    config: Experiment, settings: Settings, attempts: Attempts, group: Group, progress: Progress
) -> list[Attempt]:
    """Try one configuration with all seeds; several are children of a run of their own in MLflow."""
    parent, tags = group, {"themeloom.settings": named(settings)}
    if config.sweep.seeds > 1 and not attempts.faults:
        with attempts.store_may_go():
            parent = _configuration(config, settings, attempts.folders, group)
            attempts.tracked.update(parent.children())
    found = []
    for seed in range(config.sweep.seeds):
        seeded = with_seed(with_settings(config, settings), seed)
        try:
            found.append(attempts.attempt(seeded, parent.run_id, tags))
        except ThemeloomError:
            progress.advance(config.sweep.seeds - seed)  # other seeds are not tried
            raise
        progress.advance()
    if parent is not group and not attempts.faults:
        with attempts.store_may_go():
            parent.log_metrics(mean_figures(found))
            parent.end()
    return found


def _whole(config: Experiment, folders: Folders, key: str) -> Group:
    """Open the sweep's run in MLflow, or go on with the one that was begun before."""
    tags = {"themeloom.kind": "sweep", "themeloom.sweep": key, "themeloom.study": config.study.name}
    return _group(f"{config.study.name}-sweep", config, folders, tags)


def _configuration(config: Experiment, settings: Settings, folders: Folders, parent: Group) -> Group:
    name = named(settings)
    tags = {"themeloom.kind": "configuration", "themeloom.settings": name}
    group = _group(name, config, folders, tags, parent.run_id)
    group.log_params(public_settings(settings, folders.root))
    return group


def _group(
    name: str, config: Experiment, folders: Folders, tags: dict[str, str], parent: str | None = None
) -> Group:
    known = find_group(config.study.name, config.tracking, folders.root, tags, parent=parent)
    if known is not None:
        return reopen_group(known, config.tracking, folders.root)
    return open_group(name, config.study.name, config.tracking, folders.root, tags, parent=parent)


def _chosen(config: Experiment, tried: _Tried, prepared: Prepared, group: Group) -> Sweep:
    asked, found = tried.asked, tried.found
    themes, validate = len(prepared.codebook.keys), config.validate_
    candidates = [Candidate(tuple(each.judged for each in seeds), stability(seeds)) for seeds in found]
    coded = prepared.sample.theme[prepared.sample.decided]
    criterion = {str(name): weight for name, weight in config.sweep.criterion.items()}
    choice = choose(candidates, criterion, coded, themes)
    folds = None if validate.held_out else validate.folds
    scores = {
        level: score(line, themes, validate.bootstrap, config.study.seed, folds=folds).overall
        for level, line in {TOPIC_LEVEL: choice.topics, MESSAGE_LEVEL: choice.messages}.items()
    }
    return Sweep(
        study=config.study.name,
        criterion=criterion,
        table=_table(asked, found, choice),
        best=asked[choice.best],
        run=found[choice.best][0].run,
        scores=scores,
        left_out=tried.left_out,
        tracked=group.run_id,
        uri=group.backend.public,
        failed=tuple(tried.failed),
    )


def _table(asked: Sequence[Settings], found: Sequence[Sequence[Attempt]], choice: Choice) -> pl.DataFrame:
    rows = [
        {**settings, "criterion": worth, **mean_figures(seeds), "run": seeds[0].run}
        for settings, seeds, worth in zip(asked, found, choice.worth.tolist(), strict=True)
    ]
    return pl.DataFrame(rows, infer_schema_length=None).sort(
        "criterion", descending=True, maintain_order=True
    )


def _log(group: Group, found: Sweep) -> None:
    group.log_table("sweep", found.table.to_dict(as_series=False))
    metrics = {
        f"chosen/{level}/{name}{end}": value
        for level, scores in found.scores.items()
        for name, each in scores.items()
        for end, value in (("", each.value), ("_low", each.low), ("_high", each.high))
    }
    best = {f"best/{name}": value for name, value in _numbers(found.table.row(0, named=True)).items()}
    counts = {"configurations": len(found.table), "left_out": found.left_out, "failed": len(found.failed)}
    group.log_metrics(metrics | best | counts)
    group.set_tags({"themeloom.best": found.run, "mlflow.note.content": note(found)})


def _numbers(row: dict[str, object]) -> dict[str, float]:
    return {name: float(value) for name, value in row.items() if isinstance(value, int | float)}


def note(found: Sweep) -> str:
    """Describe a sweep in Markdown."""
    told = "; ".join(f"{level} {figures}" for level, figures in worth(found).items())
    return (
        f"**{len(found.table)} configurations**, best by {summed(found.criterion)}: "
        f"{named(found.best)} (`{found.run}`).\n\n"
        f"What choosing is worth, on folds that took no part in the choice: {told}."
        + "".join(f"\n\n{sentence}" for sentence in failures(found))
    )


def summed(criterion: Mapping[str, float]) -> str:
    """Write a criterion as the sum that it is."""
    return " + ".join(f"{weight:g} \N{MULTIPLICATION SIGN} {name}" for name, weight in criterion.items())


def worth(found: Sweep) -> dict[str, str]:
    """Tell at each level what choosing is worth: kappa, and what else the criterion looks at there."""
    told = {}
    for level, scores in found.scores.items():
        prefix = "message_" if level == MESSAGE_LEVEL else ""
        names = (name for name in FIGURES if name == "kappa" or f"{prefix}{name}" in found.criterion)
        told[level] = ", ".join(f"{FIGURES[name]} {scored(scores[name])}" for name in names)
    return told


def failures(found: Sweep) -> list[str]:
    """Tell of each configuration that failed, and why."""
    return [f"Failed: {named(each.settings)}: {each.why}" for each in found.failed]
