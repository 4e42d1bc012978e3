"""What masking leaves in texts, and what it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.placeholders import KINDS, PLACEHOLDER, pieces


@pytest.mark.parametrize("kind", KINDS)
def test_placeholders_of_each_kind_are_parted_from_what_people_wrote(kind: str) -> None:
    assert pieces(f"[{kind} 3]rang[{kind}]") == [(True, f"{kind} 3"), (False, "rang"), (True, kind)]


@pytest.mark.parametrize("own", ["[see page 4]", "[sic]", "[Person 1]", "[person one]", "[person 1", "[]"])
def test_peoples_own_brackets_are_theirs(own: str) -> None:
    assert pieces(f"as said {own}, twice") == [(False, f"as said {own}, twice")]


@given(st.lists(st.sampled_from(["[person 1]", "[link]", "[page 4]", "[[place 2]]", "ring ", "]", "1 "])))
def test_pieces_are_the_whole_text(parts: list[str]) -> None:
    text = "".join(parts)
    found = pieces(text)
    assert "".join(f"[{said}]" if masked else said for masked, said in found) == text
    assert sum(masked for masked, _ in found) == len(PLACEHOLDER.findall(text))
