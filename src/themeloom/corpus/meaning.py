"""Whether two alike messages say different things: by their numbers, negations and names.

Negations and numerals are those of English and of some forty other languages. What is an English word, too,
counts in messages that seem not to be English.
"""

# ruff: noqa: RUF001 - typographic quotation marks stand in the messages

import re
import unicodedata
from collections import Counter
from collections.abc import Set

from themeloom.english import is_foreign
from themeloom.letters import LETTERS, lowered

NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
# A capital, or a letter of which more has to be asked.
_NAME = re.compile(rf"(?<=[{LETTERS},;:'’&)-] )[@#]?(?!I\b)([^\W\d_a-z][{LETTERS}'’-]*)")


def _words(said: str) -> frozenset[str]:
    return frozenset(lowered(unicodedata.normalize("NFKC", said).casefold()).split())


_NUMERALS = _words(
    """
    zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred
    thousand once twice first second third
    eins zwei drei vier fünf sechs sieben acht neun zehn zwölf zwanzig dreißig hundert tausend einmal zweimal
    twee drie vijf zes zeven negen tien twaalf honderd sju syv otte åtte nio tio
    deux trois quatre cinq huit neuf dix vingt trente tres cuatro cinco seis siete ocho nueve diez veinte
    dois duas três quatro sete oito nove dez vinte quattro cinque sette dieci venti două cinci șase șapte
    dwa dwie trzy cztery pięć sześć siedem osiem dziewięć dziesięć dvě tři čtyři pět šest sedm osm devět deset
    два две три четыре пять шесть семь восемь девять десять двадцать тридцать сто тысяча дві чотири шість сім
    δύο τρεις τρία τέσσερις τέσσερα πέντε έξι επτά εφτά οκτώ οχτώ εννέα εννιά δέκα είκοσι
    két kettő három négy nyolc kilenc kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän kymmenen
    iki üç dört beş altı yedi sekiz dokuz yirmi otuz tiga empat enam tujuh delapan sembilan sepuluh
    שני שתי שניים שתיים שלוש שלושה ארבע ארבעה חמש חמישה שש שישה שבע שבעה שמונה תשע תשעה עשר עשרה
    اثنان اثنين ثلاثة ثلاث أربعة أربع خمسة خمس ستة ست سبعة سبع ثمانية ثماني تسعة تسع عشرة عشر
    دو سه چهار پنج شش هفت هشت ده दो तीन चार पाँच पांच छह सात आठ नौ दस দুই তিন চার পাঁচ ছয় সাত আট দশ
    두 세 네 다섯 여섯 일곱 여덟 아홉 열
    """
)
_NEGATIONS = _words(
    """
    no not never none nobody nothing nowhere neither nor without cannot cant dont wont isnt arent wasnt
    werent doesnt didnt havent hasnt hadnt shouldnt wouldnt couldnt aint
    nicht nichts kein keine keinen keinem keiner keines nie niemals niemand nirgends ohne weder
    niet niets geen nooit niemand zonder ikke ingen ingenting aldrig aldri uden inte inget utan nej nei ej
    pas jamais rien aucun aucune nunca jamás nadie ningún ninguno ninguna tampoco nao não nem nenhum nenhuma
    ninguém non niente nessuno nessuna nessun neanche nemmeno senza nici nimeni nimic niciodată fără
    nigdy nikt bez żaden żadna żadne není nejsem nejsou nemá nikdy nikdo nisam nije nismo nisu nema ništa
    не нет ни нельзя никогда никто ничего без ні немає ніколи ніхто нічого няма никога никой нищо није нисам
    δεν δε μην μη όχι ποτέ κανείς κανένας τίποτα χωρίς ούτε nincs nincsenek soha senki semmi nélkül eivät
    değil yok hiç hayır deyil tidak bukan jangan belum tanpa nggak walang không chưa chẳng đừng
    לא ולא שלא אין ואין שאין בלי لا ولا لم ولم لن ولن ليس ليست ليسوا لست وليس بدون نه نیست نیستند نبود هیچ
    نہیں نہ नहीं न ना मत बिना नाही না নেই নয় ਨਹੀਂ નથી இல்லை లేదు కాదు ಇಲ್ಲ ಅಲ್ಲ ഇല്ല അല്ല 안 못
    """
)
_FOREIGN_NUMERALS = _words("elf sept tre uno dos due otto lima dua")
_FOREIGN_NEGATIONS = _words("sin nada sem mai ne ni nic nu ei sans personne tak hindi inga asla")
"""Words that English has, too, if only as names."""
# Where no blanks part words, and in endings of Korean; of numerals not the one that is a part of many words.
_NEGATING = re.compile("[不没沒無无未非勿]|ない|なか|ません|ไม่|않|없|못하")
_NUMERAL = re.compile("[二三四五六七八九十百千万两兩]|สอง|สาม|สี่|ห้า|หก|เจ็ด|แปด|เก้า|สิบ")
_NEGATING_PREFIXES = ("ne", "ن")
"""What makes a verb its contrary in Czech, Slovenian and Lithuanian, and in Persian."""


def differs_in_meaning(core: str, other_core: str, text: str, other_text: str) -> bool:
    """Tell whether two alike messages differ in a number, a negation or a name.

    A name differs when each side has one that the other lacks; that one side says a name more is an
    addition, as other added words are. Names show by their capitals in the texts.
    """
    if Counter(NUMBER.findall(core)) != Counter(NUMBER.findall(other_core)):
        return True
    if not (core.isascii() and other_core.isascii()) and _signs_differ(core, other_core):
        return True
    ours, theirs = Counter(core.split()), Counter(other_core.split())
    left, right = ours - theirs, theirs - ours
    if _words_differ(left, right, _NUMERALS, _NEGATIONS) or _is_contrary(left.keys(), right.keys()):
        return True
    if _words_differ(left, right, _FOREIGN_NUMERALS, _FOREIGN_NEGATIONS) and is_foreign(text):
        return True
    if not left or not right or _only_spaced(left, right):
        return False
    names = names_in(text) | names_in(other_text)
    return bool(names & left.keys() and names & right.keys())


def _signs_differ(core: str, other_core: str) -> bool:
    negations = len(_NEGATING.findall(core)) != len(_NEGATING.findall(other_core))
    return negations or Counter(_NUMERAL.findall(core)) != Counter(_NUMERAL.findall(other_core))


def _words_differ(
    left: Counter[str], right: Counter[str], numerals: frozenset[str], negations: frozenset[str]
) -> bool:
    """Whether what only one side says holds a numeral, or more negations than the other's."""
    return bool(numerals & (left.keys() | right.keys())) or _count(left, negations) != _count(
        right, negations
    )


def _is_contrary(left: Set[str], right: Set[str]) -> bool:
    """Whether a word of one side, with a prefix that negates it, is one of the other's."""
    return any(
        prefix + word in others
        for words, others in ((left, right), (right, left))
        for word in words
        for prefix in _NEGATING_PREFIXES
        if len(word) > 2
    )


def _count(words: Counter[str], kind: frozenset[str]) -> int:
    return sum(words[word] for word in kind & words.keys())


def _only_spaced(left: Counter[str], right: Counter[str]) -> bool:
    """Tell whether both sides hold the same letters: one word written as two."""
    return Counter("".join(left.elements())) == Counter("".join(right.elements()))


def names_in(text: str) -> frozenset[str]:
    """Words with a capital in the middle of a sentence, in lower case; none where all is capitals."""
    found = [word for word in _NAME.findall(text) if word[0].isupper()]
    shouted = text.isupper() or len(found) > len(text.split()) / 2
    return frozenset() if shouted else frozenset(re.sub(r"['’]", "", word).casefold() for word in found)


def numbers_differ_mostly(one: str, two: str) -> bool:
    """Tell whether two long texts fill in one form: three or more numbers, most of them other."""
    ours, theirs = Counter(NUMBER.findall(one)), Counter(NUMBER.findall(two))
    differing = max((ours - theirs).total(), (theirs - ours).total())
    return differing >= 3 and 2 * differing > max(ours.total(), theirs.total())
