"""What people see of a fault of the program itself: where it is, and nothing that a message says."""

import os
import traceback
from collections.abc import Iterator

ASKED = "THEMELOOM_TRACEBACK"
"""Environment variable; where it is set, a fault is shown with its own words, as Python shows it."""


def told(error: BaseException) -> str:
    """Tell of a fault what can be sent to others: its type, and the lines of code that led to it.

    An exception's words often quote what could not be read or computed, and so do those of its causes.
    """
    if os.environ.get(ASKED):
        return "".join(traceback.format_exception(error))
    return "\n".join(
        [
            "themeloom: a fault of the program itself; what was finished before it is kept.",
            *(line for each in _chain(error) for line in _lines(each)),
            "Please report these lines: nothing of your messages is in them. What the fault itself says",
            f"may quote one; {ASKED}=1 shows it, to you alone.",
            "",
        ]
    )


def _chain(error: BaseException) -> list[BaseException]:
    """Give a fault after those that led to it."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return found[::-1]


def _lines(error: BaseException) -> Iterator[str]:
    kind = type(error)
    yield f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield f"  {frame.f_globals.get('__name__', '?')}, line {line}, in {frame.f_code.co_name}"
