"""Messages as the platforms export them: what each format looks like, and where its fields stand."""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from themeloom.corpus.drafts import Draft, RowError

Json = dict[str, object]

_RT = re.compile(r"RT @\w{1,50}: ")
_REMOVED = frozenset(
    {"[deleted]", "[removed]", "[deleted by user]", "[ Removed by Reddit ]", "[ Removed by reddit ]"}
)
_PARAGRAPH = re.compile(r"</p>\s*<p[^<>]*>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|li|div|blockquote|pre)>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Format:
    """How one platform's objects are told and read."""

    looks: Callable[[Json], bool]
    draft: Callable[[Json], Draft]


def read_item(item: object, form: Format, name: str) -> Draft | RowError:
    """Read one object of a format."""
    if not isinstance(item, dict):
        return RowError("not a JSON object")
    if not form.looks(item):
        return RowError(f"not an object of the format {name}")
    return form.draft(item)


def unfold(value: object) -> Iterator[object]:
    """Take a page, as an API gives it, apart into its objects; anything else is given as it is."""
    if not isinstance(value, dict) or "text" in value:
        yield value
    elif isinstance(wrapped := _wrapped(value), dict):
        yield wrapped
    elif (page := _listed(value)) is not None:
        yield from page
    elif _is_x_page(value):
        yield from _x_page(value)
    else:
        yield value


def detect(items: list[object]) -> str | None:
    """Name the format that most of these objects look like; None where none does."""
    votes = {
        name: sum(isinstance(item, dict) and form.looks(item) for item in items)
        for name, form in FORMATS.items()
        if name != "x-archive"
    }
    best = max(votes, key=lambda name: votes[name])  # the first of equals: they stand in order of strictness
    return best if votes[best] else None


def _wrapped(value: Json) -> object:
    if value.get("kind") in ("t1", "t3"):  # Reddit's API
        return value.get("data")
    return value.get("tweet")  # the X archive


def _listed(value: Json) -> list[object] | None:
    if value.get("kind") == "Listing":  # Reddit's API
        return [inner for child in _objects(_dig(value, "data", "children")) for inner in unfold(child)]
    for name in ("statuses", "feed", "posts", "records"):  # X v1.1 and Mastodon; Bluesky
        if isinstance(items := value.get(name), list):
            return items
    return None


def _is_x_page(value: Json) -> bool:
    is_empty = _dig(value, "meta", "result_count") == 0
    return is_empty or (isinstance(value.get("data"), list | dict) and "kind" not in value)


def _x_page(page: Json) -> Iterator[object]:
    """Give the tweets of an API v2 page, each with its author and the tweets that it refers to."""
    users = {str(user.get("id")): user for user in _objects(_dig(page, "includes", "users"))}
    tweets = {str(tweet.get("id")): tweet for tweet in _objects(_dig(page, "includes", "tweets"))}
    data = page.get("data", [])
    for tweet in data if isinstance(data, list) else [data]:
        if not isinstance(tweet, dict):
            yield tweet
            continue
        referenced = [
            {**tweets.get(str(ref.get("id")), {}), **ref} for ref in _objects(tweet.get("referenced_tweets"))
        ]
        author = tweet.get("author") or users.get(str(tweet.get("author_id")))
        yield {**tweet, "author": author, "referenced_tweets": referenced}


def _x_v2(tweet: Json) -> Draft:
    retweeted = next(
        (ref for ref in _objects(tweet.get("referenced_tweets")) if ref.get("type") == "retweeted"), {}
    )
    return Draft(
        id=tweet.get("id"),
        text=_whole(_v2_text(tweet), _v2_text(retweeted)),
        created_at=tweet.get("created_at"),
        author=_dig(tweet, "author", "username"),
        author_id=tweet.get("author_id") or _dig(tweet, "author", "id"),
        lang=tweet.get("lang"),
        repeat_of=retweeted.get("id"),
    )


def _v2_text(tweet: Json) -> object:
    return _dig(tweet, "note_tweet", "text") or tweet.get("text")


def _looks_x_v2(value: Json) -> bool:
    return "text" in value and "id" in value and not isinstance(value.get("user"), dict)


def _x_v1(tweet: Json) -> Draft:
    retweeted = _object(tweet.get("retweeted_status"))
    return Draft(
        id=_v1_id(tweet),
        text=_whole(_v1_text(tweet), _v1_text(retweeted)),
        created_at=tweet.get("created_at"),
        author=_dig(tweet, "user", "screen_name"),
        author_id=_v1_id(_object(tweet.get("user"))),
        lang=tweet.get("lang"),
        repeat_of=_v1_id(retweeted),
    )


def _v1_id(value: Json) -> object:
    return value.get("id_str") or value.get("id")


def _v1_text(tweet: Json) -> object:
    return _dig(tweet, "extended_tweet", "full_text") or tweet.get("full_text") or tweet.get("text")


def _looks_x_v1(value: Json) -> bool:
    if "full_text" in value:
        return True
    return "text" in value and ("id_str" in value or isinstance(value.get("user"), dict))


def _whole(text: object, original: object) -> object:
    """Give a retweet that was cut off the whole words of its original."""
    if not (isinstance(text, str) and isinstance(original, str) and text.rstrip().endswith("…")):
        return text
    mark = _RT.match(text)
    return (mark[0] if mark else "") + original


def _reddit(post: Json) -> Draft:
    parts = [post.get("body")] if "body" in post else [post.get("title"), post.get("selftext")]
    parent = post.get("crosspost_parent")
    author = post.get("author")
    return Draft(
        id=post.get("id") or _bare(post.get("name")),
        text="\n\n".join(part for part in parts if isinstance(part, str) and not _is_removed(part)),
        created_at=post.get("created_utc") or post.get("created"),
        author=None if isinstance(author, str) and author in _REMOVED else author,
        author_id=post.get("author_fullname"),
        repeat_of=_bare(parent),
    )


def _is_removed(part: str) -> bool:
    return not part.strip() or part.strip() in _REMOVED


def _bare(name: object) -> object:
    """'t3_abc' → 'abc', as the ids stand in the dumps."""
    return name.partition("_")[2] if isinstance(name, str) else None


def _looks_reddit(value: Json) -> bool:
    has_text = bool({"body", "selftext", "title"} & value.keys())
    return has_text and bool({"subreddit", "subreddit_id", "created_utc", "link_id"} & value.keys())


def _mastodon(status: Json) -> Draft:
    boosted = _object(status.get("reblog"))
    return Draft(
        id=status.get("id"),
        text=_plain(status.get("content") or boosted.get("content")),
        created_at=status.get("created_at"),
        author=_dig(status, "account", "acct"),
        author_id=_dig(status, "account", "id"),
        lang=status.get("language") or boosted.get("language"),
        repeat_of=boosted.get("id"),
    )


def _plain(content: object) -> object:
    """HTML as Mastodon writes it, to text."""
    if not isinstance(content, str):
        return content
    text = _BREAK.sub("\n", _PARAGRAPH.sub("\n\n", content))
    return html.unescape(_TAG.sub("", text)).strip()


def _looks_mastodon(value: Json) -> bool:
    return isinstance(value.get("account"), dict) and ("content" in value or "reblog" in value)


def _bluesky(item: Json) -> Draft:
    post = _object(item.get("post")) or item
    record = _bluesky_record(post)
    reason = _object(item.get("reason"))
    reposter = _object(reason.get("by"))
    author = reposter or _object(post.get("author"))
    languages = record.get("langs")
    return Draft(
        id=_repost_id(reason, reposter, post) if reposter else _bluesky_id(post),
        text=record.get("text"),
        created_at=reason.get("indexedAt") or record.get("createdAt"),
        author=author.get("handle"),
        author_id=author.get("did") or post.get("did") or _repository(post.get("uri")),
        lang=next(iter(languages), None) if isinstance(languages, list) else None,
        repeat_of=_bluesky_id(post) if reposter else None,
    )


def _bluesky_record(post: Json) -> Json:
    """Find the record of a post view, of a listed record, of a stream event, or bare."""
    for record in (post.get("record"), post.get("value"), _dig(post, "commit", "record")):
        if isinstance(record, dict):
            return record
    return post if post.get("$type") == "app.bsky.feed.post" else {}


def _bluesky_id(post: Json) -> object:
    commit = _object(post.get("commit"))
    if "rkey" in commit:
        return f"at://{post.get('did')}/{commit.get('collection')}/{commit['rkey']}"
    return post.get("uri")


def _repost_id(reason: Json, reposter: Json, post: Json) -> object:
    return reason.get("uri") or f"{post.get('uri')}#repost-{reposter.get('did')}"


def _repository(uri: object) -> object:
    """'at://did:plc:abc/app.bsky.feed.post/3k' → 'did:plc:abc'."""
    return uri.split("/")[2] if isinstance(uri, str) and re.match(r"at://did:[^/]+/", uri) else None


def _looks_bluesky(value: Json) -> bool:
    record = _bluesky_record(_object(value.get("post")) or value)
    return "text" in record and ("createdAt" in record or record.get("$type") == "app.bsky.feed.post")


def _dig(value: object, *keys: str) -> object:
    """Return the value under nested keys; None where something on the way is missing or no object."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


FORMATS = {
    "x-v1": Format(_looks_x_v1, _x_v1),
    "x-archive": Format(_looks_x_v1, _x_v1),
    "bluesky": Format(_looks_bluesky, _bluesky),
    "mastodon": Format(_looks_mastodon, _mastodon),
    "reddit": Format(_looks_reddit, _reddit),
    "x-v2": Format(_looks_x_v2, _x_v2),
}
"""The platforms, the strictest look first."""
