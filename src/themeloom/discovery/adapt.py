"""The encoder adapted to labels: its upper layers learn to bring messages of one theme together.

Supervised contrastive learning (Khosla et al. 2020, arXiv:2004.11362) of the last layers alone, on remembered
inputs of these layers: what lies below is computed once a message. Messages are few, and matrices small, so
that one thread an adaptation and several adaptations at once are faster than several threads in one. For that
it happens on the processor, wherever the encoder itself works.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from threading import get_ident
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from themeloom.config import AdaptConfig
from themeloom.discovery.batches import Features, of_like_length, through, unit_vectors
from themeloom.discovery.contrast import contrastive_loss, likely_drawn, rate_at
from themeloom.discovery.embed import Encoder
from themeloom.discovery.processor import at_once, multiplies_bfloat16
from themeloom.errors import ConfigError
from themeloom.records import Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")

Layers = Floats
"""(weights,): all weights of the adapted layers, in the order of the model."""

States = list[Floats]
"""What enters the adapted layers, a message each: (tokens, hidden)."""

TOKENS = 48
"""Of a message that are read in training; what they are told by the lower layers is of the whole message."""
_BATCH = 64
_FEW = 10  # messages of a step that are read at a time: more are padded more, fewer keep a core less busy
_PART = 256  # messages that one core encodes at a time
_EVEN = 8
"""Of which lengths are multiples in bfloat16: for each shape of a matrix a program is made, and kept."""


class _Heard(Exception):  # noqa: N818 - no error: what was asked for is known, and the rest is left
    """What enters the upper layers was heard."""

    def __init__(self, states: Floats) -> None:
        super().__init__()
        self.states = states


@dataclass(frozen=True)
class Adapter:
    """Adapts an encoder's upper layers to labels.

    Parameters
    ----------
    encoder
        A sentence-transformers model whose first module is a transformer.
    config
        ``layers``, ``batch_size``, ``learning_rate``, ``temperature`` and ``arithmetic``.
    seed
        Seed of the batches.

    Raises
    ------
    ConfigError
        When used, if the encoder has no layers that could be adapted.
    """

    encoder: Encoder
    config: AdaptConfig
    seed: int

    def read(self, texts: Sequence[str]) -> tuple[Floats, States]:
        """Return the encoder's own unit vectors, (texts, dimensions), and what enters its upper layers.

        Each distinct text goes through the model once.
        """
        model, caught = self.encoder.model, dict[int, Floats]()

        def asked(features: Features) -> list[tuple[Floats, Floats]]:
            vectors = unit_vectors(model, features)
            return list(zip(vectors, _read_rows(caught.pop(get_ident()), features), strict=True))

        def listen(states: Floats) -> None:
            caught[get_ident()] = states

        told = self._listening(texts, asked, listen)
        return np.stack([vector for vector, _ in told]), [state for _, state in told]

    def states(self, texts: Sequence[str]) -> States:
        """Return what enters the upper layers alone, as `read` does; these layers are not asked."""
        model = self.encoder.model

        def asked(features: Features) -> list[Floats]:
            try:
                model(features)
            except _Heard as heard:
                return _read_rows(heard.states, features)
            raise self._refused()

        def listen(states: Floats) -> None:
            raise _Heard(states)

        return self._listening(texts, asked, listen)

    @property
    def shortens(self) -> bool:
        """Whether matrices are multiplied in bfloat16 in training, and where vectors may be nearly those."""
        return self.config.arithmetic == "auto" and multiplies_bfloat16()

    def learn(
        self, states: Sequence[Floats], theme: Ints, steps: int, stepped: Callable[[], object] = lambda: None
    ) -> Layers:
        """Adapt to labelled messages.

        Parameters
        ----------
        states
            What enters the upper layers, one a message.
        theme
            (messages,): their labels; with fewer than two themes nothing is learned.
        steps
            Of training.
        stepped
            Called after each step.

        Notes
        -----
        Batches are drawn with themes weighted by the square root of their inverse frequency.
        """
        from torch import autocast, bfloat16, from_numpy
        from torch.optim import AdamW

        upper, shortens = self._upper.copy(), self.shortens
        if shortens:
            upper.use_plain_attention()
        trained = list(upper.layers.parameters())
        if len(np.unique(theme)) < 2:
            for _ in range(steps):
                stepped()
            return _flat(trained)
        likely = likely_drawn(theme)
        generator = np.random.default_rng(self.seed)
        optimiser = AdamW(trained, lr=self.config.learning_rate, fused=True)
        for step in range(steps):
            drawn = np.unique(generator.choice(len(theme), self.config.batch_size, p=likely))
            # All threads share autocast's cache, and each would clear it under the others.
            with autocast("cpu", bfloat16, enabled=shortens, cache_enabled=False):
                read = [states[i][:TOKENS] for i in drawn]
                vectors = upper.vectors(read, _FEW, _EVEN if shortens else 1)
            loss = contrastive_loss(vectors.float(), from_numpy(theme[drawn]), self.config.temperature)
            optimiser.param_groups[0]["lr"] = self.config.learning_rate * rate_at(step, steps)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            stepped()
        return _flat(trained)

    def encode(self, states: Sequence[Floats], layers: Layers, *, nearly: bool = False) -> Floats:
        """Return unit vectors, float32 (messages, dimensions): `nearly` those, where it `shortens`."""
        from torch import autocast, bfloat16, from_numpy, inference_mode
        from torch.nn.utils import vector_to_parameters

        upper = self._upper.copy()
        vector_to_parameters(from_numpy(layers), upper.layers.parameters())
        nearly = nearly and self.shortens
        with inference_mode(), autocast("cpu", bfloat16, enabled=nearly, cache_enabled=False):
            vectors: Floats = upper.vectors(states, _BATCH, _EVEN if nearly else 1).float().numpy()
        return vectors

    def encode_at_once(self, states: Sequence[Floats], layers: Layers) -> Floats:
        """Return what `encode` does, on all cores."""
        order = _by_length(states)
        parts = [[states[i] for i in order[start : start + _PART]] for start in range(0, len(order), _PART)]
        encoded = at_once([partial(self.encode, part, layers) for part in parts])
        return np.concatenate(encoded)[np.argsort(order)]

    def _listening(
        self,
        texts: Sequence[str],
        asked: Callable[[Features], list[T]],
        listen: Callable[[Floats], None],
    ) -> list[T]:
        """Put each distinct text through the model; `listen` hears what enters the upper layers."""
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        first = self._layers(self._transformer)[-self.config.layers]
        hook = first.register_forward_pre_hook(lambda _, inputs: listen(inputs[0].float().cpu().numpy()))
        try:
            told = through(self.encoder.model, distinct, _BATCH, asked)
        finally:
            hook.remove()
        found = dict(zip(distinct, told, strict=True))
        return [found[text] for text in texts]

    @property
    def _transformer(self) -> "nn.Module":
        transformer: nn.Module | None = getattr(self.encoder.model[0], "auto_model", None)
        if transformer is None:
            raise self._refused()
        return transformer

    def _layers(self, transformer: "nn.Module") -> "nn.ModuleList":
        """Return the transformer's layers: the list that is as long as its configuration says."""
        from torch import nn

        depth = getattr(transformer.config, "num_hidden_layers", 0)
        for module in transformer.modules():
            if isinstance(module, nn.ModuleList) and len(module) == depth >= self.config.layers:
                return module
        raise self._refused()

    def _refused(self) -> ConfigError:
        return ConfigError(
            f"adapt.layers: the encoder '{self.encoder.name}' has no {self.config.layers} transformer layers "
            "that could be adapted; lower adapt.layers, or set adapt.enabled to false."
        )

    @cached_property
    def _upper(self) -> "_Upper":
        """The encoder without its lower layers, on the processor, nothing but the others to be trained."""
        upper = _Upper(
            self._transformer, self._layers(self._transformer), list(self.encoder.model)[1:]
        ).on_processor()
        upper.transformer.requires_grad_(requires_grad=False)
        del upper.layers[: -self.config.layers]
        upper.layers.requires_grad_(requires_grad=True)
        return upper


@dataclass(frozen=True)
class _Upper:
    """A transformer whose first layer is given its input, and what pools its output."""

    transformer: "nn.Module"
    layers: "nn.ModuleList"
    after: "list[nn.Module]"

    def copy(self) -> "_Upper":
        """Copy all but the word embeddings, which are large and not used."""
        return copy.deepcopy(self, {id(self._words): self._words})

    def on_processor(self) -> "_Upper":
        """Copy onto the processor, in float32, with as good as no word embeddings: no word is looked up."""
        from torch import nn, zeros

        width = self._words.embedding_dim
        none = nn.Embedding(1, width, _weight=zeros(1, width))  # drawing some would move a user's own draws
        copied = copy.deepcopy(self, {id(self._words): none})
        for module in (copied.transformer, *copied.after):
            module.to("cpu").float()
        return copied

    def use_plain_attention(self) -> None:
        """Compute attention step by step: going back through the fused one is slow in bfloat16."""
        choose: Callable[[str], None] | None = getattr(self.transformer, "set_attn_implementation", None)
        if choose is not None:
            choose("eager")

    @property
    def _words(self) -> "nn.Embedding":
        words: nn.Embedding = self.transformer.get_input_embeddings()  # type: ignore[operator]
        return words

    def vectors(self, states: Sequence[Floats], batch: int, even: int = 1) -> "Tensor":
        """Return unit vectors of messages from what enters the layers; so many of like length at once.

        Lengths are filled to a multiple of `even`.
        """
        import torch

        batches = list(of_like_length([len(state) for state in states], batch, even))
        parts = [self._through([states[i] for i in some], even) for some in batches]
        return torch.cat(parts)[np.argsort(np.concatenate(batches))]

    def _through(self, states: Sequence[Floats], even: int) -> "Tensor":
        import torch

        held, mask = _padded(states, even)
        # The model makes masks and positions as it is used to; what its embedding layer says is put aside.
        unread = torch.zeros((*mask.shape, self._words.embedding_dim))
        hook = self.layers[0].register_forward_pre_hook(lambda _, inputs: (held, *inputs[1:]))
        try:
            out = self.transformer(inputs_embeds=unread, attention_mask=mask)
        finally:
            hook.remove()
        features = {"token_embeddings": out[0], "attention_mask": mask}
        for module in self.after:
            features = module(features)
        return torch.nn.functional.normalize(features["sentence_embedding"], dim=1)


def _read_rows(states: Floats, features: Features) -> States:
    """Return each message's states without what a tokeniser may pad nevertheless."""
    sizes = features["attention_mask"].sum(dim=1).tolist()
    return [row[:size] for row, size in zip(states, sizes, strict=True)]


def _by_length(states: Sequence[Floats]) -> list[int]:
    return sorted(range(len(states)), key=lambda i: len(states[i]))


def _padded(states: Sequence[Floats], even: int) -> "tuple[Tensor, Tensor]":
    """Return states as one tensor (messages, tokens, hidden), and its mask (messages, tokens)."""
    import torch

    held = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(state) for state in states], batch_first=True)
    held = torch.nn.functional.pad(held, (0, 0, 0, -held.shape[1] % even))
    sizes = torch.tensor([len(state) for state in states])
    return held, (torch.arange(held.shape[1]) < sizes[:, None]).long()


def _flat(parameters: "list[nn.Parameter]") -> Layers:
    from torch.nn.utils import parameters_to_vector

    return np.asarray(parameters_to_vector(parameters).detach().numpy(), dtype=np.float32)
