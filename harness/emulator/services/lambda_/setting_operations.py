"""What is set beside a function: concurrency, permissions, asynchronous invocation, tags; and the account."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import CallContext
from harness.emulator.services.lambda_.errors import conflict, invalid, not_found
from harness.emulator.services.lambda_.functions import EventInvokeConfig, Function, Functions
from harness.emulator.services.lambda_.leases import Leases
from harness.emulator.services.lambda_.members import Members
from harness.emulator.services.lambda_.names import (
    is_function,
    is_queue,
    is_topic,
    only_latest,
    parse_function,
)
from harness.emulator.services.lambda_.operations import Body, Operation, page
from harness.emulator.services.lambda_.packages import MAX_UNZIPPED_BYTES, MAX_ZIPPED_BYTES

MINIMUM_UNRESERVED = 100
"""docs: Configuring reserved concurrency: 100 units of the account's stay unreserved (read 2026)."""
CODE_STORAGE_BYTES = 75 * 1024**3
"""docs: Lambda quotas, function and layer storage (read 2026). Not enforced."""


class SettingOperations:
    """Holds no state of its own."""

    def __init__(
        self, functions: Functions, leases: Leases, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._functions = functions
        self._leases = leases
        self._limits = limits
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        """By the API's names."""
        return {
            "PutFunctionConcurrency": self.put_concurrency,
            "GetFunctionConcurrency": self.get_concurrency,
            "DeleteFunctionConcurrency": self.delete_concurrency,
            "AddPermission": self.add_permission,
            "RemovePermission": self.remove_permission,
            "GetPolicy": self.get_policy,
            "PutFunctionEventInvokeConfig": self.put_event_invoke,
            "UpdateFunctionEventInvokeConfig": self.update_event_invoke,
            "GetFunctionEventInvokeConfig": self.get_event_invoke,
            "DeleteFunctionEventInvokeConfig": self.delete_event_invoke,
            "ListFunctionEventInvokeConfigs": self.list_event_invoke,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTags": self.list_tags,
            "GetAccountSettings": self.account_settings,
        }

    async def put_concurrency(self, members: Members, context: CallContext) -> Body:
        """PutFunctionConcurrency."""
        function = self._find(members, context)
        wanted = members.integer("ReservedConcurrentExecutions", 0, 2**31 - 1)
        if wanted is None:
            raise invalid("ReservedConcurrentExecutions must be given.")
        left = self._leases.unreserved + (function.reserved_concurrency or 0) - wanted
        if wanted and left < min(
            MINIMUM_UNRESERVED, self._limits.lambda_concurrent_executions / 10
        ):  # scaled limits
            raise invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{MINIMUM_UNRESERVED}]."
            )
        function.reserved_concurrency = wanted
        self._leases.reserve(function.arn, wanted)
        return {"ReservedConcurrentExecutions": wanted}

    async def get_concurrency(self, members: Members, context: CallContext) -> Body:
        """GetFunctionConcurrency: an empty answer when nothing is reserved."""
        reserved = self._find(members, context).reserved_concurrency
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    async def delete_concurrency(self, members: Members, context: CallContext) -> None:
        """DeleteFunctionConcurrency."""
        function = self._find(members, context)
        function.reserved_concurrency = None
        self._leases.reserve(function.arn, None)

    async def add_permission(self, members: Members, context: CallContext) -> Body:
        """AddPermission: kept and given back. The embedded AWS evaluates no policy."""
        function = self._find(members, context)
        sid = members.required_text("StatementId")
        if sid in function.policy:
            raise conflict(
                f"The statement id ({sid}) provided already exists. Please provide a new statement id, or "
                "remove the existing statement."
            )
        statement = _statement(function, sid, members)
        function.policy[sid] = statement
        return {"Statement": orjson.dumps(statement).decode()}

    async def remove_permission(self, members: Members, context: CallContext) -> None:
        """RemovePermission."""
        function = self._find(members, context)
        sid = members.required_text("StatementId")
        if function.policy.pop(sid, None) is None:
            raise not_found(f"Statement {sid} is not found in resource policy.")

    async def get_policy(self, members: Members, context: CallContext) -> Body:
        """GetPolicy."""
        function = self._find(members, context)
        if not function.policy:
            raise not_found("The resource you requested does not exist.")
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": list(function.policy.values())}
        return {"Policy": orjson.dumps(policy).decode(), "RevisionId": function.revision_id}

    async def put_event_invoke(self, members: Members, context: CallContext) -> Body:
        """PutFunctionEventInvokeConfig: what is not given is taken away."""
        return self._set_event_invoke(EventInvokeConfig(), members, context)

    async def update_event_invoke(self, members: Members, context: CallContext) -> Body:
        """UpdateFunctionEventInvokeConfig: what is not given stays."""
        before = self._find(members, context).event_invoke
        return self._set_event_invoke(before or EventInvokeConfig(), members, context)

    def _set_event_invoke(self, before: EventInvokeConfig, members: Members, context: CallContext) -> Body:
        function = self._find(members, context)
        retries = members.integer("MaximumRetryAttempts", 0, 2)
        age_s = members.integer("MaximumEventAgeInSeconds", 60, 21_600)
        success, failure = before.on_success, before.on_failure
        destinations = members.structure("DestinationConfig")
        if destinations is not None:
            success, failure = (
                _destination(destinations, "OnSuccess"),
                _destination(destinations, "OnFailure"),
            )
        function.event_invoke = EventInvokeConfig(
            before.maximum_retry_attempts if retries is None else retries,
            before.maximum_event_age_s if age_s is None else age_s,
            success,
            failure,
            self._clock(),
        )
        return _render_event_invoke(function, function.event_invoke)

    async def get_event_invoke(self, members: Members, context: CallContext) -> Body:
        """GetFunctionEventInvokeConfig."""
        function = self._find(members, context)
        if function.event_invoke is None:
            raise _no_event_invoke(function)
        return _render_event_invoke(function, function.event_invoke)

    async def delete_event_invoke(self, members: Members, context: CallContext) -> None:
        """DeleteFunctionEventInvokeConfig."""
        function = self._find(members, context)
        if function.event_invoke is None:
            raise _no_event_invoke(function)
        function.event_invoke = None

    async def list_event_invoke(self, members: Members, context: CallContext) -> Body:
        """ListFunctionEventInvokeConfigs: one at most, as there are no versions."""
        function = self._find(members, context)
        found = [_render_event_invoke(function, function.event_invoke)] if function.event_invoke else []
        return {"FunctionEventInvokeConfigs": list(page(found, members).items)}

    async def tag(self, members: Members, context: CallContext) -> None:
        """TagResource."""
        self._tagged(members, context).tags.update(members.text_map("Tags") or {})

    async def untag(self, members: Members, context: CallContext) -> None:
        """UntagResource."""
        tags = self._tagged(members, context).tags
        for key in members.texts("TagKeys") or []:
            tags.pop(key, None)

    async def list_tags(self, members: Members, context: CallContext) -> Body:
        """ListTags."""
        return {"Tags": dict(self._tagged(members, context).tags)}

    async def account_settings(self, _members: Members, _context: CallContext) -> Body:
        """GetAccountSettings. Without a limit on concurrency, the largest integer stands for it."""
        found = list(self._functions)
        total = self._limits.lambda_concurrent_executions
        return {
            "AccountLimit": {
                "TotalCodeSize": CODE_STORAGE_BYTES,
                "CodeSizeUnzipped": MAX_UNZIPPED_BYTES,
                "CodeSizeZipped": MAX_ZIPPED_BYTES,
                "ConcurrentExecutions": _whole(total),
                "UnreservedConcurrentExecutions": _whole(self._leases.unreserved),
            },
            "AccountUsage": {
                "TotalCodeSize": sum(each.package.size_bytes for each in found if each.package),
                "FunctionCount": len(found),
            },
        }

    def _find(self, members: Members, context: CallContext) -> Function:
        name = members.required_text("FunctionName")
        only_latest(parse_function(name, context), members.text("Qualifier"))
        return self._functions.get(name, context)

    def _tagged(self, members: Members, context: CallContext) -> Function:
        return self._functions.get(members.required_text("Resource"), context)


def _whole(limit: float) -> int:
    return 2**31 - 1 if limit == math.inf else int(limit)


def _statement(function: Function, sid: str, members: Members) -> dict[str, Any]:
    principal = members.required_text("Principal")
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": principal} if principal.endswith(".amazonaws.com") else {"AWS": principal},
        "Action": members.required_text("Action"),
        "Resource": function.arn,
    }
    if principal == "*":
        statement["Principal"] = "*"
    condition: dict[str, Any] = {}
    if source_arn := members.text("SourceArn"):
        condition["ArnLike"] = {"AWS:SourceArn": source_arn}
    if source_account := members.text("SourceAccount"):
        condition["StringEquals"] = {"AWS:SourceAccount": source_account}
    if condition:
        statement["Condition"] = condition
    return statement


def _destination(destinations: Members, name: str) -> str | None:
    structure = destinations.structure(name)
    arn = structure.text("Destination") if structure else None
    if arn and not (is_queue(arn) or is_topic(arn) or is_function(arn)):
        raise invalid(
            "The embedded Lambda offers standard SQS queues and SNS topics, and functions, as destinations, "
            f"not {arn}."
        )
    return arn or None


def _no_event_invoke(function: Function) -> Exception:
    return not_found(f"The function {function.arn}:$LATEST doesn't have an EventInvokeConfig")


def _render_event_invoke(function: Function, config: EventInvokeConfig) -> Body:
    body: Body = {
        "LastModified": config.last_modified_s,
        "FunctionArn": f"{function.arn}:$LATEST",
        "DestinationConfig": {
            name: {"Destination": arn} if arn else {}
            for name, arn in (("OnSuccess", config.on_success), ("OnFailure", config.on_failure))
        },
    }
    if config.maximum_retry_attempts is not None:
        body["MaximumRetryAttempts"] = config.maximum_retry_attempts
    if config.maximum_event_age_s is not None:
        body["MaximumEventAgeInSeconds"] = config.maximum_event_age_s
    return body
