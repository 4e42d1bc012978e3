"""Coders, their links and their sessions."""

import pytest

from coding_server import open_store
from themeloom.labelling import people


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path, 10) as opened:
        yield opened


def test_names_are_kept_as_they_were_first_written(store):
    assert people.join(store, "  Zoë   Smith ") == "Zoë Smith"
    assert people.join(store, "ZOë smith") == "Zoë Smith"
    assert people.coders(store) == ["Zoë Smith"]


def test_a_secret_opens_one_coders_door_until_there_is_a_new_one(store):
    for name in ("Ana", "Ben"):
        people.join(store, name)
    old = people.new_secret(store, "Ana")
    assert (people.owner(store, old), people.owner(store, old + "x"), people.owner(store, "")) == (
        "Ana",
        None,
        None,
    )
    cookie = people.open_session(store, "Ana", lead=False)
    assert people.session_of(store, cookie).coder == "Ana"
    new = people.new_secret(store, "Ana")
    assert (people.owner(store, old), people.owner(store, new)) == (None, "Ana")
    assert people.session_of(store, cookie) is None


def test_a_session_ends_after_thirty_days(store, monkeypatch):
    cookie = people.open_session(store, None, lead=True)
    later = people.time.time() + people.LASTS + 1
    monkeypatch.setattr(people.time, "time", lambda: later)
    assert people.session_of(store, cookie) is None
