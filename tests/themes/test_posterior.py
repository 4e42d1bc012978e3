"""A message's posterior is its own where there is a classifier, else its topic's."""

from dataclasses import replace

import numpy as np

from builders import make_record
from themeloom.themes.mapping import message_themes
from themeloom.themes.posterior import posterior_of_messages


def parts():
    record = make_record()
    return record.discovery.clusters.topic, record.discovery.embeddings.vectors, record.mapping


def test_a_classifier_speaks_of_the_message_itself():
    topic, vectors, mapping = parts()
    posterior = posterior_of_messages(topic, vectors, mapping)
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    theme, probability = message_themes(topic, vectors, mapping)
    np.testing.assert_array_equal(posterior.argmax(axis=1), theme)
    np.testing.assert_allclose(posterior.max(axis=1), probability)


def test_without_one_its_topic_speaks_and_nothing_where_there_is_none():
    topic, vectors, mapping = parts()
    posterior = posterior_of_messages(topic, vectors, replace(mapping, classifier=mapping.classifier[:0]))
    inside = topic >= 0
    assert 0 < (~inside).sum() < inside.sum()
    np.testing.assert_array_equal(posterior[inside], mapping.posterior[topic[inside]])
    assert np.isnan(posterior[~inside]).all()
