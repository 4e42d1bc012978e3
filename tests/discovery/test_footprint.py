"""What an adaptation is said to take beside what it takes."""

import gc
import os
import platform
import time
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from invented import messages
from themeloom.config import AdaptConfig, EncoderConfig
from themeloom.discovery.adapt import Adapter
from themeloom.discovery.embed import Encoder
from themeloom.discovery.footprint import footprint
from themeloom.discovery.processor import at_once
from themeloom.system.memory import give_back

TEXTS, THEMES = messages()
LONG = [" ".join([text] * 6) for text in TEXTS]  # more than is read of a message


def resident() -> int:
    """Bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def taken(adapter: Adapter, states) -> int:
    """Let it learn, and watch by how many bytes the process grows."""
    gc.collect()
    give_back()
    before, most, done = resident(), [0], Event()

    def watch():
        while not done.is_set():
            most[0] = max(most[0], resident())
            time.sleep(0.001)

    watcher = Thread(target=watch)
    watcher.start()
    at_once([lambda: adapter.learn(states, np.array(THEMES), 3)])
    done.set()
    watcher.join()
    return most[0] - before


@pytest.mark.skipif(platform.system() != "Linux", reason="the process's size is read where Linux tells it")
@pytest.mark.parametrize(("layers", "batch_size"), [(1, 32), (3, 32), (3, 96)])
def test_an_adaptation_takes_about_what_it_is_said_to(layers, batch_size):
    config = AdaptConfig(layers=layers, batch_size=batch_size)
    adapter = Adapter(Encoder(EncoderConfig()), config, 3)
    states = adapter.states(LONG)
    taken(adapter, states)  # programs are made for the shapes of matrices, and kept
    said = footprint(states, config)
    assert said / 2 < taken(adapter, states) < said * 1.5


def test_of_nothing_to_read_nothing_is_taken():
    assert footprint([], AdaptConfig()) == 0
