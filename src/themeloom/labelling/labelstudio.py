"""Label Studio's JSON: tasks, each with an annotation a coder."""

import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

from themeloom.errors import LabelError
from themeloom.labelling.collected import ADJUDICATED, Collected, Said, duration, moment
from themeloom.system.sheets import UNCLEAR

THEME, SECOND, NOTE = "theme", "second", "note"


def write(found: Collected) -> bytes:
    """Write tasks with annotations; decisions are annotations by 'adjudicated'."""
    by: defaultdict[str, list[tuple[str, Said]]] = defaultdict(list)
    for one in found.codes:
        by[one.doc_id].append((one.coder, one))
    for one in found.decisions:
        by[one.doc_id].append((ADJUDICATED, one))
    tasks = [
        {
            "id": number,
            "data": {"doc_id": message["doc_id"], "text": message["text"]},
            "annotations": [_annotation(coder, said) for coder, said in by[message["doc_id"]]],
        }
        for number, message in enumerate(found.messages, start=1)
    ]
    return json.dumps(tasks, ensure_ascii=False, indent=1).encode("utf-8")


def _annotation(coder: str, said: Said) -> dict[str, Any]:
    results = [_choice(THEME, UNCLEAR if said.unclear else str(said.code))]
    if said.second:
        results.append(_choice(SECOND, said.second))
    if said.note:
        value = {"text": [said.note]}
        results.append({"from_name": NOTE, "to_name": "text", "type": "textarea", "value": value})
    return {
        "completed_by": {"email": coder},
        "created_at": said.at,
        "lead_time": said.seconds,
        "was_cancelled": False,
        "result": results,
    }


def _choice(name: str, key: str) -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": [key]}}


def read(content: bytes, file: str) -> list[Said]:
    """Read an export of Label Studio ("JSON"): one annotation a coder and task, cancelled ones left out.

    Raises
    ------
    LabelError
        If this is no such export.
    """
    try:
        tasks = json.loads(content.decode("utf-8-sig"))
        return [
            replace(_said(str(task["data"]["doc_id"]), annotation), place=f", task {place}")
            for place, task in enumerate(tasks, start=1)
            for annotation in task.get("annotations") or ()
            if not annotation.get("was_cancelled")
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise LabelError(
            f"{file}: is no export of Label Studio in the form 'JSON' with 'doc_id' among each task's data; "
            "export it as JSON (not JSON-MIN), from tasks that Themeloom wrote."
        ) from None


def _said(doc_id: str, annotation: dict[str, Any]) -> Said:
    values = {one["from_name"]: one["value"] for one in annotation["result"]}
    key = values[THEME]["choices"][0] if THEME in values else None
    second = values[SECOND]["choices"][0] if SECOND in values else None
    note = " ".join(values[NOTE]["text"]) if NOTE in values else None
    unclear = int(key is None or key == UNCLEAR)
    lead = annotation.get("lead_time")
    return Said(
        _who(annotation["completed_by"]),
        doc_id,
        None if unclear else str(key),
        second,
        unclear,
        note,
        seconds=duration("" if lead is None else str(lead)),
        at=moment(annotation.get("updated_at") or annotation.get("created_at") or ""),
    )


def _who(given: object) -> str:
    """Name the annotator: Label Studio gives an e-mail address, or only a number."""
    name = given.get("email") or given["id"] if isinstance(given, dict) else given
    text = str(name).partition("@")[0]
    return f"annotator {text}" if text.isdecimal() else text
