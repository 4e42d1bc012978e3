"""Names of persons, places and organisations."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.config import AnonymiseConfig
from themeloom.corpus import names, patterns, recognise
from themeloom.corpus.anonymise import mask_texts
from themeloom.corpus.cued import find_cued
from themeloom.corpus.names import find_names
from themeloom.corpus.tokens import read_message

PLAIN = AnonymiseConfig()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("cheers jo", "cheers [person]"),
        ("thanks siobhan you were ace", "thanks [person] you were ace"),
        ("Thanks Dr Tremlow you legend", "Thanks [person] you legend"),
        ("I asked Dr. O'Driscoll, then Mr. Obuya-Pratt", "I asked [person], then [person]"),
        ("mr tamworthy at school is kind", "[person] at school is kind"),
        ("I was seen by Nurse Adebayo today", "I was seen by [person] today"),
        ("Siobhan was great with me", "[person] was great with me"),
        ("Grace came every day. Grace never shouted.", "[person] came every day. [person] never shouted."),
        ("My name is Dawn", "My name is [person]"),
        ("he told our Kev and wee Jimmy", "he told our [person] and wee [person]"),
        ("It was Oluwaseun who rang", "It was [person] who rang"),
        ("ask Donald Blenkiron about it", "ask [person] about it"),
        ("Yours, J.K. Blenkiron", "Yours, [person]"),
        ("Signed, E. Marsh-Hollis (Mrs)", "Signed, [person]"),
        ("CHEERS SUSAN YOU STAR", "CHEERS [person] YOU STAR"),
        ("Dave's mum and Dave\u2019s dad", "[person]'s mum and [person]\u2019s dad"),
        ("they moved him to Aberystwyth", "they moved him to [place]"),
        ("a locum in Larchbeck listened", "a locum in [place] listened"),
        ("I was on Ashgrove ward for a year", "I was on [place] for a year"),
        ("They shut the clinic on 14 Acacia Avenue", "They shut the clinic on [place]"),
        ("the desk at Mill Road surgery knew", "the desk at [organisation] knew"),
        ("all at Beech House were kind", "all at [organisation] were kind"),
        ("He is in Little Wenborough now", "He is in [place] now"),
        ("mrs o\u2019Hanrahanty, miss o\u2019leary, mr o'leary", "[person], miss [person], [person]"),
        ("ZEBEDIAH TREMLOW is on duty", "[person] is on duty"),
        ("KATHERINE TREMLOW WAS RUDE, Katherine TREMLOW was", "[person] WAS RUDE, [person] was"),
        ("Zebediah Quillon came. QUILLON, who else?", "[person] came. [person], who else?"),
        ("thanks #KatherineTremlow, #Katherine_Tremlow", "thanks [person], [person]"),
        ("Zebediah Quillon, I thank you #ZebediahQuillon", "[person], I thank you [person]"),
        ("they shut 27 harcourt road, and 27A HARCOURT ROAD", "they shut [place], and [place]"),
        ("we live at 17 THISTLEDOWN LANE, he at 5 mill close", "we live at [place], he at [place]"),
        ("u/Siobhan_tremlow_77 left r/Siobhan_fans", "[handle] left r/[person]"),
        ("I followed Siobhan1985 here", "I followed [person] here"),
    ],
)  # fmt: skip
def test_names_are_masked_and_their_neighbours_stay(text: str, masked: str) -> None:
    assert mask_texts([text], PLAIN) == [masked]


@pytest.mark.parametrize(
    "text",
    [
        "On Lithium and Seroquel since Christmas, my CPN says PTSD not BPD",
        "I'm Welsh and he's Somali. We met in Spain at Easter, on a Tuesday in March",
        "NHS and CAMHS and A&E, DBT, ADHD, Ritalin, Schizoaffective, Alzheimers",
        "The Ward Manager and the Nurse in Charge said no. Ward rounds are hell",
        "Mental Health Awareness Week: Time to Talk about Depression",
        "Mind the gap. Rob them. Mark my words. Bill me. Drew a picture. Marry me",
        "Hope is all I have. May is my worst month. Will you come?",
        "Ta duck, ta love. cheers pal. thanks hun. Nowt to say. Innit. Lololol hahaha",
        "my dr doesnt listen, the dr wldnt help. I saw the Dr. He was late",
        "Twitter and Facebook, EastEnders, Tesco and the BBC",
        "#DrSmith #WorldMentalHealthDay #SundayFunday #WillPower #MarkMyWords #TimeToTalk #PlutoFlyby",
        "DEPRESION ANXEITY AND NO SLEEP. THE WARD MANAGER SAID NO, the nurse on PICU GRIPPA",
        "2 way street, 20 minute drive, 10 miles down the road, 3 people close, 2 busy roads",
        "at 20 minutes drive, on 2 main road works, at 2 our way",
        "at 10 o'clock, o'course",
        "I CANNOT DO THIS ANY MORE, WHY WILL NOBODY LISTEN",
        "Can't sleep. Won't eat. Wasn't me. Americans, Canadians and Poles",
        "the day centre, a crisis house, our local hospital, the Psychiatric Unit, a Day Hospital",
    ],
)
def test_words_that_identify_nobody_stay(text: str) -> None:
    assert mask_texts([text], PLAIN) == [text]


def test_a_blank_and_one_word_are_no_name() -> None:
    assert mask_texts([" Ward", " House is Great"], PLAIN) == [" Ward", " House is Great"]


def test_the_study_says_what_is_kept_and_what_is_masked() -> None:
    text = "Trudy gave me Zorbitane at the Blue Door"
    assert mask_texts([text], PLAIN) == ["[person] gave me [person] at the Blue Door"]
    config = AnonymiseConfig(keep=("zorbitane",), mask=("Blue Door", ""))
    assert mask_texts([text], config) == ["[person] gave me Zorbitane at the [person]"]


def test_the_study_keeps_names_in_hashtags_capitals_and_streets() -> None:
    texts = ["thanks #KatherineTremlow", "Katherine TREMLOW came", "27 harcourt road"]
    config = AnonymiseConfig(keep=("tremlow", "harcourt"))
    assert mask_texts(texts, config) == [
        "thanks #KatherineTremlow",
        "[person] TREMLOW came",
        "27 harcourt road",
    ]


def test_names_stay_where_the_study_says_so_but_for_those_that_are_listed() -> None:
    text = "Meine Tochter Anna hat Angst vor der Schule, sagt Dr. Müller aus Köln. @some_one 07700 900362"
    assert "Tochter" not in mask_texts([text], PLAIN)[0], "German nouns have the capitals of English names"
    said = "Meine Tochter Anna hat Angst vor der Schule, sagt Dr. {} aus Köln. [handle] [phone]"
    assert mask_texts([text], AnonymiseConfig(names=False)) == [said.format("Müller")]
    assert mask_texts([text], AnonymiseConfig(names=False, mask=("müller",))) == [said.format("[person]")]


def test_listed_names_are_found_where_a_script_sets_no_blanks() -> None:
    config = AnonymiseConfig(names=False, mask=("花子", "Anna"))
    assert mask_texts(["昨日は花子と病院へ行った", "Annas Anna"], config) == [
        "昨日は[person]と病院へ行った",
        "Annas [person]",
    ]


def test_the_language_model_is_asked_only_where_it_can_tell_something() -> None:
    assert not read_message("The ward was cold on Monday and I cried").wants_entities
    assert read_message("The ward was cold and Wilhelmina cried").wants_entities
    assert read_message("We moved from Reading").wants_entities


def test_words_after_a_hashtag_or_a_placeholder_open_a_sentence() -> None:
    opens = {token.text: token.opens for token in read_message("#tag [handle] Kind of him. So Kind").tokens}
    assert opens == {"Kind": False, "of": False, "him": False, "So": True}
    assert [token.opens for token in read_message("#tag [handle] Kind of").tokens] == [True, False]


@pytest.mark.parametrize(
    "piece", ["A", "A ", "Aa", "Aa ", "Dr ", "Oak Ward ", "St ", "J. ", "a'", "a-", "[person] ", "# ", "x ",
     "QUILLON ", "#AnnQuillon ", "1 quillon road ", "o'quillon "],
)  # fmt: skip
def test_a_hundred_thousand_characters_take_a_moment(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    find_names("Dr Smith", [], frozenset(), frozenset())  # imports
    start = time.process_time()
    find_names(text, [], frozenset(), frozenset())
    assert time.process_time() - start < 2


WORDS = (
    *(
        "Dr",
        "nurse",
        "Miss",
        "sister",
        "my",
        "name is",
        "St",
        "Little",
        "Royal",
        "Ward",
        "House",
        "Road",
        "NHS",
    ),
    *(
        "Will",
        "Grace",
        "June",
        "Reading",
        "London",
        "Wenborough",
        "Shaz",
        "Zorb",
        "Al-Hakim",
        "O'Neill",
        "jo",
    ),
    *(
        "J.",
        "K",
        "I",
        "to",
        "in",
        "from",
        "thanks",
        "was",
        "the",
        "at",
        "[person]",
        "#Tag",
        "\u2018",
        "(Mrs)",
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=9).map(" ".join))
def test_names_are_the_same_when_rules_are_tried_everywhere_and_all_is_read(text: str) -> None:
    message = read_message(text)
    entities = recognise._entities([text])[0] if message.wants_entities else ()
    loose = {find_cued, names._single}  # the others begin by asking what kind of word it is
    with pytest.MonkeyPatch.context() as patch:
        rules = [(rule, (lambda _: True) if rule in loose else may_find) for rule, may_find in names._RULES]
        patch.setattr(names, "_RULES", rules)
        patch.setattr(names, "_rules_of", names._rules_of.__wrapped__)
        everywhere = find_names(text, entities, frozenset(), frozenset())
    assert recognise._names([text], frozenset(), frozenset()) == [everywhere]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ("www", "jo", "@", "at", "(", "[", ".", "/", "_", "0", "12", "+44", " ", "-", "uk", "M1")
        )
        | st.text(max_size=2),
        max_size=20,
    ).map("".join)
)
def test_patterns_are_the_same_when_every_finder_is_tried_on_every_text(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        always = re.compile("")
        patch.setattr(
            patterns, "_FINDERS", tuple((kind, always, find) for kind, _, find in patterns._FINDERS)
        )
        tried = patterns.find_patterns(text)
    assert patterns.find_patterns(text) == tried
