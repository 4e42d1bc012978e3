"""The page on the network: on this machine alone, unless somebody asks for more and says how it is safe."""

import asyncio
import ipaddress
import logging
import os
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from themeloom.errors import ConfigError, OutputError
from themeloom.labelling.gate import Address
from themeloom.system.processes import mark

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

LOOPBACK = "127.0.0.1"
WHOLE = 15.0
"""Seconds within which a request has to be whole."""
MOST = 128
"""Connections at once, and as many that wait to be taken: together far below the files a process may open."""
GRACE = 3  # seconds for answers that are under way when the server is stopped


@dataclass(frozen=True)
class Hosting:
    """Where the page is served, and how what is sent is kept from others."""

    host: str = LOOPBACK
    port: int = 8765
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    address: str | None = None  # what people type, where it is not https://HOST:PORT

    @property
    def public(self) -> str:
        """The address as people type it."""
        if self.address is not None:
            return self.address.rstrip("/")
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{name}:{self.port}"

    def seen_as(self) -> Address:
        """Tell what browsers call the server.

        Raises
        ------
        ConfigError
            If what was asked for is not safe, or not whole.
        """
        _check(self)
        parts = urlsplit(self.public)
        names = {parts.netloc.lower()}
        if is_loopback(self.host) and self.address is None:
            names |= {f"{name}:{self.port}" for name in ("localhost", "127.0.0.1", "[::1]")}
        secure = parts.scheme == "https"
        # Cookies know no ports: studies on different ones must not take each other's. The prefix has browsers
        # refuse one that was set for a whole domain, or without TLS.
        cookie = f"{'__Host-' if secure else ''}themeloom-{self.port}"
        return Address(parts.scheme, frozenset(names), cookie)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(hosting: Hosting) -> None:
    if (hosting.tls_cert is None) != (hosting.tls_key is None):
        raise ConfigError("--tls-cert, --tls-key: one is of no use without the other; give both.")
    for option, path in (("--tls-cert", hosting.tls_cert), ("--tls-key", hosting.tls_key)):
        if path is not None and not path.is_file():
            raise ConfigError(f"{option}: {path}: there is no such file; check the path.")
    if not is_loopback(hosting.host) and hosting.tls_cert is None and not hosting.behind_proxy:
        raise ConfigError(
            f"--host: {hosting.host} can be reached by others, who could read along; give --tls-cert and "
            "--tls-key, or say --behind-proxy if another server adds TLS."
        )
    parts = urlsplit(hosting.public)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise ConfigError(
            f"--address: '{hosting.public}' is no address of a server; write it like https://code.example.org."
        )
    if parts.hostname in ("0.0.0.0", "::"):  # noqa: S104 (nobody listens there by this)
        raise ConfigError(f"--host: {hosting.host} is no name; say by --address what people type.")
    if hosting.behind_proxy and (hosting.address is None or parts.scheme != "https"):
        raise ConfigError("--behind-proxy: say by --address what people type, with https://.")


def listen(host: str, port: int) -> socket.socket:
    """Take the port.

    Raises
    ------
    OutputError
        If it is taken, or not to be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only of sockets that say they are TCP does asyncio turn off Nagle's delay, which is 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)  # whoever comes before the server is ready waits
    except OSError as error:
        listener.close()
        raise OutputError(
            f"{host}:{port}: cannot be used ({error.strerror or error}); another page may be open there: "
            "name another port by --port."
        ) from None
    return listener


def serve(app: Callable[..., object], hosting: Hosting, listener: socket.socket) -> None:
    """Serve until somebody stops it. No request is logged: start links have secrets in them."""
    import uvicorn

    logging.getLogger("asyncio").addFilter(_not_of_accepting)
    config = uvicorn.Config(
        app,
        http=_guarded(),
        backlog=MOST,
        log_level="error",  # what is no HTTP is a warning, a line each time
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=hosting.behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1",
        timeout_graceful_shutdown=GRACE,
        ssl_certfile=hosting.tls_cert,
        ssl_keyfile=hosting.tls_key,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _guarded() -> "type[H11Protocol]":
    """Make the protocol of connections that nobody can keep from others.

    One whose request is not whole in time is dropped, be it sent by halves or byte by byte; of too many, the
    one that has waited longest. A browser whose idle connection is dropped opens another one.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Guarded(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.since, self.seen = self.loop.time(), self.cycle
            self.look = self.loop.call_later(WHOLE, self.look_again)
            if len(self.connections) > MOST:
                waiting = (one for one in self.connections if isinstance(one, Guarded) and one.waits)
                min(waiting, key=lambda one: one.since, default=self).transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            self.look.cancel()
            super().connection_lost(exc)

        @property
        def waits(self) -> bool:
            """Whether it is the browser's turn."""
            last = cast("RequestResponseCycle | None", self.cycle)  # none before the first request
            turn = last is None or last.response_complete or last.more_body
            return turn and not self.transport.is_closing()

        def look_again(self) -> None:
            """Drop the connection if the browser has had its turn since the last look."""
            if self.waits and self.cycle is self.seen:
                self.transport.abort()
            else:
                self.since, self.seen = self.loop.time(), self.cycle
                self.look = self.loop.call_later(WHOLE, self.look_again)

    return Guarded


def _not_of_accepting(record: logging.LogRecord) -> bool:
    """Leave out what asyncio says, a thousand times a second, where no more connections can be taken."""
    return "out of system resource" not in record.getMessage()


@contextmanager
def opened_soon(link: str, *, really: bool) -> Iterator[None]:
    """Open the start link in the browser, by way of a file that only this user can read.

    The link itself would be seen by everybody who lists this machine's processes.
    """
    if not really:
        yield
        return
    number, name = tempfile.mkstemp(prefix=f"themeloom-{mark()}-", suffix=".html")
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={escape(link)}">')
    timer = threading.Timer(0.7, webbrowser.open, [Path(name).as_uri()])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with suppress(OSError):
            Path(name).unlink()
