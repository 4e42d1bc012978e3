"""A server of the labelling page over invented messages: `python coding_server.py ROOT PORT [MESSAGES]`.

All is real but the study: no corpus is read. The server is a process forked from one that has imported
everything, so that tests can kill it and start it again in no time; each line on standard input starts it.
"""

import os
import sys
from pathlib import Path

import polars as pl

from builders import make_codebook
from invented import messages
from themeloom.labelling import codebooks, people
from themeloom.labelling.checks import Check
from themeloom.labelling.serving import Hosting
from themeloom.labelling.store import Store
from themeloom.labelling.study import Guess, StudyPage
from themeloom.studies.labelling_study import Opened, serve_study
from themeloom.themes.agreement import agreement

STUDY = "invented"
HOSTILE = (
    '<img src=x onerror="document.title=1"><script>alert(1)</script> {{ 7 * 7 }} [see page 4] by [person 1]'
)
CHECKS = (
    Check("word-0", "word", 0, ("bread", "river", "winter", "market", "songs", "tax"), 5),
    Check("topic-0", "topic", 0, ("a, b", "c, d", "e, f", "g, h"), 1, "I saw [place 3] once"),
    Check("word-set-0", "word-set", 0, ("a, b", "c, d", "e, f", "g, h"), 2),
)


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def invented(number):
    """Messages of a sample; the first is an attack."""
    texts = [HOSTILE, *(f"{text}, says [person {place}]" for place, text in enumerate(messages()[0]))]
    return pl.DataFrame(
        {
            "doc_id": [f"{place:016x}" for place in range(number)],
            "text": [texts[place % len(texts)] for place in range(number)],
            "inclusion_probability": [0.1] * number,
            "design": ["random"] * number,
        }
    )


def label_file(root):
    return Path(root) / "labels" / f"{STUDY}.sqlite"


def open_store(root, number=25):
    store = Store.open(label_file(root), STUDY)
    codebooks.take_in(store, make_codebook(), "test", "as it was")
    store.add_messages(invented(number), "test")
    return store


def page(store, **changed):
    guesses = {row["doc_id"]: Guess("power", 0.62) for row in store.messages()}
    given = {"name": STUDY, "title": "A made-up study", "note": "", "seed": 1, "agreement": agreement}
    given |= {"read_codebook": make_codebook, "guesses": guesses, "run": "run-1", "checks": CHECKS}
    return StudyPage(**{**given, **changed})


def main(root, port, number="25", *coders):
    store = open_store(root, int(number))
    links = {}
    for name in coders:
        people.join(store, name)
        if not people.has_link(store, name):
            links[name] = people.new_secret(store, name)
    opened = Opened(store, page(store), 0, links)
    serve_study(opened, Hosting(port=int(port)), browser=False, said=say)


if __name__ == "__main__":
    import uvicorn  # noqa: F401 (for the processes to come)

    while sys.stdin.readline():
        if (pid := os.fork()) == 0:
            main(*sys.argv[1:])
            os._exit(0)
        say(f"pid {pid}")
        os.waitpid(pid, 0)
