"""What the words of a consent record mean: to permit they must be plain, to forbid they may be vague.

A grant counts for what it names and for nothing else. A withdrawal in words that we do not know may be about
anything, so it forbids everything.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import get_args

from winback.limits import Channel

CHANNELS: tuple[str, ...] = get_args(Channel)
MARKETING, PROFILING, AD_DATA, AD_PERSONAL = "marketing", "profiling", "ad_user_data", "ad_personalization"
PURPOSES = (MARKETING, PROFILING, AD_DATA, AD_PERSONAL)
EVERY_CHANNEL = frozenset(CHANNELS)
EVERY_PURPOSE = frozenset(PURPOSES)
GRANTED, UNKNOWN, WITHDRAWN = "granted", "unknown", "withdrawn"
ANY = frozenset({"any", "all", "*", "every", "everything", "allchannels", "anychannel", "allpurposes"})

_CHANNEL_WORDS: Mapping[str, str] = {
    "email": "email",
    "emails": "email",
    "sms": "sms",
    "textmessage": "sms",
    "push": "push",
    "pushnotification": "push",
    "webpush": "push",
    "post": "post",
    "postal": "post",
    "letter": "post",
    "directmail": "post",
    "call": "call",
    "phone": "call",
    "phonecall": "call",
    "telephone": "call",
    "app": "app",
    "inapp": "app",
    "store": "store",
    "instore": "store",
    "shop": "store",
    "ads": "ads",
    "ad": "ads",
    "advertising": "ads",
    "audience": "ads",
}
# Words that name more than one way: whoever says no to them says no to each.
_VAGUE_CHANNELS: Mapping[str, frozenset[str]] = {
    "mail": frozenset({"email", "post"}),
    "phone": frozenset({"call", "sms"}),
    "telephone": frozenset({"call", "sms"}),
    "app": frozenset({"app", "push"}),
}
_PURPOSE_WORDS: Mapping[str, str] = {
    "marketing": MARKETING,
    "directmarketing": MARKETING,
    "profiling": PROFILING,
    "aduserdata": AD_DATA,
    "adpersonalization": AD_PERSONAL,
    "adpersonalisation": AD_PERSONAL,
}
# Messages about an order are no marketing: a yes to them permits nothing here, a no forbids nothing.
_SERVICE = frozenset({"service", "transactional", "ordermessages"})


def plain(word: object) -> str:
    """A word as it is compared: full-width letters as plain ones, small, without blanks and joining marks.

    Empty for whatever is no text.
    """
    if not isinstance(word, str):
        return ""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(letter for letter in folded if letter.isalnum() or letter == "*")


def meaning_of_status(status: object) -> str:
    """granted, unknown, or withdrawn for all else: what cannot be read may have been a withdrawal."""
    if not isinstance(status, str):
        return WITHDRAWN
    word = status.strip().lower()
    return word if word in (GRANTED, UNKNOWN) else WITHDRAWN


def granted_channels(channel: object) -> frozenset[str]:
    """The channels that a grant for this word permits; none where we do not know the word."""
    word = plain(channel)
    if word in ANY:
        return EVERY_CHANNEL
    return frozenset({_CHANNEL_WORDS[word]}) if word in _CHANNEL_WORDS else frozenset()


def forbidden_channels(channel: object) -> frozenset[str]:
    """The channels that a no to this word forbids; all of them where we do not know the word."""
    word = plain(channel)
    return _VAGUE_CHANNELS.get(word) or granted_channels(word) or EVERY_CHANNEL


def granted_purposes(purpose: object) -> frozenset[str]:
    """The purposes that a grant for this word permits; none where we do not know the word."""
    word = plain(purpose)
    if word in ANY:
        return EVERY_PURPOSE
    return frozenset({_PURPOSE_WORDS[word]}) if word in _PURPOSE_WORDS else frozenset()


def forbidden_purposes(purpose: object) -> frozenset[str]:
    """The purposes that a no to this word forbids; all of them where we do not know the word."""
    word = plain(purpose)
    if word in _SERVICE:
        return frozenset()
    return granted_purposes(word) or EVERY_PURPOSE
