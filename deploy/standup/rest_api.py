"""An API Gateway REST API that is described as a whole: brought to its description, deployed, and put back.

What is served is a deployment, a snapshot. Its description is the hash of the `ApiDescription` that it was
made of, with the id of the authorizer, so a stage that serves that is up to date.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.rest_methods import Methods, bring_methods, standing_methods
from deploy.standup.waiting import found

_MISSING = ("NotFoundException",)


@dataclass(frozen=True)
class Authorizer:
    """A Lambda authorizer of the Authorization header: of the kind TOKEN, or REQUEST, which is given all of
    the request."""

    name: str
    function_arn: str
    ttl_s: int
    kind: str = "TOKEN"
    pattern: str | None = None
    """What a token must match; others are refused without asking the function."""


@dataclass(frozen=True)
class ApiDescription:
    """All of an API. `methods` maps path and verb to what API Gateway says of a method."""

    authorizer: Authorizer
    methods: Methods
    gateway_responses: Mapping[str, Mapping[str, str]]
    """Response type -> headers of its own."""
    stage_variables: Mapping[str, str] = field(default_factory=dict)

    def hash(self) -> str:
        """The same for the same description."""
        whole = [vars(self.authorizer), self.methods, self.gateway_responses, self.stage_variables]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class RestApi:
    """A regional REST API with one stage, found by its name."""

    clients: Clients
    name: str
    api_name: str
    stage: str
    region: str
    describe: Callable[[Known], ApiDescription]
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        """Create the API, or bring it to what is described, and deploy what changed."""
        described = self.describe(known)
        gateway = self.clients("apigateway")
        api_id = self._find()
        if api_id is None:
            api_id = gateway.create_rest_api(
                name=self.api_name,
                description="Made by launchday.",
                endpointConfiguration={"types": ["REGIONAL"]},
            )["id"]
            journal.note(f"created the API {self.api_name}", self.take_down)
            journal = Journal()  # what is within goes with the API
        authorizer_id = self._authorizer(api_id, described.authorizer, journal)
        self._methods(api_id, _authorized(described.methods, authorizer_id), journal)
        for kind, headers in described.gateway_responses.items():
            self._gateway_response(api_id, kind, headers, journal)
        self._deploy(api_id, f"{described.hash()} {authorizer_id}", described.stage_variables, journal)
        return {"id": api_id, "stage": self.stage, "authorizer_id": authorizer_id}

    def _find(self) -> str | None:
        pages = self.clients("apigateway").get_paginator("get_rest_apis").paginate()
        ids = [each["id"] for page in pages for each in page["items"] if each["name"] == self.api_name]
        return min(ids, default=None)

    def _authorizer(self, api_id: str, described: Authorizer, journal: Journal) -> str:
        gateway = self.clients("apigateway")
        partition = described.function_arn.split(":")[1]
        wanted = {
            "authorizerUri": (
                f"arn:{partition}:apigateway:{self.region}:lambda:path/2015-03-31/functions/"
                f"{described.function_arn}/invocations"
            ),
            "identitySource": "method.request.header.Authorization",
            "authorizerResultTtlInSeconds": described.ttl_s,
            **({"identityValidationExpression": described.pattern} if described.pattern else {}),
        }
        items = gateway.get_authorizers(restApiId=api_id)["items"]
        there = next((each for each in items if each["name"] == described.name), None)
        if there is None:
            made = gateway.create_authorizer(
                restApiId=api_id, name=described.name, type=described.kind, **wanted
            )
            journal.note(
                f"created the authorizer of {self.api_name}",
                lambda: gateway.delete_authorizer(restApiId=api_id, authorizerId=made["id"]),
            )
            there = made  # what a creation leaves out, a patch puts in (moto: the validation expression)
        before = {key: there.get(key, "") for key in wanted}
        if before != wanted:
            self._patch_authorizer(api_id, there["id"], wanted)
            journal.note(
                f"changed the authorizer of {self.api_name}",
                lambda: self._patch_authorizer(api_id, there["id"], before),
            )
        return str(there["id"])

    def _patch_authorizer(self, api_id: str, authorizer_id: str, values: Mapping[str, Any]) -> None:
        self.clients("apigateway").update_authorizer(
            restApiId=api_id,
            authorizerId=authorizer_id,
            patchOperations=[
                {"op": "replace", "path": f"/{key}", "value": str(value)} for key, value in values.items()
            ],
        )

    def _methods(self, api_id: str, wanted: Methods, journal: Journal) -> None:
        gateway = self.clients("apigateway")
        before = standing_methods(gateway, api_id)
        if before != wanted:
            journal.note(
                f"changed the methods of {self.api_name}", lambda: bring_methods(gateway, api_id, before)
            )
            bring_methods(gateway, api_id, wanted)

    def _gateway_response(self, api_id: str, kind: str, headers: Mapping[str, str], journal: Journal) -> None:
        gateway = self.clients("apigateway")
        there = found(
            lambda: gateway.get_gateway_response(restApiId=api_id, responseType=kind), missing=_MISSING
        )
        wanted = {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()}
        if there is None or there.get("responseParameters", {}) != wanted:
            gateway.put_gateway_response(restApiId=api_id, responseType=kind, responseParameters=wanted)
            journal.note(
                f"changed the gateway response {kind}", self._gateway_response_back(api_id, kind, there)
            )

    def _gateway_response_back(
        self, api_id: str, kind: str, before: Mapping[str, Any] | None
    ) -> Callable[[], object]:
        gateway = self.clients("apigateway")
        if before is None or before.get("defaultResponse", False):
            return lambda: gateway.delete_gateway_response(restApiId=api_id, responseType=kind)
        return lambda: gateway.put_gateway_response(
            restApiId=api_id,
            responseType=kind,
            responseParameters=before.get("responseParameters", {}),
            responseTemplates=before.get("responseTemplates", {}),
        )

    def _deploy(self, api_id: str, wanted: str, variables: Mapping[str, str], journal: Journal) -> None:
        gateway = self.clients("apigateway")
        stage = found(lambda: gateway.get_stage(restApiId=api_id, stageName=self.stage), missing=_MISSING)
        if stage is not None and self._served(api_id, stage["deploymentId"]) == wanted:
            return
        deployment = gateway.create_deployment(restApiId=api_id, description=wanted)["id"]
        if stage is None:
            gateway.create_stage(
                restApiId=api_id, stageName=self.stage, deploymentId=deployment, variables=dict(variables)
            )
            journal.note(
                f"created the stage {self.stage}",
                lambda: gateway.delete_stage(restApiId=api_id, stageName=self.stage),
            )
            return
        before = stage.get("variables", {})
        self._serve(api_id, deployment, before, variables)
        journal.note(
            f"deployed {self.api_name}",
            lambda: self._serve(api_id, stage["deploymentId"], variables, before),
        )

    def _served(self, api_id: str, deployment_id: str) -> str:
        deployment = self.clients("apigateway").get_deployment(restApiId=api_id, deploymentId=deployment_id)
        return str(deployment.get("description", ""))

    def _serve(
        self, api_id: str, deployment_id: str, before: Mapping[str, str], variables: Mapping[str, str]
    ) -> None:
        patch = [{"op": "replace", "path": "/deploymentId", "value": deployment_id}]
        patch += [
            {"op": "replace", "path": f"/variables/{name}", "value": value}
            for name, value in variables.items()
            if before.get(name) != value
        ]
        patch += [{"op": "remove", "path": f"/variables/{name}"} for name in before if name not in variables]
        self.clients("apigateway").update_stage(restApiId=api_id, stageName=self.stage, patchOperations=patch)

    def take_down(self) -> None:
        """Delete the API with its stage."""
        api_id = self._find()
        if api_id is not None:
            found(lambda: self.clients("apigateway").delete_rest_api(restApiId=api_id), missing=_MISSING)


def _authorized(methods: Methods, authorizer_id: str) -> Methods:
    """`methods`, each behind the authorizer."""
    return {
        path: {
            verb: {**method, "authorizationType": "CUSTOM", "authorizerId": authorizer_id}
            for verb, method in verbs.items()
        }
        for path, verbs in methods.items()
    }
