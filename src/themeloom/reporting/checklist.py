"""The reporting checklist for qualitative research (SRQR), filled as far as a run can fill it."""

from collections.abc import Iterable, Mapping

import polars as pl

from themeloom.records import RunRecord
from themeloom.reporting.contents import ChecklistItem
from themeloom.reporting.quotes import Quotes, quotes_of
from themeloom.reporting.safe_cells import readable_cells
from themeloom.reporting.sentences import (
    coded_told,
    files_told,
    left_out_told,
    score_told,
    shares_told,
    unnamed_told,
)
from themeloom.reporting.texts import counted, say
from themeloom.scored import Stability
from themeloom.system.sheets import as_csv

ITEMS = 21


def checklist(record: RunRecord, quotes: Quotes | None = None) -> tuple[ChecklistItem, ...]:
    """Fill the 21 items of O'Brien and others (2014) from a run; those for the authors stay empty."""
    filled = dict(_filled(record, quotes or quotes_of(record.config)))
    return tuple(
        ChecklistItem(
            f"S{number}",
            say(f"srqr.s{number}_title"),
            say(f"srqr.s{number}_asks"),
            filled.get(number, ""),
        )
        for number in range(1, ITEMS + 1)
    )


def checklist_csv(items: Iterable[ChecklistItem]) -> str:
    """Write the checklist as CSV; no cell of it is a formula."""
    head = [say(f"method.{name}") for name in ("item", "name", "asks", "says")]
    rows = [(item.item, item.title, item.asks, item.says or say("method.yours")) for item in items]
    return as_csv(readable_cells(pl.DataFrame(rows, schema=head, orient="row"))).decode()


def _filled(record: RunRecord, quotes: Quotes) -> Iterable[tuple[int, str]]:
    flow = record.flow
    labels = counted(len(record.labelled), "message")
    masked, unnamed = f"{sum(record.masked.values()):,}", unnamed_told(record.config)
    version = record.versions.get("themeloom", "")
    if record.title:
        yield 1, say("srqr.says_title", title=record.title)
    yield (
        8,
        say(
            "srqr.says_sampling",
            rows=counted(flow.identified, "row"),
            files=files_told(record.config),
            labels=labels,
            design=say(f"srqr.design_{_design(record.config.get('themes', {}))}"),
        ),
    )
    yield 9, say("srqr.says_ethics", masked=masked, unnamed=unnamed and f" {unnamed}")
    yield 10, say("srqr.says_collection", span=_span(record))
    yield 11, say("srqr.says_instruments", version=version)
    repeats = flow.retweets + flow.copies + flow.near_duplicates
    unique, ids = counted(flow.unique, "communication"), counted(flow.ids, "message")
    yield 12, say("srqr.says_units", unique=unique, ids=ids, repeats=f"{repeats:,}")
    what = say("srqr.masked_forms" if unnamed else "srqr.masked_names")
    yield 13, say("srqr.says_processing", aside=f"{flow.unreadable + flow.same_id:,}", what=what)
    topics = counted(record.discovery.clusters.count, "topic")
    themes = counted(len(record.codebook.themes), "theme")
    tied, coded = left_out_told(record.tied, record.coded), coded_told(record.coded)
    yield (
        14,
        say(
            "srqr.says_analysis",
            topics=topics,
            themes=themes,
            labels=labels,
            tied=tied,
            coded=coded and f" {coded}",
        ),
    )
    yield from _findings(record, quotes)


def _held(found: Stability) -> str:
    return say("srqr.says_stability", repeats=found.repeats, over=say(f"told.{found.over}"))


def _findings(record: RunRecord, quotes: Quotes) -> Iterable[tuple[int, str]]:
    scores, held = record.scores, record.discovery.stability
    coders = scores.lines.get("coders", {}).get("kappa")
    yield (
        15,
        say(
            "srqr.says_trust",
            kappa=score_told(scores.overall.get("kappa")),
            coders=say("srqr.says_coders", kappa=score_told(coders)) if coders else "",
            stability=_held(held) if held else "",
        ),
    )
    if shares := shares_told(record):
        yield 16, say("srqr.says_synthesis", shares=shares)
    if quotes != "none":
        yield 17, say("srqr.says_evidence", how=say(f"srqr.evidence_{quotes}"))
    topics = record.communications["topic"]
    left = (topics < 0).sum() / len(topics) if len(topics) else 0.0
    yield 19, say("srqr.says_limits", left=f"{left:.0%}", undecided=f"{int(record.undecided.sum()):,}")


def _design(themes: Mapping[str, object]) -> str:
    if themes.get("sample") == "random":
        return "random"
    return "known" if themes.get("inclusion") else "unknown"


def _span(record: RunRecord) -> str:
    sent = record.communications["created_at"].drop_nulls()
    if not len(sent):
        return ""
    days = sent.dt.strftime("%Y-%m-%d")
    return say("srqr.span", first=days.min(), last=days.max())
