"""Numbers by their digits: what stands between them, check digits, and how countries group telephones."""

import re
from collections.abc import Iterator
from itertools import pairwise

from themeloom.english import is_foreign

# What people, and the programs they write with, set between the digits of one number.
BLANK = " \u00a0\u2007\u2009\u202f"
DASH = r"\-\u2010-\u2015\u2212"
GAP, APART = rf"[{BLANK}{DASH}]", rf"[{BLANK}.{DASH}]"

_NATIONAL = re.compile(
    rf"(?<![\w.,+/:])(?<!\d{GAP})(?:"
    rf"0[1-9](?:{APART}\d\d){{4}}"  # 06 12 34 56 78
    rf"|0[1-9]{GAP}\d{{4}}{GAP}?\d{{4}}"  # 06 1234 5678
    rf"|0[1-9]{GAP}\d{{3}}(?:{GAP}\d\d){{2}}"  # 08-123 45 67
    rf"|[5-9]\d\d{GAP}\d{{3}}{GAP}\d{{3}}"  # 612 345 678
    rf"|[5-9]\d\d(?:{GAP}\d\d){{3}}"  # 612 34 56 78
    rf"|[3-9]\d\d{GAP}\d{{3}}(?:{GAP}\d\d){{2}}"  # 532 123 45 67
    rf"|1[3-9]\d{GAP}\d{{4}}{GAP}\d{{4}}"  # 138 1234 5678
    rf"|3\d\d{GAP}\d{{6,7}}"  # 333 1234567
    rf")(?!\w|[.,]\d|{GAP}\d)"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_IBAN = re.compile(rf"(?<![^\W_])[A-Z]{{2}}\d\d(?:[{BLANK}]?[A-Z0-9]){{11,30}}(?![^\W_])", re.ASCII)
_SPANISH = re.compile(rf"(?<![\w-])([XYZ]?)(\d{{7,8}}){GAP}?([A-Z])(?!\w)", re.IGNORECASE)
_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def has_check_digit(number: str) -> bool:
    """Whether ten digits carry the check digit of NHS, CHI and H&C numbers (modulus 11)."""
    digits = [int(digit) for digit in number if digit.isdigit()]
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    return sum(digit * weight for digit, weight in zip(digits, range(10, 0, -1), strict=True)) % 11 == 0


def is_countdown(number: str) -> bool:
    """Whether digits that stand apart only go up or down by one, as in 9 8 7 6 5 4 3 2 1 0."""
    digits = [int(digit) for digit in number[::2] if digit.isdigit()]
    return len(digits) == 10 and len({after - before for before, after in pairwise(digits)}) == 1


def national_phones(text: str) -> Iterator[tuple[int, int]]:
    """Find telephone numbers as people of other countries group them, unless the text is English.

    In English such rows of digits are numbers of other things.
    """
    found = [match.span() for match in _NATIONAL.finditer(text) if not _is_row(match.group())]
    if found and is_foreign(text) is not False:
        yield from found


def checked_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Find bank accounts (IBAN) and Spanish identity numbers, which carry checks of their own."""
    for match in _IBAN.finditer(text):
        ends = [match.start() + gap.start() for gap in re.finditer(rf"[{BLANK}]|$", match.group())]
        valid = (end for end in reversed(ends) if _is_iban(text[match.start() : end]))
        if end := next(valid, None):
            yield match.start(), end
    for match in _SPANISH.finditer(text):
        series, digits, letter = match.groups()
        number = f"{'XYZ'.index(series.upper())}{digits}" if series else digits
        if len(number) == 8 and _SPANISH_LETTERS[int(number) % 23] == letter.upper():
            yield match.span()


def _is_row(number: str) -> bool:
    """Whether groups of digits are figures in a row (500 600 700), years, or one large figure."""
    groups = re.findall(r"\d+", number)
    steps = {int(after) - int(before) for before, after in pairwise(groups)}
    years = any(_YEAR.fullmatch(group) for group in groups)
    return years or groups[-1] == "000" or (len(groups) > 2 and len(steps) == 1)


def _is_iban(account: str) -> bool:
    plain = re.sub(f"[{BLANK}]", "", account)
    if len(plain) < 15 or sum(map(str.isdigit, plain)) < 10:
        return False
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1
