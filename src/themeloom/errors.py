"""Every error that Themeloom raises on purpose.

::

    ThemeloomError            one sentence a fault: what was found, where, and how to mend it
    ├── ConfigError           the experiment file
    ├── InputError            a source file that cannot be read as what it says it is
    ├── CodebookError         the codebook
    ├── LabelError            the labelled sample
    ├── CorpusError           messages that were read, but of which no topics can be made
    ├── ModelError            a model folder that is incomplete, altered or from a newer version
    ├── OutputError           a folder that cannot be written
    ├── EngineError           a cluster that is not there, or cannot do its work
    └── TrackingError         the MLflow store

The command line prints the sentences and leaves with exit code 2; no traceback is shown for these.
"""

MOST_TOLD = 50
"""Faults of one file that are told one by one."""


def first_of(faults: list[str]) -> list[str]:
    """Shorten a list of faults; its last line says how many more there are."""
    more = len(faults) - MOST_TOLD
    return faults if more <= 0 else [*faults[:MOST_TOLD], f"{more:,} more faults like these."]


class ThemeloomError(Exception):
    """Base of all errors that a user can mend.

    Parameters
    ----------
    *faults
        One sentence for each fault, most often a single one. Readers that can find several faults
        in one pass give all of them.
    """

    exit_code = 2

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class ConfigError(ThemeloomError):
    """The experiment file has a fault."""


class InputError(ThemeloomError):
    """A source file is missing, empty, or not in the format that it says."""


class CodebookError(ThemeloomError):
    """The codebook has a fault."""


class LabelError(ThemeloomError):
    """The labelled sample has a fault."""


class CorpusError(ThemeloomError):
    """The messages cannot carry topics: too few, all alike, or of one word."""


class ModelError(ThemeloomError):
    """A model folder is incomplete, altered, or written by a newer version."""


class OutputError(ThemeloomError):
    """A folder or file cannot be written."""


class EngineError(ThemeloomError):
    """A cluster cannot be reached, or cannot do its work."""


class TrackingError(ThemeloomError):
    """The MLflow store cannot be reached or refuses."""
