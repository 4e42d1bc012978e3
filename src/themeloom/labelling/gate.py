"""The gate before every page: who may ask, from where, how much, and what browsers may do with answers."""

from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 64 * 1024
"""Bytes of a request's body."""
TOO_LARGE = f"This is too large; a request may have {LARGEST // 1024} KiB."
READING = {"GET", "HEAD"}

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
LASTING = "max-age=31536000"


@dataclass(frozen=True)
class Address:
    """Where the page is: what browsers call it, and nothing else."""

    scheme: str
    hosts: frozenset[str]  # as in the Host header, lower case
    cookie: str = field(default="themeloom")

    @property
    def secure(self) -> bool:
        """Whether nobody on the way can read along."""
        return self.scheme == "https"

    @property
    def origins(self) -> frozenset[str]:
        """As in the Origin header."""
        return frozenset(f"{self.scheme}://{host}" for host in self.hosts)


class Gate:
    """Turns away what does not come from the page itself.

    The Host must be the server's own name (no DNS rebinding); whatever writes must come from its own origin
    and be JSON (no forged requests); nothing is fetched for other sites; bodies are small; and every answer
    tells the browser to run, load, frame and keep nothing that is not the page's own.
    """

    def __init__(self, app: ASGIApp, address: Address) -> None:
        self.app = app
        self.address = address
        self.headers = HEADERS | ({"Strict-Transport-Security": LASTING} if address.secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or turn it away."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        refusal = self._refusal(scope)
        if refusal:
            await refusal(scope, receive, guarded)
            return
        await self.app(scope, _measured(receive), guarded)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self.address.hosts:
            return _no(421, "This server does not go by that name; use the address that it printed.")
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return _no(403, "Another site may not ask for this.")
        if scope["method"] not in READING:
            if headers.get("origin") not in self.address.origins:
                return _no(
                    403, "Only the page itself may send this; open it by the address that was printed."
                )
            if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
                return _no(415, "Send JSON.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST:
            return _no(413, TOO_LARGE)
        return None


def _measured(receive: Receive) -> Receive:
    """Count what comes in: the length that was announced may be none, or a lie."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST:
            raise HTTPException(413, TOO_LARGE)
        return message

    return counted


def _no(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)
