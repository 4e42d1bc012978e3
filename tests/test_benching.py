"""`themeloom bench encoder`: measured on this machine, told and kept."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from themeloom import benching
from themeloom.config import EncoderConfig
from themeloom.console.timings import show_finding
from themeloom.discovery import backend
from themeloom.discovery.embed import Encoder
from themeloom.errors import ConfigError


def test_it_is_measured_told_and_kept_for_auto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backend.HOME, str(tmp_path))
    found, kept = benching.bench("encoder", messages=6, rounds=1)
    assert kept.is_relative_to(tmp_path)
    told = json.loads(kept.read_bytes())
    assert told["facts"] == backend.facts()
    assert told["messages"] == 6
    assert Encoder(EncoderConfig(backend="auto")).backend == found.fastest
    console = Console(width=120)
    with console.capture() as shown:
        show_finding(console, found)
    assert f'backend = "auto" uses {found.fastest} on this machine.' in shown.get()
    assert "6 messages, 1 rounds in turn" in shown.get()


def test_only_an_encoder_can_be_measured() -> None:
    with pytest.raises(
        ConfigError, match="bench: 'topics' cannot be measured; give: themeloom bench encoder"
    ):
        benching.bench("topics")
