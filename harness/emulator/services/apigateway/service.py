"""API Gateway: REST APIs as they are deployed, executed.

The control plane is somebody else's: its requests are forwarded, and deployments are noticed on the way.
`control` mends what that other one answers wrongly, `compiler` makes plans of deployments, and `execution`
runs them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.services.apigateway.compiler import Surroundings, compile_stage
from harness.emulator.services.apigateway.control import ControlPlane
from harness.emulator.services.apigateway.description import ControlClient, Description
from harness.emulator.services.apigateway.errors import NotDeployable
from harness.emulator.services.apigateway.execution import execute
from harness.emulator.services.apigateway.ids import new_ids
from harness.emulator.services.apigateway.plan import StagePlan
from harness.emulator.services.apigateway.throttle import account_bucket
from harness.emulator.services.base import (
    AwsCalls,
    AwsError,
    AwsRequest,
    AwsResponse,
    CallContext,
    FunctionInvoker,
)
from harness.measure.meters import Meters

_MAX_ABSENT = 1_000
StageKey = tuple[str, str]


class ApiGatewayService:
    """The service. `control` answers API Gateway's control plane over REST-JSON; `clock` gives seconds since
    the epoch."""

    name = "apigateway"

    def __init__(
        self,
        *,
        meters: Meters,
        limits: Limits,
        calls: AwsCalls,
        invoker: FunctionInvoker,
        control: Callable[[AwsRequest], Awaitable[AwsResponse]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._meters = meters
        self._limits = limits
        self._calls = calls
        self._invoker = invoker
        self._control = ControlPlane(control, self)
        self._forward = control
        self._clock = clock
        self._account = account_bucket(limits, clock())
        self._plans: dict[StageKey, StagePlan] = {}
        self._deployments: dict[StageKey, Description] = {}
        self._absent: set[StageKey] = set()
        self._building: dict[StageKey, asyncio.Task[StagePlan | None]] = {}

    # -- data plane

    async def execute(self, api_id: str, stage: str, path: str, request: AwsRequest) -> AwsResponse:
        """Answer a request to a deployed API; `path` is raw and below the stage, beginning with a slash."""
        key = (api_id, stage)
        plan = self._plans.get(key)
        if plan is None:
            try:
                plan = await self._find(key, request)
            except NotDeployable as error:
                message = f"The stage cannot be executed: {error}"
                return self._refusal(request, 500, message, "InternalServerErrorException")
        if plan is None:
            return self._refusal(request, 403, "Forbidden", "ForbiddenException")
        return await execute(plan, self._account, path, request, self._clock())

    def _refusal(self, request: AwsRequest, status: int, message: str, error_type: str) -> AwsResponse:
        """The answer when there is no stage to answer."""
        ids = new_ids(self._clock(), request.context.request_id, None)
        headers = {
            "content-type": "application/json",
            "x-amzn-errortype": error_type,
            "x-amzn-requestid": ids.request,
            "x-amz-apigw-id": ids.extended,
        }
        return AwsResponse(status, orjson.dumps({"message": message}), headers)

    async def _find(self, key: StageKey, request: AwsRequest) -> StagePlan | None:
        """The plan of a stage that this process has not deployed: the control plane may know it."""
        if key in self._absent:
            return None
        task = self._building.get(key)
        if task is None:
            task = self._building[key] = asyncio.create_task(self._build(key, request))
            task.add_done_callback(lambda _: self._building.pop(key, None))
        return await asyncio.shield(task)

    async def _build(self, key: StageKey, request: AwsRequest) -> StagePlan | None:
        client = ControlClient(self._forward, request)
        api_id, stage_name = key
        try:
            stage = await client.stage(api_id, stage_name)
            description = self._deployments.get((api_id, str(stage.get("deploymentId"))))
            if description is None:
                description = await client.describe(api_id)
        except AwsError as error:
            if error.status != 404:
                raise NotDeployable(f"its control plane says {error}") from None
            if len(self._absent) >= _MAX_ABSENT:
                self._absent.clear()
            self._absent.add(key)
            return None
        return self._compile(description, stage, request.context)

    # -- control plane

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer a request of the control plane."""
        self._absent.clear()
        return await self._control.handle(request)

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:  # noqa: ARG002
        """API Gateway's control plane has no JSON protocol. Raises AwsError UnknownOperationException."""
        raise AwsError("UnknownOperationException", f"API Gateway has no operation {operation} in JSON.")

    def check(self, description: Description, stage: Mapping[str, Any], context: CallContext) -> None:
        """Raises NotDeployable when `description` cannot be executed."""
        compile_stage(description, stage, self._surroundings(context))

    def deployed(self, deployment_id: str, description: Description) -> None:
        """A deployment was made: what it deployed is `description`, whatever becomes of the API later."""
        self._deployments[str(description.api["id"]), deployment_id] = description

    async def stage_changed(
        self, api_id: str, stage: Mapping[str, Any], client: ControlClient, context: CallContext
    ) -> None:
        """A stage was made or changed. Raises NotDeployable or AwsError."""
        deployment_id = str(stage.get("deploymentId"))
        description = self._deployments.get((api_id, deployment_id))
        if description is None:
            description = await client.describe(api_id)
            self.deployed(deployment_id, description)
        self._compile(description, stage, context)

    def stage_deleted(self, api_id: str, stage: str) -> None:
        """A stage is gone."""
        self._plans.pop((api_id, stage), None)

    def deployment_deleted(self, api_id: str, deployment_id: str) -> None:
        """A deployment is gone."""
        self._deployments.pop((api_id, deployment_id), None)

    def api_deleted(self, api_id: str) -> None:
        """An API is gone, with its stages and deployments."""
        self._plans = {key: plan for key, plan in self._plans.items() if key[0] != api_id}
        self._deployments = {key: made for key, made in self._deployments.items() if key[0] != api_id}

    def flush_authorizers(self, api_id: str, stage: str) -> bool:
        """Forget what the stage's authorizers said. False when there is no such stage here."""
        plan = self._plans.get((api_id, stage))
        for authorizer in plan.authorizers if plan else ():
            authorizer.forget()
        return plan is not None

    def _compile(self, description: Description, stage: Mapping[str, Any], context: CallContext) -> StagePlan:
        plan = compile_stage(description, stage, self._surroundings(context))
        self._plans[plan.identity.api_id, plan.identity.stage] = plan
        return plan

    def _surroundings(self, context: CallContext) -> Surroundings:
        return Surroundings(self._calls, self._invoker, self._meters, self._clock, context.account_id)

    # -- life

    async def start(self) -> None:
        """Nothing waits in the background."""

    async def reset(self) -> None:
        """Forget every deployment."""
        self._plans.clear()
        self._deployments.clear()
        self._absent.clear()
        self._account = account_bucket(self._limits, self._clock())

    async def close(self) -> None:
        """Stop building plans."""
        for task in list(self._building.values()):
            task.cancel()
