"""How fast backends are, measured."""

import pytest

from themeloom.config import EncoderConfig
from themeloom.discovery.timing import measured

TEXTS = ["nobody rang", "the waiting list is too long", "the nurse listened to me for an hour"]


def test_every_backend_is_timed_and_compared_with_the_reference() -> None:
    found = measured(
        EncoderConfig(static=True), TEXTS, rounds=2
    )  # of a static one, what it is distilled from
    assert found.lines.keys() == {"torch", "bfloat16"}
    assert found.messages == 3
    assert "distilled" not in found.encoder
    assert all(len(line.rates) == 2 and min(line.rates) > 0 for line in found.lines.values())
    assert found.lines["torch"].cosine == pytest.approx(1, abs=1e-5)
    assert found.lines["torch"].difference == 0
    assert 0 < found.lines["bfloat16"].difference < 0.02
    assert 0.999 < found.lines["bfloat16"].cosine < 1
