"""The page as an application: what is served, to whom."""

import logging
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.types import ASGIApp

from themeloom.errors import OutputError, ThemeloomError
from themeloom.labelling import api, lead, pages
from themeloom.labelling.access import AnotherCoder, NoSession, Served
from themeloom.labelling.gate import Address, Gate
from themeloom.labelling.store import Store
from themeloom.labelling.study import StudyPage

HERE = Path(__file__).parent
FULL = 507
"""Status (RFC 4918) of what cannot be kept now, but may be later: the page sends it again."""


def create_app(store: Store, study: StudyPage, address: Address, start_token: str) -> ASGIApp:
    """Build the application of one study.

    Parameters
    ----------
    store
        Its label file, with a codebook and a sample.
    study
        What is shown.
    address
        What browsers call the server.
    start_token
        The secret in the start link.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    environment = Environment(
        loader=PackageLoader("themeloom.labelling"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    app.state.served = Served(store, study, address, start_token, Jinja2Templates(env=environment))
    for router in (pages.router, lead.router, api.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    app.add_exception_handler(NoSession, _no_session)
    app.add_exception_handler(AnotherCoder, _another_coder)
    app.add_exception_handler(ThemeloomError, _fault)
    app.add_exception_handler(OutputError, _no_room)
    app.add_exception_handler(RequestValidationError, _not_understood)
    return Gate(app, address)


def _no_session(request: Request, error: Exception) -> Response:
    if request.method == "GET" and not request.url.path.startswith("/api/"):
        return RedirectResponse(f"/enter?why={quote(str(error))}", 303)
    return JSONResponse({"error": str(error)}, 401)


def _another_coder(_: Request, error: Exception) -> Response:
    """Tell by a status of its own that nothing was kept: the page sends it when its coder is back."""
    return JSONResponse({"error": str(error)}, 409)


def _fault(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)


def _no_room(_: Request, error: Exception) -> Response:
    """Tell coders that what they said is not kept yet, and why to whoever runs the server."""
    logging.getLogger("uvicorn.error").error("themeloom: %s", error)
    said = "The study's file cannot be written, as when its disk is full: tell whoever leads the study."
    return JSONResponse({"error": said}, FULL)


def _not_understood(_: Request, error: Exception) -> Response:
    """Say where the fault is, and nothing of what was sent."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 (what it is registered for)
    places = sorted({str(fault["loc"][-1]) for fault in error.errors()})
    return JSONResponse({"error": f"The request has a fault in: {', '.join(places)}."}, 422)
