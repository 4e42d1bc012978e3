"""Where the page is served, and to whom."""

import re

import pytest

from themeloom.errors import ConfigError, OutputError
from themeloom.labelling.serving import Hosting, listen


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"host": "192.0.2.1"}, "could read along; give --tls-cert"),
        ({"host": "192.0.2.1", "behind_proxy": True}, "--address"),
        ({"host": "127.0.0.1", "behind_proxy": True, "address": "http://x.org"}, "with https://"),
        ({"tls_cert": "cert.pem"}, "give both"),
        ({"address": "code.example.org"}, "is no address of a server"),
        ({"address": "https://code.example.org/path"}, "is no address of a server"),
    ],
)
def test_others_are_let_in_only_where_nobody_can_read_along(given, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        Hosting(**given).seen_as()


def test_behind_a_proxy_only_the_public_name_counts():
    address = Hosting(host="127.0.0.1", behind_proxy=True, address="https://code.example.org").seen_as()
    assert address.hosts == {"code.example.org"}
    assert address.origins == {"https://code.example.org"}
    assert address.secure
    assert address.cookie.startswith("__Host-")


def test_a_port_that_is_taken_is_told():
    with listen("127.0.0.1", 0) as taken, pytest.raises(OutputError, match="name another port by --port"):
        listen("127.0.0.1", taken.getsockname()[1])
