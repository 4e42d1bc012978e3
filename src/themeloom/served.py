"""What MLflow runs to use a logged model: a copy of this file lies beside the model."""

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from themeloom.model import load


class ServedModel(PythonModel):
    """Topics, themes and their probabilities for a table of messages."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model folder; ``model_config={"encoder": …}`` says where an encoder from a folder is."""
        self._model = load(context.artifacts["model"], (context.model_config or {}).get("encoder"))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 (MLflow passes it)
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Give a row a message: what `Model.assign` gives, with the probability of each theme.

        Parameters
        ----------
        context
            Not used.
        model_input
            A column ``text``: messages, which are masked before they are embedded; an absent one is empty.
        params
            Not used.
        """
        texts = ["" if pd.isna(text) else str(text) for text in model_input["text"]]
        found = self._model.assign(texts, probabilities=True)
        numbers = {**dict.fromkeys(found.columns, "float64"), "topic": "int64"}  # of no message, too
        kinds = {**numbers, **dict.fromkeys(("topic_theme", "theme"), "object")}
        return pd.DataFrame(found.to_dict(as_series=False), index=model_input.index).astype(kinds)


set_model(ServedModel())
