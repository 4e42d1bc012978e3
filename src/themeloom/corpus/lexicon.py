"""What a word is: an English word, a first name, a drug, a people, a kind of building.

English words come from the lexicon of lemminflect (NIH SPECIALIST, lower case: without names), first and
last names of many languages from faker, and short general lists from ``words.txt``.
"""

import importlib
import pkgutil
import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal

ENGLISH_LOCALES: Final = (
    "en",
    "en_GB",
    "en_IE",
    "en_IN",
    "en_KE",
    "en_NG",
    "en_NZ",
    "en_PK",
    "en_US",
    "tw_GH",
)
_HARMLESS: Final = ("calendar", "peoples", "lands", "medicine", "brands", "slang")
_PLACE_ENDING = re.compile(
    r"(?:by|ton|ham|wick|wich|caster|chester|cester|mouth|ford|leigh|mere|low|beck|fold|combe|field|hurst|bury|borough"
    r"|burgh|stead|thorpe|wood|den|dale|shire|pool|bridge|minster|stoke|haven|marsh|ness|ville|wold|holme|keld|thwaite)$"
)
_DERIVED = re.compile(
    r"(?:ing|ed|ly|ness|less|ish|able|ible|ive|ism|ist|ists|tion|tions|sion|ment|ity|ance|ence|ful|ic|ical|ics|ous|osis|itis|phobia|phobic"
    r"|ology|logist|therapy|therapist|amine|azine|azole|apine|epam|olam|pram|etine|done|idol|pril|sartan|statin|mycin|cillin)$"
)
_LAUGHTER = re.compile(r"[hae]{2,60}|[lo]{2,60}|lma+o+|[urgh]{3,60}|[yae]{3,60}|[ua]?(?:ha|he|ho){1,30}h?")
_DRAWN_OUT = re.compile(r"(\w)\1{2,}")


@cache
def section(name: str) -> frozenset[str]:
    """Give the words of one section of ``words.txt``."""
    return frozenset(_sections().get(name, "").split())


@cache
def facilities() -> dict[str, str]:
    """Nouns that end the name of a place or an organisation, and which of the two."""
    words = _sections()["facilities"].split()
    return dict(zip(words[::2], words[1::2], strict=True))


@cache
def _sections() -> dict[str, str]:
    text = files("themeloom.corpus").joinpath("words.txt").read_text(encoding="utf-8")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    parts = re.split(r"^\[([\w-]+)\]$", body, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@lru_cache(maxsize=200_000)
def is_word(word: str) -> bool:
    """Whether a lower-case word (or each part of a hyphenated one) is an English word or slang."""
    from lemminflect import getAllLemmas

    plain = word.replace("\u2019", "'")
    if plain in _common_words() or plain.removesuffix("n't") in section("negated") or getAllLemmas(plain):
        return True
    if "-" in plain:
        return all(is_word(part) for part in plain.split("-") if part)
    if _LAUGHTER.fullmatch(plain):
        return True
    short = _DRAWN_OUT.sub(r"\1", plain)
    return short != plain and (is_word(short) or is_word(_DRAWN_OUT.sub(r"\1\1", plain)))


@lru_cache(maxsize=100_000)
def is_finite_verb(word: str) -> bool:
    """Whether a lower-case word is, most likely, the verb of a sentence on somebody: came, knows.

    What may as well be a noun in the plural (raids, answers) is not, and neither are infinitives.
    """
    from lemminflect import getAllLemmas

    found = getAllLemmas(word)
    verbs = found.get("VERB", ()) + found.get("AUX", ())
    if word.endswith("ing") or not any(lemma != word for lemma in verbs):
        return False
    return not (word.endswith("s") and any(lemma != word for lemma in found.get("NOUN", ())))


@cache
def _common_words() -> frozenset[str]:
    from spacy.lang.en.stop_words import STOP_WORDS

    return frozenset(STOP_WORDS) | section("slang") | section("generic") | frozenset(facilities())


@cache
def function_words() -> frozenset[str]:
    """Words that carry grammar only."""
    from spacy.lang.en.stop_words import STOP_WORDS

    return frozenset(STOP_WORDS)


@lru_cache(maxsize=200_000)
def is_harmless(word: str) -> bool:
    """Whether a lower-case word, though written with a capital, identifies nobody."""
    plain = word.replace("\u2019", "'")
    if plain in section("also-names"):
        return False
    listed = _harmless_words()
    if plain in listed or (len(plain) > 4 and plain.removesuffix("s") in listed):
        return True
    return "-" in plain and all(is_harmless(part) or is_word(part) for part in plain.split("-") if part)


@cache
def _harmless_words() -> frozenset[str]:
    return _countries().union(*(section(name) for name in _HARMLESS))


@cache
def _countries() -> frozenset[str]:
    from faker.providers.address import Provider

    names = (re.findall(r"[^\W\d_]{4,}", country.lower()) for country in Provider.countries)
    return frozenset(word for country in names for word in country) - {
        "saint",
        "george",
        "helena",
        "martin",
        "jordan",
    }


def is_likely_name(word: str) -> bool:
    """Whether a lower-case word, with a capital within a sentence, is rather a first name than a word."""
    return is_english_first_name(word) and word not in section("unlikely-names")


def is_first_name(word: str) -> bool:
    """Whether a lower-case word is a first name in any of the languages known, or a common short form."""
    return fold(word) in _names("first_name", ()) or word in section("nicknames")


def is_english_first_name(word: str) -> bool:
    """Whether a lower-case word is a first name in use where English is spoken, or a common short form."""
    return fold(word) in _names("first_name", ENGLISH_LOCALES) or word in section("nicknames")


def is_last_name(word: str) -> bool:
    """Whether a lower-case word is a last name in use where English is spoken."""
    return fold(word) in _names("last_name", ENGLISH_LOCALES)


@cache
def _names(attribute: Literal["first_name", "last_name"], locales: tuple[str, ...]) -> frozenset[str]:
    import faker.providers.person as persons

    names: set[str] = set()
    for module in pkgutil.iter_modules(persons.__path__):
        if module.ispkg and (not locales or module.name in locales):
            provider = importlib.import_module(f"{persons.__name__}.{module.name}").Provider
            for key, value in vars(provider).items():
                if key.startswith(attribute) and isinstance(value, (tuple, list, dict)):
                    names.update(fold(name.lower()) for name in value if isinstance(name, str))
    return frozenset(name for name in names if name.isascii() and name.isalpha() and len(name) > 2)


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """Take accents off."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def sounds_like_a_place(word: str) -> bool:
    """Whether a lower-case word ends as English places do."""
    return len(word) > 4 and bool(_PLACE_ENDING.search(word))


def looks_derived(word: str) -> bool:
    """Whether a lower-case word that no lexicon knows ends as common words and drugs do."""
    return bool(_DERIVED.search(word))
