"""MLflow's autologging and what is fitted as a part of something."""

import subprocess
import sys

import pytest

from bertopics import quiet_libraries, store_of
from themeloom.history.quiet import unlogged

pytestmark = quiet_libraries


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    import mlflow.sklearn

    with store_of(tmp_path_factory.mktemp("store")) as client:
        mlflow.sklearn.autolog(log_models=False, silent=True)
        yield client
        mlflow.sklearn.autolog(disable=True)


@pytest.fixture
def count(client):
    """How many runs there are, beyond those of before."""
    before = len(client.search_runs(["0"]))
    return lambda: len(client.search_runs(["0"])) - before


def fit():
    from sklearn.decomposition import PCA

    PCA(1).fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])


def test_inner_fits_are_not_logged_and_outer_ones_are(count):
    with unlogged():
        fit()
        with unlogged():
            fit()
        fit()
    assert count() == 0
    fit()
    assert count() == 1


def test_an_error_leaves_autologging_on(count):
    with pytest.raises(ArithmeticError), unlogged():
        raise ArithmeticError
    fit()
    assert count() == 1


def test_what_somebody_has_switched_off_stays_off(count):
    from mlflow.utils.autologging_utils import disable_autologging

    with disable_autologging():
        with unlogged():
            fit()
        fit()
    assert count() == 0


TOLD = """
import sys
from themeloom.history.quiet import unlogged
with unlogged():
    assert "mlflow" not in sys.modules
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.autolog(silent=True)
assert "sklearn.decomposition" not in sys.modules
with unlogged():
    from sklearn.decomposition import PCA
    PCA(1).fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
assert mlflow.search_runs(["0"]).empty
"""


def test_libraries_that_are_imported_later_are_not_logged_either(tmp_path):
    subprocess.run([sys.executable, "-c", TOLD], cwd=tmp_path, check=True)
