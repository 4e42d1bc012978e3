"""Identifying strings that have a form: handles, links, addresses and numbers, found by checked patterns.

Every pattern is bounded or can start at one place a run of characters only, so that all are linear.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from themeloom.corpus.digits import (
    APART,
    BLANK,
    DASH,
    GAP,
    checked_numbers,
    has_check_digit,
    is_countdown,
    national_phones,
)
from themeloom.corpus.lexicon import function_words, is_word
from themeloom.letters import LETTER, LETTERS, parted
from themeloom.placeholders import PLACEHOLDER


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a text that identifies somebody."""

    start: int
    end: int
    kind: str


_NAMES = "(?:nhs|chi|hospital|patient|case|claim|account|reference|ref|passport|licence|license|member|staff)"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_DASHES = re.compile(f"[{DASH}]")

_LINK = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:https?|ftps?)://|www\.)[^\s<>\[\]\"\u201c\u201d]{1,4000}", re.IGNORECASE
)
_BARE_LINK = re.compile(
    rf"(?<![\w@.-])(?=[^\W_])[{LETTERS}-]{{1,63}}(?:\.[{LETTERS}-]{{1,63}}){{1,8}}"
    r"(?:(?::\d{2,5})?/[^\s<>\[\]\"\u201c\u201d]{0,4000})?"
)
_EMAIL = re.compile(
    rf"(?<![{LETTERS}.+%@\uff20-])[{LETTERS}.+%-]{{1,64}}(?:[@\uff20]|\s?[\[(]\s?at\s?[\])]\s?)"
    rf"[^\W_][{LETTERS}-]{{0,62}}(?:\.[{LETTERS}-]{{1,63}}){{1,8}}",
    re.IGNORECASE,
)
_HANDLE = re.compile(
    rf"(?<![^\W_])[@\uff20]\w{LETTER}{{0,63}}(?:@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}}|(?:\.[\w-]{{1,63}}){{1,8}})?"
)
_REDDIT = re.compile(r"(?<![\w/.:@#-])/?u/([\w-]{2,63}\w)", re.IGNORECASE)
_AMOUNT = re.compile(r"\d\s?$")
_CLOCK = re.compile(r"[@\uff20]\d{1,2}(?:\d\d)?(?:am|pm|ish)?", re.IGNORECASE)
_BARE_HANDLE = re.compile(
    r"(?<![\w#@/.-])(?=[^\W_])[A-Za-z0-9]{1,30}(?:_{1,3}[A-Za-z0-9]{1,30}){1,8}_{0,3}(?!\w)"
)
_PHONE = re.compile(rf"(?<![\w.+])(?:\+|\(\+?(?=\d)|(?=0\d))\d(?:[{BLANK}().{DASH}/]{{0,3}}\d){{6,17}}(?!\w)")
_AMERICAN_PHONE = re.compile(rf"(?<![\w.])(?:\+?1{APART})?\(?\d{{3}}\)?{APART}\d{{3}}{APART}\d{{4}}(?!\w)")
_TEN_DIGITS = re.compile(
    rf"(?<![\w.-])(?<!\d[{DASH}])(?<!\+1 )(?:\d{{3}}{APART}?\d{{3}}{APART}?\d{{4}}"
    rf"|(?<!\d{APART})\d(?:{APART}\d){{9}}(?!{APART}\d))(?![\w-]|[{DASH}]\d)"
)
_NATIONAL_INSURANCE = re.compile(
    rf"\b[A-Z]{{2}}[{BLANK}]?\d\d[{BLANK}]?\d\d[{BLANK}]?\d\d[{BLANK}]?[A-D]\b", re.IGNORECASE
)
_LONG_NUMBER = re.compile(rf"(?<![\w.])(?:\d{GAP}?){{8,24}}\d(?!\w)")
_SOCIAL_SECURITY = re.compile(
    rf"(?<![\w-])(?<!\d[{DASH}])\d{{3}}[{DASH}]\d\d[{DASH}]\d{{4}}(?![\w-]|[{DASH}]\d)"
)
_NAMED_NUMBER = re.compile(
    rf"\b(?:(?P<named>(?:{_NAMES} ?(?:no\b\.?|num\b|number|id|#)|mrn|sort ?code)(?: is| was)?)|{_NAMES})"
    rf"(?P<as>[{BLANK}:#]{{1,3}})(?P<number>[A-Z]{{0,3}}[{DASH}]?\d(?:{GAP}?\d){{3,12}})(?!\w)",
    re.IGNORECASE,
)
_FOUR_DIGITS = re.compile(r"[A-Z]{0,3}\d{4}", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
_COUNTED = re.compile(
    r"[.,]\d|\s?(?:an?|per|each|every|of|in|k|pounds?|quid|euros?|dollars?|people|patients|staff|members|beds"
    r"|strong|times|hours|days|weeks|months|years)\b",
    re.IGNORECASE,
)
_BIRTH = re.compile(
    r"\b(?:born|birthda(?:y|te)|date of birth|d\.?o\.?b)\b\.?"
    rf"(?:[{BLANK}:=]{{1,3}}(?:is|was|on|the)\b){{0,3}}[{BLANK}:=(]{{1,3}}"
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day[, ]{1,2}(?:the )?)?"
    rf"(?P<date>\d{{1,2}}(?P<by>[{BLANK}./{DASH}])\d{{1,2}}(?P=by)(?:\d{{4}}|\d\d)"
    rf"|\d{{4}}[./{DASH}]\d\d?[./{DASH}]\d\d?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?{APART}?(?:of )?{_MONTH}(?:,?{APART}{{1,2}}(?:\d{{4}}|\d\d))?"
    rf"|{_MONTH}{APART}(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?:,?{APART}{{1,2}}(?:\d{{4}}))?)(?![\w%])",
    re.IGNORECASE,
)
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IP_ADDRESS = re.compile(rf"(?<![\w.])(?=[\d.]{{0,12}}\d{{3}}){_BYTE}(?:\.{_BYTE}){{3}}(?![\w]|\.\d)")
_POSTCODE = re.compile(
    r"\b(?:GIR ?0AA|(?:[A-PR-UWYZ]\d[\dABCDEFGHJKPSTUW]?|[A-PR-UWYZ][A-HK-Y]\d[\dABEHMNPRVWXY]?)"
    rf"[{BLANK}]{{0,2}}\d[ABD-HJLNP-UW-Z]{{2}})\b",
    re.IGNORECASE,
)
_TEXT_SPEAK = re.compile(rf"(?:b4|d8|gr8|h8|k8|l8|m8|n8|str8|w8)[{BLANK}]", re.IGNORECASE)
_TRAILING = ".,;:!?\u2026'\u2019\"\u201d*_~"


def find_patterns(text: str) -> list[Span]:
    """Find all that has a form; spans do not overlap and are in order.

    Parts of a text that are placeholders already are left alone.
    """
    text = parted(text)
    taken: list[Span] = [Span(m.start(), m.end(), "placeholder") for m in PLACEHOLDER.finditer(text)]
    for kind, sign, finder in _FINDERS:
        if sign.search(text):
            taken += free_of(taken, (Span(start, end, kind) for start, end in finder(text)))
    return sorted(span for span in taken if span.kind != "placeholder")


def free_of(taken: list[Span], found: Iterable[Span]) -> list[Span]:
    """Give the spans of `found` that overlap none of `taken` nor an earlier one of their own."""
    covered = bytearray(max([span.end for span in taken], default=0))
    for span in taken:
        covered[span.start : span.end] = b"\x01" * (span.end - span.start)
    kept = []
    for span in found:
        if span.start < span.end and not any(covered[span.start : span.end]):
            kept.append(span)
            covered.extend(bytes(max(0, span.end - len(covered))))
            covered[span.start : span.end] = b"\x01" * (span.end - span.start)
    return kept


def joined(text: str, spans: Iterable[Span]) -> list[Span]:
    """Join spans, given in order, that overlap, or that are of one kind and parted by a blank only."""
    whole: list[Span] = []
    for span in spans:
        last = whole[-1] if whole else None
        if last and span.start <= last.end:
            longer = max(last, span, key=lambda one: one.end - one.start)
            whole[-1] = Span(min(last.start, span.start), max(last.end, span.end), longer.kind)
        elif last and text[last.end : span.start] == " " and last.kind == span.kind:
            whole[-1] = Span(last.start, span.end, span.kind)
        else:
            whole.append(span)
    return whole


def _links(text: str) -> Iterator[tuple[int, int]]:
    for match in _LINK.finditer(text):
        yield match.start(), _trimmed(text, match.start(), match.end())


def _bare_links(text: str) -> Iterator[tuple[int, int]]:
    for match in _BARE_LINK.finditer(text):
        host, slash, _ = match.group().partition("/")
        if _is_host(host.partition(":")[0], bool(slash)):
            yield match.start(), _trimmed(text, match.start(), match.end())


def _is_host(host: str, with_path: bool) -> bool:
    """Tell 'blog.example.org' from a full stop without a space after it."""
    labels = host.lower().split(".")
    if not is_domain(host):
        return False
    if with_path or len(labels) > 2:
        return True
    return len(labels[0]) > 1 and not is_word(labels[-1]) and not host[host.rindex(".") + 1].isupper()


def is_domain(host: str) -> bool:
    """Whether a host ends in a public suffix (the list that tldextract bundles)."""
    result = _suffixes()(host)
    return bool(result[0] and result[1])


@cache
def _suffixes() -> Callable[[str], tuple[str, str]]:
    from tldextract import TLDExtract

    # The bundled list only: the default would ask the network at first use.
    extract = TLDExtract(suffix_list_urls=(), cache_dir=None)

    def split(host: str) -> tuple[str, str]:
        parts = extract.extract_str(host)
        return parts.domain, parts.suffix

    return split


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for match in _EMAIL.finditer(text):
        yield match.start(), _trimmed(text, match.start(), match.end())


def _handles(text: str) -> Iterator[tuple[int, int]]:
    for match in _HANDLE.finditer(text):
        handle = match.group()
        if _CLOCK.fullmatch(handle):
            continue
        name, dot, rest = handle[1:].partition(".")
        on_server = "@" in name or (dot and is_domain(f"{name}.{rest}") and not rest[0].isupper())
        yield match.start(), match.end() if on_server else match.start() + 1 + len(name)


def _reddit_handles(text: str) -> Iterator[tuple[int, int]]:
    for match in _REDDIT.finditer(text):
        name = match.group(1).lower()
        dose = is_word(name) and _AMOUNT.search(text[max(0, match.start() - 2) : match.start()])
        if not dose and name not in function_words():  # 40 u/day; me u/him
            yield match.span()


def _bare_handles(text: str) -> Iterator[tuple[int, int]]:
    for match in _BARE_HANDLE.finditer(text):
        if any(letter.isalpha() for letter in match.group()):
            yield match.span()


def _phones(text: str) -> Iterator[tuple[int, int]]:
    import phonenumbers

    for match in _PHONE.finditer(text):
        groups = list(re.finditer(r"\d+", match.group()))
        for last in range(len(groups), 0, -1):  # a number may be followed by others
            candidate = match.group()[: groups[last - 1].end()]
            if candidate.startswith("0") and len(groups[0].group()) < 3:
                break
            try:
                number = phonenumbers.parse(_DASHES.sub("-", " ".join(candidate.split())), "GB")
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_possible_number(number) and len(re.sub(r"\D", "", candidate)) >= 9:
                yield match.start(), match.start() + len(candidate)
                break
    for match in _AMERICAN_PHONE.finditer(text):
        if not has_check_digit(match.group()):
            yield match.span()
    yield from national_phones(text)


def _numbers(text: str) -> Iterator[tuple[int, int]]:
    yield from checked_numbers(text)
    for match in _TEN_DIGITS.finditer(text):
        if has_check_digit(match.group()) and not is_countdown(match.group()):
            yield match.span()
    for pattern in (_NATIONAL_INSURANCE, _SOCIAL_SECURITY, _IP_ADDRESS):
        yield from (match.span() for match in pattern.finditer(text))


def _named_numbers(text: str) -> Iterator[tuple[int, int]]:
    for match in _NAMED_NUMBER.finditer(text):
        short = sum(map(str.isdigit, match["number"])) < 5
        said = match["named"] or not match["as"].isspace()
        counts = _YEAR.fullmatch(match["number"]) or _COUNTED.match(text, match.end())
        if not short or (_FOUR_DIGITS.fullmatch(match["number"]) and (said or not counts)):
            yield match.span("number")


def _births(text: str) -> Iterator[tuple[int, int]]:
    yield from (match.span("date") for match in _BIRTH.finditer(text))


def _long_numbers(text: str) -> Iterator[tuple[int, int]]:
    for match in _LONG_NUMBER.finditer(text):
        groups = re.findall(r"\d+", match.group())
        if len(groups[0]) >= 9 or (len(groups) > 1 and min(map(len, groups[:-1])) >= 4):  # cards, accounts
            yield match.span()


def _postcodes(text: str) -> Iterator[tuple[int, int]]:
    for match in _POSTCODE.finditer(text):
        if not _TEXT_SPEAK.match(match.group()):
            yield match.span()


def _trimmed(text: str, start: int, end: int) -> int:
    """Leave a sentence's own punctuation outside a link."""
    while end > start:
        last = text[end - 1]
        unopened = last == ")" and text.count("(", start, end) < text.count(")", start, end)
        if last not in _TRAILING and not unopened:
            break
        end -= 1
    return end


_AT, _FIVE_DIGITS = re.compile("[@\uff20]"), re.compile(r"\d(?:\D{0,3}\d){4}")
_FINDERS: tuple[tuple[str, re.Pattern[str], Callable[[str], Iterator[tuple[int, int]]]], ...] = (
    ("link", re.compile(r"://|w\.", re.IGNORECASE), _links),
    ("email", re.compile("[@\uff20(\\[]"), _emails),
    ("handle", _AT, _handles),
    ("handle", re.compile("u/", re.IGNORECASE), _reddit_handles),
    ("link", re.compile(r"\.[\w-]"), _bare_links),
    ("number", re.compile(r"birth|born|d\.?o\.?b", re.IGNORECASE), _births),
    ("number", _FIVE_DIGITS, _numbers),
    ("number", re.compile(r"\d(?:\D?\d){3}"), _named_numbers),
    ("phone", _FIVE_DIGITS, _phones),
    ("number", _FIVE_DIGITS, _long_numbers),
    ("postcode", re.compile(r"\d"), _postcodes),
    ("handle", re.compile("_"), _bare_handles),
)
"""Kind, what every text has in which one can be found, and how it is found."""
