"""The most recent event ids of a device, each with how it ended: what makes a redelivery harmless.

Kept in the live state as text, nine characters an event: the outcome's letter and eight of base64, 48 bits of
the id's BLAKE2b (two ids of one device's few hundred share them once in 10^9 devices), newest first.

1. All events of the batch at hand are kept, so that a batch retried after its table write is absorbed whole.
2. Beyond them `KEPT` older ones stay, for a client that sends an accepted event again.
3. While a batch holds redelivered events, nothing is dropped: the rest of that batch (bisected, or begun at
   a later record) may still come; `KEPT_AT_MOST` bounds it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b

from . import rules

KEPT = 24
KEPT_AT_MOST = 2000

_DIGEST_BYTES = 6
_HASH_CHARACTERS = 8
_ENTRY_CHARACTERS = 1 + _HASH_CHARACTERS

_LETTERS = {
    rules.REGISTERED: "R",
    rules.ARCHIVED: "A",
    rules.SPEED: "S",
    rules.DUPLICATE: "D",
    rules.UNCHANGED: "U",
}
_SUPERSEDED_LETTERS = {outcome: letter.lower() for outcome, letter in _LETTERS.items()}
_ENDS = {letter: (outcome, False) for outcome, letter in _LETTERS.items()} | {
    letter: (outcome, True) for outcome, letter in _SUPERSEDED_LETTERS.items()
}


class RecentEvents:
    """The recent events of one device, while a batch is worked on."""

    __slots__ = ("_new", "_old", "_redelivered")

    def __init__(self, text: str = "") -> None:
        self._old = {
            text[start + 1 : start + _ENTRY_CHARACTERS]: text[start]
            for start in range(0, len(text), _ENTRY_CHARACTERS)
        }
        self._new: dict[str, str] = {}
        self._redelivered = False

    def ended(self, event_id: str) -> tuple[str, bool] | None:
        """(outcome, superseded) of an event seen before, or None."""
        if not (self._old or self._new):
            return None
        key = _hash(event_id)
        letter = self._new.get(key)
        if letter is None:
            letter = self._old.get(key)
            if letter is None:
                return None
            self._redelivered = True
        return _ENDS[letter]

    def note(self, event_id: str, outcome: str, superseded: bool) -> None:
        """Remember how an event ended."""
        self._new[_hash(event_id)] = (_SUPERSEDED_LETTERS if superseded else _LETTERS)[outcome]

    def text(self) -> str:
        """What the live state keeps."""
        entries = [letter + key for key, letter in reversed(self._new.items())]
        room = KEPT_AT_MOST if self._redelivered else max(KEPT, len(entries))
        entries += [letter + key for key, letter in self._old.items()]
        return "".join(entries[: max(room, len(self._new))])


def _hash(event_id: str) -> str:
    return urlsafe_b64encode(blake2b(event_id.encode(), digest_size=_DIGEST_BYTES).digest()).decode()
