"""Pages of whoever started the server: adjudication, links, versions of the codebook, exports, the audit."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import Field

from themeloom.errors import LabelError
from themeloom.labelling import codebooks, codes, doubles, exports, people
from themeloom.labelling.access import Here, Lead, Served, check_unblinded, open_batches
from themeloom.labelling.api import Body, Key, NameBody
from themeloom.labelling.pages import show
from themeloom.system.sheets import UNCLEAR

router = APIRouter(default_response_class=HTMLResponse)

AUDITED = 200


class DecisionBody(Body):
    """The adjudicated code of a message."""

    doc_id: Key
    code: Key
    why: Annotated[str, Field(max_length=codes.LONGEST_NOTE)]


class ReasonBody(Body):
    """Why the codebook was changed."""

    why: Annotated[str, Field(min_length=1, max_length=codes.LONGEST_NOTE)]


@router.get("/adjudicate")
def adjudicate(
    here: Here, request: Request, session: Lead, decided: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> Response:
    """Show the messages that coders disagree on, side by side; after a decision, where to go on."""
    here.store.add("opened", session.coder or "lead", detail="adjudicate")
    batches = open_batches(here.store, session)
    found = [one for one in doubles.doubles(here.store, batches) if one.disputed]
    just, following = _gone_on(here, found, decided)
    _, codebook = here.codebook
    return show(
        here,
        request,
        "adjudicate",
        session,
        batches=batches,
        left=[one for one in found if one.decision is None],
        decided=[one for one in found if one.decision is not None],
        codebook=codebook,
        names={theme.key: theme.name for theme in codebook.themes},
        unclear=UNCLEAR,
        just=just,
        following=following,
    )


def _gone_on(
    here: Served, found: list[doubles.Double], decided: int
) -> tuple[doubles.Double | None, doubles.Double | None]:
    """Give the message that a decision was on, and the one to be decided next, if there are any."""
    rows = here.store.read("SELECT doc_id FROM events WHERE id = ? AND kind = 'decide'", decided)
    places = [place for place, one in enumerate(found) if rows and one.doc_id == rows[0]["doc_id"]]
    if not places:
        return None, None
    left = (one for one in found[places[0] :] + found if one.decision is None)
    return found[places[0]], next(left, None)


@router.post("/api/decide", response_class=JSONResponse)
def decide(here: Here, session: Lead, body: DecisionBody) -> dict[str, str]:
    """Keep a decision."""
    if session.coder is None:
        raise LabelError("choose your name on the overview first: decisions are kept with who made them.")
    open_now = doubles.doubles(here.store, open_batches(here.store, session))
    if body.doc_id not in {one.doc_id for one in open_now}:
        raise LabelError("this message is not open for decisions: two coders must have finished its batch.")
    event = doubles.decide(here.store, session.coder, body.doc_id, body.code, body.why, here.codebook)
    return {"next": f"/adjudicate?decided={event}#next"}


@router.post("/api/link", response_class=JSONResponse)
def link(here: Here, _: Lead, body: NameBody) -> dict[str, str]:
    """Make a coder's personal link; it is shown once."""
    name = people.join(here.store, body.name)
    return {"said": f"/start?token={people.new_secret(here.store, name)}", "coder": name}


@router.post("/api/codebook", response_class=JSONResponse)
def codebook(here: Here, session: Lead, body: ReasonBody) -> dict[str, str]:
    """Take in the codebook's file as it is now."""
    book = here.study.read_codebook()
    version = codebooks.take_in(here.store, book, session.coder or "lead", body.why)
    if version is None:
        raise LabelError("the codebook's file is as it was; change it first.")
    return {"next": "/guide"}


@router.get("/exports")
def listed(here: Here, request: Request, session: Lead) -> Response:
    """List what can be downloaded."""
    fault = None
    try:
        check_unblinded(here.store, session)
    except LabelError as error:
        fault = str(error)
    return show(here, request, "exports", session, formats=exports.FORMATS, fault=fault)


@router.get("/exports/{name}")
def export(here: Here, session: Lead, name: str) -> Response:
    """Give all codes in one format."""
    check_unblinded(here.store, session)
    chosen = {one.file: one for one in exports.FORMATS}.get(name)
    if chosen is None:
        raise LabelError("there is no such export.")
    content = chosen.write(exports.everything(here.store))
    here.store.add("exported", session.coder or "lead", detail=name)
    file = f"{here.study.name}-{name}"
    return Response(
        content, media_type=chosen.media, headers={"Content-Disposition": f'attachment; filename="{file}"'}
    )


@router.get("/audit")
def audit(here: Here, request: Request, session: Lead) -> Response:
    """Show who did and saw what, newest first; not what they said of messages."""
    rows: list[Any] = here.store.read(
        "SELECT id, at, kind, coder, doc_id, codebook, detail FROM events ORDER BY id DESC LIMIT ?", AUDITED
    )
    return show(here, request, "audit", session, rows=rows, most=AUDITED)
