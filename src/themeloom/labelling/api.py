"""What the coding page asks for and sends: JSON, small, and kept before it is answered."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from themeloom.errors import LabelError
from themeloom.labelling import checks, codes, people
from themeloom.labelling.access import Coder, Here, Lead
from themeloom.labelling.codes import Coding
from themeloom.placeholders import pieces

router = APIRouter(prefix="/api")

Key = Annotated[str, Field(max_length=200)]
Client = Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
"""Made by the page for each thing that it sends: what arrives twice is kept once."""


class Body(BaseModel):
    """Something that the page sends."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class CodeBody(Body):
    """What a coder says of a message."""

    client: Client
    doc_id: Key
    code: Key | None = None
    second: Key | None = None
    unclear: bool = False
    note: Annotated[str, Field(max_length=codes.LONGEST_NOTE)] = ""
    codebook: Annotated[int, Field(ge=1, lt=2**31)]
    seconds: Annotated[float, Field(ge=0, le=1e6)] | None = None


class SkipBody(Body):
    """A message is left for later."""

    client: Client
    doc_id: Key


class UndoBody(Body):
    """The last code is taken back."""

    client: Client


class AnswerBody(Body):
    """The choice that a coder takes for the intruder."""

    client: Client
    check: Key
    choice: Annotated[int, Field(ge=0, le=20)]


@router.get("/state")
def state(here: Here, coder: Coder) -> dict[str, Any]:
    """Give all that a coder needs but the messages themselves."""
    version, codebook = here.codebook
    return {
        "study": here.study.name,
        "coder": coder,
        "codebook": version,
        "codes": [asdict(theme) for theme in codebook.themes],
        "order": codes.order_of(here.store, coder, here.study.seed),
        "said": codes.codes_of(here.store, coder),
        "skipped": codes.skipped_by(here.store, coder),
        "guesses": bool(here.study.guesses),
    }


@router.get("/message/{doc_id}")
def message(here: Here, coder: Coder, doc_id: str) -> dict[str, Any]:
    """Give a message, masked, and in pieces; it is noted that the coder was sent it."""
    rows = here.store.read("SELECT text FROM messages WHERE doc_id = ?", doc_id)
    if not rows:
        raise LabelError("this message is not in the sample; load the page again.")
    here.store.add("served", coder, doc_id=doc_id)
    text = rows[0]["text"]
    return {"doc_id": doc_id, "text": text, "pieces": pieces(text)}


@router.get("/guess/{doc_id}")
def guess(here: Here, coder: Coder, doc_id: str) -> dict[str, Any]:
    """Give the model's guess; from now on, the coder's code for this message counts as assisted."""
    found = here.study.guesses.get(doc_id)
    if found is None:
        raise LabelError("there is no guess for this message.")
    here.store.add("guess", coder, doc_id=doc_id, code=found.theme)
    return {"theme": found.theme, "probability": round(found.probability, 3)}


@router.post("/code")
def code(here: Here, coder: Coder, body: CodeBody) -> dict[str, int]:
    """Keep a code; when this answers, it is on disk."""
    version, codebook = here.codebook
    if body.codebook > version:
        raise LabelError("there is no such version of the codebook; load the page again.")
    event = codes.save(here.store, coder, Coding(**body.model_dump()), codebook)
    return {"event": event, "codebook": version}


@router.post("/skip")
def skip(here: Here, coder: Coder, body: SkipBody) -> dict[str, int]:
    """Note that a message is left for later."""
    codes.skip(here.store, coder, body.doc_id, body.client)
    return {"codebook": here.codebook[0]}


@router.post("/undo")
def undo(here: Here, coder: Coder, body: UndoBody) -> dict[str, Any]:
    """Take back the last code."""
    doc_id = codes.withdraw(here.store, coder, body.client)
    return {"doc_id": doc_id, "said": codes.codes_of(here.store, coder).get(doc_id or "")}


@router.post("/answer")
def answer(here: Here, coder: Coder, body: AnswerBody) -> dict[str, str]:
    """Keep the answer to a topic check."""
    found = {check.key: check for check in here.study.checks}.get(body.check)
    if found is None or here.study.run is None or body.choice >= len(found.choices):
        raise LabelError("there is no such question; load the page again.")
    checks.answer(here.store, here.study.run, coder, found, body.choice, body.client)
    return {"next": "/checks"}


@router.post("/log-checks")
def log_checks(here: Here, session: Lead) -> dict[str, str]:
    """Log what the topic checks found to the run that they test."""
    if here.study.log_checks is None or here.study.run is None:
        raise LabelError("there is no run to log to; run the experiment first.")
    found = checks.scores(here.study.checks, checks.answered(here.store, here.study.run))
    if not found:
        raise LabelError("nobody has answered a question yet.")
    said = here.study.log_checks(found)
    here.store.add("logged", session.coder or "lead", detail=said)
    return {"said": said}


class NameBody(Body):
    """A coder's name."""

    name: Annotated[str, Field(max_length=200)]


@router.post("/me")
def me(here: Here, session: Lead, body: NameBody) -> dict[str, str]:
    """Let this browser speak for a coder, who joins if need be; an empty name: for nobody."""
    name = people.join(here.store, body.name) if body.name else None
    people.choose(here.store, session, name)
    return {"next": "/code" if name else "/"}
