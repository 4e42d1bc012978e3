"""REFI-QDA projects (.qdpx), the exchange format of programs for qualitative analysis.

Written and read by the REFI-QDA standard, version 1.5 (qdasoftware.org): a ZIP archive of ``project.qde``
(XML) and ``sources/GUID.txt``, a file a message. A code covers a whole message.
"""

import io
import re
import uuid
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from xml.etree import ElementTree as ET

from themeloom.errors import LabelError
from themeloom.labelling.collected import ADJUDICATED, Collected, Said, clean, moment
from themeloom.system.archives import DAMAGED, unpacking_fault
from themeloom.system.sheets import UNCLEAR

NAMESPACE = "urn:QDA-XML:project:1.0"
PROJECT = "project.qde"
SECOND = "second code"
NOTE = "note of "

LARGEST = 2**26
"""Bytes of ``project.qde`` that are read at most: an element of XML takes thirty times its own bytes."""

Q = f"{{{NAMESPACE}}}"
_EARLY = datetime(1980, 1, 1).timetuple()[:6]  # noqa: DTZ001 (the first time that ZIP knows)


def write(found: Collected) -> bytes:
    """Write a project: codes as codings of whole messages, decisions as those of a user 'adjudicated'."""
    root = _Writer(found).project()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        document = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        archive.writestr(zipfile.ZipInfo(PROJECT, _EARLY), document, zipfile.ZIP_DEFLATED)
        for message in found.messages:
            name = f"sources/{_guid(found.study, 'source', message['doc_id'])}.txt"
            text = clean(message["text"]).encode("utf-8")
            archive.writestr(zipfile.ZipInfo(name, _EARLY), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _guid(study: str, kind: str, name: str) -> str:
    """Make the same id for the same thing each time, so that programs know it again."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"themeloom/{study}/{kind}/{name}"))


class _Writer:
    """Builds project.qde; elements stand in the order that the standard's schema asks for."""

    def __init__(self, found: Collected) -> None:
        ET.register_namespace("", NAMESPACE)
        self.found = found
        self.users = (*found.coders, *([ADJUDICATED] if found.decisions else []))
        self.said: defaultdict[str, list[tuple[str, Said]]] = defaultdict(list)
        for one in found.codes:
            self.said[one.doc_id].append((one.coder, one))
        for one in found.decisions:
            self.said[one.doc_id].append((ADJUDICATED, one))
        self.notes: list[tuple[str, str, Said]] = []

    def guid(self, kind: str, name: str) -> str:
        return _guid(self.found.study, kind, name)

    def project(self) -> ET.Element:
        root = ET.Element(f"{Q}Project", {"name": self.found.study, "origin": "Themeloom"})
        if self.users:
            users = ET.SubElement(root, f"{Q}Users")
            for user in self.users:
                ET.SubElement(users, f"{Q}User", {"guid": self.guid("user", user), "name": user})
        codes = ET.SubElement(ET.SubElement(root, f"{Q}CodeBook"), f"{Q}Codes")
        for theme in self.found.codebook.themes:
            self.code(codes, theme.key, f"{theme.name}. {theme.definition}")
        self.code(codes, UNCLEAR, "No code can be given.")
        self.code(codes, SECOND, "Beside the codes that were given as a second one.")
        sources = ET.SubElement(root, f"{Q}Sources")
        for message in self.found.messages:
            self.source(sources, message["doc_id"], clean(message["text"]))
        if self.notes:
            notes = ET.SubElement(root, f"{Q}Notes")
            for guid, coder, said in self.notes:
                self.note(notes, guid, coder, said)
        return root

    def code(self, codes: ET.Element, key: str, description: str) -> None:
        code = ET.SubElement(
            codes, f"{Q}Code", {"guid": self.guid("code", key), "name": key, "isCodable": "true"}
        )
        ET.SubElement(code, f"{Q}Description").text = clean(description)

    def source(self, sources: ET.Element, doc_id: str, text: str) -> None:
        guid = self.guid("source", doc_id)
        names = {"guid": guid, "name": doc_id, "plainTextPath": f"internal://{guid}.txt"}
        source = ET.SubElement(sources, f"{Q}TextSource", names)
        for coder, said in self.said[doc_id]:
            for part, key in enumerate(_keys(said)):
                self.selection(source, f"{doc_id}/{coder}/{part}", len(text), coder, said, key)
        for coder, said in self.said[doc_id]:
            if said.note:
                note = self.guid("note", f"{doc_id}/{coder}")
                ET.SubElement(source, f"{Q}NoteRef", {"targetGUID": note})
                self.notes.append((note, coder, said))

    def selection(
        self, source: ET.Element, name: str, length: int, coder: str, said: Said, keys: tuple[str, ...]
    ) -> None:
        made = {"creatingUser": self.guid("user", coder), "creationDateTime": _time(said.at)}
        place = {"startPosition": "0", "endPosition": str(length)}
        selection = ET.SubElement(
            source, f"{Q}PlainTextSelection", {"guid": self.guid("selection", name), **place, **made}
        )
        for key in keys:
            coding = ET.SubElement(
                selection, f"{Q}Coding", {"guid": self.guid("coding", f"{name}/{key}"), **made}
            )
            ET.SubElement(coding, f"{Q}CodeRef", {"targetGUID": self.guid("code", key)})

    def note(self, notes: ET.Element, guid: str, coder: str, said: Said) -> None:
        made = {"creatingUser": self.guid("user", coder), "creationDateTime": _time(said.at)}
        note = ET.SubElement(notes, f"{Q}Note", {"guid": guid, "name": f"{NOTE}{coder}", **made})
        ET.SubElement(note, f"{Q}PlainTextContent").text = clean(said.note or "")


def _keys(said: Said) -> Iterator[tuple[str, ...]]:
    """Give the codes of one selection each: the first; a second one is marked as such."""
    yield (UNCLEAR if said.unclear else str(said.code),)
    if said.second:
        yield (said.second, SECOND)


def _time(at: str) -> str:
    return at.replace("+00:00", "Z")


def read(content: bytes, file: str) -> list[Said]:
    """Read the codings of a project: of each user and source the first code, and perhaps a second one.

    Sources are known by their names: those that Themeloom gave them, with or without an ending. Nothing of
    the archive but ``project.qde`` is unpacked, and that only up to a limit; a document type, by which XML
    could expand or fetch things, is refused.

    Raises
    ------
    LabelError
        If this is no such project, or more than is read.
    """
    try:
        return list(_codings(_root(content, file)))
    except DAMAGED:
        raise LabelError(f"{file}: is no .qdpx archive, or is damaged; export the project again.") from None
    except (ET.ParseError, UnicodeDecodeError, KeyError, ValueError) as error:
        raise LabelError(
            f"{file}: its {PROJECT} is no REFI-QDA project ({error}); export the project again."
        ) from None


def _root(content: bytes, file: str) -> ET.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if fault := unpacking_fault(archive, len(content)):
            raise LabelError(f"{file}: {fault}; do not trust this archive, or export fewer sources.")
        if PROJECT not in archive.namelist():
            raise LabelError(f"{file}: holds no {PROJECT}; export a REFI-QDA project (.qdpx).")
        with archive.open(PROJECT) as document:
            raw = document.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise LabelError(
            f"{file}: its {PROJECT} is larger than {LARGEST // 2**20} MiB; export fewer sources."
        )
    text = raw.decode("utf-8-sig")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise LabelError(f"{file}: its {PROJECT} has a document type, which no REFI-QDA project needs.")
    return ET.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))  # noqa: S314 (no document type: nothing expands)


def _codings(root: ET.Element) -> Iterator[Said]:
    users = {_id(user.get("guid")): user.get("name") or "" for user in root.iter(f"{Q}User")}
    codes = {_id(code.get("guid")): code.get("name") or "" for code in root.iter(f"{Q}Code")}
    notes = {_id(note.get("guid")): note for note in root.iter(f"{Q}Note")}
    ours = any((note.get("name") or "").startswith(NOTE) for note in notes.values())
    silent = frozenset(() if ours else ("note",))  # a program that keeps no notes says nothing of them
    for source in root.iter(f"{Q}TextSource"):
        doc_id = re.sub(r"\.(txt|docx?|rtf)$", "", source.get("name") or "")
        given: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for part in [*source.iter(f"{Q}PlainTextSelection"), source]:
            for coding in part.findall(f"{Q}Coding"):
                _take(part, coding, users, codes, given)
        for user, codings in given.items():
            names = _ordered([name for name, _ in codings])
            if len(names) > 2:
                raise ValueError(f"source '{doc_id}' has {len(names)} codes by '{user}', but may have two")
            times = [time for _, time in codings]
            said = _said(user, doc_id, names, _note_of(source, user, notes))
            at = max(times) if all(times) else ""
            yield replace(said, at=at, place=f", source '{doc_id[:40]}'", silent=silent)


def _take(
    part: ET.Element,
    coding: ET.Element,
    users: dict[str, str],
    codes: dict[str, str],
    found: defaultdict[str, list[tuple[str, str]]],
) -> None:
    """Add the code of a coding, and when it was given, to those of its user."""
    user = users[_id(coding.get("creatingUser") or part.get("creatingUser"))]
    for reference in coding.findall(f"{Q}CodeRef"):
        code = codes[_id(reference.get("targetGUID"))]
        found[user].append((code, moment(coding.get("creationDateTime") or "")))


def _ordered(names: list[str]) -> list[str]:
    """Give each code once; the one that is marked as a second one last."""
    if SECOND not in names:
        return list(dict.fromkeys(names))
    place = names.index(SECOND)
    beside = names[place - 1] if place else ""
    firsts = [name for name in names if name not in (SECOND, beside)] or [beside]
    return list(dict.fromkeys([*firsts, beside]))


def _said(user: str, doc_id: str, names: list[str], note: str | None) -> Said:
    if names[0] == UNCLEAR:
        return Said(user, doc_id, None, None, 1, note)
    return Said(user, doc_id, names[0], names[1] if len(names) > 1 else None, 0, note)


def _note_of(source: ET.Element, user: str, notes: dict[str, ET.Element]) -> str | None:
    for reference in source.findall(f"{Q}NoteRef"):
        note = notes.get(_id(reference.get("targetGUID")))
        if note is not None and note.get("name") == f"{NOTE}{user}":
            return note.findtext(f"{Q}PlainTextContent") or None
    return None


def _id(guid: str | None) -> str:
    return (guid or "").strip("{}").lower()
