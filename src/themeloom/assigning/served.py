"""What MLflow runs to use a logged model: a copy of this file lies beside the model."""

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from themeloom.arrays import as_texts
from themeloom.model import load


class ServedModel(PythonModel):
    """Topics, themes and their probabilities for a table of messages."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model folder; ``model_config={"encoder": …}`` says where an encoder from a folder is."""
        self._model = load(context.artifacts["model"], (context.model_config or {}).get("encoder") or None)

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 (MLflow passes it)
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Give a row a message: what `Model.assign` gives, with the probability of each theme.

        Rows without a text (null, or nothing but white space) come back in their place: of topic -1, with
        null for all else.

        Parameters
        ----------
        context
            Not used.
        model_input
            A column ``text``: messages, which are masked before they are embedded.
        params
            Not used.

        Raises
        ------
        InputError
            If something in ``text`` is neither text nor null.
        """
        given = model_input["text"].astype(object)
        texts = as_texts(given.where(given.notna(), ""), blank=True)
        there = [place for place, text in enumerate(texts) if text.strip()]
        found = self._model.assign([texts[place] for place in there], probabilities=True)
        numbers = {**dict.fromkeys(found.columns, "float64"), "topic": "int64"}  # of no message, too
        kinds = {**numbers, **dict.fromkeys(("topic_theme", "theme"), "object")}
        table = pd.DataFrame(found.to_dict(as_series=False)).astype(kinds)
        if len(there) < len(texts):
            table.index = pd.Index(there)
            table = table.reindex(range(len(texts))).fillna({"topic": -1}).astype({"topic": "int64"})
        lacking = table.columns[table.isna().any()]  # as objects, for JSON has null, and no NaN
        table[lacking] = table[lacking].astype(object).where(table[lacking].notna(), None)
        return table.set_axis(model_input.index)


set_model(ServedModel())
