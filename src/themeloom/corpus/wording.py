"""The words of a message in their normal form, in which copies are alike.

Case, spacing, punctuation, links and the hashtags before and after the sentence are no part of the
words: people change them when they send a message again. Emoji and emoticons are words.
"""

# ruff: noqa: RUF001 - typographic quotation marks are what is looked for

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from themeloom.letters import LETTER, SIGN, UNSPACED, lowered

MANY_WORDS = 8
"""From so many words on, neither outer hashtags nor inner punctuation tell messages apart."""

CUT = r"(?:\.{3,}|…)[\s\"'”’»)\]]*(?:https?://\S+)?\s*$"
"""An ellipsis at the end, before a closing quotation mark or a link at most."""

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
CUT_OFF = re.compile(r"(?:(?<!\.)\.{3,}+|…)[\s\"'”’»)\]]*+(?:https?://\S++)?+\s*+$")
"""The same for `re`, which would try each point of a long row anew."""
_LINK = re.compile(
    r"(?:https?://|www\.)[!-~]+"
    r"|\b(?:t\.co|pic\.twitter\.com|bit\.ly|tinyurl\.com|ow\.ly|goo\.gl|youtu\.be|fb\.me|buff\.ly|is\.gd)/[!-~]+"
)
_UNTAGGED = (
    r"(?<!\S)(?:[:;=][-'^]?[)(\[\]dpo/\\|*3]+|</?3+)(?!\w)"  # emoticons
    r"|\d+(?:[.,:/]\d+)*"
    rf"|{LETTER}+(?:['’]{LETTER}+)*"
    r"|[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]+"  # emoji
)
_TOKEN = re.compile(rf"(?P<tag>#(?=\w*[^\W\d]){LETTER}+)|{_UNTAGGED}")
_PLAIN_TOKEN = re.compile(_UNTAGGED)
_UNSPACED_GAP = re.compile(rf"(?<={SIGN}) | (?={SIGN})")
_QUOTES = re.compile("[\"'`´«»‘’‚‛“”„‹›]")
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wording:
    """What a message says, apart from how it is dressed."""

    core: str  # the words, single spaces between them
    pointed: str  # the same with the punctuation between them; empty where words are many
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
    plain = _plain(text)
    ending = CUT_OFF.search(plain) if "…" in plain or "..." in plain else None
    if ending:
        plain = plain[: ending.start()]
    links = _NOTHING
    if "/" in plain or "www." in plain:
        links = frozenset(link.rstrip("…\"'.,;:!?)") for link in _LINK.findall(plain))
        plain = _LINK.sub(" ", plain)
    core, size, inner, tags = _tokens(plain, cut=bool(ending))
    if not plain.isascii():
        core, inner = _UNSPACED_GAP.sub("", core), _UNSPACED_GAP.sub("", inner)
        size += len(UNSPACED.findall(core)) // 2
    if not core and not tags:
        links = frozenset({"".join(text.casefold().split())})
    return Wording(core, inner if size < MANY_WORDS else "", size, tags, links, bool(ending))


def _plain(text: str) -> str:
    if text.isascii() and "&" not in text:  # as most are: nothing of the following would change it
        return text.lower()
    return _INVISIBLE.sub("", lowered(unicodedata.normalize("NFKC", html.unescape(text)).casefold()))


def _tokens(plain: str, *, cut: bool) -> tuple[str, int, str, frozenset[str]]:
    """Split off the hashtags at both ends; one cut short by an ellipsis names nothing."""
    if "#" not in plain:
        words = _PLAIN_TOKEN.findall(plain)
        if len(words) >= MANY_WORDS:  # as most have
            return _unquoted(words), len(words), "", _NOTHING
    found = list(_TOKEN.finditer(plain))
    tokens = [match.group() for match in found]
    start, end = 0, len(tokens)
    while start < end and found[start].lastgroup == "tag":
        start += 1
    while end > start and found[end - 1].lastgroup == "tag":
        end -= 1
    last = tokens[end:-1] if cut else tokens[end:]
    words = [token.strip("#") for token in tokens[start:end]]
    inner = plain[found[start].start() : found[end - 1].end()] if words else ""
    pointed = " ".join(_QUOTES.sub("", inner.replace("#", "")).split())
    return _unquoted(words), len(words), pointed, frozenset(tokens[:start] + last) or _NOTHING


def _unquoted(words: Sequence[str]) -> str:
    # No other quotation marks stand within a word.
    return " ".join(words).replace("'", "").replace("’", "")
