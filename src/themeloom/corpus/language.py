"""Whether messages are English, as the masking of names takes them to be: told by its commonest words.

No other language is identified. English says one of some eighty words in nearly every sentence; what is
common in another language, too (in, so, was, me, to), is none of them.
"""

import re

import polars as pl

from themeloom.corpus.lexicon import section
from themeloom.corpus.wording import UNSPACED

FROM = 0.2
"""Share of messages that seem not to be English from which it is told. Of English tweets (SemEval-2016, task
6) 6% seem so, and 8% of those on one subject."""
_LOOKED_AT = 20_000  # messages of a large corpus, evenly
_ENOUGH = 5  # words by which it can be told
_ONE_IN = 20  # words at least is a common one, where a message is English
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[@#]\w+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


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
    some = messages.select("text", "lang").gather_every(max(1, len(messages) // _LOOKED_AT))
    told = [_is_foreign(text, lang) for text, lang in some.iter_rows()]
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


def _is_foreign(text: str, lang: str | None) -> bool | None:
    """Tell whether a message seems to be in another language; None where it is too short to tell."""
    plain = _ADDRESS.sub(" ", text).lower().replace("\u2019", "'")
    words = _WORD.findall(plain)
    size = len(words) + (0 if plain.isascii() else len(UNSPACED.findall(plain)) // 2)
    common = sum(word in section("commonest") for word in words)
    if size >= _ENOUGH:
        return common * _ONE_IN < size
    if lang is None or not size:
        return None
    return not lang.lower().startswith("en") and not common
