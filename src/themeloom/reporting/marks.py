"""How groups look: colours and shapes that everybody can tell apart, on light and on dark ground.

Colours are Okabe and Ito's, which people with colour-blindness tell apart; where seven do not suffice,
the marks change their shape too. Backgrounds are clear, so that a page can be light or dark.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from themeloom.records import Codebook, Topic
from themeloom.reporting.readable import hover
from themeloom.reporting.texts import say

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#B8A100")
SHAPES = ("circle", "square", "diamond", "triangle-up")
GREYS = ("#66707A", "#8E969E", "#AEB5BB")
PALE = "#A9B0B8"
INK = "#7B8794"
"""A grey that can be seen on a light and on a dark ground."""
NAMED_TOPICS = len(COLOURS) * len(SHAPES)


@dataclass(frozen=True, slots=True)
class Mark:
    """How a group of points looks and what the legend calls it."""

    name: str
    colour: str
    shape: str


def look(index: int) -> tuple[str, str]:
    """Give a colour and a shape; the 28 first are all different."""
    return COLOURS[index % len(COLOURS)], SHAPES[index // len(COLOURS) % len(SHAPES)]


def theme_marks(residual: Mapping[str, bool]) -> dict[str, Mark]:
    """Give each theme (key → whether it is residual) a colour, and each residual category a grey."""
    marks: dict[str, Mark] = {}
    for key, grey in residual.items():
        index = sum(other == grey for other in list(residual.values())[: len(marks)])
        seen = (GREYS[index % len(GREYS)], SHAPES[index % len(SHAPES)]) if grey else look(index)
        marks[key] = Mark(key, *seen)
    return marks


def marks_of_themes(codebook: Codebook) -> tuple[Mark, ...]:
    """Give each theme its mark, in the codebook's order; last, the one of no theme."""
    marks = theme_marks({theme.key: theme.residual for theme in codebook.themes})
    return (*marks.values(), Mark(say("map.no_theme"), PALE, "x"))


def topic_marks(topics: tuple[Topic, ...]) -> tuple[Mark, ...]:
    """Give the first of topics, largest first, a look of their own; the rest share the last mark."""
    named = [Mark(name_of(topic), *look(index)) for index, topic in enumerate(topics[:NAMED_TOPICS])]
    rest = [Mark(say("map.smaller"), PALE, "circle-open")] if len(topics) > NAMED_TOPICS else []
    return (*named, *rest)


def name_of(topic: Topic) -> str:
    """Name a topic by its number and first words."""
    name = f"{topic.topic} {', '.join(topic.words[:3])}"
    return name if len(name) <= 34 else name[:34].rstrip() + "…"


def written(name: str) -> str:
    """Escape a name for plotly, which obeys some HTML."""
    return hover(name, width=200)


def clear() -> dict[str, object]:
    """Give a layout with nothing painted that a light or a dark page could not carry."""
    return {
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 10, "r": 10, "t": 40, "b": 40},
    }
