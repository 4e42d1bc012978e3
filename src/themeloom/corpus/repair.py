"""Repair of text: mojibake, HTML entities, broken Unicode."""

import re

import ftfy

_JUNK = re.compile("[\x00\ud800-\udfff]")
# Printable ASCII without '&', and signs with which no mojibake begins: nothing to repair, and ftfy is slow.
_SOUND = re.compile(
    r"[\n\t !-%'-~\u00a3\u2013\u2014\u2018\u2019\u201c\u201d\u2026"
    r"\u200d\ufe0f\u2600-\u27bf\U0001f300-\U0001faff]*"
)
_LOOKS = 8  # mostly one or two are needed
_REPAIRS = ftfy.TextFixerConfig(
    unescape_html=True,
    uncurl_quotes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    normalization="NFC",
)


def without_junk(text: str) -> str:
    """Return the text without null bytes and lone surrogates, which no other tool can store."""
    return _JUNK.sub("", text)


def repaired(text: str) -> str:
    """Return the text as it was meant: without mojibake and HTML entities, in NFC.

    Quotes, ligatures, letter width and white space stay as people typed them; line ends become
    newlines. The repairs are ftfy's, again and again until nothing changes: one that joins or parts lines
    can uncover what the next look mends.
    """
    for _ in range(_LOOKS):
        if _SOUND.fullmatch(text):
            return text
        before, text = text, without_junk(ftfy.fix_text(without_junk(text), _REPAIRS))
        if text == before:
            return text
    return text
