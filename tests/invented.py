"""A small corpus of invented messages: themes lie in how things are said, not in what they are about."""

import itertools

SUBJECTS = ("bread", "the river", "my bicycle", "old songs", "the market", "winter")
SAYINGS = {
    "wish": (
        "I do wish we had more time for {}",
        "hoping that {} comes back next year",
        "if only somebody cared about {}",
        "let us one day have {} for all",
        "would love to see {} again",
        "dreaming of {} and little else",
        "may there always be {} around here",
    ),
    "complaint": (
        "sick and tired of {} by now",
        "nobody ever fixes {}, a disgrace",
        "how dare they spoil {} like this",
        "{} was ruined again, thanks for nothing",
        "utterly fed up with {} today",
        "why is {} always such a mess",
        "the state of {} is a scandal",
    ),
    "report": (
        "figures on {} were published on Monday",
        "{} will be discussed at the town hall",
        "according to the council, {} has doubled",
        "a survey of {} begins in March",
        "the paper has a page on {} today",
        "new numbers about {} are out",
        "the committee has met to review {}",
    ),
}


def messages():
    """Texts, and the theme of each: 126 in an order in which themes take turns."""
    found = [
        (saying.format(subject), theme)
        for subject, sayings in itertools.product(SUBJECTS, zip(*SAYINGS.values(), strict=True))
        for theme, saying in enumerate(sayings)
    ]
    return [text for text, _ in found], [theme for _, theme in found]
