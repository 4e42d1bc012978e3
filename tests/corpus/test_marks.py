"""Marks of repetition, read one by one."""

import time

import pytest

from themeloom.corpus.marks import read


@pytest.mark.parametrize(
    ("text", "body", "named", "stand_in"),
    [
        ("RT @ann: hello there", "hello there", "ann", "hello there"),
        ("rt @Ann hello there", "hello there", "ann", "hello there"),
        ("RT @u@social.example: hello there", "hello there", "u@social.example", "hello there"),
        ("RT @bob: RT @ann: hello…", "hello…", "ann", "hello…"),
        ("♻ @ann: hello", "hello", "ann", "hello"),
        ('"@ann: he said "no" to me"', 'he said "no" to me', "ann", 'he said "no" to me'),
        ('"@ann: he said "no" to me', 'he said "no" to me', "ann", 'he said "no" to me'),
        ("“@ann: hello”", "hello", "ann", "hello"),
        ("MT @ann: hello all via @bob", "hello all", "ann", "hello all via @bob"),
        ("hello all via @bob", "hello all", "bob", None),
        ("hello all via @bo...", "hello all", None, None),
        ("This! RT @ann: hello all of you", "hello all of you", "ann", None),
        ("So very long a comment RT @ann: hello", "So very long a comment RT @ann: hello", None, None),
        ("RT @ann:", "RT @ann:", None, None),
        ("via @ann", "via @ann", None, None),
        ("I hate RT @ann", "I hate RT @ann", None, None),
        ("@ann thank you", "@ann thank you", None, None),
        ("START @ann: hello", "START @ann: hello", None, None),
    ],
)
def test_marks_say_whose_words_they_are(text, body, named, stand_in):
    reading = read(text)
    assert (reading.body, reading.named, reading.stand_in) == (body, named, stand_in)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("@ann: hello all", "hello all"),
        ('"@ann hello all"', "hello all"),
        ('"@ann: hello all of you" quite so', "hello all of you"),
        ("hello all", None),
    ],
)
def test_weaker_readings(text, other):
    assert read(text).other == other


@pytest.mark.parametrize(
    "text",
    [
        f'"They said they would ring me" {"-" * 60} https://nhs.example/help',
        f'"hello" {"- " * 20_000}x/',
        '"@ann: ' * 15_000,
        "RT @ann: " * 15_000 + "hello",
    ],
)
def test_no_message_takes_long_to_read(text):
    started = time.thread_time()
    read(text)
    assert time.thread_time() - started < 2
