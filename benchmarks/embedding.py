"""How much quicker messages are embedded than by sentence-transformers alone, where three in ten repeat.

Run ``python benchmarks/embedding.py [--messages N] [--rounds N]``: the same made-up messages, side by side in
one process, in turn; ratios of medians. Writes ``benchmarks/results/embedding.json``.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable

import _asked
import numpy as np
from _made import texts

from themeloom.config import EncoderConfig
from themeloom.discovery.embed import Encoder
from themeloom.discovery.processor import cores
from themeloom.system.atomic import whole_file
from themeloom.system.provenance import versions

SEED = 1
REPEATED = 0.3
STATIC_TIMES = 20
"""Times as many distinct messages for the static encoder, so that it has something to do."""


def mixed(messages: int) -> list[str]:
    """Return so many messages of mixed length, three in ten of them repeats, in any order."""
    rng = np.random.default_rng(SEED)
    distinct = list(dict.fromkeys(texts(2 * messages)))[: round(messages * (1 - REPEATED))]
    distinct = [text if place % 4 else " ".join(text.split()[:6]) for place, text in enumerate(distinct)]
    repeats = rng.choice(len(distinct), messages - len(distinct))
    found = [*distinct, *(distinct[place] for place in repeats)]
    return [found[place] for place in rng.permutation(len(found))]


def rate(encode: Callable[[list[str]], object], messages: list[str]) -> float:
    """Return the messages a second."""
    began = time.perf_counter()
    encode(messages)
    return len(messages) / (time.perf_counter() - began)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = _asked.read(parser, __file__, messages=500, rounds=1)
    messages, many = mixed(given.messages), mixed(given.messages * STATIC_TIMES)
    ours, static = Encoder(EncoderConfig()), Encoder(EncoderConfig(static=True))
    plain = ours.model

    def alone(batch: list[str]) -> object:
        return plain.encode(batch, normalize_embeddings=True, show_progress_bar=False)

    rates: dict[str, list[float]] = {"sentence-transformers": [], "themeloom": [], "static": []}
    lines = {"sentence-transformers": (alone, messages), "themeloom": (ours.encode, messages)}
    lines["static"] = (static.encode, many)
    for encode, _ in lines.values():
        encode(messages[:32])
    for _ in range(given.rounds):
        for name, (encode, read) in lines.items():
            rates[name].append(rate(encode, read))
    median = {name: float(np.median(found)) for name, found in rates.items()}
    base = median["sentence-transformers"]
    found = {
        "facts": {
            "machine": f"{platform.machine()}, {cores()} cores",
            "threads": os.environ.get("OMP_NUM_THREADS", "by default"),
            "versions": versions(),
            "messages": len(messages),
            "messages, static": len(many),
            "repeated": REPEATED,
            "rounds": given.rounds,
        },
        "messages a second": {name: [round(each, 1) for each in of_line] for name, of_line in rates.items()},
        "themeloom / sentence-transformers": round(median["themeloom"] / base, 2),
        "static / sentence-transformers": round(median["static"] / base, 1),
    }
    with whole_file(given.results) as draft:
        draft.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
