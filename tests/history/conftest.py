import pytest

from builders import make_record
from themeloom.history import store


@pytest.fixture(scope="session")
def record():
    return make_record()


@pytest.fixture
def folder(record, tmp_path):
    return store.save(record, tmp_path / "models")
