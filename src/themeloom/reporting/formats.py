"""How values are written on pages: counts, shares, scores, times; the templates' filters."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite, isnan

from markupsafe import Markup

from themeloom.config import dotted
from themeloom.placeholders import pieces
from themeloom.reporting.readable import readable
from themeloom.reporting.texts import say
from themeloom.scored import Score

_NONE = "\N{EN DASH}"
GLYPHS = {
    "circle": "●",
    "square": "■",
    "diamond": "◆",
    "triangle-up": "▲",
    "x": "✕",
    "circle-open": "○",
}
"""Characters that look like the map's marks."""


def number(value: float) -> str:
    """Write a count: 1,195."""
    return f"{value:,}"


def share(value: float) -> str:
    """Write a share of all: 43%, <1%, >99%; what is not all is never rounded up to it."""
    if not isfinite(value):
        return _NONE
    return "<1%" if 0 < value < 0.01 else ">99%" if 0.995 <= value < 1 else _minus(f"{value:z.0%}")


def decimal(value: float) -> str:
    """Write a score: 0.47; what is rounded to 0 has no sign."""
    return _minus(f"{value:z.2f}") if isfinite(value) else _NONE


def signed(value: float | None, digits: int = 2) -> str:
    """Write a difference with its sign: +0.05."""
    return _NONE if value is None or not isfinite(value) else _minus(f"{value:+z.{digits}f}")


def _minus(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")


def probability(value: float) -> str:
    """Write a probability: 0.47, 0.997; what is not certain is never rounded to 0 or to 1."""
    if value in {0, 1}:
        return decimal(value)
    told = (f"{value:.{digits}f}" for digits in (2, 3, 4))
    return next((text for text in told if 0 < float(text) < 1), "0.9999" if value > 0.5 else f"{value:.0e}")


def interval(score: Score) -> str:
    """Write the 95% interval of a score: 0.41 to 0.52; or that there is none."""
    if isnan(score.low):
        return say("page.unbounded")
    return say("page.interval", low=decimal(score.low), high=decimal(score.high))


def bounds(score: Score) -> str:
    """Write the interval of a score in words: 95% interval 0.41 to 0.52; or that there is none."""
    return interval(score) if isnan(score.low) else say("page.bounds", interval=interval(score))


def scored(score: Score) -> str:
    """Write a score and its interval: 0.47 (95% interval 0.41 to 0.52)."""
    return say("page.scored", value=decimal(score.value), bounds=bounds(score))


def spark(counts: Sequence[int]) -> str:
    """Write counts as the points of a line in a box of 100 by 20."""
    most, steps = max(counts, default=0) or 1, max(len(counts) - 1, 1)
    return " ".join(f"{100 * at / steps:.1f},{19 - 18 * count / most:.1f}" for at, count in enumerate(counts))


def percent(value: float) -> str:
    """Write a place between 0 and 1 as a CSS length; what lies outside goes to the edge."""
    return f"{100 * min(max(value, 0.0), 1.0) if isfinite(value) else 0:.1f}%"


def message(text: str) -> Markup:
    """Escape a masked text and set its placeholders as chips."""
    chip = Markup('<span class="chip">{}</span>')
    return Markup("").join(chip.format(said) if masked else said for masked, said in pieces(readable(text)))


def glyph(shape: str) -> str:
    """Name the character that looks like the map's mark."""
    return GLYPHS.get(shape, "●")


def duration(seconds: float) -> str:
    """Write how long something took: <0.1 s, 0.4 s, 41 s, 3 min 5 s, 2 h 10 min; never parted."""
    if 0 < seconds < 0.05:
        return "<0.1\u00a0s"
    if seconds < 10:
        return f"{seconds:.1f}\u00a0s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}\u00a0s"
    if whole < 3600:
        return f"{whole // 60}\u00a0min {whole % 60}\u00a0s"
    return f"{whole // 3600}\u00a0h {whole % 3600 // 60}\u00a0min"


def moment(text: str) -> str:
    """Write an ISO 8601 moment for people: 2 January 2026, 03:04 UTC."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def flat(values: object) -> Iterator[tuple[str, str]]:
    """Flatten nested parameters to dotted names, in order."""
    yield from ((name, _setting(value)) for name, value in dotted(values))


def _setting(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or "none"
    return {"None": "by default", "True": "yes", "False": "no", "": _NONE}.get(str(value), str(value))


def short(text: str) -> str:
    """Shorten a path on the machine of the run, which is nobody else's business, to its end."""
    path = re.sub(r"^[a-z+]+:///", "", text)
    if path == text and not re.match(r"/|~|\.{1,2}/|[A-Za-z]:[\\/]", text):
        return text
    return re.split(r"[\\/]+", path.rstrip("\\/"))[-1]


def shortened(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Shorten the paths among named values."""
    return [(name, short(value)) for name, value in pairs]


def line(lines: Mapping[str, Mapping[str, Score]], word: str) -> Mapping[str, Score]:
    """Find the reference line whose name has this word; empty where there is none."""
    return next((scores for name, scores in lines.items() if word in name.lower()), {})


FORMATS = (
    number,
    share,
    decimal,
    probability,
    signed,
    interval,
    scored,
    spark,
    percent,
    message,
    glyph,
    duration,
    moment,
    flat,
    short,
    shortened,
    line,
)
"""The templates' filters."""
