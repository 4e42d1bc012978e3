"""No regular expression takes more than time in proportion to a text, whatever the text is.

Patterns are found by reading the source, where they stand in calls, and by importing it, where modules hold
them; each is tried, in the ways in which it is used, on texts made from its own pieces, said again and again.
"""

import ast
import importlib
import re
import time
from collections.abc import Iterator
from functools import cache
from itertools import islice, permutations
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "themeloom"
METHODS = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer")
SHORT = 1_000
"""Characters of the text that each pattern is tried on."""
TRIED = 0.002
"""Seconds; a pattern that takes longer for the short text is tried on one four times as long."""
GROWTH = 8
"""Four times the text takes 4 times as long where the time is linear, and 16 times where it is quadratic."""

BOUNDED = {
    "corpus/tokens._SENTENCE_START": 40,  # what stands before a word, in `tokens._tokens`
}
"""Pattern → characters of the longest text that it is given."""


@cache
def patterns() -> dict[str, tuple[re.Pattern[str], frozenset[str]]]:
    """Give every pattern, and how it is used."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        place = path.relative_to(SOURCE).with_suffix("")
        if re.search(r"\bre\.", text):
            found |= {f"{place}:{line}": (one, ways) for line, one, ways in _in_calls(ast.parse(text))}
            found |= {
                f"{place}.{name}": one for name, one in _held(".".join(("themeloom", *place.parts)), text)
            }
    return found


def _in_calls(tree: ast.Module) -> Iterator[tuple[int, re.Pattern[str], frozenset[str]]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {f"re.{way}" for way in METHODS}:
            continue
        if isinstance(node.args[0], ast.Constant):
            flags = re.IGNORECASE if "IGNORECASE" in ast.unparse(node) else 0
            yield node.lineno, re.compile(node.args[0].value, flags), frozenset({node.func.attr})


def _held(module: str, text: str) -> Iterator[tuple[str, tuple[re.Pattern[str], frozenset[str]]]]:
    for name, value in vars(importlib.import_module(module)).items():
        ways = frozenset(way for way in METHODS if re.search(rf"\b{name}\.{way}\(", text))
        for number, one in enumerate(_flat(value)):
            yield f"{name} {number}" if number else name, (one, ways or frozenset({"search", "sub"}))


def _flat(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, tuple | frozenset):
        for one in value:
            yield from _flat(one)


def pieces(pattern: re.Pattern[str]) -> list[str]:
    """Give a text that the pattern may match, and the signs that each of its parts takes."""
    signs = dict.fromkeys(_signs(_parser.parse(pattern.pattern, pattern.flags)))
    return ["".join(islice(signs, 40)), *islice(signs, 8), "a", " ", "1"]


def _signs(parsed: object) -> Iterator[str]:  # noqa: C901, PLR0912 (one case a kind)
    for kind, value in parsed:
        match kind:
            case _constants.LITERAL:
                yield chr(value)
            case _constants.NOT_LITERAL | _constants.ANY:
                yield "x"
            case _constants.IN:
                yield _member(value)
            case _constants.BRANCH:
                for branch in value[1]:
                    yield from _signs(branch)
            case _constants.SUBPATTERN:
                yield from _signs(value[3])
            case _constants.MAX_REPEAT | _constants.MIN_REPEAT | _constants.POSSESSIVE_REPEAT:
                yield from _signs(value[2])
            case _constants.ASSERT | _constants.ASSERT_NOT:
                yield from _signs(value[1])
            case _constants.ATOMIC_GROUP:
                yield from _signs(value)


def _member(members: list[tuple[object, object]]) -> str:
    """Give one sign of a set."""
    if members[0][0] is _constants.NEGATE:
        return next(sign for sign in "ax1 .-@é\x01" if not re.fullmatch(_as_set(members[1:]), sign))
    kind, value = members[0]
    if kind is _constants.CATEGORY:
        return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " "}.get(str(value), "a")
    return chr(value[0] if kind is _constants.RANGE else value)


def _as_set(members: list[tuple[object, object]]) -> str:
    named = {
        "CATEGORY_DIGIT": r"\d",
        "CATEGORY_SPACE": r"\s",
        "CATEGORY_WORD": r"\w",
        "CATEGORY_NOT_WORD": r"\W",
    }
    parts = []
    for kind, value in members:
        if kind is _constants.CATEGORY:
            parts.append(named[str(value)])
        elif kind is _constants.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        else:
            parts.append(re.escape(chr(value)))
    return f"[{''.join(parts)}]"


def texts(pattern: re.Pattern[str], length: int) -> Iterator[str]:
    """Give texts of pieces of the pattern, said again and again, which at last do not fit."""
    own = pieces(pattern)
    for piece in dict.fromkeys([*own, *("".join(pair) for pair in permutations(own[1:5], 2))]):
        if piece:
            yield piece * (length // len(piece)) + "\0"
            yield own[0] + piece * (length // len(piece)) + "\0"


def seconds(pattern: re.Pattern[str], way: str, text: str) -> float:
    """Measure the time of this thread: a neighbour's load makes some tries slower, and none quicker."""
    task = getattr(pattern, way)
    best = float("inf")
    for _ in range(3):
        start = time.thread_time()
        task("", text) if way == "sub" else list(task(text) or ()) if way == "finditer" else task(text)
        best = min(best, time.thread_time() - start)
        if best < TRIED:
            break
    return best


def quadratic(pattern: re.Pattern[str], way: str, short: str, long: str) -> bool:
    """Tell whether the time grows too fast each time that it is measured: others may slow one of them."""
    return all(seconds(pattern, way, long) >= GROWTH * seconds(pattern, way, short) for _ in range(3))


@pytest.mark.parametrize("name", patterns())
def test_time_is_linear(name):
    pattern, ways = patterns()[name]
    longest = BOUNDED.get(name)
    for way in ways:
        for short, long in zip(texts(pattern, SHORT), texts(pattern, 4 * SHORT), strict=True):
            taken = seconds(pattern, way, short[:longest])
            if taken > TRIED and longest is None:
                assert not quadratic(pattern, way, short, long), (way, long[:80])
            assert taken < 0.2, (way, short[:80])


@pytest.mark.parametrize("bad", [r"\s+$", r"a.*b", r"[a-z]+@"])
def test_a_quadratic_pattern_would_be_found(bad):
    pattern = re.compile(bad)
    pairs = zip(texts(pattern, SHORT), texts(pattern, 4 * SHORT), strict=True)
    assert any(quadratic(pattern, "search", short, long) for short, long in pairs)


def test_all_are_found():
    assert {"corpus/patterns._EMAIL", "system/sheets.NO_TEXT", "corpus/dates._TIDY 3"} <= patterns().keys()
    assert len(patterns()) > 90
