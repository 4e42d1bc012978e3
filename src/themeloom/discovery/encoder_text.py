"""What the encoder reads of a message: no handles, no terms that nearly every message carries."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

from themeloom.english import mostly_foreign
from themeloom.letters import LETTER, lowered

_HANDLE = re.compile(r"\[handle(?: \d{1,9})?\]")
_BRACKETED = re.compile(r"\[([a-z]{1,20})(?: \d{1,9})?\]")
"""Placeholders, and people's own [sic]: it is read so in models that are there."""
_TERM = re.compile(rf"#?\w{LETTER}*(?:['\u2019]{LETTER}+)?")


def frequent_terms(texts: Sequence[str], share: float) -> tuple[str, ...]:
    """Return the terms (lower case, a hashtag with its #) in more than `share` of the texts, sorted.

    Function words are never counted: they carry the grammar that an encoder reads. Those of English alone are
    known, so where most texts seem to be in other languages, hashtags alone are returned.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    counts = Counter(term for text in texts for term in set(_TERM.findall(lowered(_plain(text)))))
    enough = share * len(texts)
    found = sorted(t for t, n in counts.items() if n > enough and t not in ENGLISH_STOP_WORDS)
    tags = [term for term in found if term.startswith("#")]
    return tuple(tags if len(tags) < len(found) and mostly_foreign(texts) else found)


def embedded_text(text: str, frequent: Collection[str]) -> str:
    """Return what the encoder reads: no frequent terms or handles, placeholders without numbers."""
    left_out = set(frequent)
    kept = _TERM.sub(lambda term: "" if lowered(term[0]) in left_out else term[0], _plain(text))
    return " ".join(kept.split())


def _plain(text: str) -> str:
    # A handle is an address and says nothing of the message; a link or a name does, by being there.
    if "[" not in text:
        return text
    return _BRACKETED.sub(r"\1", _HANDLE.sub(" ", text))
