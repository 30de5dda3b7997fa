"""AWS::Cognito::UserPool, UserPoolClient, UserPoolGroup, UserPoolUser and UserPoolUserToGroupAttachment.

docs: CloudFormation Template Reference, Amazon Cognito (read 2026-11); createOnlyProperties and Ref are those
of the types' registry schemas. A domain of a pool has no type here: there is no hosted sign-in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launchday_localstack.cloudformation.parameters import PropertyError
from launchday_localstack.cloudformation.resources import (
    Model,
    Request,
    ResourceType,
    call,
    deletion,
    undone,
    without,
)

SERVICE = "cognito-idp"
_FIXED = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
"""What an update of a pool cannot change; AWS refuses it, and replaces nothing."""
_POOL_ATTRIBUTES = ("Arn", "ProviderName", "ProviderURL", "UserPoolId")
_CLIENT_ATTRIBUTES = ("ClientId", "ClientSecret", "Name")


def create_pool(request: Request) -> Model:
    """CreateUserPool, and SetUserPoolMfaConfig where second factors are named."""
    client = request.client(SERVICE)
    properties = {"UserPoolName": request.default_name, **request.properties}
    given = without(properties, "UserPoolName", "EnabledMfas")
    if properties.get("EnabledMfas"):
        given.pop("MfaConfiguration", None)
    made = call(client, "create_user_pool", {**given, "PoolName": properties["UserPoolName"]})["UserPool"]
    with undone(lambda: client.delete_user_pool(UserPoolId=made["Id"])):
        _set_second_factors(client, made["Id"], properties)
    provider = f"cognito-idp.{request.region}.amazonaws.com/{made['Id']}"
    return {
        **properties,
        "UserPoolId": made["Id"],
        "Arn": made["Arn"],
        "ProviderName": provider,
        "ProviderURL": f"https://{provider}",
    }


def update_pool(request: Request) -> Model:
    """UpdateUserPool, which takes all settings anew; attributes can only be added."""
    client = request.client(SERVICE)
    pool_id = request.previous["UserPoolId"]
    properties = {"UserPoolName": request.previous["UserPoolName"], **request.properties}
    for name in _FIXED:
        if request.changed(name):
            raise PropertyError(f"Updates are not allowed for property - {name}.")
    added = _added_attributes(request.previous.get("Schema") or [], properties.get("Schema") or [])
    given = without(properties, "UserPoolName", "EnabledMfas", "Schema", *_FIXED)
    if properties.get("EnabledMfas"):
        given.pop("MfaConfiguration", None)
    call(
        client,
        "update_user_pool",
        {**given, "UserPoolId": pool_id, "PoolName": properties["UserPoolName"]},
    )
    if added:
        call(client, "add_custom_attributes", {"UserPoolId": pool_id, "CustomAttributes": added})
    _set_second_factors(client, pool_id, properties)
    return {**{name: request.previous[name] for name in _POOL_ATTRIBUTES}, **properties}


def _set_second_factors(client: Any, pool_id: str, properties: Mapping[str, Any]) -> None:
    factors = properties.get("EnabledMfas")
    if not factors:
        return
    known = {"SOFTWARE_TOKEN_MFA": {"SoftwareTokenMfaConfiguration": {"Enabled": True}}}
    given: Model = {"UserPoolId": pool_id, "MfaConfiguration": properties.get("MfaConfiguration", "OFF")}
    for factor in factors:
        if factor not in known:
            raise PropertyError(f"EnabledMfas: {factor} is not supported.")
        given.update(known[factor])
    call(client, "set_user_pool_mfa_config", given)


def _added_attributes(before: list[Model], after: list[Model]) -> list[Model]:
    """Raises PropertyError when an attribute was changed or taken away."""
    known = {attribute.get("Name"): attribute for attribute in before}
    new = [attribute for attribute in after if attribute.get("Name") not in known]
    kept = [attribute for attribute in after if attribute.get("Name") in known]
    if len(kept) != len(known) or any(known[attribute.get("Name")] != attribute for attribute in kept):
        raise PropertyError("Schema: an attribute of a user pool cannot be changed or removed.")
    return new


def create_client(request: Request) -> Model:
    """CreateUserPoolClient."""
    properties = {"ClientName": request.default_name, **request.properties}
    made = call(request.client(SERVICE), "create_user_pool_client", properties)["UserPoolClient"]
    secret = {"ClientSecret": made["ClientSecret"]} if "ClientSecret" in made else {}
    return {**properties, "ClientId": made["ClientId"], "Name": made["ClientName"], **secret}


def update_client(request: Request) -> Model:
    """UpdateUserPoolClient, which takes all settings anew."""
    previous = request.previous
    properties = {"ClientName": previous["ClientName"], **request.properties}
    given = without(properties, "GenerateSecret")
    call(request.client(SERVICE), "update_user_pool_client", {**given, "ClientId": previous["ClientId"]})
    attributes = {name: previous[name] for name in _CLIENT_ATTRIBUTES if name in previous}
    return {**attributes, **properties, "Name": properties["ClientName"]}


def create_group(request: Request) -> Model:
    """CreateGroup."""
    properties = {"GroupName": request.default_name, **request.properties}
    call(request.client(SERVICE), "create_group", properties)
    return properties


def update_group(request: Request) -> Model:
    """UpdateGroup."""
    properties = {"GroupName": request.previous["GroupName"], **request.properties}
    call(request.client(SERVICE), "update_group", properties)
    return properties


def create_user(request: Request) -> Model:
    """AdminCreateUser."""
    properties = {"Username": request.default_name, **request.properties}
    made = call(request.client(SERVICE), "admin_create_user", properties)["User"]
    return {**properties, "Username": made["Username"]}


def attach(request: Request) -> Model:
    """AdminAddUserToGroup."""
    call(request.client(SERVICE), "admin_add_user_to_group", request.properties)
    return {**request.properties, "Id": request.default_name}


def never_updated(_request: Request) -> Model:
    """Every property of the type replaces the resource, so there is nothing to update."""
    raise PropertyError("Updates are not allowed.")


USER_POOL = ResourceType(
    "AWS::Cognito::UserPool",
    "cognito",
    "UserPoolId",
    create_pool,
    update_pool,
    deletion(SERVICE, "delete_user_pool", "UserPoolId"),
)
USER_POOL_CLIENT = ResourceType(
    "AWS::Cognito::UserPoolClient",
    "cognito",
    "ClientId",
    create_client,
    update_client,
    deletion(SERVICE, "delete_user_pool_client", "UserPoolId", "ClientId"),
    ("UserPoolId", "GenerateSecret"),
)
USER_POOL_GROUP = ResourceType(
    "AWS::Cognito::UserPoolGroup",
    "cognito",
    "GroupName",
    create_group,
    update_group,
    deletion(SERVICE, "delete_group", "UserPoolId", "GroupName"),
    ("UserPoolId", "GroupName"),
)
USER_POOL_USER = ResourceType(
    "AWS::Cognito::UserPoolUser",
    "cognito",
    "Username",
    create_user,
    never_updated,
    deletion(SERVICE, "admin_delete_user", "UserPoolId", "Username"),
    (
        *("UserPoolId", "Username", "UserAttributes", "ValidationData", "ClientMetadata"),
        *("DesiredDeliveryMediums", "ForceAliasCreation", "MessageAction"),
    ),
)
USER_POOL_USER_TO_GROUP_ATTACHMENT = ResourceType(
    "AWS::Cognito::UserPoolUserToGroupAttachment",
    "cognito",
    "Id",
    attach,
    never_updated,
    deletion(SERVICE, "admin_remove_user_from_group", "UserPoolId", "Username", "GroupName"),
    ("UserPoolId", "Username", "GroupName"),
)
TYPES = (
    USER_POOL,
    USER_POOL_CLIENT,
    USER_POOL_GROUP,
    USER_POOL_USER,
    USER_POOL_USER_TO_GROUP_ATTACHMENT,
)
