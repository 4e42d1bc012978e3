"""What was computed once: found again, never half-written, made anew where it is damaged."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.system.cache import Arrays, Cache, VectorCache, code_digest, digest


class Maker:
    """Makes arrays, and counts how often."""

    def __init__(self, value: float = 1.0) -> None:
        self.times = 0
        self.value = value

    def __call__(self) -> Arrays:
        self.times += 1
        return {"floats": np.full((3, 2), self.value, dtype=np.float32), "ints": np.arange(4)}


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_result_is_made_once(tmp_path: Path) -> None:
    cache, make = Cache(tmp_path), Maker()
    made, known = cache.remember("reduce", "key", make)
    again, known_again = Cache(tmp_path).remember("reduce", "key", make)
    assert (known, known_again, make.times) == (False, True, 1)
    for name, array in made.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_keys_and_stages_are_kept_apart(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    values = {("a", "1"): 1.0, ("a", "2"): 2.0, ("b", "1"): 3.0}
    for (stage, key), value in values.items():
        cache.remember(stage, key, Maker(value))
    for (stage, key), value in values.items():
        found, known = cache.remember(stage, key, Maker(-1.0))
        assert known
        assert found["floats"][0, 0] == value


@pytest.mark.parametrize("damage", [b"", b"not safetensors", None])
def test_a_damaged_entry_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    cache, make = Cache(tmp_path), Maker()
    cache.remember("reduce", "key", make)
    (entry,) = _entries(tmp_path)
    entry.write_bytes(entry.read_bytes()[:-5] if damage is None else damage)
    found, known = cache.remember("reduce", "key", make)
    assert (known, make.times) == (False, 2)
    np.testing.assert_array_equal(found["floats"], np.ones((3, 2)))
    assert cache.remember("reduce", "key", make)[1]


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> Arrays:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        Cache(tmp_path).remember("reduce", "key", fail)
    assert _entries(tmp_path) == []


def test_two_writers_of_one_entry_agree(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def make() -> Arrays:
        together.wait(timeout=30)  # all four have found nothing, and write now
        return Maker()()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: Cache(tmp_path).remember("reduce", "key", make), range(4)))
    assert [known for _, known in results] == [False] * 4
    assert [path.name for path in _entries(tmp_path)] == ["key.safetensors"]
    assert Cache(tmp_path).remember("reduce", "key", Maker())[1]


def test_arrays_that_do_not_lie_in_rows_come_back_right(tmp_path: Path) -> None:
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    cache = Cache(tmp_path)
    cache.remember("reduce", "key", lambda: {"transposed": table.T})
    np.testing.assert_array_equal(cache.remember("reduce", "key", Maker())[0]["transposed"], table.T)


texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=8, unique=True)


def _vectors(of: list[str], shift: float = 0.0) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.array([[len(text), i + shift] for i, text in enumerate(of)], dtype=np.float32).reshape(-1, 2)


def _found(cache: VectorCache, of: list[str]) -> set[str]:
    return {text for text, known in zip(of, cache.find(of)[0], strict=True) if known}


@given(known=texts, other=texts)
def test_vectors_are_found_by_their_text(
    tmp_path_factory: pytest.TempPathFactory, known: list[str], other: list[str]
) -> None:
    cache = VectorCache(tmp_path_factory.mktemp("cache"), "encoder")
    vectors = _vectors(known)
    cache.add(known, vectors)
    asked = [*other, *known, *known]
    there, found = cache.find(asked)
    assert there.tolist() == [text in known for text in asked]
    assert found.dtype == np.float32
    for text, is_there, vector in zip(asked, there, found, strict=True):
        np.testing.assert_array_equal(
            vector, vectors[known.index(text)] if is_there else np.zeros_like(vector)
        )


def test_vectors_of_two_encoders_are_kept_apart(tmp_path: Path) -> None:
    VectorCache(tmp_path, "one").add(["a"], _vectors(["a"]))
    assert _found(VectorCache(tmp_path, "two"), ["a"]) == set()


def test_vectors_are_added_to(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder")
    cache.add(["a", "b"], _vectors(["a", "b"]))
    cache.add(["c"], _vectors(["c"], 7.0))
    assert _found(cache, ["a", "b", "c", "d"]) == {"a", "b", "c"}


def test_texts_do_not_stand_in_the_cache(tmp_path: Path) -> None:
    VectorCache(tmp_path, "encoder").add(["a secret message"], _vectors(["a secret message"]))
    (entry,) = _entries(tmp_path)
    assert b"secret" not in entry.read_bytes()


def test_a_damaged_segment_costs_its_own_vectors_only(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder")
    cache.add(["a"], _vectors(["a"]))
    cache.add(["b"], _vectors(["b"]))
    _entries(tmp_path)[0].write_bytes(b"damaged")
    assert len(_found(cache, ["a", "b"])) == 1
    cache.add(["a", "b"], _vectors(["a", "b"]))
    assert len(_found(cache, ["a", "b"])) == 2


def test_a_segment_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder")
    cache.add(["a"], _vectors(["a"]))
    (entry,) = _entries(tmp_path)
    entry.write_bytes(entry.read_bytes().replace(np.float32(1).tobytes(), np.float32(2).tobytes()))
    assert _found(cache, ["a"]) == set()
    assert _entries(tmp_path) == []


def test_vectors_that_were_not_used_for_longest_leave_first(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder", limit=1)
    for age, text in enumerate("abc"):
        VectorCache(tmp_path, "encoder").add([text], _vectors([text]))
        for entry in _entries(tmp_path):
            os.utime(entry, ns=(0, entry.stat().st_mtime_ns - 10**9 * (3 - age)))
    size = sum(entry.stat().st_size for entry in _entries(tmp_path))
    _found(cache, ["a"])  # it is used again
    VectorCache(tmp_path, "other", limit=size).add(["d"], _vectors(["d"]))
    assert _found(cache, ["a", "b", "c"]) == {"a", "c"}
    cache.add(["e"], _vectors(["e"]))  # what is new stays, whatever the limit
    assert _found(cache, ["a", "c", "e"]) == {"e"}


def test_a_cache_that_may_only_be_read_is_of_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = VectorCache(tmp_path, "encoder")
    cache.add(["a"], _vectors(["a"]))

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refused)
    assert _found(cache, ["a"]) == {"a"}


def test_two_writers_of_vectors_lose_nothing(tmp_path: Path) -> None:
    def add(number: int) -> None:
        shared_and_own = ["shared", f"own {number}"]
        VectorCache(tmp_path, "encoder").add(shared_and_own, _vectors(shared_and_own))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))
    found = _found(VectorCache(tmp_path, "encoder"), ["shared", *(f"own {number}" for number in range(6))])
    assert len(found) == 7


def test_a_digest_tells_content_type_shape_and_order_apart() -> None:
    row = np.arange(4, dtype=np.int64)
    different = [
        digest(row),
        digest(row.astype(np.int32)),
        digest(row.reshape(2, 2)),
        digest(row[::-1]),
        digest(row, row),
        digest("a", "b"),
        digest("b", "a"),
        digest("ab"),
        digest(["a", "b"]),
        digest({"a": 1}),
        digest({"a": 1.5}),
        digest(None),
    ]
    assert len(set(different)) == len(different)


def test_a_digest_depends_on_nothing_else() -> None:
    table = np.arange(6).reshape(2, 3)
    assert digest(table.T) == digest(np.ascontiguousarray(table.T))
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(("a", "b")) == digest(["a", "b"])


def test_changed_code_has_another_digest(tmp_path):
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    first.write_text("one = 1\n")
    second.write_text("two = 2\n")
    before = code_digest(first, second)
    assert code_digest(first, second) == before
    second.write_text("two = 3\n")
    assert code_digest(first, second) != before


def test_what_is_known_can_be_asked_for_without_making_it(tmp_path):
    cache = Cache(tmp_path)
    assert not cache.knows("stage", "key")
    cache.remember("stage", "key", lambda: {"one": np.zeros(1)})
    assert cache.knows("stage", "key")
    assert not cache.knows("other", "key")


def test_an_entry_that_cannot_be_read_is_not_known(tmp_path):
    cache = Cache(tmp_path)
    cache.remember("stage", "key", lambda: {"array": np.ones(2)})
    assert cache.knows("stage", "key")
    (tmp_path / "stage" / "key.safetensors").write_bytes(b"half-wri")
    assert not cache.knows("stage", "key")


def test_only_what_is_looked_up_is_checked_and_a_change_of_it_is_noticed(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder")
    of = [f"text {number}" for number in range(200)]
    cache.add(of, np.full((200, 64), 0.5, np.float32) * np.arange(1, 201, dtype=np.float32)[:, None])
    (entry,) = _entries(tmp_path)
    content = bytearray(entry.read_bytes())
    place = content.index(np.full(64, 50.0, np.float32).tobytes())  # the vector of text 99
    content[place] ^= 1
    entry.write_bytes(content)
    others = [text for text in of if text != "text 99"]
    assert _found(cache, others) == set(others)
    assert _found(cache, of) == set()
    assert _entries(tmp_path) == []


def test_a_vector_under_another_text_s_digest_is_not_believed(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder")
    cache.add(["a", "b"], _vectors(["a", "b"]))
    (entry,) = _entries(tmp_path)
    one, other = (np.array([1, i], np.float32).tobytes() for i in (0, 1))
    content = entry.read_bytes().replace(one, b"\0" * 7 + b"!").replace(other, one)
    entry.write_bytes(content.replace(b"\0" * 7 + b"!", other))
    assert _found(cache, ["a", "b"]) == set()


@settings(deadline=None)  # it writes files
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_whatever_bit_turns_no_wrong_vector_is_given(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    cache = VectorCache(tmp_path_factory.mktemp("cache"), "encoder")
    of = ["one", "other", "third one"]
    cache.add(of, _vectors(of))
    (entry,) = _entries(cache.folder)
    content = bytearray(entry.read_bytes())
    content[place % len(content)] ^= 1 << bit
    entry.write_bytes(content)
    there, vectors = cache.find(of)
    assert np.array_equal(vectors[there], _vectors(of)[there]) or not there.any()
