"""A message cut into words, each where it stands and with what is known of it."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from themeloom.corpus import lexicon
from themeloom.corpus.patterns import Span
from themeloom.corpus.word import Word, word_of
from themeloom.placeholders import PLACEHOLDER

_WORD = re.compile(r"[^\W\d_]{1,60}(?:['\u2019\-][^\W\d_]{1,60}){0,5}")
_POSSESSIVE = re.compile(r"(?:['\u2019](?:s|ll|d|ve|re|m)|(?<=s)['\u2019])$", re.IGNORECASE)
_SENTENCE_START = re.compile(
    r"(?:[.!?:;\u2026\n\"\u201c\u201d\u2018*>\u2022]|(?:^|\s)['(\[]|\s[-\u2013\u2014~|/])[\s'\"\u201c\u2018(]*$"
)
_JOINED = re.compile(r"[\d_]\w{0,63}")
_SHOUTED_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Entity:
    """What the language model named."""

    start: int
    end: int
    label: str


class UnreadError(Exception):
    """A rule asks what the language model names in a text that it has not read."""


@dataclass(slots=True, eq=False)
class Token:
    """One word where it stands in a message."""

    word: Word
    start: int
    lead: str | None  # what stands right before it; None where that opens a sentence whatever it is

    @property
    def text(self) -> str:
        """As it is written, without a possessive ending."""
        return self.word.text

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.word.text)

    @property
    def opens(self) -> bool:
        """Whether it stands first in a sentence or a quotation."""
        lead = self.lead
        return lead is None or (lead != " " and bool(_SENTENCE_START.search(lead)))

    @property
    def lower(self) -> str:
        """Its lower-case form."""
        return self.word.lower

    @property
    def titled(self) -> bool:
        """Whether it starts with a capital and goes on in lower case."""
        return self.word.titled

    @property
    def shouted(self) -> bool:
        """Whether it is all capitals."""
        return self.word.shouted

    @property
    def lowered(self) -> bool:
        """Whether it is all lower case."""
        return self.word.lowered

    @property
    def initial(self) -> bool:
        """Whether it is a single capital."""
        return self.word.initial

    @property
    def is_word(self) -> bool:
        """Whether it is an English word."""
        return self.word.is_word

    @property
    def harmless(self) -> bool:
        """Whether it has a capital but identifies nobody."""
        return self.word.harmless

    @property
    def is_function_word(self) -> bool:
        """Whether it carries grammar only, or is slang."""
        return self.word.is_function_word

    @property
    def unknown(self) -> bool:
        """Whether no list has it: a name, most likely."""
        return self.word.unknown

    @property
    def is_first_name(self) -> bool:
        """Whether it, or a part of it, is a first name in some language."""
        return self.word.is_first_name

    @property
    def is_last_name(self) -> bool:
        """Whether it is a last name in use where English is spoken."""
        return self.word.is_last_name

    @property
    def is_likely_name(self) -> bool:
        """Whether it is rather a first name than a word."""
        return self.word.is_likely_name


@dataclass(frozen=True)
class Message:
    """A text with all that its rules look at."""

    text: str
    tokens: tuple[Token, ...]
    entities: tuple[Entity, ...] | None  # None: the language model has not read it
    keep: frozenset[str]  # lower-case words that are never a name

    @cached_property
    def shouting(self) -> bool:
        """Whether the message is written in capitals."""
        letters = "".join(token.text for token in self.tokens)
        return sum(map(str.isupper, letters)) > _SHOUTED_SHARE * len(letters)

    def gap(self, position: int) -> str:
        """Give what stands between a token and the one before it."""
        before = self.tokens[position - 1].end if position else 0
        return self.text[before : self.tokens[position].start]

    def follows(self, position: int) -> bool:
        """Whether only a blank parts a token from the one before it."""
        return 0 < position < len(self.tokens) and self.gap(position) in {" ", "\u00a0", "  "}

    def before(self, position: int) -> str:
        """Give the word right before a token, lower case; empty at a break."""
        return self.tokens[position - 1].lower if self.follows(position) else ""

    def label(self, token: Token) -> str:
        """Say what the language model calls a token; empty if nothing.

        Raises
        ------
        UnreadError
            If the model would have to read the message for that.
        """
        if self.entities is None:
            if self.wants_entities:
                raise UnreadError
            return ""
        at = bisect_right(self._starts, token.start) - 1
        entity = self.entities[at] if at >= 0 else None
        return entity.label if entity and token.end <= entity.end else ""

    @cached_property
    def wants_entities(self) -> bool:
        """Whether there is a word of which it matters what the language model calls it."""
        cues = lexicon.section("place-cues")
        return any(
            token.unknown or token.is_likely_name or self.before(position) in cues
            for position, token in enumerate(self.tokens)
            if token.titled and not token.harmless and not token.is_function_word
        )

    @cached_property
    def _starts(self) -> list[int]:
        return [entity.start for entity in self.entities or ()]

    def kept(self, token: Token) -> bool:
        """Whether the study wants a word left as it is."""
        return token.lower in self.keep


def read_message(
    text: str, entities: Sequence[Entity] | None = (), keep: frozenset[str] = frozenset()
) -> Message:
    """Cut a text into the words that could be names or tell of one, without hashtags and placeholders."""
    named = None if entities is None else tuple(entities)
    return Message(text, tuple(_tokens(text)), named, keep)


def whole_run(text: str, span: Span) -> Span:
    """Give a span to the end of what digits and underscores join to a name: r/Ann_example, Siobhan1985."""
    run = _JOINED.match(text, span.end)
    return Span(span.start, run.end(), span.kind) if run and text[span.end - 1 : span.end].isalpha() else span


def _tokens(text: str) -> Iterator[Token]:
    masked = bytearray(len(text))
    if "[" in text:
        for placeholder in PLACEHOLDER.finditer(text):
            masked[placeholder.start() : placeholder.end()] = b"\x01" * len(placeholder.group())
    end, opens = 0, True  # what follows a hashtag, or nothing but placeholders, opens a sentence
    for match in _WORD.finditer(text):
        start = match.start()
        before = text[start - 1 : start]
        if before == "#":
            opens = True
        elif not masked[start] and (before == " " or (before not in {"_", "@"} and not before.isdigit())):
            word = _without_possessive(match.group())
            if word:
                yield Token(word, start, None if opens else text[max(end, start - 40) : start])
                opens = False
        end = match.end()


@lru_cache(maxsize=200_000)
def _without_possessive(text: str) -> Word | None:
    word = _POSSESSIVE.sub("", text)
    return word_of(word) if word else None
