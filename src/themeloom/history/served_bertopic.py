"""A plain BERTopic as MLflow loads it: carried inside each logged model, where it stands on its own.

MLflow copies this file ("models from code") and runs the copy, so it knows nothing of Themeloom.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class ServedBERTopic(PythonModel):
    """Gives each text the topic whose embedding is nearest, as a BERTopic loaded from safetensors does."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the topics and their encoder, which was kept with them or is loaded by its name."""
        from bertopic import BERTopic
        from bertopic.backend import BaseEmbedder

        folder = Path(context.artifacts["bertopic"])
        self.name = context.artifacts.get("encoder") or _read(folder / "config.json").get("embedding_model")
        known = context.artifacts.get("encoder") or (None if self.name else BaseEmbedder())
        self.topics = BERTopic.load(folder, embedding_model=known)
        self.reads_text = type(self.topics.embedding_model) is not BaseEmbedder
        labels = _read(folder / "topics.json")["topic_labels"]
        self.labels = {int(topic): str(label) for topic, label in labels.items()}

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 (MLflow gives it)
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Return topic, similarity and label, one row for each row with a ``text`` or an ``embedding``.

        Rows keep their index; an absent text is empty.
        """
        found, similarity = self._found(model_input) if len(model_input) else ([], [])
        return pd.DataFrame(
            {
                "topic": np.asarray(found, dtype=np.int64),
                "similarity": np.asarray(similarity, dtype=np.float64),
                "label": [self.labels.get(int(topic), "") for topic in found],
            },
            index=model_input.index,
        )

    def _found(self, model_input: pd.DataFrame) -> tuple[Any, Any]:
        if "embedding" in model_input:
            vectors = np.stack([np.asarray(row, dtype=np.float32) for row in model_input["embedding"]])
            found, similarity = self.topics.transform([""] * len(vectors), embeddings=vectors)
        elif self.reads_text:
            texts = ["" if pd.isna(text) else str(text) for text in model_input["text"]]
            found, similarity = self.topics.transform(texts)
        else:
            reason = f"the encoder {self.name!r} cannot be loaded" if self.name else "no encoder is known"
            raise ValueError(f"texts cannot be read, as {reason}; give their vectors as 'embedding'.")
        return found, np.asarray(similarity).reshape(len(found), -1).max(axis=1)


def _read(file: Path) -> Any:  # noqa: ANN401 (JSON)
    return json.loads(file.read_text(encoding="utf-8"))


set_model(ServedBERTopic())
