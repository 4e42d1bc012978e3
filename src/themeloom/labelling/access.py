"""Who is asking: sessions by cookie, and what each may see."""

from dataclasses import dataclass, field
from typing import Annotated, cast
from urllib.parse import unquote

from fastapi import Depends, Request
from fastapi.templating import Jinja2Templates

from themeloom.errors import LabelError
from themeloom.labelling import codebooks, codes, people
from themeloom.labelling.gate import READING, Address
from themeloom.labelling.people import Session, WrongTokens
from themeloom.labelling.store import Store
from themeloom.labelling.study import StudyPage
from themeloom.records import Codebook

# Dependencies that wait for nothing are coroutines: each of the others takes a turn in a pool of threads.

ENTER = "Open this page by the link that the program printed, or by your personal link."
CHOOSE = "Choose your name first."
LEADS = "Only whoever started the server may see this, by the link that it printed at its last start."
MADE_FOR = "Themeloom-Coder"
"""Header in which a page names the coder that it was made for, percent-encoded; empty: nobody."""


class NoSession(Exception):  # noqa: N818 (an answer, no fault of ours)
    """Nobody who may see this."""


class AnotherCoder(Exception):  # noqa: N818 (an answer, no fault of ours)
    """A page was made for one coder, and its browser speaks for another since."""


@dataclass
class Served:
    """What every page has at hand."""

    store: Store
    study: StudyPage
    address: Address
    start_token: str
    templates: Jinja2Templates
    wrong: WrongTokens = field(default_factory=WrongTokens)

    @property
    def codebook(self) -> tuple[int, Codebook]:
        """The newest version."""
        return codebooks.newest(self.store)


async def served(request: Request) -> Served:
    """Give what the application serves."""
    return cast("Served", request.app.state.served)


Here = Annotated[Served, Depends(served)]


def somebody(request: Request, here: Here) -> Session:
    """Ask for a session."""
    cookie = request.cookies.get(here.address.cookie, "")
    session = people.session_of(here.store, cookie) if cookie else None
    if session is None:
        raise NoSession(ENTER)
    _check_made_for(request, session)
    return session


def _check_made_for(request: Request, session: Session) -> None:
    """Raise if a page would write under the name of somebody whom it was not made for.

    All tabs of a browser share a cookie: one left open knows nothing of a name chosen since.
    """
    made_for = request.headers.get(MADE_FOR)
    if made_for is None and request.method in READING:  # as when a browser opens a page
        return
    if unquote(made_for or "") != (session.coder or ""):
        now = f"This browser now codes as {session.coder}" if session.coder else "Nobody codes here now"
        raise AnotherCoder(f"{now}; load the page again.")


async def a_coder(session: Annotated[Session, Depends(somebody)]) -> str:
    """Ask for a session that speaks for a coder; give the coder's name."""
    if session.coder is None:
        raise NoSession(CHOOSE)
    return session.coder


async def the_lead(session: Annotated[Session, Depends(somebody)]) -> Session:
    """Ask for the session of whoever started the server."""
    if not session.lead:
        raise NoSession(LEADS)
    return session


Anybody = Annotated[Session, Depends(somebody)]
Coder = Annotated[str, Depends(a_coder)]
Lead = Annotated[Session, Depends(the_lead)]


def open_batches(store: Store, session: Session) -> list[int]:
    """Name the batches whose codes a session may see: two coders have finished them, its own among these."""
    done = codes.finished(store)
    return [
        batch
        for batch, coders in sorted(done.items())
        if len(coders) >= 2 and (session.coder is None or session.coder in coders)
    ]


def check_unblinded(store: Store, session: Session) -> None:
    """Raise if a coder has messages left, and would see what others said of them.

    Raises
    ------
    LabelError
        If so.
    """
    if session.coder is None:
        return
    total = int(store.read("SELECT COUNT(*) AS n FROM messages")[0]["n"])
    left = total - len(codes.codes_of(store, session.coder))
    if left:
        messages, them = ("message", "it") if left == 1 else ("messages", "them")
        raise LabelError(
            f"{session.coder} has {left} {messages} left, and would see the codes of others; finish {them} "
            "first, or let somebody who does not code do this."
        )
