"""From topics to themes: each topic's theme by its members, each message's by its own words."""

import numpy as np

from themeloom.config import ThemesConfig
from themeloom.records import Doubles, Floats, Ints, LabelledSample, Mapping, Members
from themeloom.themes._classifier import posterior_of
from themeloom.themes._strategies import MajorityPosterior, themes_of
from themeloom.themes._vote import MemberVote


def learn_mapping(sample: LabelledSample, members: Members, themes: int, config: ThemesConfig) -> Mapping:
    """Map topics to themes, as ``config.strategy`` says.

    'majority' is `map_topics`. 'vote' learns a classifier of single messages from the labels (logistic
    regression on their vectors, themes weighted evenly); a topic's posterior is the shares of its members
    whose best theme each is, labelled ones as they are. Topics themselves are found without labels.

    Parameters
    ----------
    sample
        The labelled sample.
    members
        The communications' topics and vectors.
    themes
        Number of themes.
    config
        ``strategy``, ``prior`` and ``mixed_below``.
    """
    position, theme = sample.position[sample.decided], sample.theme[sample.decided]
    if config.strategy == "majority":
        topics = int(members.topic.max(initial=-1)) + 1
        return map_topics(members.topic[position], theme, topics, themes, config)
    return MemberVote(members, position, theme, themes, config.mixed_below).fit()


def map_topics(topic: Ints, theme: Ints, topics: int, themes: int, config: ThemesConfig) -> Mapping:
    """Map each topic to a theme by its labelled members alone, or to none where it is mixed.

    A topic's posterior over themes is the mean of a Dirichlet distribution: the labels of its members
    plus a prior of ``config.prior`` labels, shared out as the themes are among all labels. The topic is
    mapped to its most probable theme, and is 'mixed' where that theme's probability is below
    ``config.mixed_below``, where two themes tie, or where none of its members has a label.

    Parameters
    ----------
    topic
        (labelled messages,): their topics; those with -1 tell how common themes are, and no more.
    theme
        (labelled messages,): their labels; those with -1 carry no evidence.
    topics, themes
        How many there are.
    config
        ``prior`` and ``mixed_below``.

    Returns
    -------
    Mapping
        ``posterior`` (topics, themes), rows sum to 1; ``theme`` (topics,), -1 where mixed; ``labels``
        (topics, themes), the counts of labelled members.
    """
    return MajorityPosterior(topics, themes, config.prior, config.mixed_below).fit(topic, theme)


def assign_themes(topic: Ints, mapping: Mapping) -> tuple[Ints, Doubles]:
    """Give each communication the theme of its topic.

    Parameters
    ----------
    topic
        (communications,): their topics, -1 where none.
    mapping
        Which theme each topic belongs to.

    Returns
    -------
    tuple
        (communications,) index of the theme and (communications,) its probability; -1 and NaN where the
        communication has no topic, or its topic is mixed.
    """
    return themes_of(topic, mapping)


def message_themes(topic: Ints, vectors: Floats, mapping: Mapping) -> tuple[Ints, Doubles]:
    """Give each communication its own best theme: by the classifier, else the theme of its topic.

    Parameters
    ----------
    topic
        (communications,): their topics, -1 where none.
    vectors
        (communications, dimensions): unit length.
    mapping
        With or without a classifier.

    Returns
    -------
    tuple
        (communications,) index of the theme and (communications,) its probability.
    """
    if not len(mapping.classifier):
        return themes_of(topic, mapping)
    posterior = posterior_of(vectors, mapping.classifier)
    return posterior.argmax(axis=1), np.asarray(posterior.max(axis=1))
