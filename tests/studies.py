"""A small study of made-up messages, to be spoilt by tests of bad input."""

import csv
from dataclasses import dataclass
from pathlib import Path

SUBJECTS = {
    "waiting": ["the waiting list", "my referral", "the appointment letter", "the assessment"],
    "listening": ["you listened", "my nurse smiled", "she remembered my name", "you sat with me"],
}
ENDINGS = [
    "after two long years",
    "on a wet Monday",
    "and that changed everything",
    "while the kettle boiled",
    "again and again",
    "when nobody else would",
    "before the holidays",
    "at the end of a long day",
]

CODEBOOK = """\
themes:
  - key: waiting
    name: Waiting
    definition: Having to wait for help.
  - key: listening
    name: Listening
    definition: Being heard.
"""

EXPERIMENT = """\
[study]
name = "small"

[[sources]]
path = "messages.csv"
columns = { id = "id", text = "text" }

[adapt]
steps = 2
layers = 1

[cluster]
consensus = 8

[themes]
codebook = "codebook.yaml"
labels = "labels.csv"

[validate]
folds = 3
bootstrap = 100
"""


@dataclass(frozen=True)
class Study:
    """Files of a study in one folder."""

    folder: Path

    @property
    def experiment(self) -> Path:
        return self.folder / "experiment.toml"

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def rewrite(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def write_messages(self, texts: list[str]) -> None:
        with (self.folder / "messages.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows((f"m{number}", text) for number, text in enumerate(texts))


def write_study(folder: Path) -> Study:
    """Write 64 messages on two subjects, of which 24 are labelled."""
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(folder)
    pairs = [
        (subject, f"{start} {end}")
        for end in ENDINGS
        for subject, starts in SUBJECTS.items()
        for start in starts
    ]
    study.write_messages([text for _, text in pairs])
    labels = [f"m{number},{subject}" for number, (subject, _) in enumerate(pairs[:24])]
    study.write("labels.csv", "\n".join(["id,coder", *labels]) + "\n")
    study.write("codebook.yaml", CODEBOOK)
    study.write("experiment.toml", EXPERIMENT)
    return study
