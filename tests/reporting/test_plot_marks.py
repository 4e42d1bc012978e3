from themeloom.records import Topic
from themeloom.reporting import marks


def test_themes_keep_their_colour_and_residuals_are_grey() -> None:
    found = marks.theme_marks({"a": False, "thanks": True, "b": False, "link": True})
    assert [mark.name for mark in found.values()] == ["a", "thanks", "b", "link"]
    assert (found["a"].colour, found["b"].colour) == marks.COLOURS[:2]
    assert {found["thanks"].colour, found["link"].colour} <= set(marks.GREYS)
    assert len({(mark.colour, mark.shape) for mark in found.values()}) == 4


def test_many_topics_look_different_and_the_smallest_share_a_mark() -> None:
    topics = tuple(Topic(number, 9, 0, ("word",), (1.0,), ()) for number in range(40))
    found = marks.topic_marks(topics)
    assert len(found) == marks.NAMED_TOPICS + 1
    assert len({(mark.colour, mark.shape) for mark in found}) == len(found)
    assert marks.topic_marks(topics[:3])[-1].name == "2 word"


def _lightness(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of #RRGGBB."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_lightness(one), _lightness(other)))
    return (high + 0.05) / (low + 0.05)


def test_marks_can_be_seen_on_light_and_on_dark_ground() -> None:
    for colour in (*marks.COLOURS, *marks.GREYS):
        assert _contrast(colour, "#ffffff") > 1.9, colour  # with a shape of its own, and a name in the legend
        assert _contrast(colour, "#1b2025") > 2.7, colour
