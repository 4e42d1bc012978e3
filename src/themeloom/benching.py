"""What is quickest on the machine at hand, measured on it."""

import csv
from importlib.resources import files
from io import StringIO
from pathlib import Path

from themeloom.config import EncoderConfig
from themeloom.discovery.backend import Finding, keep
from themeloom.discovery.embed import Encoder
from themeloom.discovery.timing import ROUNDS, measured
from themeloom.errors import ConfigError
from themeloom.experiment import read_experiment
from themeloom.progress import NOBODY, Watcher

MESSAGES = 128


def bench(
    what: str,
    experiment: str | Path | None = None,
    watcher: Watcher = NOBODY,
    messages: int = MESSAGES,
    rounds: int = ROUNDS,
) -> tuple[Finding, Path]:
    """Measure the backends of an encoder on the demonstration's (synthetic) messages, and keep what is found.

    Parameters
    ----------
    what
        'encoder'.
    experiment
        Whose encoder; by default the bundled one.
    watcher
        Who watches.
    messages, rounds
        How many messages are embedded, and how often.

    Returns
    -------
    finding
        What was measured.
    kept
        The file in which ``encoder.backend = "auto"`` looks.

    Raises
    ------
    ConfigError
        If something else is to be measured, or the encoder cannot be loaded.
    OutputError
        If what was found cannot be kept.
    """
    if what != "encoder":
        raise ConfigError(f"bench: '{what}' cannot be measured; give: themeloom bench encoder [EXPERIMENT].")
    config = read_experiment(experiment).encoder if experiment else EncoderConfig()
    with watcher.stage("bench") as progress:
        found = measured(config, _messages(messages), rounds, progress)
    return found, keep(found, Encoder(config).parent.weights)


def _messages(number: int) -> list[str]:
    table = files("themeloom") / "data" / "dearmhp" / "search-phrase.csv"
    rows = csv.DictReader(StringIO(table.read_text(encoding="utf-8"), newline=""))
    return list(dict.fromkeys(row["content"] for row in rows))[:number]
