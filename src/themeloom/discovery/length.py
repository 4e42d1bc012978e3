"""How much of a message the encoder reads: of long ones the beginning, of scripts that it lacks nothing."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from themeloom.config import EncoderConfig
from themeloom.discovery.encoder_text import embedded_text, frequent_terms
from themeloom.discovery.weights import folder_at_hand

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FROM = 0.02
"""Share of distinct messages that the encoder cannot read from which it is told."""
_ONE_IN = 3  # word pieces at least is unknown, where a message cannot be read
_FOREIGN_LETTER = re.compile("[\u0370-\u1dff\u2c00-\ud7ff\uf900-\ufdff\uff66-\uffdc]|[\U00010000-\U0001efff]")
"""Of other scripts than Latin: the rest can be read, but for emoji."""
_UNKNOWN = "[UNK]", "<unk>"
_LIMITS = ("tokenizer_config.json", "model_max_length"), ("config.json", "max_position_embeddings")


def length_note(texts: Sequence[str], config: EncoderConfig) -> str:
    """Say how many distinct messages are longer than what the encoder reads of one.

    Parameters
    ----------
    texts
        Masked texts, all of a study.
    config
        The encoder. Nothing of it is loaded but what splits texts into word pieces, and that only where a
        text may be too long; nothing is fetched.

    Returns
    -------
    str
        A sentence; empty where none is longer, or the encoder is not here yet, or without a file that says
        how it splits texts. A static one splits as the one that it is made from, and reads as much.
    """
    folder = folder_at_hand(config)
    limit = _limit(folder) if folder else 0
    # A word piece is a byte at least: most texts need not be split to know that they are no longer.
    long = {text for text in texts if len(text.encode(errors="replace")) > limit - 2} if limit else set()
    if folder is None or not long:
        return ""
    frequent = frequent_terms(texts, config.frequent_terms)
    count = _longer({embedded_text(text, frequent) for text in long}, folder, limit, framed=not config.static)
    if not count:
        return ""
    return (
        f"{count:,} distinct {'message is' if count == 1 else 'messages are'} longer than the {limit:,} word "
        "pieces that the encoder reads: of these only the beginning counts. Where that is too little, split "
        "long texts into paragraphs, each a row of its own."
    )


def unread_note(texts: Sequence[str], config: EncoderConfig) -> str:
    """Say for how many distinct messages the encoder has no signs, as of scripts that it never learned.

    Parameters
    ----------
    texts
        Masked texts, all of a study.
    config
        The encoder, as for `length_note`.

    Returns
    -------
    str
        A sentence; empty where they are few, or it cannot be told.
    """
    others = {text for text in texts if not text.isascii() and _FOREIGN_LETTER.search(text)}
    enough = max(1, FROM * len(set(texts)))
    folder = folder_at_hand(config) if len(others) >= enough else None
    splitter = _splitter(folder) if folder else None
    if splitter is None:
        return ""
    unknown = {splitter.token_to_id(sign) for sign in _UNKNOWN} - {None}
    pieces = (splitter.encode(embedded_text(text, ()), add_special_tokens=False).ids for text in others)
    count = sum(_ONE_IN * sum(piece in unknown for piece in ids) >= max(1, len(ids)) for ids in pieces)
    if count < enough:
        return ""
    return (
        f"The encoder has no signs for {count:,} of {len(set(texts)):,} distinct messages: they look much "
        "the same to it. Name one that knows their script: encoder.name."
    )


def _limit(folder: Path) -> int:
    """Return how many word pieces are read of a text, as sentence-transformers does; 0 if nothing says."""
    asked = _number(folder / "sentence_bert_config.json", "max_seq_length")
    told = [asked] if asked else [_number(folder / file, key) for file, key in _LIMITS]
    return min([number for number in told if number > 0], default=0)


def _number(file: Path, key: str) -> int:
    try:
        said = json.loads(file.read_bytes()).get(key)
    except (OSError, ValueError, AttributeError, RecursionError):
        return 0
    return int(said) if isinstance(said, int | float) else 0


def _longer(texts: set[str], folder: Path, limit: int, *, framed: bool) -> int:
    """Count the texts with more word pieces, those included that frame a text where it is `framed`."""
    splitter = _splitter(folder)
    if splitter is None:
        return 0
    return sum(len(splitter.encode(text, add_special_tokens=framed).ids) > limit for text in texts)


def _splitter(folder: Path) -> "Tokenizer | None":
    """Return what splits texts into word pieces; None if that cannot be read: it is told elsewhere."""
    from tokenizers import Tokenizer

    try:
        splitter = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception:  # noqa: BLE001 - of no narrower type
        return None
    splitter.no_truncation()
    splitter.no_padding()
    return splitter
