"""From topics to themes: each topic's theme by its labelled members, each message's by its topic."""

from themeloom.config import ThemesConfig
from themeloom.records import Doubles, Ints, Mapping
from themeloom.themes._strategies import MajorityPosterior, themes_of


def map_topics(topic: Ints, theme: Ints, topics: int, themes: int, config: ThemesConfig) -> Mapping:
    """Map each topic to a theme, or to none where it is mixed.

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
