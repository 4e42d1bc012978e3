"""Whether a word that may be a name opens its sentence as somebody who acts: Dawn rang, dawn breaks.

With a capital at the beginning of a sentence a word and a name look the same; what follows tells them apart.
"""

from themeloom.corpus import lexicon
from themeloom.corpus.lexicon import section
from themeloom.corpus.tokens import Message, Token

_WHERE = frozenset(("in", "at", "on", "from", "with", "behind"))
_BREAKS = frozenset(("and", "but", "or", "which", "that"))
_FARTHEST = 6
"""Words within which the verb stands, where a place comes first: Pat in the kitchen made me eat."""


def acts(message: Message, position: int) -> bool | None:
    """Tell whether the word there acts as a person does.

    Returns
    -------
    bool or None
        True before what people alone do (Hope rang); False where no verb follows whose subject it could be
        (Frank conversation needed); None where it may be a person or a thing (Rose was), or a sentence is not
        followed at all (Rose, thank you).
    """
    if not message.follows(position + 1):
        return None
    follower = message.tokens[position + 1]
    if follower.titled or follower.unknown:
        return None
    if follower.lower in _WHERE:
        return _verb_after(message, position + 2)
    return _does(follower)


def _does(token: Token) -> bool | None:
    if token.lower in section("people-do"):
        return True
    return None if token.lower in section("beside-verbs") or lexicon.is_finite_verb(token.lower) else False


def _verb_after(message: Message, position: int) -> bool | None:
    """Look for the verb behind "in the kitchen", as far as nothing else begins."""
    for at in range(position, position + _FARTHEST):
        if not message.follows(at) or message.tokens[at].lower in _BREAKS:
            return False
        found = _does(message.tokens[at])
        if found is not False:
            return found
    return False
