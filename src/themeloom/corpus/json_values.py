"""JSON values one by one, from lines, arrays, pages, or several of them: whatever people save."""

import io
import json
import re
from collections.abc import Iterator
from json import JSONDecodeError

from themeloom.corpus.drafts import RowError
from themeloom.corpus.files import LONGEST_LINE, fault_of, lines

Values = Iterator[tuple[int, object]]
"""Line and value; the value is a `RowError` where the JSON is broken."""

_CHUNK = 2**16
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\[\];]*")  # top-level arrays are taken apart
_PREFIX = re.compile(r"\s*window\.YTD\.\w+\.part\d+\s*=")  # of the X archive's .js files
_STRUCTURE = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"?|[{}]')


def json_values(text: io.TextIOBase, head: str) -> Values:
    """Give the values of JSON lines, of an array, or of values printed over several lines.

    Parameters
    ----------
    text
        The whole text.
    head
        Its beginning, from which is told how it is laid out.
    """
    return _by_line(text) if _one_a_line(head) else _Window(text).values()


def _one_a_line(head: str) -> bool:
    """Say whether each line is a value of its own: also when the first one is broken."""
    head = head.lstrip()
    first, newline, rest = head.partition("\n")
    if not head.startswith("{"):
        return not (head.startswith("[") or _PREFIX.match(head))
    if not isinstance(_loads(first), RowError):
        return True
    try:
        _, end = _DECODER.raw_decode(head)
    except JSONDecodeError as error:
        second_line = len(first) + len(newline) + len(rest) - len(rest.lstrip())
        return bool(newline) and error.pos <= second_line
    except (RecursionError, ValueError):
        return bool(newline)
    return end <= len(first) and not first[end:].lstrip(", \t").startswith("{")


def _by_line(text: io.TextIOBase) -> Values:
    for number, line in lines(text):
        bare = line.strip().rstrip(",")
        if bare:
            yield number, fault_of(line) or _loads(bare)


def _loads(line: str) -> object:
    try:
        return json.loads(line)
    except JSONDecodeError as error:
        return RowError(f"broken JSON ({error.msg}, column {error.colno})")
    except (RecursionError, ValueError):
        return RowError("broken JSON (nested too deep, or a number too long)")


class _Window:
    """The part of a text that is being looked at."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._source = text
        self._text = ""
        self._at = 0
        self._line = 1  # at the start of the window
        self._counted = 0  # up to where line ends have been counted
        self._ended = False
        self._aligned = True  # until no further line begins as a broken value did

    def values(self) -> Values:
        self._more()
        if prefix := _PREFIX.match(self._text):
            self._at = prefix.end()
        while self._skip():
            start = self._at
            line = self._line_here()
            value = self._next()
            yield line, fault_of(self._text[start : self._at]) or value

    def _skip(self) -> bool:
        """Go to the next value; say whether there is one."""
        while True:
            between = _BETWEEN.match(self._text, self._at)
            self._at = between.end() if between else self._at
            self._drop()
            if self._at < len(self._text):
                return True
            if not self._more():
                return False

    def _next(self) -> object:
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except JSONDecodeError as error:
                if self._incomplete(error) and self._more():
                    continue
                fault = RowError(f"broken JSON ({error.msg})")
            except (RecursionError, ValueError):
                fault = RowError("broken JSON (nested too deep, or a number too long)")
            else:
                self._at = end
                return value
            self._at = self._after_broken()
            return fault

    def _incomplete(self, error: JSONDecodeError) -> bool:
        near_end = error.pos > len(self._text) - 16
        return near_end or error.msg.startswith("Unterminated string")

    def _after_broken(self) -> int:
        """Where to go on: the next line that begins as this value does, or where its braces close."""
        line_start = self._text.rfind("\n", 0, self._at) + 1
        indent = self._text[line_start : self._at]
        alike = f"\n{indent}{{"
        while self._aligned and not indent.strip():
            if (found := self._text.find(alike, self._at)) >= 0:
                return found
            self._aligned = self._more()
        return self._closing_brace()

    def _closing_brace(self) -> int:
        depth = 0
        for token in _STRUCTURE.finditer(self._text, self._at):
            depth += {"{": 1, "}": -1}.get(token[0], 0)
            if depth == 0:
                return token.end()
        return len(self._text)

    def _more(self) -> bool:
        """Read on, twice as much each time; say whether there was more and room for it."""
        if self._ended or len(self._text) - self._at > 2 * LONGEST_LINE:
            return False
        piece = self._source.read(max(_CHUNK, len(self._text) - self._at))
        self._ended = not piece
        self._text += piece
        return bool(piece)

    def _drop(self) -> None:
        """Forget what has been read once it is much: decoding errors count lines from the start."""
        if self._at > max(_CHUNK, len(self._text) // 64):
            self._line_here()
            self._text = self._text[self._at :]
            self._at = self._counted = 0

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line
