"""What a sweep tries: settings over the experiment's own, from a grid or drawn from search spaces."""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from themeloom.config import Experiment, Setting, SpanConfig, dotted
from themeloom.errors import ConfigError
from themeloom.history.private import public_config

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Settings = dict[str, Setting]
"""Key of the experiment file, as in reduce.neighbors → value."""

SECTIONS = ("encoder", "adapt", "discover", "reduce", "cluster", "describe")
THEMES = ("themes.strategy", "themes.mixed_below")


def configurations(config: Experiment) -> list[Settings]:
    """Return what a sweep tries, in order and once: all combinations of a grid, or draws from search spaces.

    Draws are random (Bergstra & Bengio 2012), seeded by the study, and so know nothing of the labels: a
    sampler that followed the scores would have seen the labels on which the winner is judged.

    Parameters
    ----------
    config
        The experiment; its ``sweep`` section counts.

    Raises
    ------
    ConfigError
        If there is nothing to sweep over, a key cannot be swept over, a value is none that the experiment
        file may have, or values do not go together; all faults are told.
    """
    _check(config)
    grid = config.sweep.grid
    combined = (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))
    found = _once(config, combined if grid else _drawn(config))
    _check_together(config, found)
    return found


def configurations_in(path: str | Path, config: Experiment) -> list[Settings]:
    """Return what the sweep of an experiment file tries; each fault is told with the file."""
    try:
        return configurations(config)
    except ConfigError as error:
        raise ConfigError(*(f"{path}: {fault}" for fault in error.faults)) from None


def with_settings(config: Experiment, settings: Settings) -> Experiment:
    """Return the experiment with some settings in place of its own.

    Raises
    ------
    pydantic.ValidationError
        If the experiment file may not have them.
    """
    table = config.model_dump(by_alias=True)
    for key, value in settings.items():
        section, _, name = key.partition(".")
        table[section] = {**table[section], name: value}
    return Experiment.model_validate(table)


def named(settings: Settings) -> str:
    """Write settings in one line."""
    return ", ".join(f"{key} = {value}" for key, value in settings.items())


def public_settings(settings: Settings, root: Path) -> Settings:
    """Return settings as MLflow may have them: a folder of the user's by its name alone."""
    return {key: _public(key, value, root) for key, value in settings.items()}


def asked_of(config: Experiment, root: Path) -> dict[str, object]:
    """Return what a sweep asks for, by dotted keys, as MLflow may have it."""
    sweep = config.sweep
    unused = {"grid", "search", *(("trials",) if sweep.grid else ())}  # a grid is tried whole
    asked = dict(dotted(sweep.model_dump(exclude=unused, exclude_none=True), "sweep"))
    for where, space in (("grid", sweep.grid), ("search", sweep.search)):
        for key, values in space.items():
            asked[f"sweep.{where}.{key}"] = (
                values.model_dump()
                if isinstance(values, SpanConfig)
                else [_public(key, value, root) for value in values]
            )
    return asked


def _public(key: str, value: Setting, root: Path) -> Setting:
    section, _, name = key.partition(".")
    shown: Setting = public_config({section: {name: value}}, root)[section][name]
    return shown


def with_seed(config: Experiment, seed: int) -> Experiment:
    """Return the experiment with the study's seed moved by so much, and the same folds."""
    own, folds = config.study.seed, config.validate_.seed
    study = config.study.model_copy(update={"seed": (own + seed) % 2**32})
    validate = config.validate_.model_copy(update={"seed": own if folds is None else folds})
    return config.model_copy(update={"study": study, "validate_": validate})


def _check(config: Experiment) -> None:
    sweep = config.sweep
    if bool(sweep.grid) == bool(sweep.search):
        raise ConfigError(
            "sweep: needs either a grid or a search space; give one of them, as in "
            "[sweep.grid] reduce.neighbors = [10, 30]."
        )
    faults = [
        fault
        for where, space in (("grid", sweep.grid), ("search", sweep.search))
        for key, values in space.items()
        for fault in _faults(config, f"sweep.{where}.{key}", key, values)
    ]
    if "stability" in sweep.criterion and sweep.seeds < 2:
        faults.append(
            "sweep.criterion: stability is over seeds; set sweep.seeds to 2 or more, or leave it out."
        )
    if faults:
        raise ConfigError(*faults)


def _once(config: Experiment, asked: Iterable[Settings]) -> list[Settings]:
    """Leave out what makes an experiment that is there already: 0 and 0.0 are one."""
    found: dict[str, Settings] = {}
    for settings in asked:
        found.setdefault(with_settings(config, settings).model_dump_json(), settings)
    return list(found.values())


def _check_together(config: Experiment, found: list[Settings]) -> None:
    """Find values that can be tried, but not with each other."""
    where = "grid" if config.sweep.grid else "search"
    for settings in found:
        changed = with_settings(config, settings)
        if changed.discover.vectors != "raw" and not changed.adapt.enabled:
            keys = [key for key in ("adapt.enabled", "discover.vectors") if key in settings]
            raise ConfigError(
                f"{' and '.join(f'sweep.{where}.{key}' for key in keys)}: adapt.enabled = false is tried "
                f"with discover.vectors = '{changed.discover.vectors}', which asks for adapted vectors; "
                "leave one of the two out, or make two sweeps of it."
            )


def _faults(
    config: Experiment, place: str, key: str, values: SpanConfig | tuple[Setting, ...]
) -> Iterator[str]:
    section = key.partition(".")[0]
    if section not in SECTIONS and key not in THEMES:
        yield (
            f"{place}: cannot be swept over, as corpus, labels and folds stay the same; take keys of "
            f"{', '.join(SECTIONS)}, or {' or '.join(THEMES)}."
        )
        return
    if isinstance(values, SpanConfig):
        if values.low >= values.high or (values.log and values.low <= 0):
            yield f"{place}: low must be below high, and above 0 where log is true; correct it."
            return
        values = tuple(_typed(config, key, end) for end in (values.low, values.high))
    if not values:
        yield f"{place}: has no values; give some, or remove it."
    for value in values:
        try:
            with_settings(config, {key: value})
        except ValidationError as error:
            fault = error.errors()[0]
            if fault["type"] == "extra_forbidden":
                yield f"{place}: unknown key '{key}'; remove it or correct its name (see the reference)."
                return
            yield f"{place}: {value!r} cannot be tried ({fault['msg']}); correct the value."


def _drawn(config: Experiment) -> Iterator[Settings]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spaces = {key: _distribution(config, key, values) for key, values in config.sweep.search.items()}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=config.study.seed))
    for _ in range(config.sweep.trials):
        trial = study.ask(spaces)
        study.tell(trial, 0.0)
        yield dict(trial.params)


def _typed(config: Experiment, key: str, value: float) -> Setting:
    """Return the number as a whole one where the experiment file wants that."""
    if value != int(value):
        return value
    try:
        with_settings(config, {key: int(value)})
    except ValidationError:
        return value
    section, _, name = key.partition(".")
    own = getattr(with_settings(config, {key: int(value)}), section).model_dump()[name]
    return int(value) if isinstance(own, int) else value


def _distribution(
    config: Experiment, key: str, values: SpanConfig | tuple[Setting, ...]
) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(values, SpanConfig):
        return CategoricalDistribution(values)
    if isinstance(_typed(config, key, values.low), int):
        return IntDistribution(int(values.low), int(values.high), log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)
