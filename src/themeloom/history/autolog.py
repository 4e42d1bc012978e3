"""MLflow's autologging for anybody's BERTopic: what is patched, and in which run a `fit` is logged.

`safe_patch` and `autologging_integration` are what MLflow's own flavours are made with: public names, steady
since MLflow 1.13. They see to it that `fit` runs once whatever goes wrong in logging, that `silent`,
`exclusive` and `disable` are obeyed, and that what was patched can be undone. Runs are not left to its
`manage_run`: it would log a second `fit` over the first where the user's own run is active.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import cast

from themeloom.errors import TrackingError
from themeloom.history import fluent
from themeloom.history.fluent import BERTOPIC, KIND, Draw, Fit, Judge, Wanted
from themeloom.history.foreign import FittedTopicModel
from themeloom.history.quiet import patient, quiet, unlogged
from themeloom.history.submodels import settings

METHOD = "fit_transform"
"""BERTopic's `fit` calls it too, so that each fit is seen once."""

_INSIDE: ContextVar[bool] = ContextVar("themeloom_autolog_inside", default=False)


@dataclass(frozen=True, slots=True)
class Habits:
    """How MLflow treats the integration."""

    exclusive: bool
    disable: bool
    silent: bool


def switch(topic_model: type, wanted: Wanted, habits: Habits, judge: Judge, draw: Draw) -> None:
    """Patch BERTopic so that each fit is logged, or undo that.

    Parameters
    ----------
    topic_model
        BERTopic.
    wanted
        What is logged.
    habits
        Whether it is switched off, keeps out of the user's runs, or says nothing.
    judge
        Measures topics by their words.
    draw
        Draws topics.
    """
    with quiet():
        from mlflow.utils.autologging_utils import autologging_integration
        from mlflow.utils.autologging_utils.safety import safe_patch

    def patched(original: Callable[..., object], model: object, *args: object, **kwargs: object) -> None:
        if _INSIDE.get() or type(model).__module__.partition(".")[0] == "themeloom":
            original(model, *args, **kwargs)  # part of another fit, or of a run that Themeloom tracks itself
        else:
            _logged(original, model, args, kwargs, (wanted, judge, draw))

    def autolog(*, exclusive: bool = False, disable: bool = False, silent: bool = False) -> None:  # noqa: ARG001
        safe_patch(BERTOPIC, topic_model, METHOD, patched)  # type: ignore[no-untyped-call]

    integrated = autologging_integration(BERTOPIC)  # type: ignore[no-untyped-call]
    integrated(autolog)(exclusive=habits.exclusive, disable=habits.disable, silent=habits.silent)


def _logged(
    original: Callable[..., object],
    model: object,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    how: tuple[Wanted, Judge, Draw],
) -> None:
    wanted, judge, draw = how
    before = _settings(model)
    with _run(wanted.extra_tags, before):
        began = perf_counter()
        with _alone():
            original(model, *args, **kwargs)
        seconds = perf_counter() - began
        bound = inspect.signature(original).bind(model, *args, **kwargs).arguments
        documents = bound.get("documents")
        fit = Fit(
            cast("FittedTopicModel", model),
            before,
            bound.get("images", ()) if documents is None else documents,
            {name: bound.get(name) is not None for name in ("embeddings", "images", "y")},
            seconds,
        )
        with patient():
            faults = fluent.log(fit, wanted, judge, draw)
    if faults:  # `safe_patch` makes one warning of it
        raise TrackingError(f"the fit went well, but not all of it could be logged: {'; '.join(faults)}.")


def _settings(model: object) -> dict[str, str]:
    try:
        return settings(cast("FittedTopicModel", model))
    except Exception:  # noqa: BLE001 (whatever a sub-model does when it is asked, the user's fit goes on)
        return {}


@contextmanager
def _run(extra_tags: Mapping[str, str], before: Mapping[str, str]) -> Iterator[None]:
    """Use the user's active run, which stays open; or open one, nested where theirs has a fit in it.

    MLflow's patience is shortened as it is asked, and not in the fit, which is the user's.
    """
    import mlflow

    with patient():
        opened = _opened(extra_tags)
    if not opened:
        yield
        return
    try:
        yield
    except BaseException:
        with patient():
            with suppress(Exception):  # the user's own error is the one to be told
                fluent.log_settings(before)
            with suppress(Exception):
                mlflow.end_run("FAILED")
        raise
    with patient():
        mlflow.end_run("FINISHED")


def _opened(extra_tags: Mapping[str, str]) -> bool:
    """Open a run, and tell so; not where the user's has no fit yet."""
    import mlflow
    from mlflow.utils.mlflow_tags import MLFLOW_AUTOLOGGING

    active = mlflow.active_run()
    if active is not None and KIND not in mlflow.get_run(active.info.run_id).data.tags:
        return False
    mlflow.start_run(nested=active is not None, tags={**extra_tags, MLFLOW_AUTOLOGGING: BERTOPIC})
    return True


@contextmanager
def _alone() -> Iterator[None]:
    """Keep fits inside this one from being logged: another BERTopic's, and those of scikit-learn's parts."""
    inside = _INSIDE.set(True)
    try:
        with unlogged():
            yield
    finally:
        _INSIDE.reset(inside)
