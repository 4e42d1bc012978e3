"""The encoder's backends: measured here, kept by what they hang on, and told apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from themeloom.config import EncoderConfig
from themeloom.discovery import backend
from themeloom.discovery.backend import Finding, Line
from themeloom.discovery.embed import Encoder, encode_cached
from themeloom.errors import OutputError

TEXTS = ["nobody rang", "the waiting list is too long", "the nurse listened to me for an hour"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(backend.HOME, str(tmp_path / "home"))
    return tmp_path / "home"


def finding(times: float, cosine: float = 0.9999) -> Finding:
    """Say that bfloat16 is so many times as fast, but for one round in which the machine was busy."""
    rates = (100.0, 110.0, 90.0)
    other = (times * 100, times * 110, 5.0)
    lines = {"torch": Line(rates, 100.0, 0.0, 1.0), "bfloat16": Line(other, other[0], 1e-3, cosine)}
    return Finding("encoder", backend.facts(), 3, lines)


def encoder(name: str) -> Encoder:
    return Encoder(EncoderConfig.model_validate({"backend": name}))


def test_auto_is_the_reference_where_nothing_was_measured() -> None:
    assert encoder("auto").backend == "torch"
    assert encoder("auto").fingerprint == Encoder(EncoderConfig()).fingerprint


@pytest.mark.parametrize(
    ("found", "used"),
    [
        (finding(1.5), "bfloat16"),
        (finding(1.05), "torch"),
        (finding(0.4), "torch"),
        (finding(3.0, cosine=0.9), "torch"),
    ],
)
def test_auto_is_what_was_found_clearly_faster_and_near(found: Finding, used: str) -> None:
    weights = encoder("auto").weights
    backend.keep(found, weights)
    assert encoder("auto").backend == encoder("auto").settled.backend == used
    assert backend.fastest("of another encoder") == "torch"
    assert encoder("torch").backend == "torch"


def test_what_was_found_on_another_machine_does_not_count() -> None:
    found, weights = finding(2.0), encoder("auto").weights
    backend.keep(replace(found, facts={**found.facts, "processor": "another"}), weights)
    assert encoder("auto").backend == "torch"
    place = backend.keep(found, weights)
    assert encoder("auto").backend == "bfloat16"
    place.write_text('{"lines": 3}')
    assert encoder("auto").backend == "torch"


def test_backends_have_vectors_of_their_own_in_the_cache(tmp_path: Path) -> None:
    plain, other = encoder("torch"), encoder("bfloat16")
    vectors = [encode_cached(TEXTS, one, one.cache(tmp_path)) for one in (plain, other)]
    assert np.allclose(np.linalg.norm(vectors[1], axis=1), 1, atol=1e-5)
    assert 0.999 < float((vectors[0] * vectors[1]).sum(axis=1).min()) < 1
    assert not np.array_equal(*vectors)
    again = encode_cached(TEXTS, encoder("torch"), encoder("torch").cache(tmp_path))
    assert np.array_equal(again, vectors[0])
    assert other.name == f"{plain.name}, bfloat16"
    assert other.parent.backend == "torch"


def test_what_cannot_be_kept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(backend.HOME, str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"backends/.* cannot be written"):
        backend.keep(finding(1.0), "weights")
