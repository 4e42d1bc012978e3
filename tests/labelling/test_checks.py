"""Topic checks: the questions, their scores against chance, and the page that asks them."""

import math

import numpy as np
import pytest

from builders import make_record
from coding_server import CHECKS, open_store
from themeloom.labelling import checks
from themeloom.studies.labelling_study import topic_shares

RECORD = make_record(60)


@pytest.fixture(scope="module")
def made():
    texts = RECORD.communications["text"].to_list()
    topics = tuple(
        type(topic)(
            topic.topic,
            topic.size,
            topic.outliers,
            tuple(f"w{topic.topic}{n}" for n in range(10)),
            topic.weights,
            (),
        )
        for topic in RECORD.discovery.topics
    )
    return topics, checks.make_checks(topics, topic_shares(RECORD), texts, 7)


def test_each_kind_asks_of_each_topic(made):
    _, found = made
    kinds = [check.kind for check in found]
    assert [kinds.count(kind) for kind in ("word", "topic", "word-set")] == [5, 5, 5]
    assert len({check.key for check in found}) == 15
    assert [len(check.choices) for check in found] == [6] * 5 + [4] * 5 + [4] * 5


def test_exactly_one_choice_does_not_belong(made):
    topics, found = made
    for check in found:
        own = set(topics[check.topic].words)
        strange = [place for place, choice in enumerate(check.choices) if not set(choice.split(", ")) & own]
        if check.kind != "topic":
            assert strange == [check.intruder]


def test_the_strange_topic_is_far_from_the_message(made):
    topics, found = made
    shares, texts = topic_shares(RECORD), RECORD.communications["text"].to_list()
    topic_of = {", ".join(topic.words[:6]): topic.topic for topic in topics}
    for check in [check for check in found if check.kind == "topic"]:
        rows = [place for place, text in enumerate(texts) if text == check.text]
        near = [[shares[row][topic_of[choice]] for choice in check.choices] for row in rows]
        assert any(int(np.argmin(row)) == check.intruder for row in near)


def test_the_same_seed_asks_the_same_and_places_vary(made):
    topics, found = made
    texts = RECORD.communications["text"].to_list()
    assert checks.make_checks(topics, topic_shares(RECORD), texts, 7) == found
    assert checks.make_checks(topics, topic_shares(RECORD), texts, 8) != found
    assert len({check.intruder for check in found}) > 2


def test_two_topics_ask_no_topic_intrusion(made):
    topics, _ = made
    found = checks.make_checks(
        topics[:2], topic_shares(RECORD)[:, :2], RECORD.communications["text"].to_list(), 7
    )
    assert {check.kind for check in found} == {"word", "word-set"}


def test_the_score_of_one_coder_is_wilsons_interval_and_the_binomial_test():
    """4 of 5 right at a chance of 1/6: p = 5 (1/6)^4 (5/6) + (1/6)^5; Wilson's interval by hand."""
    asked = tuple(checks.Check(f"word-{n}", "word", n, tuple("abcdef"), 0) for n in range(5))
    given = {"Ana": {f"word-{n}": n < 4 for n in range(5)}}
    (score,) = checks.scores(asked, given)
    z, p, n = 1.959964, 0.8, 5
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert (score.questions, score.right, score.chance) == (5, 4, pytest.approx(1 / 6))
    assert (score.precision.low, score.precision.high) == (
        pytest.approx(middle - half, abs=1e-6),
        pytest.approx(middle + half, abs=1e-6),
    )
    assert score.p_value == pytest.approx(5 * (1 / 6) ** 4 * (5 / 6) + (1 / 6) ** 5)


def test_guessing_scores_chance_and_its_interval_holds_it():
    rng = np.random.default_rng(3)
    asked = tuple(checks.Check(f"word-{n}", "word", n, tuple("abcdef"), 0) for n in range(60))
    held = []
    for _ in range(40):
        given = {
            coder: {check.key: bool(rng.random() < 1 / 6) for check in asked} for coder in ("Ana", "Ben")
        }
        together = checks.scores(asked, given)[-1]
        assert together.coder == "all"
        held.append(together.precision.low <= 1 / 6 <= together.precision.high)
    assert np.mean(held) > 0.8


def test_the_first_answer_counts(tmp_path):
    with open_store(tmp_path) as store:
        for choice, client in ((5, "a"), (0, "b")):
            checks.answer(store, "run-1", "Ana", CHECKS[0], choice, client)
        checks.answer(store, "another run", "Ana", CHECKS[1], 0, "c")
        assert checks.answered(store, "run-1") == {"Ana": {"word-0": True}}


def test_questions_are_answered_by_keys_and_scored_at_the_end(visit, coding_server, tmp_path):
    server = coding_server(tmp_path, 3)
    cookie = server.enter(server.link, "Ben")
    assert "How often" not in server.ask("/checks", cookie=cookie)[2]
    for number, check in enumerate(CHECKS):
        body = {"client": f"{number:036x}", "check": check.key, "choice": check.intruder}
        assert server.ask("/api/answer", body, cookie=cookie)[0] == 200
    assert server.ask("/api/answer", body | {"choice": 19}, cookie=cookie)[0] == 422
    page = visit(server.link).page
    page.wait_for_url(f"{server.address}/")
    page.fill("#name", "Ana")
    page.press("#name", "Enter")
    page.wait_for_url(f"{server.address}/code")
    page.goto(f"{server.address}/checks")
    for number, key in enumerate("611", start=1):
        page.wait_for_function(
            "text => document.body.innerText.includes(text)", arg=f"Question {number} of 3"
        )
        page.wait_for_load_state("domcontentloaded")  # the script that listens runs after the text is there
        page.keyboard.press(key)
    page.wait_for_selector("table")
    said = page.inner_text("table")
    assert "1.00" in said
    assert "all" in said
