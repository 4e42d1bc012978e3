"""Coders, their links and their sessions."""
# ruff: noqa: RUF001 - names of every script

import pytest

from coding_server import open_store
from themeloom.errors import LabelError
from themeloom.labelling import people


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path, 10) as opened:
        yield opened


def test_names_are_kept_as_they_were_first_written(store):
    assert people.join(store, "  Zoë   Smith ") == "Zoë Smith"
    assert people.join(store, "ZOë smith") == "Zoë Smith"
    assert people.coders(store) == ["Zoë Smith"]


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("Zoë Müller", "ZOË MÜLLER"),
        ("O\u2019Brien", "o'brien"),
        ("O'Brien", "O\u02bcBrien"),
        ("Weiß", "WEISS"),
        ("Ana", "\uff21\uff2e\uff21"),  # wide letters
        ("Işıl", "IŞIL"),  # as Turkish has it, and as others make capitals and small letters
        ("Işıl", "işil"),
        ("İpek", "ipek"),
        ("علی\u200cرضا", "علیرضا"),  # with a joiner that nobody sees, and without
    ],
)
def test_a_name_is_one_however_it_is_typed(store, name, again):
    assert [people.join(store, one) for one in (name, again)] == [name, name]
    assert people.coders(store) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "प्रिया शर्मा",
        "สมชาย ใจดี",
        "مُحَمَّد",
        "יעל בן־דוד",
        "ג׳ורג׳",
        "பிரியா",
        "علی\u200cرضا",
        "アンナ・ミュラー",
        "Gal·la",
    ],
)
def test_names_of_every_script_are_names(store, name):
    assert people.join(store, name) == name


@pytest.mark.parametrize("name", ["", "्रिया", "1a", "_a", "a<b", "a/b", "a\u202eb", "a\x00"])
def test_what_can_be_no_name_is_refused(store, name):
    with pytest.raises(LabelError, match="can be no coder's name"):
        people.join(store, name)


def test_coders_whom_an_older_file_tells_apart_stay_apart(store):
    for at, name in enumerate(("Zoë", "ZOË", "Ana")):
        with store.writing() as connection:
            connection.execute("INSERT INTO coders VALUES (?, NULL, ?)", (name, str(at)))
    typed = {"Zoë": "Zoë", "ZOË": "ZOË", "zOë": "Zoë", "zoË": "ZOË", "ana": "Ana"}
    assert {one: people.join(store, one) for one in typed} == typed
    assert people.coders(store) == ["Zoë", "ZOË", "Ana"]


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
