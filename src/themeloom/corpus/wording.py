"""The words of a message in their normal form, in which copies are alike.

Case, spacing, punctuation, links and the hashtags before and after the sentence are no part of the
words: people change them when they send a message again. Emoji and emoticons are words.
"""

# ruff: noqa: RUF001 - typographic quotation marks are what is looked for

import html
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHINGLE = 5
"""Characters a shingle."""

CUT = r"(?:\.{3,}|…)[\s\"'”’»)\]]*(?:https?://\S+)?\s*$"
"""An ellipsis at the end, before a closing quotation mark or a link at most."""

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
CUT_OFF = re.compile(r"(?:(?<!\.)\.{3,}+|…)[\s\"'”’»)\]]*+(?:https?://\S++)?+\s*+$")
"""The same for `re`, which would try each point of a long row anew."""
_LINK = re.compile(
    r"(?:https?://|www\.)[!-~]+"
    r"|\b(?:t\.co|pic\.twitter\.com|bit\.ly|tinyurl\.com|ow\.ly|goo\.gl|youtu\.be|fb\.me|buff\.ly|is\.gd)/[!-~]+"
)
# Vowel signs and accents of their own belong to words, which `\w` alone does not know.
_MARKS = "".join(chr(code) for code in range(0x300, 0xAC00) if unicodedata.category(chr(code))[0] == "M")
_LETTER = rf"[\w{_MARKS}]"
_TOKEN = re.compile(
    rf"(?P<tag>#(?=\w*[^\W\d]){_LETTER}+)"
    r"|(?<!\S)(?:[:;=][-'^]?[)(\[\]dpo/\\|*3]+|</?3+)(?!\w)"  # emoticons
    r"|\d+(?:[.,:/]\d+)*"
    rf"|{_LETTER}+(?:['’]{_LETTER}+)*"
    r"|[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]+"  # emoji
)
_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
_UNSPACED_CHARACTER = re.compile(_UNSPACED)
_UNSPACED_GAP = re.compile(rf"(?<={_UNSPACED}) | (?={_UNSPACED})")
_QUOTES = re.compile("[\"'`´«»‘’‚‛“”„‹›]")
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wording:
    """What a message says, apart from how it is dressed."""

    core: str  # the words, single spaces between them
    pointed: str  # the same with the punctuation between them
    size: int  # how many words; two characters count as one in scripts that set no spaces
    tags: frozenset[str]  # hashtags before and after the sentence
    links: frozenset[str]
    cut: bool  # whether it ends in an ellipsis


def wording(text: str) -> Wording:
    """Bring a message into its normal form.

    Parameters
    ----------
    text
        The message, without marks of repetition.

    Returns
    -------
    Wording
        Where neither words nor hashtags are left (a lone link, a row of question marks), `links`
        holds the whole message, so that only the very same message equals it.
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", html.unescape(text)).casefold())
    ending = CUT_OFF.search(plain)
    if ending:
        plain = plain[: ending.start()]
    links = _NOTHING
    if "/" in plain or "www." in plain:
        links = frozenset(link.rstrip("…\"'.,;:!?)") for link in _LINK.findall(plain))
        plain = _LINK.sub(" ", plain)
    words, inner, tags = _tokens(plain, cut=bool(ending))
    core = _UNSPACED_GAP.sub("", " ".join(words))
    if not core and not tags:
        links = frozenset({"".join(text.casefold().split())})
    size = len(words) + len(_UNSPACED_CHARACTER.findall(core)) // 2
    return Wording(core, _UNSPACED_GAP.sub("", inner), size, tags, links, bool(ending))


def _tokens(plain: str, *, cut: bool) -> tuple[list[str], str, frozenset[str]]:
    """Split off the hashtags at both ends; one cut short by an ellipsis names nothing."""
    found = list(_TOKEN.finditer(plain))
    tokens = [match.group() for match in found]
    start, end = 0, len(tokens)
    while start < end and found[start].lastgroup == "tag":
        start += 1
    while end > start and found[end - 1].lastgroup == "tag":
        end -= 1
    last = tokens[end:-1] if cut else tokens[end:]
    words = [_QUOTES.sub("", token.strip("#")) for token in tokens[start:end]]
    inner = plain[found[start].start() : found[end - 1].end()] if words else ""
    pointed = " ".join(_QUOTES.sub("", inner.replace("#", "")).split())
    return words, pointed, frozenset(tokens[:start] + last) or _NOTHING


def shingles(core: str) -> NDArray[np.uint64]:
    """Hash every run of five characters (polynomial hash, then a 64-bit mix).

    Returns
    -------
    numpy.ndarray
        Distinct hashes, sorted, uint64.
    """
    codes = np.frombuffer(core.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    span = min(SHINGLE, len(codes))
    count = len(codes) - span + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(span):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + codes[offset : offset + count] + np.uint64(1)
    hashes ^= hashes >> np.uint64(31)
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(32)
    return np.unique(hashes)
