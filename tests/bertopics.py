"""Plain BERTopics, and MLflow stores to log them to."""

from contextlib import contextmanager
from pathlib import Path

import pytest

quiet_libraries = [
    pytest.mark.filterwarnings("ignore:Importing from 'sentence_transformers.models':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
]
"""What BERTopic and MLflow do on the newest sentence-transformers and pandas."""


@contextmanager
def store_of(folder, *, strict=False):
    """Have MLflow's fluent API write to a store of its own; no autologging is left on behind."""
    import mlflow

    import themeloom

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("MLFLOW_AUTOLOGGING_TESTING", str(strict).lower())
        patch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        client = mlflow.MlflowClient()
        try:
            yield client
        finally:
            themeloom.autolog(disable=True)
            client._tracking_client.store.engine.dispose()
            mlflow.set_tracking_uri(None)


def bertopic(encoder=None, **settings):
    """Make a BERTopic that is quick: with PCA for UMAP, where nothing else is said."""
    from bertopic import BERTopic
    from sklearn.decomposition import PCA

    named = str(encoder) if isinstance(encoder, Path) else encoder
    return BERTopic(embedding_model=named, **{"umap_model": PCA(5), **settings})


def hdbscan(smallest=5):
    from hdbscan import HDBSCAN

    return HDBSCAN(min_cluster_size=smallest, prediction_data=True)


def last(client):
    return client.search_runs(["0"], order_by=["attributes.start_time DESC"], max_results=1)[0]
