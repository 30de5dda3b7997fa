"""Header names and values on their way out: nothing that a template, a mapping or a function says can begin
a header of its own, or take the place of one that belongs to the connection.

docs: API Gateway Developer Guide, Amazon API Gateway important notes: headers remapped as
`x-amzn-remapped-...` (read 2026-11). Those are the headers of integrations: a gateway response may ask for
Basic credentials by its own WWW-Authenticate (seen in published set-ups of Basic authentication).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CHALLENGE = "www-authenticate"
_REMAPPED = frozenset({"connection", "content-length", "date", "server", "upgrade", _CHALLENGE})
_DROPPED = frozenset({"transfer-encoding", "trailer", "keep-alive", "proxy-authenticate"})


def outgoing(headers: Iterable[tuple[str, str]], *, challenges: bool = False) -> dict[str, str]:
    """The headers as they may be sent, names in lower case; of one name the last value. WWW-Authenticate
    stays what it is where `challenges`."""
    sent: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in _DROPPED or not _NAME.fullmatch(lower):
            continue
        if lower in _REMAPPED and not (challenges and lower == _CHALLENGE):
            lower = "x-amzn-remapped-" + lower
        sent[lower] = _CONTROL.sub(" ", value)
    return sent
