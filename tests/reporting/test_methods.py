"""Methods text, references and checklist."""

import re
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from builders import make_record
from themeloom.config import EncoderConfig, ThemesConfig
from themeloom.discovery.embed import Encoder
from themeloom.encoders import Adapted
from themeloom.history.card import model_card
from themeloom.records import RunRecord
from themeloom.reporting.leads import asked, foot, unnamed
from themeloom.reporting.leads import coded as how_coded
from themeloom.reporting.methods import methods
from themeloom.reporting.summary import summarise
from themeloom.reporting.texts import say
from themeloom.running.spreading import AGREEMENT

STUDY = "Shepherd A, Sanders C. Using social media for support. BMC Psychiatry 2015;15:29."


def configured(**sections: dict[str, object]) -> RunRecord:
    record = make_record()
    config = {name: {**record.config.get(name, {}), **table} for name, table in sections.items()}
    return replace(record, config={**record.config, **config})


def agreed(record: RunRecord) -> RunRecord:
    found = record.discovery
    return replace(record, discovery=replace(found, clusters=replace(found.clusters, layouts=28)))


def test_methods_hold_the_numbers_of_the_run() -> None:
    record = make_record()
    text = " ".join(methods(record).paragraphs)
    for said in (
        "123 rows were identified",
        "left 60 unique communications",
        "11 different placeholders were put in",
        "15 neighbours",
        "5 topics emerged",
        "a codebook of 4 themes and 3 residual categories",
        "5-fold cross-fitting, drawn 10 times",
        "(seed 0)",
        record.run,
    ):
        assert said in text
    kappa = record.scores.overall["kappa"]
    assert f"κ = {kappa.value:.2f} (95% CI {kappa.low:.2f} to {kappa.high:.2f})" in text


def test_a_single_residual_category_is_one() -> None:
    record = make_record()
    one = [replace(theme, residual=at == 0) for at, theme in enumerate(record.codebook.themes)]
    record = replace(record, codebook=replace(record.codebook, themes=tuple(one)))
    assert "a codebook of 6 themes and 1 residual category." in " ".join(methods(record).paragraphs)
    said = asked(summarise(record, paths={}, tracked={}))
    assert "which of 6 themes it is about, or whether it is of the residual category; people coded" in said


def test_messages_on_which_coders_tie_are_told() -> None:
    record = make_record()
    said = "on which they tie"
    assert said not in " ".join(methods(record).paragraphs)
    tied = replace(record, tied=2)
    told = (
        "People coded 20 messages (and 2 messages on which they tie and nobody decided, or that they found "
        "unclear, left out) with a"
    )
    assert told in " ".join(methods(tied).paragraphs)
    assert said not in asked(summarise(record, paths={}, tracked={}))
    assert "(and 2 messages on which they tie" in asked(summarise(tied, paths={}, tracked={}))


def test_how_labels_came_about_is_accounted_for() -> None:
    plain = make_record()
    assert "coded them" not in " ".join(methods(plain).paragraphs)  # a model that did not count
    alone = replace(plain, coded={"coders": 1, "several": 0, "adjudicated": 0})
    assert "3 residual categories. One coder coded them. " in " ".join(methods(alone).paragraphs)
    coded = {"coders": 2, "several": 31, "adjudicated": 4, "unclear": 1, "guessed": 3, "assisted": 12}
    record = replace(plain, tied=2, coded=coded)
    out = (
        "(and 2 messages on which they tie and nobody decided, or that they found unclear, and 1 message to "
        "which nobody gave a code, and 3 messages "
        "coded only with the model\u2019s guess in sight, left out)"
    )
    came = (
        "2 coders coded; how far they agree is told from 31 messages that two or more of them coded. 4 "
        "labels were adjudicated. 12 codes given with the model\u2019s guess in sight were left out."
    )
    found, page = methods(record), summarise(record, paths={}, tracked={})
    text = " ".join(found.paragraphs)
    (analysis,) = [item.says for item in found.checklist if item.item == "S14"]
    for said in (text, analysis):
        assert f"20 messages {out}" in said
        assert came in said
    assert f" messages {out}." in asked(page)
    assert (page.coded, how_coded(page)) == (coded, came)


def test_names_are_not_said_to_be_masked_where_they_were_not_sought() -> None:
    told = "Names of people, places and organisations were not recognised (anonymise.names = false)"
    for record, sought in ((make_record(), True), (configured(anonymise={"names": False}), False)):
        found, page = methods(record), summarise(record, paths={}, tracked={})
        text = " ".join(found.paragraphs)
        assert (told in text) is not sought
        assert ("Identifying text (names, handles, " in text) is sought
        ethics, processing = (item.says for item in found.checklist if item.item in {"S9", "S13"})
        assert (told in ethics) is not sought
        assert ("identifying text masked" in processing) is sought
        assert ("what could name a person stands" in foot(page)) is sought
        assert (told in unnamed(page)) is not sought
        assert ("names, which were not recognised" in model_card(record)) is not sought


def test_everything_cited_is_in_the_references_and_the_other_way_round() -> None:
    others = configured(validate={"held_out": 0.3}), configured(encoder={"static": True})
    for record in (agreed(make_record()), *others):
        found = methods(record)
        text = " ".join(found.paragraphs)
        aside = {"themeloom", "srqr"}  # named without year, and on the checklist
        assert [one.cited for one in found.references if one.key not in aside and one.cited not in text] == []
        years = re.findall(r"(?:et al\.|[A-Z]\w+), ((?:19|20)\d\d[a-z]?)", text)
        assert len(years) >= 9
        assert set(years) <= {one.cited.rpartition(", ")[2] for one in found.references}


def test_groups_are_told_where_they_were_compared() -> None:
    record = make_record()
    found = methods(record)
    assert "in each group of messages too (carers, patients), from" in " ".join(found.paragraphs)
    assert "newcombe" in {one.key for one in found.references}
    without = methods(replace(record, scores=replace(record.scores, groups=record.scores.groups.clear())))
    assert "group of messages" not in " ".join(without.paragraphs)
    assert "newcombe" not in {one.key for one in without.references}


def test_the_text_follows_the_configuration() -> None:
    held_out = methods(configured(validate={"held_out": 0.3}))
    assert "set aside, and nothing was learned from them" in " ".join(held_out.paragraphs)
    assert "nadeau" not in {one.key for one in held_out.references}
    consensus = " ".join(methods(agreed(make_record())).paragraphs)
    assert "consensus of 28 layouts, clustered in turns at two densities (evidence" in consensus
    assert "Fred and Jain, 2005" in consensus
    informed = " ".join(methods(configured(discover={"vectors": "raw+adapted"})).paragraphs)
    assert "Labels informed the topics" in informed


@pytest.mark.parametrize("strategy", get_args(ThemesConfig.model_fields["strategy"].annotation))
def test_every_strategy_has_its_text(strategy: str) -> None:
    own = say(f"methods.strategy_{strategy}")
    if strategy != "auto":
        assert own in " ".join(methods(configured(themes={"strategy": strategy})).paragraphs)


def test_the_strategy_that_auto_took_is_told() -> None:
    each = "; each fold that is judged chose for itself"
    plain, auto = configured(themes={"strategy": "stacked"}), {"strategy": "auto"}
    cases = (
        (configured(themes=auto), each),
        (configured(themes=auto, validate={"held_out": 0.3}), ""),
    )
    for record, end in cases:
        text = " ".join(methods(record).paragraphs)
        told = (
            "Of several strategies \u2018stacked\u2019 was taken, which predicts best inside the training "
            "folds"
        )
        assert f"{told}{end}. {say('methods.strategy_stacked')}, with the encoder" in text
        assert f"mapping by | stacked, which auto chose{end} |" in model_card(record)
    assert "Of several strategies" not in " ".join(methods(plain).paragraphs)
    assert "mapping by | stacked |" in model_card(plain)
    mapping = plain.mapping
    other = replace(mapping, parts={name: part[:0] for name, part in mapping.parts.items()})
    unknown = replace(configured(themes=auto), mapping=other)  # of a version with other parts
    assert say("methods.strategy_auto") in " ".join(methods(unknown).paragraphs)
    assert "mapping by | auto |" in model_card(unknown)


def test_an_encoder_that_nothing_asked_to_adapt_is_not_said_to_be_adapted() -> None:
    adapted = configured(themes={"strategy": "bayes"})  # adapting is allowed, as it is by default
    empty = Adapted(np.zeros((60, 0), np.float32), np.zeros(0, np.float32))
    for record, said in ((adapted, True), (replace(adapted, adapted=empty), False)):
        found = methods(record)
        assert ("supervised contrastive learning" in " ".join(found.paragraphs)) is said
        assert ("supcon" in {one.key for one in found.references}) is said


def test_a_distilled_encoder_is_told_and_cited() -> None:
    record = configured(encoder={"static": True})
    found = record.discovery
    for name, told in (("bundled", "all-MiniLM-L6-v2 (Wang et al., 2020)"), ("models/mine", "mine")):
        encoder = Encoder(EncoderConfig(name=name, static=True)).name
        embeddings = replace(found.embeddings, encoder=encoder)
        text = methods(replace(record, discovery=replace(found, embeddings=embeddings)))
        said = " ".join(text.paragraphs)
        distilled = "a static distillation (Model2Vec; Tulkens and van Dongen, 2024)"
        assert f"{distilled} of the sentence encoder {told} (8 dimensions" in said
        assert "a ridge regression told from those of the distillation" in said
        assert "model2vec" in {one.key for one in text.references}
    plain = methods(make_record())
    assert "distillation" not in " ".join(plain.paragraphs)
    assert "model2vec" not in {one.key for one in plain.references}


def test_a_sample_in_which_topics_were_found_is_told() -> None:
    assert "in a sample of" not in " ".join(methods(make_record()).paragraphs)
    record = configured(discover={"sample": 6000})
    quality = replace(record.quality, overall=record.quality.overall | {AGREEMENT: 0.914})
    text = " ".join(methods(replace(record, quality=quality)).paragraphs)
    assert "Topics were found in a sample of 6,000 messages" in text
    assert "91% came to the topic that the clustering had given them. " in text


def test_the_study_is_cited_as_it_asks() -> None:
    found = methods(configured(study={"citation": STUDY}))
    (study,) = [one for one in found.references if one.key == "study"]
    assert (study.cited, study.text) == ("Shepherd et al., 2015", STUDY)
    assert study.bibtex.startswith("@misc{study,")
