"""User pools of the cases, with an app client each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jwt

from tests.conformance.catalogue import documented
from tests.conformance.kit import Cleanup
from tests.conformance.targets import Aws

READ = "2026-11-24"
PASSWORD = "Correct-Horse-1"
FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
SERVICE = "cognito-idp"


def guide(title: str, page: str) -> Any:
    address = f"cognito/latest/developerguide/{page}.html"
    return documented(f"Cognito Developer Guide, {title}", address, noted=READ)


ID_TOKEN = guide("Understanding the identity (ID) token", "amazon-cognito-user-pools-using-the-id-token")
ACCESS_TOKEN = guide("Understanding the access token", "amazon-cognito-user-pools-using-the-access-token")
REFRESH = guide("Refresh tokens", "amazon-cognito-user-pools-using-the-refresh-token")
FLOWS_GUIDE = guide("Authentication flows", "amazon-cognito-user-pools-authentication-flow-methods")


@dataclass(frozen=True)
class Pool:
    """A user pool of a case's own, with an app client."""

    aws: Aws
    idp: Any
    id: str
    client_id: str

    def user(self, name: str = "ana", password: str = PASSWORD, **attributes: str) -> str:
        """A new, confirmed user; the name."""
        told = [{"Name": key, "Value": value} for key, value in attributes.items()]
        self.idp.admin_create_user(
            UserPoolId=self.id, Username=name, UserAttributes=told, MessageAction="SUPPRESS"
        )
        self.idp.admin_set_user_password(UserPoolId=self.id, Username=name, Password=password, Permanent=True)
        return name

    def sign_in(self, name: str = "ana", password: str = PASSWORD, **more: str) -> dict[str, Any]:
        """What InitiateAuth answers by USER_PASSWORD_AUTH."""
        answer: dict[str, Any] = self.idp.initiate_auth(
            ClientId=self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password, **more},
        )
        return answer

    def tokens(self, name: str = "ana") -> dict[str, str]:
        found: dict[str, str] = self.sign_in(name)["AuthenticationResult"]
        return found

    def refresh(self, token: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.idp.initiate_auth(
            ClientId=self.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": token},
        )["AuthenticationResult"]
        return answer


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def created(aws: Aws, cleanup: Cleanup, client: dict[str, Any] | None = None, **pool: Any) -> Pool:
    idp = aws.client(SERVICE)
    id_ = idp.create_user_pool(PoolName=aws.name("pool"), **pool)["UserPool"]["Id"]
    cleanup.add(idp.delete_user_pool, UserPoolId=id_)
    asked = {"ClientName": "app", "ExplicitAuthFlows": FLOWS, **(client or {})}
    client_id = idp.create_user_pool_client(UserPoolId=id_, **asked)["UserPoolClient"]["ClientId"]
    return Pool(aws, idp, id_, client_id)
