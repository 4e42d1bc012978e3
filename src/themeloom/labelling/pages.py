"""Pages that every coder sees: the door, the overview, coding, agreement, and topic checks."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from themeloom.columns import AGREEMENT
from themeloom.errors import LabelError
from themeloom.labelling import checks, codebooks, codes, doubles, people
from themeloom.labelling.access import Anybody, Here, NoSession, Served, open_batches
from themeloom.labelling.people import Session
from themeloom.placeholders import pieces
from themeloom.system.sheets import UNCLEAR

router = APIRouter(default_response_class=HTMLResponse)

MOST_DISPUTED = 10


def show(here: Served, request: Request, page: str, session: Session | None, **values: object) -> Response:
    """Render a page for somebody."""
    shared = {
        "study": here.study,
        "session": session,
        "pieces": pieces,
        "with_guesses": bool(here.study.guesses),
        "with_checks": bool(here.study.checks),
    }
    return here.templates.TemplateResponse(request, f"{page}.html", {**shared, **values})


@router.get("/enter")
def enter(here: Here, request: Request, why: Annotated[str, Query(max_length=300)] = "") -> Response:
    """Say how to come in."""
    return show(here, request, "enter", None, why=why)


@router.get("/start")
def start(here: Here, request: Request, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Take the secret of a link, and give a cookie for it."""
    client = request.client.host if request.client else ""
    if here.wrong.too_many(client):
        why = "There were too many wrong links from here; wait a minute."
        refused = show(here, request, "enter", None, why=why)
        refused.status_code, refused.headers["Retry-After"] = 429, str(int(people.WINDOW))
        return refused
    lead = people.same(token, here.start_token)
    coder = None if lead else people.owner(here.store, token)
    if not lead and coder is None:
        here.wrong.count(client)
        why = "This link is not (or no longer) valid; ask for a new one."
        refused = show(here, request, "enter", None, why=why)
        refused.status_code = 403
        return refused
    cookie = people.open_session(here.store, coder, lead=lead)
    # A page, no redirect: browsers hold back a SameSite=Strict cookie in a chain that another program began.
    answer = show(here, request, "started", None)
    answer.set_cookie(
        here.address.cookie,
        cookie,
        max_age=people.LASTS,
        httponly=True,
        samesite="strict",
        secure=here.address.secure,
    )
    return answer


@router.get("/")
def home(here: Here, request: Request, session: Anybody) -> Response:
    """Show how far everybody is."""
    times = codes.coded_times(here.store)
    return show(
        here,
        request,
        "home",
        session,
        progress=[one for one in codes.progress(here.store) if session.lead or one["name"] == session.coder],
        total=sum(times.values()),
        twice=sum(messages for coders, messages in times.items() if coders >= 2),
        batches=here.store.read(
            "SELECT batch, design, COUNT(*) AS messages, MIN(drawn_at) AS at FROM messages "
            "GROUP BY batch, design ORDER BY batch"
        ),
        open=open_batches(here.store, session),
        wait=not here.store.messages(),
    )


@router.get("/code")
def code(here: Here, request: Request, session: Anybody) -> Response:
    """Show the page on which messages are coded; its script fetches them."""
    if session.coder is None:
        raise NoSession("Choose your name first." if session.lead else "Open your personal link.")
    return show(here, request, "code", session)


@router.get("/guide")
def guide(here: Here, request: Request, session: Anybody) -> Response:
    """Show the codebook, its versions, and the keys."""
    version, codebook = here.codebook
    versions = codebooks.versions(here.store)
    return show(here, request, "guide", session, version=version, codebook=codebook, versions=versions)


@router.get("/agreement")
def agreement(here: Here, request: Request, session: Anybody) -> Response:
    """Show how far coders agree, on batches that two have finished."""
    batches = open_batches(here.store, session)
    here.store.add("opened", session.coder or "lead", detail="agreement")
    found = doubles.doubles(here.store, batches)
    _, codebook = here.codebook
    measured, fault = None, None
    try:
        if found:
            measured = here.study.agreement(doubles.as_sample(found, codebook), codebook)
    except LabelError as error:
        fault = str(error)
    assisted = sum(one["assisted"] for double in found for one in double.said)
    return show(
        here,
        request,
        "agreement",
        session,
        batches=batches,
        found=found,
        measured=measured,
        fault=fault,
        figures=AGREEMENT,
        names={theme.key: theme.name for theme in codebook.themes},
        tables=doubles.pair_tables(found, codebook),
        disputed=[one for one in found if one.disputed][:MOST_DISPUTED],
        assisted=assisted,
        unclear=sum(one["code"] == UNCLEAR for double in found for one in double.said),
    )


@router.get("/checks")
def topic_checks(here: Here, request: Request, session: Anybody) -> Response:
    """Show the next question of the topic checks, or what they found."""
    run = here.study.run
    given = checks.answered(here.store, run) if run else {}
    mine = given.get(session.coder or "", {})
    left = [check for check in here.study.checks if check.key not in mine] if session.coder else []
    found = [] if left else checks.scores(here.study.checks, given)
    return show(
        here,
        request,
        "checks",
        session,
        run=run,
        check=left[0] if left else None,
        number=len(here.study.checks) - len(left) + 1,
        kinds=checks.KINDS,
        questions=checks.QUESTIONS,
        scores=[asdict(one) for one in found] if session.lead or not left else [],
    )
