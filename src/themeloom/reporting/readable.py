"""Messages as they can safely be looked at: strange characters shown, none of them obeyed."""

import html
import textwrap

_SHOWN = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"}  # control pictures: ␀ ␁ …
_SHOWN |= dict.fromkeys(range(0x7F, 0xA0), 0xFFFD)
_SHOWN |= dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)  # half a pair: cannot be written as UTF-8
_OVERRIDES = {code: f"⟨U+{code:04X}⟩" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_TABLE: dict[int, int | str] = {**_SHOWN, **_OVERRIDES}


def readable(text: str) -> str:
    """Show control characters and direction overrides, which could make a text read as another one."""
    return text.translate(_TABLE)


def hover(text: str, *, width: int = 60, most: int = 360) -> str:
    """Wrap and escape a text for plotly's hover labels, which obey some HTML.

    Parameters
    ----------
    text
        Any text.
    width
        Characters a line.
    most
        Characters in all; what is longer ends in an ellipsis.
    """
    shown = readable(text[: most + 1])
    cut = shown if len(text) <= most else shown[:most].rstrip() + "…"
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(cut, width))
