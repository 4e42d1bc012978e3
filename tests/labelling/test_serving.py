"""Where the page is served, and to whom."""

import asyncio
import datetime as dt
import ipaddress
import re
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coding import HERE
from servers import free_port
from themeloom.errors import ConfigError, OutputError
from themeloom.labelling import serving
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


FILES = 'ulimit -n 400; exec "$@" 2>"$0"'


def test_requests_that_are_sent_by_halves_keep_nobody_out(coding_server, tmp_path):
    log = tmp_path / "log"
    server = coding_server(tmp_path, 3, before=("sh", "-c", FILES, str(log)))
    with ExitStack() as stack:
        for _ in range(500):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
            half.sendall(b"GET /enter HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        for _ in range(5):
            assert server.ask("/enter")[0] == 200
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as garbage:
            garbage.sendall(b"\0\0\r\n\r\n")
            assert garbage.recv(1000).startswith(b"HTTP/1.1 400")
    assert log.read_text() == ""


async def slow(_, receive, send):
    """Read the whole request, and take a time with the answer."""
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def answered(port, request, pause=0.0):
    """Send a request, byte by byte if there is a pause; give the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in [request] if not pause else [bytes([one]) for one in request]:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.readline(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def test_a_request_has_to_be_whole_in_time_and_an_answer_has_not(monkeypatch):
    monkeypatch.setattr(serving, "WHOLE", 0.2)
    head, body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n", b"\r\nabc"
    sent = [(head, 0), (head + body, 0.05), (head + body[:-1], 0), (b"", 0), (head + body, 0)]

    async def asked():
        with listen("127.0.0.1", 0) as listener:
            config = uvicorn.Config(slow, http=serving._guarded(), lifespan="off", log_level="error")
            server = uvicorn.Server(config)
            task = asyncio.create_task(server.serve([listener]))
            port = listener.getsockname()[1]
            found = await asyncio.gather(*(answered(port, *one) for one in sent))
            server.should_exit = True
            await task
            return found

    assert asyncio.run(asked()) == [b""] * 4 + [b"HTTP/1.1 200 OK\r\n"]


@pytest.fixture
def certificate(tmp_path):
    """A certificate of this machine's own, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return tmp_path / "cert.pem", tmp_path / "key.pem"


HOSTED = """
import sys
from pathlib import Path
from coding_server import open_store, page, say
from themeloom.labelling.serving import Hosting
from themeloom.studies.labelling_study import Opened, serve_study
root, port, cert, key = sys.argv[1:]
store = open_store(root)
hosting = Hosting("127.0.0.1", int(port), Path(cert), Path(key))
serve_study(Opened(store, page(store), 0, {}), hosting, browser=False, said=say)
"""


def test_with_a_certificate_the_cookie_goes_over_tls_alone(tmp_path, certificate):
    port = free_port()
    words = [sys.executable, "-c", HOSTED, tmp_path, port, *certificate]
    environment = {"PYTHONPATH": f"{HERE.parent / 'src'}:{HERE}", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        link = process.stdout.readline().partition("open ")[2].strip()
        assert link.startswith(f"https://127.0.0.1:{port}/start?token=")
        trusted = ssl.create_default_context(cafile=str(certificate[0]))
        with urllib.request.urlopen(link, context=trusted, timeout=20) as answer:  # noqa: S310 (loopback)
            cookie, lasting = answer.headers["Set-Cookie"], answer.headers["Strict-Transport-Security"]
        with pytest.raises((urllib.error.URLError, OSError)):
            urllib.request.urlopen(link.replace("https", "http"), timeout=20)  # noqa: S310
        process.kill()
    assert cookie.startswith(f"__Host-themeloom-{port}=")
    assert "; Secure" in cookie
    assert lasting == "max-age=31536000"
