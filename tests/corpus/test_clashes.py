"""Ids that clash between files."""

import polars as pl
import pytest

from themeloom.config import IngestConfig, SourceConfig
from themeloom.corpus.clashes import check_ids
from themeloom.corpus.ingest import read_sources
from themeloom.errors import InputError

FIRST = ["the kettle is on", "nobody rang me back", "two years on a list", "she smiled at last"]
SECOND = ["rain all week here", "my dog ate it", "what a match that was", "buses are late again"]


def write(path, texts):
    path.write_text("id,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts)), encoding="utf-8")
    return str(path)


@pytest.fixture
def sources(tmp_path):
    columns = {"id": "id"}
    return [
        SourceConfig(path=write(tmp_path / "a.csv", FIRST), columns=columns),
        SourceConfig(path=write(tmp_path / "b.csv", SECOND), columns=columns),
    ]


def test_row_numbers_in_two_files_are_told(sources):
    with pytest.raises(InputError, match=r"a\.csv, b\.csv: 4 ids name different messages .* id_prefix"):
        read_sources(sources, IngestConfig())


def test_a_prefix_keeps_them_apart(sources):
    told = [sources[0], sources[1].model_copy(update={"id_prefix": "b-"})]
    rows = read_sources(told, IngestConfig()).rows
    assert rows["source_id"].to_list() == ["0", "1", "2", "3", "b-0", "b-1", "b-2", "b-3"]


def test_the_same_search_twice_is_no_clash(tmp_path, sources):
    cut = [text[:-6] + "…" for text in FIRST]
    again = SourceConfig(path=write(tmp_path / "c.csv", cut), columns={"id": "id"})
    assert len(read_sources([sources[0], again], IngestConfig()).rows) == 8


def test_one_edited_post_is_no_clash():
    rows = pl.DataFrame(
        {
            "source_id": ["1", "1", "2", "2"],
            "file": ["a", "b", "a", "b"],
            "text": ["something else", "entirely other words", "the same here", "the same here"],
        }
    )
    check_ids(rows)
    with pytest.raises(InputError):
        check_ids(pl.concat([rows.with_columns(source_id=f"{n}" + pl.col("source_id")) for n in range(3)])
                  .filter(pl.col("text") != "the same here"))  # fmt: skip


def people(path, answers):
    """One row an answer, with the person's number as the id: each gave a first and then a second one."""
    rows = [f"{n},{text}" for each in answers for n, text in enumerate(each)]
    path.write_text("\n".join(["id,text", *rows]), encoding="utf-8")
    return str(path)


def test_one_number_for_all_that_a_person_said_is_told(tmp_path):
    path = people(tmp_path / "m.csv", [FIRST, SECOND])
    told = r"^m\.csv:2: 4 ids stand on several different messages.*lines 2, 6\); leave out columns\.id"
    with pytest.raises(InputError, match=told):
        read_sources([SourceConfig(path=path, columns={"id": "id"})], IngestConfig())
    assert len(read_sources([SourceConfig(path=path)], IngestConfig()).rows) == 8


def test_each_table_is_told_of(tmp_path):
    made = [
        SourceConfig(path=people(tmp_path / name, [FIRST, SECOND]), columns={"id": "id"}, id_prefix=name)
        for name in ("m.csv", "n.csv")
    ]
    with pytest.raises(InputError) as caught:
        read_sources(made, IngestConfig())
    assert [fault[:8] for fault in caught.value.faults] == ["m.csv:2:", "n.csv:2:"]


@pytest.mark.parametrize("again", [FIRST, [f"{text} edited" for text in FIRST]])
def test_a_row_that_is_there_twice_is_no_clash(tmp_path, again):
    path = people(tmp_path / "m.csv", [FIRST, again])
    assert len(read_sources([SourceConfig(path=path, columns={"id": "id"})], IngestConfig()).rows) == 8


def test_few_edited_posts_among_many_repeated_rows_are_no_clash(tmp_path):
    same = [f"the very same {n}" for n in range(8)]
    path = people(tmp_path / "m.csv", [same + FIRST, same + SECOND])
    assert len(read_sources([SourceConfig(path=path, columns={"id": "id"})], IngestConfig()).rows) == 24


def test_posts_of_a_platform_may_be_edited(tmp_path):
    posts = [
        f'{{"id": "{n}", "title": "", "selftext": "{text}", "author": "a", "created_utc": 1500000000, '
        f'"subreddit": "x", "name": "t3_{n}"}}'
        for texts in (FIRST, SECOND)
        for n, text in enumerate(texts)
    ]
    path = tmp_path / "dump.jsonl"
    path.write_text("\n".join(posts), encoding="utf-8")
    assert len(read_sources([SourceConfig(path=str(path), format="reddit")], IngestConfig()).rows) == 8
