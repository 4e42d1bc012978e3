"""Which of many messages is the same as which: by words, by a cut opening, by nearly the same words.

Each message is attached to one that is directly like it and itself attached to none, so that a chain of small
changes never draws together what differs. All steps are look-ups in sorted or hashed indexes; nothing
compares all messages with all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from themeloom.corpus.indexes import FEW_WORDS, LONG_OPENING, OPENING, OpeningIndex, WordIndex
from themeloom.corpus.marks import Reading, read
from themeloom.corpus.wording import MANY_WORDS, Wording, wording

if TYPE_CHECKING:
    from themeloom.corpus.likeness import Lookalikes

_NAMED = 0.75  # a mark that names the author lowers the threshold for near-duplicates: MT says 'modified'


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the export, read and brought into normal form."""

    author: str | None
    text: str
    reading: Reading
    wording: Wording  # of the reading's body

    @property
    def voices(self) -> tuple[str, ...]:
        """Who says so: the author that the mark names, and who sent it."""
        named, author = self.reading.named, self.author
        if not author or named == author:
            return (named,) if named else ()
        return (named, author) if named else (author,)

    @property
    def opens_only(self) -> bool:
        """Whether it says itself that it is the beginning of somebody's message."""
        return self.wording.cut and self.reading.marked and bool(self.wording.core)


@dataclass(frozen=True, slots=True)
class Matches:
    """What each message repeats: its own position where nothing."""

    owner: list[int]
    near: list[bool]  # whether it was attached as a near-duplicate


def prepare(author: str | None, text: str) -> Message:
    """Read a message's marks and bring its words into normal form."""
    reading = read(text)
    return Message(author, text, reading, wording(reading.body))


def match(messages: Sequence[Message], threshold: float, advance: Callable[[int], None]) -> Matches:
    """Find out which message repeats which.

    Parameters
    ----------
    messages
        In the order of precedence: of like messages the first is kept.
    threshold
        Least Jaccard similarity of near-duplicates.
    advance
        Called with the number of messages done.
    """
    matcher = _Matcher(messages, threshold)
    matcher.same_words()
    lookalikes = matcher.lookalikes(advance)
    matcher.near_duplicates(lookalikes, opens_only=False)
    matcher.openings()
    matcher.near_duplicates(lookalikes, opens_only=True)
    return Matches([matcher.root(position) for position in range(len(messages))], matcher.near)


class _Matcher:
    def __init__(self, messages: Sequence[Message], threshold: float) -> None:
        self.messages = messages
        self.threshold = threshold
        self.owner = list(range(len(messages)))
        self.near = [False] * len(messages)
        self.wordings: list[int] = []  # positions that differ in words from all before them
        self.long: list[int] = []  # those of them with words enough for a near-duplicate

    def root(self, position: int) -> int:
        while self.owner[position] != position:
            position = self.owner[position]
        return position

    def is_free(self, position: int) -> bool:
        return self.owner[position] == position

    def same_words(self) -> None:
        """Attach what says the same; what only opens a message waits for the message."""
        index = WordIndex()
        opened: dict[tuple[str, str | None], int] = {}
        for position, message in enumerate(self.messages):
            if message.opens_only:
                found = opened.setdefault(
                    (message.wording.core, message.reading.named or message.author), position
                )
            else:
                found = _same_words(index, message, position)
            if found == position:
                self.wordings.append(position)
            self.owner[position] = found

    def lookalikes(self, advance: Callable[[int], None]) -> "Lookalikes":
        """Prepare the search for near-duplicates among the different wordings that are long enough."""
        from themeloom.corpus.likeness import Lookalikes  # with what is compiled

        self.long = [place for place in self.wordings if self.messages[place].wording.size >= MANY_WORDS]
        advance(len(self.messages) - len(self.long))
        different = [self.messages[position] for position in self.long]
        return Lookalikes(
            [message.wording.core for message in different],
            [message.wording.size for message in different],
            [message.text for message in different],
            self.threshold * _NAMED,
            advance,
        )

    def near_duplicates(self, lookalikes: "Lookalikes", *, opens_only: bool) -> None:
        """Attach what is the same but for small changes."""
        for place, position in enumerate(self.long):
            message = self.messages[position]
            if message.opens_only != opens_only or not self.is_free(position):
                continue
            found = lookalikes.find(place, *self._thresholds(message))
            host = position if found is None else self.root(self.long[found])
            if host == position:
                lookalikes.add(place)
            else:
                self.owner[position], self.near[position] = host, True

    def _thresholds(self, message: Message) -> tuple[float, Callable[[int], float]]:
        """Return the least similarity that is asked of any other message, and of each."""
        named = message.reading.named
        if named is None:
            return self.threshold, lambda _: self.threshold

        def least(other: int) -> float:
            is_named = named in self.messages[self.long[other]].voices
            return self.threshold * (_NAMED if is_named else 1)

        return self.threshold * _NAMED, least

    def openings(self) -> None:
        """Attach what begins a longer message, the longest openings first."""
        asking = [
            position for position in self.wordings if self.is_free(position) and self._may_open(position)
        ]
        named = {name for position in asking if (name := self.messages[position].reading.named)}
        entries = ((position, self.messages[position]) for position in self.wordings if asking)
        index = OpeningIndex(
            (position, named.intersection(message.voices), message.wording.core)
            for position, message in entries
        )
        for position in sorted(asking, key=lambda asker: (-len(self.messages[asker].wording.core), asker)):
            found = self._opened(index, position)
            if found is not None:
                self.owner[position] = found

    def _may_open(self, position: int) -> bool:
        message = self.messages[position]
        return bool(message.wording.core) and (message.wording.cut or message.reading.marked)

    def _opened(self, index: OpeningIndex, position: int) -> int | None:
        message = self.messages[position]
        opening, named, found = message.wording.core, message.reading.named, None
        enough = LONG_OPENING
        if message.opens_only:
            enough = OPENING
            found = index.by_voice(opening, position, named, self.root) if named else None
            found = self._equal(index, position) if found is None else found
        if found is None and len(opening) >= enough and message.wording.size >= FEW_WORDS:
            found = index.by_anyone(opening, position, self.root)
        return found

    def _equal(self, index: OpeningIndex, position: int) -> int | None:
        """Find what says no more either; two short openings by different authors may go on differently."""
        opening = self.messages[position].wording.core
        host = index.equal(opening, position)
        if host is None or (self.messages[host].opens_only and len(opening) < OPENING):
            return None
        return self.root(host)


def _same_words(index: WordIndex, message: Message, position: int) -> int:
    found = index.find(message.voices, message.wording)
    if found is None and message.reading.other:
        other = wording(message.reading.other)
        found = index.find(message.voices, other) if other.size >= FEW_WORDS else None
    if found is None:
        index.add(position, message.voices, message.wording)
        return position
    return found
