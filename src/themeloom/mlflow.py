"""Two lines log any BERTopic to MLflow: ``import themeloom``, ``themeloom.autolog()``."""

from collections.abc import Mapping, Sequence

from themeloom.discovery.quality import word_quality
from themeloom.discovery.words import word_splitter
from themeloom.errors import ConfigError
from themeloom.history.autolog import Habits, switch
from themeloom.history.fluent import Figure, Wanted
from themeloom.history.foreign import Split
from themeloom.records import Topic
from themeloom.reporting.plots import sizes_of


def autolog(  # noqa: PLR0913 (the options of MLflow's own autologging, under their names)
    *,
    log_models: bool = True,
    log_datasets: bool = True,
    log_quality: bool = True,
    log_encoder: bool = False,
    log_digests: bool = False,
    disable: bool = False,
    exclusive: bool = False,
    silent: bool = False,
    registered_model_name: str | None = None,
    extra_tags: Mapping[str, str] | None = None,
) -> None:
    """Log every `fit` and `fit_transform` of BERTopic to MLflow from now on.

    Runs go where MLflow's own do (`mlflow.set_tracking_uri`, `mlflow.set_experiment`). An active run is used
    and left open; where it has a BERTopic already, the next is logged to a run nested in it. Without an
    active run, one is made and ended. Of documents, their number, mean length, one digest of all and each
    one's topic are logged, and no text. What cannot be logged is told in one warning of MLflow's logger;
    `fit` goes on.

    Parameters
    ----------
    log_models
        Keep each model, as safetensors and without pickle, so that `mlflow.pyfunc.load_model` loads it.
    log_datasets
        Log the corpus as a dataset: number of documents and digest.
    log_quality
        Measure the topics' coherence (NPMI, C_v) and diversity, which reads all documents once more.
    log_encoder
        Keep the encoder's weights with each model. Without them, the model names its encoder.
    log_digests
        Log a digest (SHA-256) of each document, so that runs which share some documents only, or have them
        in another order, can be compared by these. Whoever has a text can then tell that it was there.
    disable
        Undo it: BERTopic is as it was before.
    exclusive
        Keep out of runs that the user made; a `fit` in one is then not logged.
    silent
        Give no warnings.
    registered_model_name
        Register each model as a new version under this name.
    extra_tags
        Tags for the runs that are made here.

    Raises
    ------
    ConfigError
        If `extra_tags` is not a dict of text, or `registered_model_name` is given without `log_models`.
    """
    from bertopic import BERTopic

    if not isinstance(extra_tags, Mapping | None):
        raise ConfigError(f"extra_tags: is a {type(extra_tags).__name__}; give a dict of text.")
    tags = dict(extra_tags or {})
    if fault := next(
        (name for name in tags.items() if not all(isinstance(part, str) for part in name)), None
    ):
        raise ConfigError(f"extra_tags: {fault} is not text under a name; give a dict of text.")
    if registered_model_name and not log_models:
        raise ConfigError("registered_model_name: no model is logged; leave log_models as it is.")
    wanted = Wanted(
        log_models, log_datasets, log_quality, log_encoder, log_digests, registered_model_name, tags
    )
    switch(BERTopic, wanted, Habits(exclusive, disable, silent), _judged, _drawn)


def _judged(texts: Sequence[str], topics: tuple[Topic, ...], split: Split | None) -> Mapping[str, float]:
    return word_quality(texts, topics, split or word_splitter()).overall


def _drawn(topics: tuple[Topic, ...]) -> Mapping[str, Figure]:
    return {"topic_sizes": sizes_of(topics)}
