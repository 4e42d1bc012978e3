"""In which run `themeloom.autolog` logs a `fit`, and what it leaves alone."""

import logging
import os
import threading

import numpy as np
import pytest

import themeloom
from bertopics import bertopic, last, quiet_libraries, store_of
from themeloom.errors import ConfigError

pytestmark = quiet_libraries

KIND = "themeloom.kind"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with store_of(tmp_path_factory.mktemp("store")) as client:
        yield client


@pytest.fixture(autouse=True)
def on(client):
    """Autologging of all but models, which take long."""
    import mlflow

    themeloom.autolog(log_models=False)
    yield client
    themeloom.autolog(disable=True)
    assert mlflow.active_run() is None


@pytest.fixture
def warnings_of(caplog):
    """What MLflow's logger has warned of."""
    logger = logging.getLogger("mlflow")
    logger.addHandler(caplog.handler)
    yield lambda: [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]
    logger.removeHandler(caplog.handler)


@pytest.fixture
def count(client):
    """How many runs there are, beyond those of before."""
    before = runs(client)
    return lambda: len(runs(client)) - len(before)


def runs(client):
    return client.search_runs(["0"], max_results=1000)


def kmeans(topics=4):
    from sklearn.cluster import KMeans

    return KMeans(topics, random_state=0, n_init=1)


def model(**settings):
    return bertopic(**{"hdbscan_model": kmeans(), **settings})


class Failing:
    """A clustering model of somebody's own that does not work, and does not tell its settings either."""

    def __init__(self, patience=3, error=ArithmeticError):
        self.patience = patience
        self.error = error

    def fit(self, *_):
        raise self.error("somebody's own error")


def test_one_run_is_made_and_ended_for_each_fit(texts, vectors, client, count):
    themeloom.autolog(log_models=False, extra_tags={"project": "bread"})
    fitted = model().fit(texts, vectors)
    assert count() == 1
    topics, _ = model().fit_transform(texts, embeddings=vectors)
    assert count() == 2
    assert topics == fitted.topics_
    assert [run.info.status for run in runs(client)[:2]] == ["FINISHED", "FINISHED"]
    assert last(client).data.tags["project"] == "bread"


def test_the_users_run_is_used_and_left_open(texts, vectors, client, count):
    import mlflow

    with mlflow.start_run() as mine:
        mlflow.log_param("mine", "yes")
        model().fit(texts, vectors)
        assert mlflow.active_run().info.run_id == mine.info.run_id
        found = client.get_run(mine.info.run_id)
        assert found.info.status == "RUNNING"
        assert (found.data.params["mine"], found.data.params["umap_model"]) == ("yes", "PCA")
    assert count() == 1


def test_a_second_fit_in_the_users_run_is_nested_in_it(texts, vectors, client, count):
    import mlflow

    with mlflow.start_run() as mine:
        for topics in (3, 4, 5):
            model(hdbscan_model=kmeans(topics)).fit(texts, vectors)
        assert mlflow.active_run().info.run_id == mine.info.run_id
    assert count() == 3
    children = client.search_runs(["0"], f"tags.mlflow.parentRunId = '{mine.info.run_id}'")
    assert {run.data.metrics["topics"] for run in children} == {4, 5}
    assert {run.info.status for run in children} == {"FINISHED"}
    assert client.get_run(mine.info.run_id).data.metrics["topics"] == 3


def test_runs_that_the_user_nests_are_respected(texts, vectors, client, count):
    import mlflow

    with mlflow.start_run() as parent, mlflow.start_run(nested=True) as child:
        model().fit(texts, vectors)
    assert count() == 2
    assert client.get_run(child.info.run_id).data.tags[KIND] == "bertopic"
    assert KIND not in client.get_run(parent.info.run_id).data.tags


def test_the_users_experiment_is_used(texts, vectors, client):
    import mlflow

    try:
        chosen = mlflow.set_experiment("bread and rivers").experiment_id
        model().fit(texts, vectors)
        assert len(client.search_runs([chosen])) == 1
    finally:
        mlflow.set_experiment("Default")


def test_a_fit_in_another_thread_has_a_run_of_its_own(texts, vectors, client, count):
    import mlflow

    with mlflow.start_run():
        other = threading.Thread(target=model().fit, args=(texts, vectors))
        other.start()
        other.join()
    assert count() == 2
    assert {run.info.status for run in runs(client)[:2]} == {"FINISHED"}


def test_a_fit_inside_a_fit_is_logged_once(texts, vectors, client, count):
    from bertopic.backend import BaseEmbedder

    class Nesting(BaseEmbedder):
        def embed(self, documents, verbose=False):  # noqa: ARG002
            model(hdbscan_model=kmeans(2)).fit(texts, vectors)
            return vectors[: len(documents)]

    model(encoder=Nesting()).fit(texts)
    assert count() == 1
    assert last(client).data.metrics["topics"] == 4


def test_themelooms_own_fits_are_not_logged(texts, vectors, count):
    from themeloom.discovery.describe import without_outliers

    topic = np.where(np.arange(len(texts)) % 7, np.arange(len(texts)) % 3, -1)
    assert (without_outliers(texts, vectors, topic) >= 0).all()
    assert count() == 0


def test_parts_of_scikit_learn_are_not_logged_by_themselves(texts, vectors, client, count):
    import mlflow.sklearn
    from sklearn.decomposition import PCA

    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        model().fit(texts, vectors)
        assert count() == 1
        assert {"n_components", "n_clusters"} & set(last(client).data.params) == set()
        PCA(2).fit(vectors)
        assert count() == 2  # it is as it was
    finally:
        mlflow.sklearn.autolog(disable=True)


def test_disable_undoes_it(texts, vectors, count):
    from bertopic import BERTopic

    patched = BERTopic.fit_transform
    themeloom.autolog(disable=True)
    assert BERTopic.fit_transform is not patched
    assert BERTopic.fit_transform.__module__ == "bertopic._bertopic"
    assert not hasattr(BERTopic.fit_transform, "__wrapped__")
    model().fit(texts, vectors)
    assert count() == 0


def test_twice_switched_on_is_logged_once(texts, vectors, count):
    themeloom.autolog(log_models=False)
    themeloom.autolog(log_models=False)
    model().fit(texts, vectors)
    assert count() == 1


def test_mlflow_can_be_told_to_keep_out(texts, vectors, count):
    from mlflow.utils.autologging_utils import disable_autologging

    with disable_autologging():
        model().fit(texts, vectors)
    assert count() == 0


def test_exclusive_keeps_out_of_the_users_run(texts, vectors, client, count):
    import mlflow

    themeloom.autolog(log_models=False, exclusive=True)
    with mlflow.start_run() as mine:
        model().fit(texts, vectors)
    assert client.get_run(mine.info.run_id).data.params == {}
    model().fit(texts, vectors)
    assert count() == 2


# what goes wrong


@pytest.mark.parametrize("error", [ArithmeticError, KeyboardInterrupt])
def test_an_error_in_fit_is_the_users_and_our_run_has_failed(
    error, texts, vectors, client, count, warnings_of
):
    with pytest.raises(error, match="somebody's own error"):
        model(hdbscan_model=Failing(error=error)).fit(texts, vectors)
    assert count() == 1
    assert last(client).info.status == "FAILED"
    assert last(client).data.params["hdbscan_model"] == "Failing"
    assert last(client).data.params["hdbscan_model.patience"] == "3"
    assert warnings_of() == []


def test_an_error_in_fit_leaves_the_users_run_open(texts, vectors, client):
    import mlflow

    with mlflow.start_run() as mine:
        with pytest.raises(ArithmeticError):
            model(hdbscan_model=Failing()).fit(texts, vectors)
        assert client.get_run(mine.info.run_id).info.status == "RUNNING"
        model().fit(texts, vectors)
    found = client.get_run(mine.info.run_id)
    assert (found.info.status, found.data.params["hdbscan_model"]) == ("FINISHED", "KMeans")


def test_arguments_that_bertopic_refuses_are_its_own_to_refuse(texts, client):
    with pytest.raises(TypeError, match="unexpected keyword argument 'sauce'"):
        model().fit_transform(texts, sauce="hot")
    assert last(client).info.status == "FAILED"


def test_what_cannot_be_logged_leaves_the_rest(texts, vectors, client, warnings_of):
    from bertopic import BERTopic
    from sklearn.decomposition import PCA

    class Reserved(BERTopic):
        def get_topics(self, full=False):
            raise PermissionError(13, "ask nobody\nat all", full)

    class Unsaid(BERTopic):
        def get_topics(self, full=False):
            raise ValueError("ask nobody\nat all", full)

    for kind in (Reserved, Unsaid):
        fitted = kind(umap_model=PCA(5), hdbscan_model=kmeans()).fit(texts, vectors)
        assert len(fitted.topics_) == len(texts)
        found = last(client)
        assert found.info.status == "FINISHED"
        assert found.data.params["hdbscan_model"] == "KMeans"
        assert "topics" not in found.data.metrics
    assert "digest.corpus" in found.data.tags
    assert found.inputs.dataset_inputs
    warnings = warnings_of()
    assert len(warnings) == 2
    assert "topics (('ask nobody\\nat all'" in warnings[1]


def test_a_store_that_is_not_there_costs_one_warning(texts, vectors, count, warnings_of, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    try:
        assert len(model().fit(texts, vectors).topics_) == len(texts)
    finally:
        mlflow.set_tracking_uri(before)
    assert len(warnings_of()) == 1
    assert "127.0.0.1" in warnings_of()[0]
    assert count() == 0


@pytest.mark.parametrize("said", [None, "9"])
def test_a_server_that_is_away_is_given_up_soon_unless_the_user_says_otherwise(
    said, texts, vectors, client, monkeypatch
):
    import mlflow

    assert client
    name, asked = "MLFLOW_HTTP_REQUEST_MAX_RETRIES", []

    def watched(original):
        return lambda *given, **named: (asked.append(os.environ.get(name)), original(*given, **named))[1]

    monkeypatch.delenv(name, raising=False)
    if said is not None:
        monkeypatch.setenv(name, said)
    for one in ("start_run", "log_params", "end_run"):
        monkeypatch.setattr(mlflow, one, watched(getattr(mlflow, one)))
    model().fit(texts, vectors)
    assert asked == [said or "3"] * 3
    assert os.environ.get(name) == said


@pytest.mark.parametrize("fails", [False, True])
def test_a_store_that_goes_away_in_mid_fit(fails, texts, vectors, client, warnings_of, monkeypatch):
    import mlflow
    from bertopic.backend import BaseEmbedder

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    before = mlflow.get_tracking_uri()

    class Leaving(BaseEmbedder):
        def embed(self, documents, verbose=False):  # noqa: ARG002
            mlflow.set_tracking_uri("http://127.0.0.1:9")
            return vectors[: len(documents)]

    parts = {"hdbscan_model": Failing()} if fails else {}
    try:
        if fails:
            with pytest.raises(ArithmeticError, match="somebody's own error"):
                model(encoder=Leaving(), **parts).fit(texts)
        else:
            assert len(model(encoder=Leaving(), **parts).fit(texts).topics_) == len(texts)
    finally:
        mlflow.set_tracking_uri(before)
    assert len(warnings_of()) == (0 if fails else 1)
    assert mlflow.active_run() is None
    client.set_terminated(last(client).info.run_id, "FAILED")


def test_silent_gives_no_warning(texts, vectors, capsys, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    themeloom.autolog(log_models=False, silent=True)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    try:
        model().fit(texts, vectors)
    finally:
        mlflow.set_tracking_uri(before)
    assert "127.0.0.1" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"extra_tags": {"runs": 3}}, "extra_tags"),
        ({"extra_tags": ["a"]}, "extra_tags: is a list; give a dict of text"),
        ({"registered_model_name": "topics", "log_models": False}, "registered_model_name"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, fault):
    with pytest.raises(ConfigError, match=fault):
        themeloom.autolog(**options)


def test_the_module_can_be_named_too():
    import themeloom.mlflow

    assert themeloom.mlflow.autolog is themeloom.autolog
