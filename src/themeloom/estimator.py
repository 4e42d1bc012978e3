"""Topics and themes for whoever has arrays and no study file: a scikit-learn estimator."""

from collections import abc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from themeloom.arrays import UNLABELLED, Label, as_labels, as_texts, as_themes
from themeloom.assigning.placing import Placed, Placing
from themeloom.config import (
    AdaptConfig,
    DescribeConfig,
    DiscoverConfig,
    Experiment,
    StudyConfig,
    ThemesConfig,
    ValidateConfig,
)
from themeloom.discovery.describe import to_bertopic
from themeloom.discovery.embed import Encoder
from themeloom.discovery.reduce import MIN_DISTINCT
from themeloom.encoders import Adapted
from themeloom.errors import ConfigError, CorpusError, LabelError
from themeloom.history.quiet import unlogged
from themeloom.members import Labels
from themeloom.parameters import defined_themes, named_here, study_of
from themeloom.progress import Stages
from themeloom.records import Codebook, Discovery, Doubles, Ints, Mapping, Theme
from themeloom.running.learning import gather, learn_themes
from themeloom.running.spreading import in_order
from themeloom.system.atomic import scratch
from themeloom.themes.folds import Trial, draw_folds
from themeloom.themes.mapping import topic_themes

if TYPE_CHECKING:
    from bertopic import BERTopic
    from sklearn.utils import Tags


class ThemeModel(ClassifierMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Topics that emerge from texts, mapped to themes by a few labels: what `themeloom run` learns, no more.

    Texts are embedded; topics are dense regions (UMAP, HDBSCAN); the labels say which theme each topic and
    each message belongs to. Nothing is validated here: every label is learned from, and the folds among them
    only serve to weigh what speaks for a theme. Judge it as any classifier, by `cross_val_score` on labelled
    texts. The order of texts makes no difference.

    Nothing is masked: texts are read as they are given. Nothing is written to disk outside `cache`; without
    one, vectors and topics' words (no texts) lie in a temporary folder until `fit` ends.

    Parameters
    ----------
    encoder : str
        'bundled' (all-MiniLM-L6-v2), or a sentence-transformers model by name or folder.
    strategy : {'stacked', 'soft', 'bayes', 'graph', 'majority', 'zero-shot', 'auto'}
        What gives messages and topics a theme.
    vectors : {'raw', 'raw+adapted'}
        What topics are read from: vectors that no label has touched, or adapted ones beside them.
    adapt : bool
        Whether the encoder is adapted to the labels: better, and slower by that many adaptations as there are
        folds, and one.
    adapt_steps : int or None
        Steps of that training; by default more for many labels, and for topics of adapted vectors.
    min_cluster_size : int or None
        The smallest topic; by default from the number of texts.
    consensus : int or None
        Layouts whose agreement makes the topics; 1 for those of one; by default from the number of texts.
    mixed_below : float
        A topic whose best theme is less probable than this, corrected for chance, has none.
    folds : int
        Inner folds, by which the parts of a strategy are weighed.
    codebook : dict or None
        Theme → its definition. All themes must be in it that `y` names; those that `y` does not name can be
        predicted too. By default the themes of `y`, each defined by its own name.
    random_state : int, RandomState or None
        Seed of everything random. As in a study, the default is a fixed one.
    cache : str, Path or None
        Folder of what was computed once, for the next `fit`.

    Attributes
    ----------
    classes_ : ndarray of shape (themes,)
        The themes, sorted.
    topics_ : tuple of Topic
        One a topic: `.words`, `.weights`, `.size`, `.representative` (places of texts).
    topic_ : ndarray of shape (texts,)
        Each text's topic; -1 where none.
    topic_theme_ : ndarray of shape (texts,)
        The theme of each text's topic; None (where themes are numbers, -1) where the topic is mixed.
    theme_ : ndarray of shape (texts,)
        Each text's own theme, as `predict` gives it, unless an equal text is labelled otherwise.
    theme_probability_ : ndarray of shape (texts,)
        Its probability.
    mapping_ : Mapping
        Each topic's posterior over the themes, and what it was learned from.
    discovery_ : Discovery
        Embeddings, layout, clusters and topics.

    Examples
    --------
    >>> model = ThemeModel(adapt=False).fit(texts, y)  # doctest: +SKIP
    >>> model.predict(["I have waited for two years"])  # doctest: +SKIP
    array(['waiting'], dtype='<U9')
    """

    def __init__(  # noqa: PLR0913 - scikit-learn wants each by its name
        self,
        encoder: str = "bundled",
        *,
        strategy: str = ThemesConfig.model_fields["strategy"].default,
        vectors: str = DiscoverConfig.model_fields["vectors"].default,
        adapt: bool = AdaptConfig.model_fields["enabled"].default,
        adapt_steps: int | None = None,
        min_cluster_size: int | None = None,
        consensus: int | None = None,
        mixed_below: float = ThemesConfig.model_fields["mixed_below"].default,
        folds: int = ValidateConfig.model_fields["folds"].default,
        codebook: abc.Mapping[Any, str] | None = None,
        random_state: int | np.random.RandomState | None = StudyConfig.model_fields["seed"].default,
        cache: str | Path | None = None,
    ) -> None:
        self.encoder = encoder
        self.strategy = strategy
        self.vectors = vectors
        self.adapt = adapt
        self.adapt_steps = adapt_steps
        self.min_cluster_size = min_cluster_size
        self.consensus = consensus
        self.mixed_below = mixed_below
        self.folds = folds
        self.codebook = codebook
        self.random_state = random_state
        self.cache = cache

    def fit(self, texts: Iterable[str], y: Iterable[object] | None = None) -> Self:
        """Find topics in all texts, and learn their themes from those that have a label.

        Parameters
        ----------
        texts
            (texts,): at least ten different ones.
        y
            (texts,): each text's theme, as text or as a whole number; None, NaN, '' or -1 where it has no
            label. Only the strategy 'zero-shot' can do without labels.

        Raises
        ------
        ConfigError
            If a parameter is not what it may be.
        InputError
            If something in `texts` is not text, or blank.
        LabelError
            If `y` and `texts` do not fit, or the labels are too few to learn from.
        CorpusError
            If no topics can emerge.
        """
        config, given = study_of(self.get_params(deep=False)), as_texts(texts)
        _check_texts(given)
        of_each = as_labels(y, len(given))
        # Folds and batches are drawn by place: in an order of our own, so that theirs makes no difference.
        order = sorted(range(len(given)), key=lambda place: (given[place], str(of_each[place])))
        read = [given[place] for place in order]
        named, labels = self._labels([of_each[place] for place in order])
        codebook = self._codebook(named)
        kept = _folded(labels, read, config)
        with self._folder() as folder, named_here():
            evidence = gather(read, codebook, labels, config, folder, Stages())
            discovery, mapping = learn_themes(evidence, labels, kept, Stages())
            adapted = Adapted(evidence.whole, evidence.layers)
        encoder = Encoder(config.encoder).as_it_is()  # a copy on disk is read elsewhere, and later
        placing = (discovery, mapping, adapted, encoder, config.adapt, config.study.seed)
        self._placing = Placing(*placing, informed=evidence.informed)
        self._place, self.classes_ = np.array(order), named
        self._keep()
        return self

    def predict(self, texts: Iterable[str]) -> NDArray[Any]:
        """Give each text its most probable theme, (texts,).

        Texts of `fit` get what they were given then; blank ones are refused, here as there. The theme of a
        text's topic, where that is wanted, is ``np.where(topic < 0, -1, mapping_.theme[topic])``, where
        ``topic`` is what `predict_topic` gives: its place among `classes_`, or -1.
        """
        best = self.predict_proba(texts).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, texts: Iterable[str]) -> Doubles:
        """Give the probability of each theme, (texts, themes), in the order of `classes_`."""
        return self._placed(texts).posterior

    def predict_topic(self, texts: Iterable[str]) -> Ints:
        """Give each text its topic, (texts,); -1 where none is near."""
        return self._placed(texts).topic

    def transform(self, texts: Iterable[str]) -> Doubles:
        """Give each topic's share of the vote of a text's nearest neighbours, (texts, topics).

        Rows sum to 1, or are all 0 where no text of `fit` is near. Texts of `fit` are asked for like others:
        at a topic's border, the most voted topic need not be the one in `topic_`.
        """
        check_is_fitted(self)
        with named_here():
            return self._placing.shares(as_texts(texts))

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Name the columns of `transform`: 'topic0' and so on."""
        check_is_fitted(self)
        return np.array([f"topic{topic.topic}" for topic in self.topics_], dtype=object)

    @property
    def discovery_(self) -> Discovery:
        """Embeddings, layout, clusters and topics; texts as they were given."""
        return in_order(self._placing.discovery, self._place)

    @property
    def mapping_(self) -> Mapping:
        """Each topic's posterior over the themes, and what it was learned from; texts as they were given."""
        found, order = self._placing.mapping, np.argsort(self._place)
        return replace(found, messages=found.messages[order], members=self._place[found.members])

    @unlogged()
    def to_bertopic(self) -> "BERTopic":
        """Return a fitted BERTopic object with the same topics under the same numbers."""
        check_is_fitted(self)
        placing, found = self._placing, self.discovery_
        return to_bertopic(found.embeddings, found.clusters.topic, placing.encoder, DescribeConfig())

    def __sklearn_tags__(self) -> "Tags":
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def _placed(self, texts: Iterable[str]) -> Placed:
        check_is_fitted(self)
        with named_here():
            return self._placing.place(as_texts(texts))

    def _labels(self, given: Sequence[Label | None]) -> tuple[NDArray[Any], Labels]:
        """Return the themes, sorted, and the labels as places among them."""
        position = [place for place, label in enumerate(given) if label is not None]
        labels = [label for label in given if label is not None]
        defined = defined_themes(self.codebook)
        themes = as_themes([*labels, *defined])
        if self.codebook is not None and (unknown := set(labels) - defined.keys()):
            raise LabelError(
                f"y: names the theme {min(unknown)!r}, which the codebook does not have; "
                "define it there, or correct the label."
            )
        numbers = {theme: number for number, theme in enumerate(themes.tolist())}
        theme = np.array([numbers[label] for label in labels], dtype=np.int64)
        return themes, Labels(np.array(position, dtype=np.int64), theme, len(themes))

    def _codebook(self, themes: NDArray[Any]) -> Codebook:
        defined = defined_themes(self.codebook)
        entries = [(str(theme), defined.get(theme, str(theme))) for theme in themes.tolist()]
        return Codebook(tuple(Theme(name, name, definition) for name, definition in entries))

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        if self.cache is not None:
            if not isinstance(self.cache, str | Path):
                raise ConfigError(f"cache: is {self.cache!r}; give the path of a folder, or None.")
            yield Path(self.cache)
            return
        with scratch() as folder:
            yield folder

    def _keep(self) -> None:
        discovery, mapping = self.discovery_, self.mapping_
        self.topics_, self.topic_ = discovery.topics, discovery.clusters.topic
        self.theme_ = self.classes_[mapping.messages.argmax(axis=1)]
        self.theme_probability_ = mapping.messages.max(axis=1)
        numbers = self.classes_.dtype.kind == "i"
        names = np.array(
            [*self.classes_.tolist(), UNLABELLED if numbers else None], None if numbers else object
        )
        self.topic_theme_ = names[topic_themes(self.topic_, mapping)[0]]


def _check_texts(texts: Sequence[str]) -> None:
    distinct = len(set(texts))
    if distinct < MIN_DISTINCT:
        raise CorpusError(
            f"texts: holds {distinct} different text(s), but topics need at least {MIN_DISTINCT}; give more."
        )


def _folded(labels: Labels, texts: Sequence[str], config: Experiment) -> Trial:
    """Let all labels be learned from, and draw the folds among them; equal texts are in one."""
    everybody = np.arange(len(labels.theme))
    if config.themes.strategy == "zero-shot":
        if labels.themes < 2:
            raise LabelError(f"codebook: has {labels.themes} theme(s); give at least two to tell apart.")
        return Trial(everybody, everybody[:0], (), 0)
    named = len(np.unique(labels.theme))
    if not named:
        raise LabelError(
            "y: labels no text; label some of them, or give a codebook and the strategy 'zero-shot'."
        )
    if named < 2:
        raise LabelError("y: names a single theme, which leaves nothing to tell apart; give at least two.")
    written, group = np.unique([texts[place] for place in labels.position], return_inverse=True)
    folds = config.validate_.folds
    if len(written) < folds:
        raise LabelError(
            f"y: labels {len(written)} different text(s), fewer than the {folds} folds; "
            "label more, or lower folds."
        )
    drawn = draw_folds(labels.theme, group, folds, config.study.seed)
    return Trial(everybody, everybody[:0], tuple(drawn), 0)
