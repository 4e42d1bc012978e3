"""What a study has to know whose messages are not English, as the masking of names takes them to be."""

import polars as pl

from themeloom.english import LOOKED_AT, is_foreign

FROM = 0.2
"""Share of messages that seem not to be English from which it is told. Of English tweets (SemEval-2016, task
6) 6% seem so, and 8% of those on one subject."""


def language_note(messages: pl.DataFrame, *, names: bool, english: bool) -> str:
    """Say that messages seem not to be English, and what follows.

    Parameters
    ----------
    messages
        The unique messages as they were written: `text` and `lang`.
    names
        Whether names are recognised in them.
    english
        Whether the encoder is known to read English alone.

    Returns
    -------
    str
        Some sentences; empty where few messages seem so, or nothing follows from it.
    """
    some = messages.select("text", "lang").gather_every(max(1, len(messages) // LOOKED_AT))
    told = [is_foreign(text, lang) for text, lang in some.iter_rows()]
    judged = [one for one in told if one is not None]
    foreign = sum(judged)
    if not foreign or foreign < FROM * len(judged) or not (names or english):
        return ""
    said = [
        f"{foreign:,} of {len(judged):,} messages seem not to be English: they hold hardly any of its "
        "commonest words."
    ]
    if names:
        said.append(
            "Names are recognised by English wording: in other languages ordinary words are masked as names, "
            "and some names are not. Set anonymise.names = false, and list names in anonymise.mask."
        )
    if english:
        said.append("The encoder learned from English; name one that knows the language: encoder.name.")
    return " ".join(said)
