"""Messages that try to be more than text, in a run of their own."""

from dataclasses import replace

import polars as pl

from builders import make_record
from themeloom.records import RunRecord

MESSAGES = (
    "<script>window.obeyed = 1</script> <b>bold</b> &amp; &#60;i&#62;",
    "</script><img src=x onerror='window.obeyed = 1'><!-- <script>",
    "{{ 7 * 7 }} {% raw %} {# gone #} %{x} <a href='javascript:window.obeyed = 1'>x</a>",
    "harmless\u202egnp.exe\u202c",
    "x" * 10_000,
    "family 👩‍👩‍👧 and flag 🏳️‍🌈",
    "null\x00byte \x1b[31mred",
    "مرحبا [person 3] welcome",
    "one\u2028two\u2029three",
    "[<b>x</b> 12] and [person 12]",
)


def hostile_record(n: int = 60) -> RunRecord:
    """A made-up run whose first messages, words, names and notes are hostile."""
    record = make_record(n)
    texts = record.communications["text"].to_list()
    texts[: len(MESSAGES)] = MESSAGES
    first, *rest = record.discovery.topics
    words = ("<script>window.obeyed = 2</script>", "{{ word }}", *first.words[2:])
    first = replace(first, words=words, representative=tuple(range(len(MESSAGES))))
    return replace(
        record,
        title="</title><script>window.obeyed = 3</script>",
        note="{{ note }} <img src=x onerror='window.obeyed = 4'>",
        communications=record.communications.with_columns(pl.Series("text", texts)),
        discovery=replace(record.discovery, topics=(first, *rest)),
    )
