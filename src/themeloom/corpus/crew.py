"""Many texts at once: what identifies somebody is sought in processes of their own, maybe on all cores.

Masking a text depends on that text alone, so that it makes no difference which process does it. The language
model and the lexicon take some 400 MB, which a run that masks apart need not hold to its end. Processes
are started anew, not forked, and are asked in JSON over their standard input: the program that calls needs no
guard, no process inherits another's threads, and nothing but text and numbers goes from one to the other.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import astuple
from queue import SimpleQueue

from themeloom.config import AnonymiseConfig
from themeloom.corpus.patterns import Span
from themeloom.corpus.recognise import recognise
from themeloom.progress import UNWATCHED, Progress
from themeloom.system.cores import cores
from themeloom.system.processes import begun, tell

SOME = 400
"""Texts that are masked in a process of its own; for fewer, starting it costs more than it saves."""

MANY = 20_000
"""Texts that are masked on all cores; for fewer, the time saved is not worth the memory of each process."""

_MOST = 8  # processes: each holds the language model and the lexicon
_PART = 256  # texts that are asked for at a time
_COMMAND = "from themeloom.corpus.crew import work; work()"


def recognise_all(
    texts: Sequence[str], config: AnonymiseConfig, progress: Progress = UNWATCHED, *, apart: int = SOME
) -> list[list[Span]]:
    """Do what `recognise` does, for many texts in processes of their own.

    Parameters
    ----------
    texts, config, progress
        As for `recognise`.
    apart
        For fewer texts no process is started: who asks often had better pass `MANY`.
    """
    if len(texts) < apart:
        return recognise(texts, config, progress)
    number = 1 if len(texts) < MANY else min(cores(), _MOST)
    parts = [texts[start : start + _PART] for start in range(0, len(texts), _PART)]
    found: list[list[Span]] = []
    with _crew(number, config) as crew:
        for part, spans in zip(parts, crew.answers(parts), strict=True):
            if spans is None:
                found += recognise(part, config, progress)
            else:
                found += spans
                progress.advance(len(part))
    return found


class _Crew:
    """Some processes, and for each a thread that waits for its answer."""

    def __init__(self, workers: Sequence["subprocess.Popen[bytes]"]) -> None:
        self._threads = ThreadPoolExecutor(max(len(workers), 1))
        self._idle: SimpleQueue[subprocess.Popen[bytes] | None] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)
        if not workers:
            self._idle.put(None)

    def answers(self, parts: Sequence[Sequence[str]]) -> Iterator[list[list[Span]] | None]:
        """Give the spans of each part, in order; None where the process that was asked has ended."""
        return self._threads.map(self._answer, parts)

    def stop(self) -> None:
        """Ask for nothing more."""
        self._threads.shutdown(cancel_futures=True)

    def _answer(self, part: Sequence[str]) -> list[list[Span]] | None:
        worker, spans = self._idle.get(), None
        try:
            spans = _asked(worker, part) if worker else None
        finally:
            self._idle.put(worker if spans is not None else None)
        return spans


def _asked(worker: "subprocess.Popen[bytes]", part: Sequence[str]) -> list[list[Span]] | None:
    assert worker.stdin and worker.stdout  # noqa: PT018, S101 (both are pipes)
    try:
        tell(worker.stdin, part)
        found = [[Span(*span) for span in spans] for spans in json.loads(worker.stdout.readline())]
    except (OSError, ValueError, TypeError):
        return None
    return found if len(found) == len(part) else None


@contextmanager
def _crew(number: int, config: AnonymiseConfig) -> Iterator[_Crew]:
    """Start processes, and end them however the block ends: there is nothing in them to be lost."""
    workers: list[subprocess.Popen[bytes]] = []
    with suppress(OSError):  # what cannot be started is done here
        workers.extend(_started(config) for _ in range(number))
    crew = _Crew(workers)
    try:
        yield crew
    finally:
        for worker in workers:
            worker.kill()
        crew.stop()
        for worker in workers:
            worker.communicate()


def _started(config: AnonymiseConfig) -> "subprocess.Popen[bytes]":
    worker = begun(_COMMAND, {"OMP_NUM_THREADS": "1"})
    with suppress(OSError):
        assert worker.stdin  # noqa: S101 (it is a pipe)
        tell(worker.stdin, config.model_dump(mode="json"))
    return worker


def work() -> None:
    """Be one of the processes: answer each line of standard input until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers, sys.stdout = sys.stdout, sys.stderr
    config = AnonymiseConfig.model_validate_json(sys.stdin.readline())
    for line in sys.stdin:
        found = recognise(json.loads(line), config)
        print(json.dumps([[astuple(span) for span in spans] for spans in found]), file=answers, flush=True)
