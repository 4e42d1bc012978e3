"""Spoiling inputs: seeded, so that the same number gives the same input again."""

import json
from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any

LONGEST = 2**16
_ODD = (
    b"\x00",
    b"\xff",
    b"\xfe\xff",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\x1b[2J",
    b"9" * 30,
    b"-1",
    b"\x7f\xff\xff\xff",
)


def spoilt(random: Random, seeds: Sequence[bytes], tokens: Sequence[str]) -> bytes:
    """Return a seed, or halves of two, after some changes: bits, bytes, pieces moved, doubled or left out.

    What is JSON is changed as a tree half of the time, so that it stays JSON.
    """
    data = bytearray(random.choice(seeds))
    if random.random() < 0.5 and (changed := _as_tree(random, bytes(data))):
        return changed
    if random.random() < 0.2:
        other = random.choice(seeds)
        data = data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]
    for _ in range(random.choice((1, 1, 2, 4, 8, 32))):
        _change(random, data, tokens)
    return bytes(data[:LONGEST])


def _change(random: Random, data: bytearray, tokens: Sequence[str]) -> None:
    at = random.randint(0, len(data))
    to = min(len(data), at + random.choice((1, 2, 8, 64, 1024)))
    match random.randrange(7):
        case 0 if at < len(data):
            data[at] ^= 1 << random.randrange(8)
        case 1 if at < len(data):
            data[at] = random.randrange(256)
        case 2:
            del data[at:to]
        case 3:
            data[at:at] = data[at:to] * random.choice((1, 1, 2, 50))
        case 4:
            data[at:at] = random.choice(_ODD)
        case 5 if tokens:
            data[at:at] = random.choice(tokens).encode() * random.choice((1, 1, 1, 2, 40))
        case _:
            elsewhere = random.randint(0, len(data))
            data[elsewhere:elsewhere] = data[at:to]


def _as_tree(random: Random, data: bytes) -> bytes:
    for skipped in (0, 1):  # a first byte may choose the file
        try:
            tree = json.loads(data[skipped:])
        except ValueError:
            continue
        for _ in range(random.choice((1, 1, 2, 5))):
            tree = _changed_tree(random, tree)
        return data[:skipped] + json.dumps(tree).encode()
    return b""


def _changed_tree(random: Random, tree: Any) -> Any:
    if not tree or not isinstance(tree, dict | list) or random.random() < 0.1:
        return _odd(random, tree)
    place = random.choice(list(tree)) if isinstance(tree, dict) else random.randrange(len(tree))
    if random.random() < 0.1:
        del tree[place]
    elif isinstance(tree, dict) and random.random() < 0.1:
        tree[random.choice(("\ud800", "x" * 5000, "id", "text", ""))] = tree.pop(place)
    else:
        tree[place] = _changed_tree(random, tree[place])
    return tree


_VALUES = (None, True, 0, -1, 10**30, 1e308, float("nan"), float("inf"), "", "\ud800\udc00\ud800", "\0",
           "../../x", "1e+22", "2013-02-30", "9" * 400, "x" * 5000, [], {}, [[[]]])  # fmt: skip


def _odd(random: Random, tree: Any) -> Any:
    listing = {"kind": "Listing", "data": {"children": [tree]}}
    around = ([tree], [tree, deepcopy(tree)], {"text": tree}, {"data": tree}, listing, str(tree)[:99])
    return deepcopy(random.choice(random.choice((_VALUES, around))))
