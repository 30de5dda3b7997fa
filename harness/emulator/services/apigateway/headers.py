"""Header names and values on their way out: nothing that a template, a mapping or a function says can begin
a header of its own, or take the place of one that belongs to the connection.

docs: API Gateway Developer Guide, Amazon API Gateway important notes: headers remapped as
`x-amzn-remapped-...` (read 2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REMAPPED = frozenset({"connection", "content-length", "date", "server", "upgrade", "www-authenticate"})
_DROPPED = frozenset({"transfer-encoding", "trailer", "keep-alive", "proxy-authenticate"})


def outgoing(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers as they may be sent, names in lower case; of one name the last value."""
    sent: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in _DROPPED or not _NAME.fullmatch(lower):
            continue
        if lower in _REMAPPED:
            lower = "x-amzn-remapped-" + lower
        sent[lower] = _CONTROL.sub(" ", value)
    return sent
