"""Real servers on loopback, and what MLflow holds."""

import socket
import time
import urllib.request

import pytest


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, body=None):
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 (loopback)
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return answer.read()


def wait_for(port, process):
    for _ in range(300):
        if process.poll() is not None:
            pytest.fail(f"the server ended: {process.stdout.read()}")
        try:
            return get(f"http://127.0.0.1:{port}/health")
        except OSError:
            time.sleep(0.2)
    return pytest.fail("the server did not start")


def store_of(root):
    return f"sqlite:///{root.resolve()}/mlruns/mlflow.db"


def client_of(root):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store_of(root))


def artifacts_of(client, run_id, path=None):
    for entry in client.list_artifacts(run_id, path):
        if entry.is_dir:
            yield from artifacts_of(client, run_id, entry.path)
        else:
            yield entry.path
