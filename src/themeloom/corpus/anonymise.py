"""Typed, numbered placeholders for all that identifies somebody; keyed hashes for ids and authors."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

import polars as pl

from themeloom.columns import ASIDE, COMMUNICATIONS
from themeloom.config import AnonymiseConfig
from themeloom.corpus import lexicon
from themeloom.corpus.crew import MANY, recognise_all
from themeloom.corpus.cued import TAG_PART
from themeloom.corpus.patterns import Span
from themeloom.corpus.recognise import fingerprint, render
from themeloom.corpus.vault import Vault
from themeloom.letters import lowered
from themeloom.placeholders import KINDS, PLACEHOLDER
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Corpus, UniqueCorpus

_TITLES = re.compile(
    r"^(?:(?:mr|mrs|ms|miss|mx|dr|doctor|prof|professor|revd?|reverend|sir|dame|nurse|sister|matron|cllr|auntie|aunty|aunt|uncle)"
    r"\b\.?\s+)+",
)
_SIGN = re.compile(r"^(?:[@\uff20]+|/?u/)")  # of a handle, in lower case
_TITLE_AFTER = re.compile(r"(?<!\s)\s*\([a-z]+\.?\)$")


def anonymise(
    unique: UniqueCorpus, config: AnonymiseConfig, vault: Vault, progress: Progress = UNWATCHED
) -> Corpus:
    """Mask all messages of a study and give them pseudonyms.

    Placeholders (``[person 12]``) have one number for each person, place and so on of the study, by first
    appearance in the messages sorted by time and source id. A number that was given stays, whatever the study
    reads later. What is masked in a message does not depend on the other messages.

    Parameters
    ----------
    unique
        Unique messages, and to which of them each row belongs.
    config
        Words that are never, and always, masked.
    vault
        The study's private folder; crosswalk and meaning of the placeholders are written there.
    progress
        Told of each message that is done.

    Returns
    -------
    Corpus
        Masked communications in the order of ``unique.messages``, the crosswalk of all source ids, how
        many different placeholders of each type there are, and which rows could not be read.

    Raises
    ------
    OutputError
        If the private folder cannot be written.
    """
    messages = unique.messages
    texts = messages["text"].to_list()
    spans = _recognised(texts, config, vault, progress)
    order = messages.with_row_index("at").sort("created_at", "source_id", nulls_last=True)["at"].to_list()
    with vault.numbering() as meanings:
        masked, used = _numbered(texts, spans, order, meanings)
    communications = pl.DataFrame(
        {
            "doc_id": [vault.doc_id(source_id) for source_id in messages["source_id"]],
            "text": masked,
            "created_at": messages["created_at"],
            "times_seen": messages["times_seen"],
            "author": [
                author and vault.pseudonym(author)
                for author in messages.select(pl.coalesce("author", "author_id")).to_series()
            ],
            "repeated_by": [
                sorted(map(vault.pseudonym, names or ())) for names in messages["repeated_by"].to_list()
            ],
            "group": messages["group"],
        },
        schema=COMMUNICATIONS,
    )
    crosswalk = _crosswalk(unique.outcomes, vault)
    vault.write_crosswalk(crosswalk)
    return Corpus(communications, crosswalk, _counts(used), _aside(unique.outcomes, vault))


def mask_texts(
    texts: Sequence[str],
    config: AnonymiseConfig,
    handles: Collection[str] = (),
    progress: Progress = UNWATCHED,
) -> list[str]:
    """Mask new messages with placeholders without numbers (``[person]``).

    ``mask_texts([text], config) == [strip_numbers(masked)]`` where `masked` is what `anonymise` makes of it.

    Parameters
    ----------
    texts
        Messages as they were written; masked ones stay as they are.
    config
        Words that are never, and always, masked.
    handles
        Handles that are masked also where no @ stands before them.
    progress
        Told of each text that is done.
    """
    progress.begin(len(texts), "messages")
    found = recognise_all(texts, config, progress, apart=MANY)  # messages to be assigned come part by part
    masked = [
        render(text, [(span, f"[{span.kind}]") for span in spans])
        for text, spans in zip(texts, found, strict=True)
    ]
    known = frozenset(handle.lstrip("@").lower() for handle in handles)
    return [_without(text, known) for text in masked] if known else masked


def strip_numbers(text: str) -> str:
    """Take the numbers out of placeholders: ``[person 12]`` becomes ``[person]``."""
    return PLACEHOLDER.sub(r"[\1]", text)


def _recognised(
    texts: list[str], config: AnonymiseConfig, vault: Vault, progress: Progress
) -> list[list[Span]]:
    """Recognise, but for the texts whose spans are in the vault already."""
    progress.begin(len(texts), "messages")
    found_under = fingerprint(config)
    known = vault.read_spans(found_under, texts)
    new = [text for text in dict.fromkeys(texts) if text not in known]
    progress.advance(len(texts) - len(new))
    if new:
        known |= zip(new, recognise_all(new, config, progress), strict=True)
        vault.write_spans(found_under, known)
    return [known[text] for text in texts]


def _numbered(
    texts: Sequence[str],
    spans: Sequence[Sequence[Span]],
    order: Sequence[int],
    meanings: dict[tuple[str, str], None],
) -> tuple[list[str], set[str]]:
    """Mask each text, numbering by first appearance in `order`; also give the placeholders that were used.

    What placeholders stand for is read from `meanings`, and what is new is added there.
    """
    numbers, last = _given(meanings)
    used = set()
    masked = [""] * len(texts)
    for at in order:
        placeholders = []
        for span in spans[at]:
            value = texts[at][span.start : span.end]
            of_kind, entity = numbers[span.kind], _entity(value, span.kind)
            if entity not in of_kind:
                last[span.kind] += 1
                of_kind[entity] = last[span.kind]
            placeholder = f"[{span.kind} {of_kind[entity]}]"
            placeholders.append((span, placeholder))
            meanings[placeholder, value] = None
            used.add(placeholder)
        masked[at] = render(texts[at], placeholders)
    return masked, used


def _given(meanings: Iterable[tuple[str, str]]) -> tuple[dict[str, dict[str, int]], Counter[str]]:
    """Tell which number each person, place and so on has already, and the last one of each kind."""
    numbers: dict[str, dict[str, int]] = defaultdict(dict)
    last: Counter[str] = Counter()
    for placeholder, value in meanings:
        kind, number = placeholder.strip("[]").split()
        numbers[kind].setdefault(_entity(value, kind), int(number))
        last[kind] = max(last[kind], int(number))
    return numbers, last


def _entity(value: str, kind: str) -> str:
    """One form for all ways in which somebody or something is written."""
    form = " ".join(lowered(value.casefold()).replace("\u2019", "'").split())
    if PLACEHOLDER.fullmatch(value):
        return value  # typed by the author of the message: a thing of its own
    if value.startswith("#"):
        form = " ".join(TAG_PART.findall(value)).casefold()
    if kind == "person":
        return _TITLE_AFTER.sub("", _TITLES.sub("", form).removesuffix("'s"))
    if kind == "handle":
        return _SIGN.sub("", form)
    if kind in {"phone", "number"}:
        latin = (str(unicodedata.decimal(sign, sign)) for sign in unicodedata.normalize("NFKC", form))
        digits = re.sub(r"[^0-9a-z]", "", "".join(latin)) or form
        return re.sub(r"^(?:0044|44)0?(?=\d{9,10}$)", "0", digits)
    return form.replace(" ", "") if kind == "postcode" else form.rstrip("/")


def _crosswalk(outcomes: pl.DataFrame, vault: Vault) -> pl.DataFrame:
    ids = outcomes.filter(pl.col("kept_id").is_not_null() & pl.col("source_id").is_not_null())
    ids = (
        ids.select("source_id", "kept_id")
        .unique("source_id", keep="first", maintain_order=True)
        .sort("source_id")
    )
    doc_ids = [vault.doc_id(kept) for kept in ids["kept_id"]]
    return pl.DataFrame(
        {"source_id": ids["source_id"], "doc_id": doc_ids},
        schema={"source_id": pl.String, "doc_id": pl.String},
    )


def _aside(outcomes: pl.DataFrame, vault: Vault) -> pl.DataFrame:
    rows = outcomes.filter(pl.col("outcome") == "unreadable")
    doc_ids = [source_id and vault.doc_id(source_id) for source_id in rows["source_id"]]
    return rows.with_columns(doc_id=pl.Series(doc_ids, dtype=pl.String)).select(list(ASIDE))


def _counts(placeholders: Collection[str]) -> dict[str, int]:
    counts = {kind: sum(one.startswith(f"[{kind} ") for one in placeholders) for kind in KINDS}
    return {kind: count for kind, count in counts.items() if count}


def _without(text: str, handles: frozenset[str]) -> str:
    """Mask handles that stand without @, unless they are words."""

    def masked(match: re.Match[str]) -> str:
        word = match.group().lower()
        return "[handle]" if word in handles and not lexicon.is_word(word) else match.group()

    return re.sub(r"(?<![\w\[#])\w{3,64}(?!\w)", masked, text)
