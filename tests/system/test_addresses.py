"""Nothing secret of an address is shown, however it is written and whoever tells of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.history.backend import Backend
from themeloom.system.addresses import ENVIRONMENT, public_uri, secrets_of, without_secrets


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://h:5000/x", "http://h:5000/x"),
        ("postgresql+psycopg2://u:p@h:5432/db", "postgresql+psycopg2://h:5432/db"),
        ("postgresql://u:p/w@h/db", "postgresql://h/db"),
        ("postgresql://u:p@w@h/db", "postgresql://h/db"),
        ("postgresql://u:p%40w%2F@h/db?password=x", "postgresql://h/db"),
        ("postgresql://u:p#w@h/db", "postgresql://…"),
        ("postgresql://u:p?w@h/db", "postgresql://…"),
        ("http://h/db?token=a@b", "http://…"),
        ("http://h/db?user=a&password=b", "http://h/db"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dx", "mssql+pyodbc:///"),
        ("http://h/db;password=x", "http://h/db"),
        ("http:u:p@h", "http:h"),
        ("http:/u:p@h", "http:h"),
        ("http:///u:p@h", "http://h"),
        ("HTTP://u:p@h", "HTTP://h"),
        ("odd_scheme://u:p@h", "odd_scheme://h"),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
        ("sqlite:///mlflow.db?key=x", "sqlite:///mlflow.db"),
        ("file:///mlruns", "file:///mlruns"),
        ("databricks://profile", "databricks://profile"),
        ("mlruns/at@home", "mlruns/at@home"),
        ("", ""),
    ],
)
def test_what_is_shown_of_an_address(uri, shown):
    assert public_uri(uri) == shown


SECRET = st.text("abXY01:/@?#&=%;", min_size=2, max_size=16).map(lambda text: f"s3cr{text}")


@given(
    st.sampled_from(["http", "https", "postgresql+psycopg2", "mysql"]),
    SECRET,
    st.sampled_from(
        [
            "{scheme}://user:{secret}@host:5000/db",
            "{scheme}://{secret}@host/db",
            "{scheme}://{secret}:{secret}@host/db?sslmode=require",
            "{scheme}:user:{secret}@host",
            "{scheme}://host/db?password={secret}",
            "{scheme}://host/db?a=1&token={secret}#x",
            "{scheme}://user:x@host/db#{secret}",
        ]
    ),
)
def test_no_secret_is_told_raw_or_in_pieces(scheme, secret, form):
    uri = form.format(scheme=scheme, secret=secret)
    pieces = [piece for piece in re.split(r"[/?#@:;&=]", secret) if piece]
    said = f"no answer from {uri}: {secret} refused; port '{pieces[0]}' is no number; tried {uri} and {uri}."
    told = [
        public_uri(uri),
        without_secrets(said, uri),
        str(Backend(uri, None, None, own=False).fault(said, "x")),
    ]
    for shown in told:
        assert "s3cr" not in shown


def test_other_addresses_in_the_same_text_are_cut_too():
    text = "http://u:one@a/x was sent on to 'postgresql://v:two/2@b/db?password=three' (see https://c/e#4)."
    assert (
        without_secrets(text, "http://u:one@a/x")
        == "http://a/x was sent on to 'postgresql://b/db (see https://c/e"
    )


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_mlflow_logs_in_with_is_not_told(name, monkeypatch):
    monkeypatch.setenv(name, "hunter2/canary")
    error = Backend("http://h", None, None, own=False).fault("refused hunter2/canary, hunter2%2Fcanary", "x")
    assert str(error) == "http://h: refused …, …; x."


def test_an_address_without_secrets_hides_nothing():
    assert secrets_of("http://host/db") == []
    assert (
        without_secrets("no answer from http://host/db", "http://host/db") == "no answer from http://host/db"
    )
