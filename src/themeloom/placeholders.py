"""What masking leaves of whatever identifies somebody: ``[person 12]``, or ``[person]`` in new messages."""

import re

KINDS = ("person", "handle", "link", "email", "phone", "number", "postcode", "place", "organisation")
"""What a placeholder can stand for."""

PLACEHOLDER = re.compile(rf"\[({'|'.join(KINDS)})(?: \d{{1,12}})?\]")
"""A placeholder; other brackets are people's own."""


def pieces(text: str) -> list[tuple[bool, str]]:
    """Split a masked text: (whether it is a placeholder, what it says without brackets)."""
    found, end = [], 0
    for one in PLACEHOLDER.finditer(text):
        found += [(False, text[end : one.start()]), (True, one[0].strip("[]"))]
        end = one.end()
    return [piece for piece in (*found, (False, text[end:])) if piece[1]]
