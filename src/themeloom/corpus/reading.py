"""A message cut into words, each with what is known of it."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from themeloom.corpus import lexicon
from themeloom.corpus.patterns import PLACEHOLDER

_WORD = re.compile(r"[^\W\d_]{1,60}(?:['\u2019\-][^\W\d_]{1,60}){0,5}")
_POSSESSIVE = re.compile(r"(?:['\u2019](?:s|ll|d|ve|re|m)|(?<=s)['\u2019])$", re.IGNORECASE)
_SENTENCE_START = re.compile(
    r"(?:[.!?:;\u2026\n\"\u201c\u201d\u2018*>\u2022]|(?:^|\s)['(\[]|\s[-\u2013\u2014~|/])[\s'\"\u201c\u2018(]*$"
)
_SHOUTED_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Entity:
    """What the language model named."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Token:
    """One word, and what is known of it."""

    text: str  # without a possessive ending
    start: int
    opens: bool  # stands first in a sentence or a quotation

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)

    @cached_property
    def lower(self) -> str:
        """Its lower-case form."""
        return self.text.lower()

    @cached_property
    def titled(self) -> bool:
        """Whether it starts with a capital and goes on in lower case."""
        return self.text[0].isupper() and any(letter.islower() for letter in self.text)

    @cached_property
    def shouted(self) -> bool:
        """Whether it is all capitals."""
        return len(self.text) > 1 and self.text.isupper()

    @cached_property
    def is_word(self) -> bool:
        """Whether it is an English word."""
        return lexicon.is_word(self.lower)

    @cached_property
    def harmless(self) -> bool:
        """Whether it has a capital but identifies nobody."""
        return lexicon.is_harmless(self.lower)

    @cached_property
    def is_function_word(self) -> bool:
        """Whether it carries grammar only, or is slang."""
        return self.lower in lexicon.function_words() or self.lower in lexicon.section("slang")

    @cached_property
    def unknown(self) -> bool:
        """Whether no list has it: a name, most likely."""
        return not self.is_word and not self.harmless and not self._joined_words

    @cached_property
    def _joined_words(self) -> bool:
        """Whether the word is made of words, as in SatNav."""
        parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", self.text)
        return (
            len(parts) > 1
            and "-" not in self.text
            and self.titled
            and all(lexicon.is_word(p.lower()) for p in parts)
        )

    @cached_property
    def is_first_name(self) -> bool:
        """Whether it, or a part of it, is a first name in some language."""
        return any(lexicon.is_first_name(part) for part in self.lower.split("-"))


@dataclass(frozen=True)
class Message:
    """A text with all that its rules look at."""

    text: str
    tokens: tuple[Token, ...]
    entities: tuple[Entity, ...]
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
        """Say what the language model calls a token; empty if nothing."""
        at = bisect_right(self._starts, token.start) - 1
        entity = self.entities[at] if at >= 0 else None
        return entity.label if entity and token.end <= entity.end else ""

    @cached_property
    def _starts(self) -> list[int]:
        return [entity.start for entity in self.entities]

    def kept(self, token: Token) -> bool:
        """Whether the study wants a word left as it is."""
        return token.lower in self.keep


def read_message(text: str, entities: Sequence[Entity] = (), keep: frozenset[str] = frozenset()) -> Message:
    """Cut a text into the words that could be names or tell of one, without hashtags and placeholders."""
    return Message(text, tuple(_tokens(text)), tuple(entities), keep)


def wants_entities(text: str) -> bool:
    """Whether any rule would ask what the language model names in a text."""
    message = read_message(text)
    cues = lexicon.section("place-cues")
    return any(
        token.unknown or lexicon.is_likely_name(token.lower) or message.before(position) in cues
        for position, token in enumerate(message.tokens)
        if token.titled and not token.harmless and not token.is_function_word
    )


def _tokens(text: str) -> Iterator[Token]:
    masked = bytearray(len(text))
    for placeholder in PLACEHOLDER.finditer(text):
        masked[placeholder.start() : placeholder.end()] = b"\x01" * len(placeholder.group())
    end, opens = 0, True  # what follows a hashtag, or nothing but placeholders, opens a sentence
    for match in _WORD.finditer(text):
        start = match.start()
        before = text[start - 1 : start]
        word = _POSSESSIVE.sub("", match.group())
        if before == "#":
            opens = True
        elif word and not masked[start] and before not in {"_", "@"} and not before.isdigit():
            yield Token(
                word, start, opens or bool(_SENTENCE_START.search(text[max(end, start - 40) : start]))
            )
            opens = False
        end = match.end()
