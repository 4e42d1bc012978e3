"""The private folder of one study: the key, the crosswalk, and what placeholders stand for."""

import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from themeloom.corpus.patterns import Span
from themeloom.errors import InputError, OutputError
from themeloom.system.atomic import draft_of, forget, left_drafts, whole_file
from themeloom.system.locks import alone

_KEY = re.compile(r"[0-9a-f]{64}")
_CROSSWALK, _ADDED, _PLACEHOLDERS = "crosswalk.parquet", "added.parquet", "placeholders.parquet"
_NUMBERED = r"^\[[a-z]+ [0-9]{1,12}\]$"
_IDS, _MEANINGS = ("source_id", "doc_id"), ("placeholder", "value")


class Vault:
    """Who is who, for those who hold the key. Open it with `Vault.open`.

    The folder has mode 0700 and its files 0600. It holds ``key`` (32 random bytes in hexadecimal),
    ``crosswalk.parquet`` of the study's own sources, ``added.parquet`` of batches that were added to its
    models, ``placeholders.parquet`` and ``spans.parquet``, a cache.
    """

    def __init__(self, folder: Path, key: bytes, *, new: bool = False) -> None:
        self.folder = folder
        self.new = new  # whether the key was made just now
        self._key = key

    @classmethod
    def open(cls, folder: Path, study: str) -> "Vault":
        """Open the private folder of a study, ``folder/study``; make it, with a new key, where there is none.

        Parameters
        ----------
        folder
            Where the private folders of all studies are.
        study
            The study's name.

        Raises
        ------
        OutputError
            If the folder cannot be made, read or written.
        InputError
            If the key is damaged, or missing while pseudonyms made with it are there.
        """
        place = folder / study
        try:
            for private in (folder, place):
                private.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.chmod(0o700)
            new = not (place / "key").exists()
            return cls(place, _read_or_make_key(place), new=new)
        except OSError as error:
            cure = "choose a place where you may make folders that others cannot read"
            if isinstance(error, PermissionError) and _of_another(place):
                cure = "it belongs to another user, and keys are not shared: use --root FOLDER of your own"
            raise OutputError(
                f"{place}: the private folder cannot be used ({error.strerror or error}); {cure}."
            ) from error

    def doc_id(self, source_id: str) -> str:
        """Pseudonym of a message: HMAC-SHA256 of its source id, 16 hexadecimal digits."""
        return self._keyed("doc_id", source_id)

    def pseudonym(self, author: str) -> str:
        """Pseudonym of an author, made in another domain than those of messages."""
        return self._keyed("author", author)

    def read_crosswalk(self) -> pl.DataFrame:
        """Give which message has which pseudonym (`source_id`, `doc_id`); no rows where none was kept.

        An id that was added to two models, or is of the sources too, can have two: of what it repeats there.

        Raises
        ------
        InputError
            If it is there, but damaged.
        """
        found, added = self._read(_CROSSWALK), self._read(_ADDED)
        return found if added.is_empty() else pl.concat([found, added]).unique(maintain_order=True)

    def write_crosswalk(self, crosswalk: pl.DataFrame) -> None:
        """Keep which message of the sources has which pseudonym, unless that is known already.

        Parameters
        ----------
        crosswalk
            All ids of the study's own sources (`source_id`, `doc_id`); those of added batches stay.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        found = crosswalk.select("source_id", "doc_id")
        with suppress(InputError):  # a damaged one is made anew
            if self._read(_CROSSWALK).equals(found):
                return
        self._write(_CROSSWALK, found)

    def add_ids(self, added: pl.DataFrame) -> None:
        """Keep the pseudonyms of a batch (`source_id`, `doc_id`) beside those of the study's own sources.

        Raises
        ------
        InputError
            If what was added earlier is damaged.
        OutputError
            If the folder cannot be written.
        """
        with alone(self.folder / ".lock"):  # another batch may be added just now
            ids = pl.concat([self._read(_ADDED), added.select("source_id", "doc_id")])
            self._write(_ADDED, ids.unique().sort("source_id", "doc_id"))

    @contextmanager
    def numbering(self) -> Iterator[dict[tuple[str, str], None]]:
        """Give what each placeholder stands for (placeholder, value); what is added there is kept, too.

        What was given once stays, as kept models and labelled messages hold it. No other process numbers
        meanwhile, or one number could come to stand for two.

        Raises
        ------
        InputError
            If what was kept is damaged.
        OutputError
            If the folder cannot be written.
        """
        with alone(self.folder / ".lock"):
            kept = self._read(_PLACEHOLDERS, _MEANINGS).drop_nulls()
            kept = kept.filter(pl.col("placeholder").str.contains(_NUMBERED))
            meanings = dict.fromkeys(kept.rows())
            yield meanings
            if len(meanings) > len(kept):
                schema = dict.fromkeys(_MEANINGS, pl.String)
                self._write(_PLACEHOLDERS, pl.DataFrame(list(meanings), schema=schema, orient="row"))

    def read_spans(self, fingerprint: str, texts: Sequence[str]) -> dict[str, list[Span]]:
        """Give the spans found earlier, for those texts of which they are known.

        Parameters
        ----------
        fingerprint
            All that spans depend on besides the text; what was found under another one does not count.
        texts
            The texts asked for.
        """
        try:
            kept = pl.read_parquet(self.folder / "spans.parquet").filter(pl.col("fingerprint") == fingerprint)
            known = {row[0]: row[1] for row in kept.select("digest", "spans").iter_rows()}
            digests = {text: self._keyed("text", text) for text in texts}
            return {text: _spans(known[digest], text) for text, digest in digests.items() if digest in known}
        except (OSError, pl.exceptions.PolarsError, ValueError, TypeError):
            return {}  # a cache: what is missing or damaged is made anew

    def write_spans(self, fingerprint: str, spans: Mapping[str, Sequence[Span]]) -> None:
        """Keep the spans found, by a keyed digest of each text; those of other texts and fingerprints go.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        rows = {
            "fingerprint": [fingerprint] * len(spans),
            "digest": [self._keyed("text", text) for text in spans],
            "spans": [json.dumps([[s.start, s.end, s.kind] for s in found]) for found in spans.values()],
        }
        schema = {"fingerprint": pl.String, "digest": pl.String, "spans": pl.String}
        self._write("spans.parquet", pl.DataFrame(rows, schema=schema))

    def _keyed(self, domain: str, value: str) -> str:
        message = f"{domain}\0{value}".encode("utf-8", "surrogatepass")
        length = 64 if domain == "text" else 16
        return hmac.digest(self._key, message, "sha256").hex()[:length]

    def _read(self, name: str, columns: tuple[str, ...] = _IDS) -> pl.DataFrame:
        path = self.folder / name
        if not path.exists():
            return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        try:
            return pl.read_parquet(path).select(columns).cast(pl.String)
        except (OSError, pl.exceptions.PolarsError) as error:
            first = str(error).partition("\n")[0][:120]
            raise InputError(f"{path}: cannot be read ({first}); put it back from a backup.") from None

    def _write(self, name: str, table: pl.DataFrame) -> None:
        with whole_file(self.folder / name) as draft:
            draft.touch(mode=0o600)
            table.write_parquet(draft)
            draft.chmod(0o600)


def _of_another(place: Path) -> bool:
    """Tell whether a private folder, or the nearest folder around it that can be looked at, is another's."""
    for folder in (place, *list(place.parents)[:2]):  # .themeloom/private/STUDY
        with suppress(OSError):
            return folder.stat().st_uid != os.getuid()
    return False


def _spans(text: str, source: str) -> list[Span]:
    spans = [Span(int(start), int(end), str(kind)) for start, end, kind in json.loads(text)]
    if any(not 0 <= span.start < span.end <= len(source) for span in spans):
        raise ValueError
    return spans


def _read_or_make_key(folder: Path) -> bytes:
    path = folder / "key"
    if not path.exists():
        _make_key(path)
    forget(left_drafts(folder))
    path.chmod(0o600)
    key = path.read_text(encoding="utf-8", errors="replace").strip()
    if not _KEY.fullmatch(key):
        raise InputError(
            f"{path}: is not a key (64 hexadecimal digits were expected); put it back from a backup, "
            "or move the folder away to start anew with other pseudonyms."
        )
    return bytes.fromhex(key)


def _make_key(path: Path) -> None:
    """Make the key once, whoever else is making it too: only one process can make the hard link."""
    if any((path.parent / name).exists() for name in (_CROSSWALK, _ADDED)):
        raise InputError(
            f"{path}: is missing, though {path.parent} holds pseudonyms made with it; "
            "put it back from a backup, or move the folder away to start anew with other pseudonyms."
        )
    draft = draft_of(path)
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        draft.unlink(missing_ok=True)
