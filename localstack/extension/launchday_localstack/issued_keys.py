"""Who holds an access key that LocalStack's STS issued: the companion verifies signatures, and asks.

Answered to who knows the key's session token already, which is as secret as the secret key. Keys without one,
of IAM users, are not told of.
"""

from __future__ import annotations

import hmac
from typing import Any

from localstack.aws.accounts import get_account_id_from_access_key_id
from localstack.http import Request, Response


def answer(request: Request) -> Response:
    """200 with `arn`, `user_id` and `secret_key`; 404 when there is no such key with that token."""
    asked = request.get_json(force=True, silent=True)
    if not isinstance(asked, dict):
        asked = {}
    found = holder(str(asked.get("access_key", "")), str(asked.get("session_token", "")))
    response = Response(status=404 if found is None else 200)
    response.set_json(found or {"message": "No such access key was issued here."})
    return response


def holder(access_key: str, session_token: str) -> dict[str, Any] | None:
    """The role that was assumed with the key, or None."""
    from moto.sts.models import sts_backends  # slow to load, and seldom asked for

    for backend in sts_backends[get_account_id_from_access_key_id(access_key)].values():
        role = backend.get_assumed_role_from_access_key(access_key)
        if role is not None and hmac.compare_digest(role.session_token.encode(), session_token.encode()):
            return {"arn": role.arn, "user_id": role.user_id, "secret_key": role.secret_access_key}
    return None
